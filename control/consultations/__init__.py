"""The rules of a consultation. Pure: no sockets, no clock, no randomness, no tasks."""
