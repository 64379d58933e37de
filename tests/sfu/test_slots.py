"""Slots and the username fragments that name them."""

import random

import pytest

from sfu.slots import Slots


def test_a_fragment_names_slot_and_generation() -> None:
    slots, source = Slots(512), random.Random(1)
    for _ in range(100):
        taken = slots.take()
        assert taken is not None
        ufrag = taken.ufrag(source)
        assert len(ufrag) == 8
        assert int(ufrag[:2], 36) == taken.number
        assert int(ufrag[2:4], 36) == taken.generation == 0


def test_two_fragments_of_a_slot_differ() -> None:
    slot = Slots(1).take()
    source = random.Random(1)
    assert slot is not None
    assert slot.ufrag(source) != slot.ufrag(source)


def test_a_slot_comes_back_under_another_name_until_the_generations_wrap() -> None:
    slots, source, names = Slots(1), random.Random(1), []
    for _ in range(36**2 + 1):
        slot = slots.take()
        assert slot is not None
        names.append(slot.ufrag(source)[:4])
        slots.release(slot.number)
    assert len(set(names[:-1])) == 36**2
    assert names[-1] == names[0]


def test_the_slot_free_for_longest_is_taken_first() -> None:
    slots = Slots(3)
    first = slots.take()
    assert first is not None
    slots.release(first.number)
    taken = [slots.take() for _ in range(3)]
    assert [each.number for each in taken if each] == [1, 2, 0]
    assert slots.take() is None
    assert slots.free == 0


@pytest.mark.parametrize("count", [0, -1, 36**2 + 1])
def test_more_slots_than_names_are_our_own_mistake(count: int) -> None:
    with pytest.raises(ValueError, match="slots"):
        Slots(count)
