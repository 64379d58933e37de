"""``python -m benchmarks.calls {loss,bottleneck,join}``: figures of real Chromium calls.

Browsers, server and impairments are on machines of their own (network namespaces), which needs
root or unprivileged user namespaces. Exits with 1 when the target is missed.
"""

import argparse
import json
import sys
import textwrap
from pathlib import Path
from typing import Any

from benchmarks import processor
from benchmarks.calls import bottleneck, join, loss
from benchmarks.calls.arrangement import arranged
from benchmarks.command import as_run
from benchmarks.impairment.line import Impairment

JOINED_S = 60.0  # from the sign-in on, more than it takes
SET_UP_S = 900.0  # the proxy's life besides the call: a first start compiles the plane


def measure_loss(options: argparse.Namespace) -> dict[str, Any]:
    """The figure under loss."""
    line = Impairment(loss_pct=options.loss_pct, delay_ms=options.delay_ms)
    lifetime_s = options.calls * (options.seconds + options.warm_up + JOINED_S) + SET_UP_S
    with arranged(proxied=True, lifetime_s=lifetime_s) as arrangement:
        return loss.measure(arrangement, line, options.calls, options.seconds, options.warm_up)


def measure_bottleneck(options: argparse.Namespace) -> dict[str, Any]:
    """The figure of the bottleneck."""
    watched_s = options.feedback.watched_s if options.watched is None else options.watched
    phases = bottleneck.Phases(narrow=options.seconds, watched=watched_s)
    with arranged(proxied=False) as arrangement:
        return bottleneck.measure(arrangement, options.runs, phases, options.feedback)


def measure_join(options: argparse.Namespace) -> dict[str, Any]:
    """The figure of joining."""
    with arranged(proxied=True, lifetime_s=20 * options.joins + SET_UP_S) as arrangement:
        return join.measure(arrangement, options.joins)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        prog="benchmarks.calls",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = found.add_subparsers(dest="command", required=True)

    one = commands.add_parser("loss", help=loss.TARGET.replace("%", "%%"))
    one.add_argument("--calls", type=int, default=3, help="one after the other")
    one.add_argument("--seconds", type=float, default=60.0, help="of each call")
    one.add_argument("--warm-up", type=float, default=10.0, help="seconds of call before")
    one.add_argument("--loss-pct", type=float, default=5.0, help="each way, on each line")
    one.add_argument("--delay-ms", type=float, default=25.0, help="each way, on each line")
    one.set_defaults(measure=measure_loss, in_words=loss.in_words)

    two = commands.add_parser("bottleneck", help=bottleneck.TARGET.replace("%", "%%"))
    two.add_argument("--runs", type=int, default=3, help="of each way; medians are told")
    two.add_argument("--seconds", type=float, default=20.0, help="in the bottleneck")
    two.add_argument("--watched", type=float, help="seconds after it, at most; 45, or 90 with REMB")
    two.add_argument(
        "--feedback",
        type=bottleneck.Feedback,
        choices=list(bottleneck.Feedback),
        default=bottleneck.Feedback.TRANSPORT_CC,
        help="what senders go by; transport-cc",
    )
    two.set_defaults(measure=measure_bottleneck, in_words=bottleneck.in_words)

    three = commands.add_parser("join", help=join.TARGET)
    three.add_argument("--joins", type=int, default=25)
    three.set_defaults(measure=measure_join, in_words=join.in_words)

    for each in commands.choices.values():
        each.add_argument("--json", type=Path, help="write the result to this file, too")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run a benchmark and print its result; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(given)
    result = {
        "name": f"calls {options.command}",
        "command": as_run("benchmarks.calls", given),
        **options.measure(options),
        "machine": processor.machine(),
    }
    words = options.in_words(result)
    # In RESULTS.md as it is printed.
    result["report"] = textwrap.indent(words, "    ")
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    holds = "holds" if result["holds"] else "MISSED"
    measured = ", ".join(f"{name} {value}" for name, value in result["measured"].items())
    sys.stdout.write(f"{result['target']}\n  {holds}: {measured}\n{words}\n")
    return 0 if result["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
