"""The datagram entry of the plane under arbitrary input; ``python -m tests.fuzz`` runs it."""
