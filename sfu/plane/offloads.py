"""What the kernel can do with runs of datagrams: asked once, by trying it."""

import socket
import struct
from contextlib import suppress
from functools import cache
from typing import Final

from sfu.native import SOL_UDP, UDP_GRO, UDP_SEGMENT

_PATIENCE_S: Final = 1.0
_SIZE: Final = 100


@cache
def sends_runs() -> bool:
    """Whether a message with ``UDP_SEGMENT`` arrives as the datagrams that it was cut into.

    Tried on the loopback interface. Other interfaces may still refuse: see ``outgoing``.
    """
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with suppress(OSError):
            return _arrives_cut(family, host)
    return False


def _arrives_cut(family: int, host: str) -> bool:
    with (
        socket.socket(family, socket.SOCK_DGRAM) as sender,
        socket.socket(family, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind((host, 0))
        receiver.settimeout(_PATIENCE_S)
        whole = bytes(range(250))
        control = [(SOL_UDP, UDP_SEGMENT, struct.pack("H", _SIZE))]
        sender.sendmsg([whole[:_SIZE], whole[_SIZE:]], control, 0, receiver.getsockname())
        came = [receiver.recv(1000)]
        while sum(map(len, came)) < len(whole):
            came.append(receiver.recv(1000))
        return came == [whole[at : at + _SIZE] for at in range(0, len(whole), _SIZE)]


def receive_runs(sock: socket.socket) -> bool:
    """Ask for runs of datagrams from one source as one message; whether the kernel will."""
    try:
        sock.setsockopt(SOL_UDP, UDP_GRO, 1)
    except OSError:
        return False
    return True
