"""What feedback tells of packets that were sent with a number."""

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.plane.rtcp import Integers, Octets
from sfu.plane.tally import (
    IS_AUDIO,
    SENT,
    TOLD,
    TOLD_FIELDS,
    TOLD_LOST,
    TOLD_OCTETS,
    note_sent,
    tally_feedback,
)
from sfu.plane.unwrapping import unwrap_near
from tests.sfu.plane import twcc
from tests.sfu.plane.test_feedback import START_NS, TICK, Receiver


class Tally:
    """Packets sent with a number, and what feedback tells of them."""

    def __init__(self) -> None:
        self.sizes: npt.NDArray[np.uint16] = np.full(SENT, 7, np.uint16)
        self.told: Integers = np.zeros(TOLD_FIELDS, np.int64)
        self.last = 0

    def send(self, number: int, size: int) -> None:
        note_sent(self.sizes, self.last, number, size)
        self.last = max(self.last, number)

    def hear(self, base: int, deltas: tuple[int | None, ...], first: int = 0) -> bool:
        packet = twcc.make(twcc.Feedback(1, 2, base & 0xFFFF, 5, 0, deltas))
        data: Octets = np.frombuffer(packet, np.uint8).copy()
        return tally_feedback(data, 0, base, first, self.last, self.sizes, self.told)

    @property
    def figures(self) -> list[int]:
        return [int(each) for each in self.told]


def test_what_was_told_counts_by_kind_and_octets() -> None:
    tally = Tally()
    for number, size in enumerate((1000, 100 | IS_AUDIO, 1200, 90 | IS_AUDIO)):
        tally.send(65_600 + number, size)
    assert tally.hear(65_600, (4, None, None, 300))
    assert tally.figures == [4, 2, 1090, 2, 1]


def test_a_number_that_was_never_sent_is_no_loss_and_cannot_have_come() -> None:
    tally = Tally()
    tally.send(65_600, 500)
    tally.send(65_603, 500)  # the two between were lost before they came to us
    assert tally.hear(65_600, (4, None, None, 4))
    assert tally.figures == [2, 0, 1000, 0, 0]
    assert not tally.hear(65_600, (4, None, 4, 4))


def test_each_number_counts_once_and_only_if_it_is_remembered() -> None:
    tally = Tally()
    for number in range(65_537, 65_537 + SENT + 100):
        tally.send(number, 10)
    assert tally.hear(65_537, tuple([4] * 50))
    assert tally.figures == [0, 0, 0, 0, 0], "forgotten"
    last = tally.last
    assert tally.hear(last - 9, tuple([4] * 10), first=last - 4)
    assert tally.figures == [5, 0, 50, 0, 0]
    assert tally.hear(last - 3, tuple([4] * 10), first=last)
    assert tally.figures == [6, 0, 60, 0, 0], "nothing beyond the last"


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([None, 0, 4, 255, 256, -3]), min_size=1, max_size=200),
    st.integers(0, 40),
)
def test_any_form_of_chunks_counts_alike(deltas: list[int | None], skipped: int) -> None:
    tally = Tally()
    for number in range(65_600, 65_600 + len(deltas)):
        tally.send(number, 2 + number % 50)
    receiver = Receiver()
    at_ns = START_NS
    for index, delta in enumerate(deltas):
        if delta is not None:
            at_ns += abs(delta) * TICK
            receiver.note(65_600 + index, at_ns)
    if all(delta is None for delta in deltas):
        return
    first = 65_600 + skipped
    for packet in receiver.build_packets():
        data: Octets = np.frombuffer(packet, np.uint8).copy()
        base = unwrap_near(tally.last, twcc.parse(packet).base)
        arguments = (base, first, tally.last, tally.sizes, tally.told)
        assert tally_feedback(data, 0, *arguments)
    came = [65_600 + at for at, delta in enumerate(deltas) if delta is not None]
    from_first = [number for number in came if number >= first]
    covered = range(max(first, came[0]), came[-1] + 1)
    assert tally.figures[TOLD] == len(covered)
    assert tally.figures[TOLD_LOST] == len(covered) - len(from_first)
    assert tally.figures[TOLD_OCTETS] == sum(2 + each % 50 for each in from_first)
