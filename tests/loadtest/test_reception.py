"""A packet counts once, however often it comes."""

import numpy as np
import pytest

from loadtest import table
from loadtest.arrival_profile import Integers
from loadtest.packets import Octets, find_stamp, write_packet
from loadtest.reception import came_before
from loadtest.session_description import OPUS, RTX, VP8

STAMPED_NS = 1_800_000_000_000_000_000


def original(sequence: int) -> Octets:
    data: Octets = np.zeros(1300, np.uint8)
    write_packet(
        data, 300, True, True, False, False, False, sequence, 0, 1, 2, 3, 0, STAMPED_NS + sequence
    )
    return data


def retransmission(sequence: int) -> Octets:
    """As a node makes it: RFC 4588 section 4."""
    data = original(sequence)
    payload = 16 + 4 * int(data[15])
    number = np.array([sequence >> 8, sequence & 0xFF], np.uint8)
    again: Octets = np.concatenate([data[:payload], number, data[payload:]])
    again[1:4] = RTX, 9, 9  # numbers of its own
    return again


@pytest.fixture
def seen() -> Integers:
    made: Integers = np.zeros((1, table.SEEN), np.int64)
    return made


def came(seen: Integers, kind: int, data: Octets, sequence: int) -> bool:
    stamp = find_stamp(data, 0, 302)
    rows: Integers = np.zeros((1, table.FIELDS), np.int64)
    return came_before(rows, 0, seen, kind, data, 0, stamp, STAMPED_NS + sequence)


@pytest.mark.parametrize("late", [False, True])
def test_an_original_and_its_retransmission_are_one(seen: Integers, late: bool) -> None:
    both = [(VP8, original(700)), (RTX, retransmission(700))]
    first, second = reversed(both) if late else both
    assert came(seen, first[0], first[1], 700) is False
    assert came(seen, second[0], second[1], 700) is True


def test_others_at_the_same_place_are_not(seen: Integers) -> None:
    for sequence in (3, 3 + table.SEEN, 4):
        assert came(seen, VP8, original(sequence), sequence) is False


def test_audio_is_never_sent_again(seen: Integers) -> None:
    data = original(3)
    assert came(seen, OPUS, data, 3) is False
    assert came(seen, OPUS, data, 3) is False
