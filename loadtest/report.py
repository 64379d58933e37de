"""What a load test found, as one JSON document: measures, timeline, and whether to trust them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

from loadtest import table
from loadtest.bottleneck import find_bottlenecks
from loadtest.expectation import BadExpectation, Expectation
from loadtest.media import Media
from loadtest.percentiles import SHARES, of_histogram, of_values
from loadtest.record import Record, losses_pct
from loadtest.scenario import Scenario

FORMAT = 1
MAX_SETUPS = 400  # of which the report keeps each phase
PHASES = ("request", "accept", "api", "ice", "dtls", "first_packet", "first_keyframe")
_FIGURES = dict.fromkeys((*SHARES, "max"), 0.0)
_MEAN_AND_MOST = {"mean": 0.0, "max": 0.0}
MEASURES: Mapping[str, Any] = {
    "loss_pct": 0.0,
    "recovered_pct": 0.0,
    "failed": 0,
    "failed_pct": 0.0,
    "calls": dict.fromkeys(
        ("started", "set_up", "ended", "most_at_once", "packets_sent", "packets_received"), 0
    ),
    "latency_ms": _FIGURES,
    "jitter_ms": _FIGURES,
    "setup_ms": _FIGURES,
    "phase_ms": dict.fromkeys(PHASES, _FIGURES),
    "api_ms": _FIGURES | {"by_operation": {}},
    "drops": dict.fromkeys(("verdicts", "right", "wrong"), 0)
    | {"ended_error_ms": _FIGURES, "back_error_ms": _FIGURES},
    "rejoin_ms": _FIGURES,
    "ramp": {"capacity": 0},
    "attacks": {},
    "server": {"cpu_pct": _MEAN_AND_MOST, "memory_mib": _MEAN_AND_MOST},
    "generator": {
        "cpu_pct": _MEAN_AND_MOST,
        "late_ms": _FIGURES,
        "lag_ms": _FIGURES,
        "overflow": 0,
        "unsent": 0,
        "faults": 0,
    },
}
"""All that can be measured, as it lies in a report; what a run names itself (operations of the API,
attacks) is left empty.
"""
_NAMED_BY_THE_RUN = ("api_ms.by_operation.", "attacks.")

Report = dict[str, Any]


class BadReport(Exception):
    """The file is no report of a load test; the text says why."""


def make_report(
    scenario: Scenario,
    url: str,
    record: Record,
    media: Media,
    latencies_ms: dict[str, list[float]],
    expectations: Sequence[Expectation],
) -> Report:
    """Everything that a load test found."""
    measures = _measures(record, media, latencies_ms)
    invalid = _invalid_because(record, measures["generator"])
    checked = []
    for each in expectations:
        value = each.value(measures)
        fails = value is None or each.is_met(measures)
        checked.append({"fail_on": each.text, "value": value, "failed": fails})
    begun = record.begun
    return {
        "format": FORMAT,
        "scenario": asdict(scenario),
        "url": url,
        "begun_at": datetime.fromtimestamp(record.begun_wall, UTC).isoformat(timespec="seconds"),
        "seconds": round(record.ticks[-1].t, 1) if record.ticks else 0.0,
        "stopped": record.stopped,
        "valid": not invalid,
        "invalid_because": invalid,
        "expectations": checked,
        "measures": measures,
        "failures": [
            {"stage": stage, "reason": reason, "count": count}
            for (stage, reason), count in record.failures.most_common(30)
        ],
        "verdicts": [asdict(each) | {"right": each.is_right} for each in record.verdicts],
        "steps": [asdict(each) for each in record.steps],
        "setups": [
            {name: round(value, 1) for name, value in asdict(each).items() if name != "begun_s"}
            | {"begun_s": round(each.begun_s - begun, 2)}
            for each in record.setups[:MAX_SETUPS]
        ],
        "timeline": [
            asdict(each) | {"loss_pct": loss_pct}
            for each, loss_pct in zip(record.ticks, losses_pct(record.ticks), strict=True)
        ],
    }


def read_expectations(texts: Sequence[str]) -> list[Expectation]:
    """The conditions to fail; raises BadExpectation for one that no run could answer."""
    found = [Expectation.read(text) for text in texts]
    for each in found:
        if each.value(MEASURES) is None and not each.measure.startswith(_NAMED_BY_THE_RUN):
            raise BadExpectation(f"there is no measure {each.measure!r}.")
    return found


def has_failed(report: Report) -> bool:
    """Whether a condition to fail was met, or the run was broken off by what it tested."""
    stopped = report["stopped"] not in (None, "interrupted")
    return stopped or any(each["failed"] for each in report["expectations"])


def write_report(report: Report, path: Path) -> None:
    """Write it as JSON; OSError when that cannot be."""
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def read_report(path: Path) -> Report:
    """Read what ``write_report`` wrote; raises BadReport."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadReport(f"cannot read {path}: {error.strerror}.") from None
    except ValueError as error:
        raise BadReport(f"{path} is no JSON: {error}.") from None
    if not isinstance(report, dict) or report.get("format") != FORMAT or "measures" not in report:
        raise BadReport(f"{path} is no report of 'rodrun loadtest --json' of this version.")
    return report


def _measures(record: Record, media: Media, latencies_ms: dict[str, list[float]]) -> Report:
    totals = media.totals()
    sent, received = int(totals[table.SENT]), int(totals[table.RECEIVED])
    recovered = int(totals[table.RECOVERED])
    used = [each.cpu_pct for each in record.ticks if each.cpu_pct is not None]
    memory = [each.memory_mib for each in record.ticks if each.memory_mib is not None]
    busy = [each.generator_cpu_pct for each in record.ticks if each.calls]
    held = [each.calls for each in record.steps if each.is_held]
    broken = next((each.broken for each in record.steps if each.broken), None)
    bottleneck = next((each.bottleneck for each in record.steps if each.bottleneck), None)
    right = sum(each.is_right for each in record.verdicts)
    return {
        "loss_pct": round(100.0 * max(0, sent - received) / sent, 5) if sent else None,
        "recovered_pct": round(100.0 * recovered / sent, 5) if sent else None,
        "failed": record.failed,
        "failed_pct": round(100.0 * record.failed / max(1, record.started), 3),
        "calls": {
            "started": record.started,
            "set_up": len(record.setups),
            "ended": record.ended,
            "most_at_once": max((each.calls for each in record.ticks), default=0),
            "packets_sent": sent,
            "packets_received": received,
        },
        "latency_ms": of_histogram(media.latency, table.BIN_NS),
        "jitter_ms": of_values(media.jitter_ms),
        "setup_ms": of_values([each.setup_ms for each in record.setups]),
        "phase_ms": {
            name: of_values([getattr(each, f"{name}_ms") for each in record.setups])
            for name in PHASES
        },
        "api_ms": of_values([each for values in latencies_ms.values() for each in values])
        | {"by_operation": {name: of_values(each) for name, each in latencies_ms.items()}},
        "drops": {
            "verdicts": len(record.verdicts),
            "right": right if record.verdicts else None,
            "wrong": len(record.verdicts) - right if record.verdicts else None,
            "ended_error_ms": of_values(_errors(record, ended=True)),
            "back_error_ms": of_values(_errors(record, ended=False)),
        },
        "rejoin_ms": of_values(record.rejoins_ms),
        "ramp": {
            "capacity": max(held) if held else None,
            "broken": broken,
            "bottleneck": bottleneck,
        },
        "attacks": dict(record.attacks),
        "server": {
            "cpu_pct": {"mean": round(mean(used), 1), "max": max(used)} if used else {},
            "memory_mib": {"mean": round(mean(memory), 1), "max": max(memory)} if memory else {},
        },
        "generator": {
            "cpu_pct": {"mean": round(mean(busy), 1), "max": max(busy)} if busy else {},
            "late_ms": of_histogram(media.late, table.BIN_NS),
            "lag_ms": of_values([each.lag_ms for each in record.ticks]),
            "overflow": int(totals[table.OVERFLOW]),
            "unsent": sum(each.unsent for each in media.seconds),
            "faults": sum(each.faults for each in media.seconds),
        },
    }


def _errors(record: Record, *, ended: bool) -> list[float]:
    return [
        abs(each.error_ms)
        for each in record.verdicts
        if each.ended is ended and each.error_ms is not None
    ]


def _invalid_because(record: Record, generator: Report) -> list[str]:
    """Why the generator and not the server may have made these figures.

    A ramp's steps are judged one by one, and the generator may give out in the last of them.
    """
    if any(each.bottleneck is None for each in record.steps):
        return []
    return find_bottlenecks(
        generator["late_ms"],
        generator["lag_ms"],
        [each.generator_cpu_pct for each in record.ticks if each.calls],
        generator["overflow"],
        generator["unsent"],
    )
