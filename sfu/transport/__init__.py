"""How one browser reaches the node: ICE-lite, DTLS, and the addresses that are announced."""
