"""The packets kept for each participant: what is found, what was overwritten, whose it is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.plane import PlaneSettings
from sfu.plane.history import find_kept
from sfu.plane.layouts import KEPT_PACKETS, Role
from tests.sfu.plane.stage import CHROMIUM, FIREFOX, MS, SECOND, Browser, Rtp, Stage

OURS = 65_536 + 100
"""Our unwrapped number of the first packet of a stream."""


def two(stage: Stage) -> tuple[Browser, Browser]:
    chromium = stage.connect(0)
    return chromium, stage.connect(1, FIREFOX, partner=0)


def payload(number: int, length: int) -> bytes:
    return np.random.default_rng(number).bytes(length)


def kept(stage: Stage, slot: int, role: Role, number: int) -> bytes | None:
    """What can be found of a packet sent to ``slot``."""
    t = stage.tables
    place = find_kept(t, slot, role, number, stage.now_ns)
    if place < 0:
        return None
    size = int(t.state[0]["history_octets"])
    at = int(t.slots[slot]["arena"]) * size + int(t.kept[place]["position"]) % size
    return bytes(t.history[at : at + int(t.kept[place]["length"])])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 1100), min_size=1, max_size=40), st.integers(1200, 6000))
def test_the_newest_packets_that_fit_are_found_whole(lengths: list[int], octets: int) -> None:
    with Stage(PlaneSettings(max_participants=2, history_octets=octets)) as stage:
        chromium, _ = two(stage)
        packets = [Rtp(96, n, 0, 1001, payload(n, length)) for n, length in enumerate(lengths)]
        stage.send(chromium, *packets)
        left = octets
        is_found = True
        for index in range(len(lengths) - 1, -1, -1):
            found = kept(stage, 1, Role.VIDEO, OURS + index)
            left -= lengths[index]
            if left >= 1100:  # as much may be left unused at the end of the arena
                assert found == packets[index].payload
            if found is None:
                is_found = False
            else:
                assert is_found, "an older one is found only when the newer ones are"
                assert found == packets[index].payload
                assert left >= 0


def test_as_many_packets_are_kept_as_there_are_places() -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        for begin in range(0, KEPT_PACKETS + 50, 50):
            batch = range(begin, min(begin + 50, KEPT_PACKETS + 10))
            stage.send(chromium, *(Rtp(96, n, 0, 1001, payload(n, 20)) for n in batch), after_ns=0)
        found = [kept(stage, 1, Role.VIDEO, OURS + n) for n in range(KEPT_PACKETS + 10)]
        assert found[:10] == [None] * 10
        assert found[10:] == [payload(n, 20) for n in range(10, KEPT_PACKETS + 10)]


def test_a_packet_that_is_very_late_displaces_none() -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001))
        last = Rtp(96, 5 + KEPT_PACKETS, 0, 1001, b"newer")
        stage.send(chromium, last)
        stage.send(chromium, Rtp(97, 1, 0, 1002, b"\0\5late"))
        assert stage.plane.counts()["retransmissions_relayed"] == 1
        assert kept(stage, 1, Role.VIDEO, OURS + 4 + KEPT_PACKETS) == b"newer"


def test_padding_is_not_kept() -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001, b"some", padding=100))
        stage.send(chromium, Rtp(96, 2, 0, 1001, b"", padding=100))
        assert kept(stage, 1, Role.VIDEO, OURS) == b"some"
        assert kept(stage, 1, Role.VIDEO, OURS + 1) == b""


def test_time_ends_what_octets_do_not() -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001, b"some"))
        stage.turn(after_ns=SECOND)
        assert kept(stage, 1, Role.VIDEO, OURS) == b"some"
        stage.turn(after_ns=MS)
        assert kept(stage, 1, Role.VIDEO, OURS) is None


def test_audio_takes_no_history() -> None:
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, Rtp(111, 1, 0, 1000))
        stage.send(firefox, Rtp(109, 1, 0, 2000))
        assert list(stage.tables.slots["arena"][:2]) == [-1, -1]


def test_how_full_the_histories_are_is_told() -> None:
    with Stage(PlaneSettings(max_participants=4, history_octets=2500)) as stage:
        chromium, _ = two(stage)
        assert stage.plane.history_octets() == 0
        stage.send(chromium, Rtp(96, 1, 0, 1001, payload(1, 1000)))
        assert stage.plane.history_octets() == 1000
        stage.send(chromium, *(Rtp(96, n, 0, 1001, payload(n, 1000)) for n in range(2, 5)))
        assert stage.plane.history_octets() == 2500, "full, and no more"


def test_without_room_nothing_is_kept() -> None:
    with Stage(PlaneSettings(max_participants=2, history_octets=0)) as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001, b"some"), Rtp(96, 2, 0, 1001, b"", padding=8))
        assert len(firefox.rtp) == 2
        assert kept(stage, 1, Role.VIDEO, OURS) is None


def test_what_was_sent_to_someone_is_never_found_by_the_next() -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001, b"secret"))
        arena = int(stage.tables.slots[1]["arena"])
        stage.plane.close_participant(1)
        stage.turn()
        stage.connect(2, FIREFOX, partner=0)
        stage.send(chromium, Rtp(96, 40, 0, 1001, b"new"))
        assert stage.tables.slots[2]["arena"] == arena, "memory that was touched is used again"
        found = [kept(stage, 2, Role.VIDEO, OURS + n) for n in range(-5, 5)]
        assert [each for each in found if each] == [b"new"]


def test_other_streams_after_a_re_offer_begin_with_an_empty_history() -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001, b"old"))
        stage.plane.set_media(1, CHROMIUM)
        stage.turn()
        assert kept(stage, 1, Role.VIDEO, OURS) is None


def test_every_participant_can_have_a_history() -> None:
    with Stage(PlaneSettings(max_participants=4)) as stage:
        for first in (0, 2):
            one = stage.connect(first)
            other = stage.connect(first + 1, FIREFOX, partner=first)
            stage.send(one, Rtp(96, 1, 0, 1001, b"to"))
            stage.send(other, Rtp(120, 1, 0, 2001, b"back"))
        assert sorted(stage.tables.slots["arena"]) == [0, 1, 2, 3]
        for slot, expected in enumerate([b"back", b"to", b"back", b"to"]):
            assert kept(stage, slot, Role.VIDEO, OURS) == expected
