"""What a participant costs in memory, and when there is no figure."""

from dataclasses import replace

from benchmarks.memory import HISTORY_OCTETS, Footprint, per_participant_kb, result

ONE = Footprint(1, 100_000, 101_000, 102_000, 10, 10, 2 * HISTORY_OCTETS)
MANY = Footprint(81, 100_000, 140_000, 262_000, 810, 810, 162 * HISTORY_OCTETS)


def test_the_figure_is_what_each_further_participant_adds() -> None:
    assert per_participant_kb(ONE, MANY) == 1000
    found = result(ONE, MANY, "command")
    assert (found["measured"], found["holds"]) == ("0.98 MiB", True)
    assert not result(ONE, replace(MANY, loaded_kb=266_000), "command")["holds"]


def test_there_is_none_unless_every_history_is_full() -> None:
    for one, many in (
        (ONE, replace(MANY, history_octets=162 * HISTORY_OCTETS - 1)),
        (replace(ONE, history_octets=0), MANY),
    ):
        found = result(one, many, "command")
        assert not found["holds"]
        assert found["measured"] == "no figure"
        assert "not full" in found["reason"]
