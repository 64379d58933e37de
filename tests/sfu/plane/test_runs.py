"""Which packets leave together, and that none is lost or overtaken."""

from itertools import chain, groupby, pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.plane.layouts import MAX_SEGMENTS, QUEUE, QUEUED
from sfu.plane.runs import MAX_RUN, plan_runs

SLOTS = 4
Packet = tuple[int, int, int]
"""Slot, index of its address, length."""

packets = st.lists(
    st.tuples(
        st.integers(0, SLOTS - 1),
        st.sampled_from([0, 0, 0, 1]),
        st.sampled_from([100, 1000, 1001, 1001, 1499, 2112]),
    ),
    max_size=QUEUE,
)


def plan(batch: list[Packet], longest: int = MAX_SEGMENTS) -> list[list[int]]:
    """The runs of a batch, as the places of their packets."""
    queue = np.zeros(QUEUE, QUEUED)
    for index, (slot, remote, length) in enumerate(batch):
        queue[index]["slot"] = slot
        queue[index]["remote"] = remote
        queue[index]["length"] = length
    chains = np.full(SLOTS, -1, np.int64)
    order = np.zeros(QUEUE, np.int64)
    ends = np.zeros(QUEUE, np.int64)
    count = plan_runs(queue, len(batch), chains, order, ends, longest)
    assert (chains == -1).all(), "the next plan begins anew"
    bounds = [0, *ends[:count].tolist()]
    assert bounds[-1] == len(batch)
    return [order[begin:end].tolist() for begin, end in pairwise(bounds)]


@settings(deadline=None)
@given(packets, st.sampled_from([1, 2, MAX_SEGMENTS]))
def test_every_packet_goes_once_in_its_order_in_runs_that_the_kernel_takes(
    batch: list[Packet], longest: int
) -> None:
    runs = plan(batch, longest)
    assert sorted(chain(*runs)) == list(range(len(batch)))
    for slot in range(SLOTS):
        places = [each for run in runs for each in run if batch[each][0] == slot]
        assert places == sorted(places)
    for run in runs:
        lengths = [batch[each][2] for each in run]
        assert len({batch[each][:2] for each in run}) == 1, "one destination"
        assert 1 <= len(run) <= longest
        assert len(set(lengths[:-1])) <= 1
        assert lengths[-1] <= lengths[0]
        assert len(run) == 1 or sum(lengths) <= MAX_RUN


@settings(deadline=None)
@given(packets)
def test_no_run_could_take_the_packet_that_follows_it(batch: list[Packet]) -> None:
    for (slot, remote), runs in groupby(plan(batch), lambda run: batch[run[0]][:2]):
        chosen = list(runs)
        for run, after in pairwise(chosen):
            first, last = batch[run[0]][2], batch[run[-1]][2]
            following = batch[after[0]][2]
            total = sum(batch[each][2] for each in run) + following
            is_full = len(run) == MAX_SEGMENTS or total > MAX_RUN
            assert is_full or last < first or following > first, (slot, remote, run, after)


def test_a_frame_and_sound_in_between_keep_their_order() -> None:
    video, sound = (0, 0, 1000), (0, 0, 120)
    assert plan([video, video, sound, video, video]) == [[0, 1, 2], [3, 4]]
    assert plan([(0, 0, 999), video, video]) == [[0], [1, 2]]


def test_rooms_that_take_turns_get_a_run_each() -> None:
    batch = [(each % 3, 0, 1000) for each in range(9)]
    assert plan(batch) == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
