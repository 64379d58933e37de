"""The conditions, one after the other on each call, several calls at once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any, Final

from benchmarks.calls.arrangement import Arrangement
from benchmarks.impairment.log import Records
from benchmarks.proof.calls import ProofCall
from benchmarks.proof.conditions import CONDITIONS, LEGS, NONE, Condition, Leg, Party
from benchmarks.proof.judgement import Case, verdict
from benchmarks.proof.testimony import by_browser, by_node, streams
from benchmarks.proof.truth import Path
from control.consultations.quality import PERIOD_S

SETTLE_S: Final = 10.0
"""A score's window of 5 s has to fill, and a score rises by 0.25 a second."""

WINDOW_S: Final = 30.0
PERIOD_WITHIN_S: Final = 4.0 * PERIOD_S  # until the last one of a window is told
ROUNDED_S: Final = 0.1  # what a window may lack of its length
LOOK_AGAIN_S: Final = 0.5
DIARY_BEYOND_S: Final = 0.5  # the looks next to the ends of the window

Plan = Sequence[tuple[Leg, Condition]]


class NothingMeasured(RuntimeError):
    """The node told of no whole window in time; the text says what it told."""


@dataclass(frozen=True)
class Step:
    """One condition on one call: from ``began_s`` on, measured over ``periods``."""

    call: ProofCall
    leg: Leg
    condition: Condition
    attempt: int
    began_s: float
    periods: Sequence[dict[str, Any]]
    noise: dict[str, Any]


def plans(conditions: Sequence[Condition] = CONDITIONS) -> list[Plan]:
    """All conditions on each leg, which has a call of its own: the verdict on that names it.

    Without an impairment all legs of a call are alike: once is enough.
    """
    return [
        [(leg, each) for each in conditions if each != NONE or number == 0]
        for number, leg in enumerate(LEGS)
    ]


def window(
    periods: Sequence[dict[str, Any]], from_s: float, length_s: float
) -> list[dict[str, Any]]:
    """The first that follow one another, begin after ``from_s``, are whole and so long; or none."""
    for first in range(len(periods)):
        found: list[dict[str, Any]] = []
        for each in periods[first:]:
            if each["at"] < from_s or not _is_whole(each):
                break
            found.append(each)
            if sum(each["duration_s"] for each in found) >= length_s - ROUNDED_S:
                return found
    return []


def _is_whole(period: dict[str, Any]) -> bool:
    """Of five seconds, and of both parties."""
    is_long = period["duration_s"] > PERIOD_S - 1.5  # a busy machine is late, or omits a second
    return is_long and all(leg.name in period["legs"] for leg in LEGS)


class Trial:
    """Runs plans on calls that are up and judges each case. ``tell`` hears of each."""

    def __init__(
        self,
        arrangement: Arrangement,
        calls: Sequence[ProofCall],
        tell: Callable[[Case], None],
        window_s: float = WINDOW_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        assert arrangement.proxy is not None
        self._proxy = arrangement.proxy
        self._calls = calls
        self._tell = tell
        self._window_s = window_s
        self._settle_s = settle_s
        self._attempts: dict[tuple[Leg, Condition], int] = {}

    def run(self, all_plans: Sequence[Plan]) -> list[Case]:
        """The cases of all plans, and those missed once more."""
        cases = self._run(all_plans)
        missed = [
            [(case.leg, case.condition) for case in of_call if not case.holds] for of_call in cases
        ]
        again = self._run(missed)
        return [case for of_call in (*cases, *again) for case in of_call]

    def _run(self, all_plans: Sequence[Plan]) -> list[list[Case]]:
        cases: list[list[Case]] = [[] for _ in all_plans]
        for number in range(max((len(plan) for plan in all_plans), default=0)):
            mark = self._proxy.mark()
            due = [
                (place, call, *plan[number])
                for place, (call, plan) in enumerate(zip(self._calls, all_plans, strict=True))
                if number < len(plan)
            ]
            began_s = time.time()
            for _, call, leg, condition in due:
                call.impair(leg, condition)
            busy = _Busy()
            time.sleep(self._settle_s + self._window_s)
            noise = {"machine_busy_pct": busy.pct()}
            for place, call, leg, condition in due:
                periods = self._measured(call, began_s + self._settle_s)
                attempt = self._attempts.get((leg, condition), 0) + 1
                self._attempts[leg, condition] = attempt
                step = Step(call, leg, condition, attempt, began_s, periods, noise)
                case = judge(step, self._proxy.records_since(mark))
                self._tell(case)
                cases[place].append(case)
        return cases

    def _measured(self, call: ProofCall, from_s: float) -> list[dict[str, Any]]:
        deadline_s = time.time() + PERIOD_WITHIN_S
        while True:
            told = call.quality()["periods"]
            found = window(told, from_s, self._window_s)
            if found:
                return found
            if time.time() > deadline_s:
                raise NothingMeasured(
                    f"{call.id} since {from_s:.1f}: {told[-round(self._window_s / PERIOD_S) :]}"
                )
            time.sleep(LOOK_AGAIN_S)


def judge(step: Step, records: Records) -> Case:
    """Hold what both witnesses say of a step against the log of the proxy."""
    from_s = step.periods[0]["at"] - DIARY_BEYOND_S
    until_s = step.periods[-1]["at"] + PERIOD_S + DIARY_BEYOND_S
    diaries = {
        party: [entry for entry in diary if entry["at"] <= until_s * 1000]
        for party, diary in step.call.diaries(from_s).items()
    }
    paths = {
        party: Path(records, member.host, member.port)
        for party, member in step.call.members.items()
    }
    audio = {party: streams(diaries[party]) for party in Party}
    return Case(
        step.condition,
        step.leg,
        step.attempt,
        {leg.name: by_node(step.periods, leg, paths[leg.party], audio[leg.party]) for leg in LEGS},
        {leg.name: by_browser(diaries[leg.party], leg, paths[leg.party]) for leg in LEGS},
        verdict(step.periods, step.condition, step.leg),
        step.noise,
    )


class _Busy:
    """How busy the machine is from now on, by all that runs on it."""

    def __init__(self) -> None:
        self._before = _ticks()

    def pct(self) -> float:
        idle, total = (now - then for now, then in zip(_ticks(), self._before, strict=True))
        return round(100 * (1 - idle / max(total, 1)), 1)


def _ticks() -> tuple[int, int]:
    """Of all cores: idle ones, and all (proc(5))."""
    fields = [int(each) for each in File("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)
