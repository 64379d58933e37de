"""What RTP is made of: constants, and the description of one connection's media."""
