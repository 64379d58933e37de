import hashlib
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.plane import arrivals, feedback, tally, translation, unwrapping
from sfu.plane.rtcp import Integers, Octets, payload_end, step
from tests.sfu.plane import twcc

TICK = 250_000
START_NS = 1_800_000_000 * 1_000_000_000


class Receiver:
    """The arrivals of one browser's packets, and the feedback made about them."""

    def __init__(self) -> None:
        self.ring: Integers = np.zeros(arrivals.ARRIVALS, np.int64)
        self.state: Integers = np.zeros(arrivals.ARRIVAL_FIELDS, np.int64)
        self.deltas: Integers = np.zeros(feedback.MAX_DELTAS, np.int64)

    def note(self, number: int, at_ns: int) -> int:
        return arrivals.note_arrival(self.ring, self.state, number & 0xFFFF, at_ns)

    def build(self, room: int = 1500) -> bytes | None:
        out: Octets = np.full(room, 0xEE, np.uint8)
        length = feedback.build_feedback(self.ring, self.state, 11, 22, self.deltas, out, 0)
        assert not np.any(out[max(length, 0) :] != 0xEE)
        return bytes(out[:length]) if length > 0 else None

    def build_packets(self) -> list[bytes]:
        return list(iter(self.build, None))

    def build_all(self) -> list[twcc.Feedback]:
        packets = []
        while data := self.build():
            assert len(data) <= feedback.MAX_LENGTH
            packets.append(twcc.parse(data))
        return packets


def translate(
    data: bytes,
    shift: int = 0,
    first: int = 0,
    last: int = (1 << 30) + 20_000,
    room: int = 1500,
    withheld: tuple[int, ...] = (),
) -> tuple[bytes, int]:
    """The translated packet and the last number it tells about (-1: none)."""
    source: Octets = np.frombuffer(data, np.uint8).copy()
    out: Octets = np.full(room, 0xEE, np.uint8)
    acknowledged: Integers = np.full(1, -1, np.int64)
    deltas: Integers = np.zeros(feedback.MAX_DELTAS, np.int64)
    sizes: npt.NDArray[np.uint16] = np.full(tally.SENT, 7, np.uint16)
    for number in withheld:
        sizes[number % tally.SENT] = tally.WITHHELD
    newest = max(withheld, default=0)
    end = payload_end(source, 0, len(source)) if step(source, 0, len(source)) > 0 else len(source)
    length = translation.translate_feedback(
        source, 0, end, shift, first, last, 7, 8, sizes, newest, deltas, out, 0, acknowledged
    )
    assert length >= 0
    assert not np.any(out[length:] != 0xEE)
    return bytes(out[:length]), int(acknowledged[0])


def test_feedback_tells_true_arrivals_within_a_tick() -> None:
    receiver = Receiver()
    times = {100: 0, 101: 3_100_000, 103: 90_000_000, 104: 89_000_000}
    for number, after in times.items():
        receiver.note(number, START_NS + after)
    (packet,) = receiver.build_all()
    assert (packet.sender, packet.media, packet.base, packet.count) == (11, 22, 100, 0)
    assert packet.reference == START_NS // 64_000_000 & 0xFFFFFF
    assert len(packet.deltas) == 5
    told = packet.arrivals()
    assert set(told) == set(times)
    offset = START_NS // 64_000_000 - packet.reference
    for number, after in times.items():
        error = START_NS + after - (told[number] + offset * 256) * TICK
        assert 0 <= error < TICK


def test_losses_between_two_feedbacks_are_told_by_the_second() -> None:
    receiver = Receiver()
    receiver.note(1, START_NS)
    assert receiver.build_all()[0].deltas == (START_NS // TICK % 256,)
    receiver.note(4, START_NS + TICK)
    (packet,) = receiver.build_all()
    assert packet.base == 2
    assert packet.deltas[:2] == (None, None)
    assert receiver.build() is None


def test_a_number_reported_lost_is_reported_again_when_it_comes_late() -> None:
    receiver = Receiver()
    for number in (10, 12):
        receiver.note(number, START_NS)
    receiver.build_all()
    assert receiver.note(11, START_NS + 5 * TICK) == unwrapping.UNWRAPPED_FROM + 11
    (packet,) = receiver.build_all()
    assert packet.base == 11
    assert packet.deltas[1] == -5


def test_the_first_arrival_of_a_repeated_number_counts() -> None:
    receiver = Receiver()
    receiver.note(10, START_NS)
    assert receiver.note(10, START_NS + TICK) == -1
    assert receiver.build_all()[0].arrivals() == {10: START_NS // TICK % (1 << 32)}


def test_numbers_wrap() -> None:
    receiver = Receiver()
    for number in range(65530, 65546):
        receiver.note(number, START_NS)
    (packet,) = receiver.build_all()
    assert packet.base == 65530
    assert len(packet.deltas) == 16


def test_numbers_older_than_the_ring_are_refused_and_the_ring_forgets_them() -> None:
    receiver = Receiver()
    receiver.note(0, START_NS)
    receiver.note(arrivals.ARRIVALS + 5, START_NS)
    assert receiver.note(5, START_NS) == -1
    assert receiver.note(6, START_NS) > 0
    (packet,) = receiver.build_all()
    assert packet.base == 6
    assert sum(delta is not None for delta in packet.deltas) == 2


def test_arrivals_more_than_eight_seconds_apart_are_told_in_two_packets() -> None:
    receiver = Receiver()
    receiver.note(1, START_NS)
    receiver.note(2, START_NS + 9_000_000_000)
    first, second = receiver.build_all()
    assert (first.base, second.base) == (1, 2)
    assert second.reference - first.reference == 9_000 // 64


@pytest.mark.parametrize(
    ("ticks", "packets"), [(0x7FFF, 1), (0x8000, 2), (-0x8000, 1), (-0x8001, 2)]
)
def test_the_longest_delta_that_fits(ticks: int, packets: int) -> None:
    receiver = Receiver()
    aligned = START_NS // 64_000_000 * 64_000_000
    receiver.note(1, aligned)
    receiver.note(2, aligned + ticks * TICK)
    told = receiver.build_all()
    assert len(told) == packets
    if packets == 1:
        assert told[0].deltas == (0, ticks)


def test_what_someone_else_tells_is_not_told_here() -> None:
    receiver = Receiver()
    for number in range(10, 20):
        receiver.note(number, START_NS)
    arrivals.report_from(receiver.state, unwrapping.UNWRAPPED_FROM + 15)
    assert receiver.build_all()[0].base == 15
    receiver.note(9, START_NS)  # late, and not ours
    assert receiver.build() is None


def test_without_room_nothing_is_written_and_nothing_is_forgotten() -> None:
    receiver = Receiver()
    receiver.note(1, START_NS)
    assert receiver.build(room=20) is None
    assert receiver.build(room=24) is not None


@settings(max_examples=150, deadline=None)
@given(
    start=st.integers(0, 65535),
    events=st.lists(
        st.tuples(
            st.sampled_from([1, 1, 1, 1, 2, 3, 40, 900]),
            st.sampled_from(
                [0, 20_000, 250_000, 2_000_000, 70_000_000, 200_000_000, 10**10, -(10**6)]
            ),
            st.integers(1, 60),
        ),
        min_size=1,
        max_size=60,
    ),
    room=st.sampled_from([60, 300, 1500]),
)
def test_any_arrivals_are_told_once_and_truly(
    start: int, events: list[tuple[int, int, int]], room: int
) -> None:
    receiver = Receiver()
    number, at_ns = start, START_NS
    true = {}
    for skip, gap_ns, repeat in events:
        for _ in range(repeat):
            number += skip
            at_ns += gap_ns
            receiver.note(number, at_ns)
            true[number] = at_ns
    true = {known: when for known, when in true.items() if known > number - arrivals.ARRIVALS}
    told: dict[int, int] = {}
    expected_base = None
    while data := receiver.build(room=room):
        packet = twcc.parse(data)
        base = number - ((number - packet.base) & 0xFFFF)
        assert expected_base in (None, base)
        expected_base = base + len(packet.deltas)
        for seen, ticks in packet.arrivals().items():
            assert base + seen - packet.base not in told
            told[base + seen - packet.base] = ticks
    assert expected_base == number + 1
    assert set(told) == set(true)
    for seen, ticks in told.items():
        assert (true[seen] // TICK - ticks) % (1 << 32) == 0


def test_translation_within_the_epoch_is_a_subtraction() -> None:
    feedback_in = twcc.Feedback(1, 2, 1000, 0xFFFFFF, 3, (5, None, 300, -7))
    data, last = translate(twcc.make(feedback_in), shift=1001, first=65536, last=65536 + 1003)
    assert twcc.parse(data) == twcc.Feedback(7, 8, 65535, 0xFFFFFF, 3, feedback_in.deltas)
    assert last == 65536 + 1003


def test_translation_is_clipped_to_the_epoch() -> None:
    feedback_in = twcc.Feedback(1, 2, 1000, 50, 3, (5, None, 300, 7, 9))
    data, last = translate(twcc.make(feedback_in), shift=0, first=1001, last=1003)
    packet = twcc.parse(data)
    assert (packet.base, packet.reference, packet.deltas) == (1001, 51, (None, 305 - 256, 7))
    assert last == 1003


@pytest.mark.parametrize(
    ("told", "withheld", "expected"),
    [
        ((5, None, 300, -7), (1001,), (5, 300, 0, -7)),
        ((5, None, None, None), (1002, 1003), (5, None, 0, 0)),
        ((None, None, 5, 9), (1000, 1001), (5, 0, 0, 9)),
        ((None, None, None), (1001,), (None, 0, None)),
        ((5, None, 300, None), (999,), (5, None, 300, None)),  # none of these
    ],
)
def test_what_was_not_sent_on_counts_as_received_with_the_next(
    told: tuple[int | None, ...], withheld: tuple[int, ...], expected: tuple[int | None, ...]
) -> None:
    feedback_in = twcc.Feedback(1, 2, 1000, 50, 3, told)
    data, last = translate(twcc.make(feedback_in), last=1000 + len(told), withheld=withheld)
    assert twcc.parse(data).deltas == expected
    assert last == 999 + len(told)


def test_feedback_about_another_epoch_alone_is_dropped() -> None:
    data = twcc.make(twcc.Feedback(1, 2, 1000, 50, 3, (5, 6)))
    assert translate(data, first=1002, last=1100) == (b"", -1)
    assert translate(data, first=900, last=999) == (b"", -1)
    assert translate(data, first=1000, last=999) == (b"", -1)


def test_feedback_about_an_absurd_range_is_clipped_or_dropped() -> None:
    """65 535 lost packets in two octets a run: no work, no length and no trust beyond the epoch."""
    data = struct.pack("!BBHIIHHI", 0x8F, 205, 9, 1, 2, 0, 0xFFFF, 0) + struct.pack(
        "!10H", *[0x1FFF] * 9, 0
    )
    packet, last = translate(data, first=65536 + 100, last=65536 + 200)
    assert twcc.parse(packet).deltas == (None,) * 101
    assert last == 65536 + 200
    assert translate(data, first=60_000, last=65_536 + 6_000) == (b"", -1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x8f\xcd\x00\x00",
        struct.pack("!BBHIIHHI", 0x8F, 205, 4, 1, 2, 1, 1, 0),  # no chunk
        struct.pack("!BBHIIHHIHH", 0x8F, 205, 5, 1, 2, 1, 0, 0, 0x2001, 0),  # about nothing
        struct.pack("!BBHIIHHIHH", 0x8F, 205, 5, 1, 2, 1, 9, 0, 0x2009, 0),  # too few deltas
        struct.pack("!BBHIIHHIHHI", 0x8F, 205, 6, 1, 2, 1, 1, 0, 0x6001, 0, 0),  # reserved run
        struct.pack("!BBHIIHHIHHI", 0x8F, 205, 6, 1, 2, 1, 1, 0, 0xF000, 0, 0),  # reserved symbol
        struct.pack("!BBHIIHHIHH", 0x8F, 206, 5, 1, 2, 1, 1, 0, 0x2001, 0),  # another type
        struct.pack("!BBHIIHHIHH", 0x81, 205, 5, 1, 2, 1, 1, 0, 0x2001, 0),  # a NACK
    ],
)
def test_malformed_feedback_is_dropped(data: bytes) -> None:
    assert translate(data) == (b"", -1)


deltas = st.lists(
    st.one_of(st.none(), st.integers(0, 255), st.integers(-0x8000, 0x7FFF)),
    min_size=1,
    max_size=120,
)


@settings(max_examples=200, deadline=None)
@given(
    base=st.integers(0, 65535),
    reference=st.integers(0, 0xFFFFFF),
    told=deltas,
    cut_front=st.integers(0, 130),
    cut_back=st.integers(0, 130),
    shift=st.integers(-70_000, 70_000),
)
def test_translation_keeps_the_arrivals_of_the_epoch(
    base: int,
    reference: int,
    told: list[int | None],
    cut_front: int,
    cut_back: int,
    shift: int,
) -> None:
    feedback_in = twcc.Feedback(1, 2, base, reference, 3, tuple(told))
    unwrapped = base + 65536
    first = unwrapped + cut_front
    last = unwrapped + len(told) - 1 - cut_back
    data, acknowledged = translate(twcc.make(feedback_in), shift, first, last, room=2000)
    if first > last:
        assert (data, acknowledged) == (b"", -1)
        return
    packet = twcc.parse(data)
    assert acknowledged == last
    assert packet.base == (first - shift) & 0xFFFF
    assert len(packet.deltas) == last - first + 1
    expected = {
        number - base - cut_front: ticks
        for number, ticks in feedback_in.arrivals().items()
        if first <= number + 65536 <= last
    }
    told_now = {number - packet.base: ticks for number, ticks in packet.arrivals().items()}
    assert told_now.keys() == expected.keys()
    for number, ticks in expected.items():
        assert (told_now[number] - ticks) % (1 << 32) == 0


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 70_000), st.integers(0, 70_000))
def test_no_bytes_hurt(tail: bytes, first: int, span: int) -> None:
    words = (len(tail) + 3) // 4
    body = tail + bytes(-len(tail) % 4)
    data = struct.pack("!BBH", 0x8F, 205, words) + body
    translated, _ = translate(data, 3, first, first + span)
    if translated:
        twcc.parse(translated)  # whatever we pass on is well formed


def digest() -> str:
    """A digest of what the functions do with many inputs, to compare two ways of running them."""
    chosen = random.Random(5)
    seen = hashlib.sha256()
    receiver = Receiver()
    number, at_ns = 65_000, START_NS
    for _ in range(1500):
        number += chosen.choice([1, 1, 1, 2, 30, 5000, -3])
        at_ns += chosen.choice([0, 30_000, 1_000_000, 90_000_000, 9 * 10**9])
        receiver.note(number, at_ns)
        if chosen.random() < 0.1:
            built = receiver.build(chosen.choice([22, 40, 1500])) or b""
            seen.update(built + receiver.state.tobytes())
            if built:
                broken = bytearray(built)
                for _ in range(chosen.randrange(3)):
                    broken[chosen.randrange(20 if len(built) > 20 else 1, len(built))] = (
                        chosen.randrange(256)
                    )
                first = number + 65536 - chosen.randrange(80)
                translated, last = translate(
                    bytes(broken),
                    chosen.randrange(-9, 70_000),
                    first,
                    first + 60,
                    1500,
                    (first + 3,),
                )
                seen.update(translated + str(last).encode())
    return seen.hexdigest()


def test_interpreted_and_compiled_agree() -> None:
    root = Path(__file__).resolve().parents[3]
    interpreted = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import digest; print(digest())"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    assert interpreted.stdout.strip() == digest()
