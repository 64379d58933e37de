"""``python -m benchmarks.proof``, or ``make proof``: is what the node measures true?

Real Chromiums call each other through a node and the impairment proxy. Each leg is impaired alone,
on a call of its own, by one condition after the other; what the node tells of all legs, and what
Chromium's getStats says of them, is held against the log of the proxy. A case that misses is
repeated once, and both are in the result. Exits with 1 when one still misses.

Browsers and server are on machines of their own (network namespaces), which needs root or
unprivileged user namespaces. On two cores, two calls at a time, it takes half an hour.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from benchmarks import processor
from benchmarks.calls.arrangement import arranged
from benchmarks.command import as_run
from benchmarks.proof.calls import holding
from benchmarks.proof.conditions import CONDITIONS, LEGS
from benchmarks.proof.judgement import Case
from benchmarks.proof.plot import draw
from benchmarks.proof.report import last_of, line, result
from benchmarks.proof.trial import Trial, plans

LIFETIME_S = 2 * 3600.0  # of the proxy, at most: one call at a time, and all repeated


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        prog="benchmarks.proof",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument(
        *("--calls",),
        type=int,
        choices=range(1, len(LEGS) + 1),
        default=min(os.cpu_count() or 1, len(LEGS)),
        help="at once; as many as there are cores, for browsers that wait for one measure that",
    )
    found.add_argument(
        "--condition",
        action="append",
        choices=[each.name for each in CONDITIONS],
        help="this one alone; may be given again",
    )
    found.add_argument("--json", type=Path, help="write the result to this file")
    found.add_argument("--table", type=Path, help="write the table to this file, in Markdown")
    found.add_argument("--plot", type=Path, help="write the picture to this file (PNG)")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the proof and print it; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(given)
    wanted = [
        each for each in CONDITIONS if not options.condition or each.name in options.condition
    ]

    def tell(case: Case) -> None:
        print(line(case), flush=True)

    cases: list[Case] = []
    verdicts: dict[str, str] = {}
    with arranged(proxied=True, lifetime_s=LIFETIME_S, costly=False) as arrangement:
        assert arrangement.proxy is not None
        left = [plan for plan in plans(wanted) if plan]
        while left:
            at_once, left = left[: options.calls], left[options.calls :]
            with holding(arrangement, len(at_once)) as calls:
                cases += Trial(arrangement, calls, tell).run(at_once)
                for call, plan in zip(calls, at_once, strict=True):
                    if any(condition.named for _, condition in plan):
                        verdicts[plan[0][0].name] = call.quality()["verdict"]["leg"]
        summary, _ = arrangement.proxy.end()
    found = {
        "name": "proof of connection quality",
        "command": as_run("benchmarks.proof", given),
        **result(cases, verdicts),
        "proxy": {name: summary[name] for name in ("late_us", "not_read_in_time")},
        "machine": processor.machine(),
    }
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    if options.table is not None:
        options.table.write_text(found["report"] + "\n")
    if options.plot is not None:
        draw(last_of(cases), options.plot)
    said = ", ".join(f"{name}: {value}" for name, value in found["measured"].items())
    holds = "holds" if found["holds"] else "MISSED"
    print(f"{found['target']}\n  {holds}: {said}\n\n{found['report']}")
    return 0 if found["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
