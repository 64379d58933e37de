"""A bad network on request: a UDP proxy that loses, delays, reorders and repeats.

``line`` decides (pure, ``now`` is an argument), ``log`` says what became of each packet, ``proxy``
has the sockets, ``__main__`` the command line.
"""
