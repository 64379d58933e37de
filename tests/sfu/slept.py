"""Prints by how many seconds the node's clocks are ahead of one that stands still in sleep.

``python -m tests.sfu.slept``, on a machine (a time namespace) that has slept since its start.
"""

import select
import socket
import time

from sfu.clock import steady_time
from sfu.plane import Plane, PlaneSettings, StunReceived
from tests.sfu.plane.stage import ufrag_of
from tests.sfu.plane.test_loop import stun

PATIENCE_S = 20.0


def _told_by_plane() -> float:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
    ):
        bound.bind(("127.0.0.1", 0))
        plane = Plane(bound, PlaneSettings(max_participants=1))
        plane.start()
        try:
            plane.open_participant(0, ufrag_of(0) + "aaaa")
            peer.sendto(stun(f"{ufrag_of(0)}aaaa:peer".encode()), bound.getsockname())
            assert select.select([plane], [], [], PATIENCE_S)[0]
            [event] = plane.read_events()
            assert isinstance(event, StunReceived)
            return event.at_ns / 1e9
        finally:
            plane.stop()


if __name__ == "__main__":
    print(round(_told_by_plane() - time.monotonic()), round(steady_time() - time.monotonic()))
