"""Virtual participants that see a media node from outside: real ICE, DTLS and SRTP."""
