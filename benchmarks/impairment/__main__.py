"""``python -m benchmarks.impairment``: a bad network between browsers and a node.

    rodrun serve --demo --tls auto --http-host 10.99.0.1 --udp-host 127.0.0.1 --announce 10.99.0.1
    python -m benchmarks.impairment --listen 10.99.0.1:7878 --to 127.0.0.1:7878 \\
        --loss-up 5 --loss-down 5 --delay-up 25 --delay-down 25 --seconds 60 --log packets.bin

It prints {"listening": [host, port]} and, at its end, one object with what it did. With --follow
it takes changes as lines of JSON (``benchmarks.impairment.proxy.carry_out``) and ends with its
input.
"""

import argparse
import json
import os
import signal
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from benchmarks.impairment.line import Direction, Impairment, Jitter, Lines
from benchmarks.impairment.proxy import Address, Proxy

# Fields of Impairment as options: (option, field, what it says in the help).
NUMBERS = (
    ("loss", "loss_pct", "percent lost, each by itself"),
    ("delay", "delay_ms", "milliseconds"),
    ("jitter", "jitter_ms", "milliseconds, see --jitter-distribution"),
    ("jitter-hold", "jitter_hold_ms", "milliseconds that a variation stays; 0: for one datagram"),
    ("reorder", "reorder_pct", "percent held back, so that others pass"),
    ("reorder-by", "reorder_by_ms", "milliseconds that those are held"),
    ("duplicate", "duplicate_pct", "percent that arrive twice"),
)


def host_and_port(text: str) -> Address:
    """``10.99.0.1:7878`` or ``[::1]:7878``."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text}: write it as HOST:PORT")
    return host.strip("[]"), int(port)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        prog="benchmarks.impairment",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("--listen", type=host_and_port, required=True, help="for browsers")
    found.add_argument("--to", type=host_and_port, required=True, help="where the node listens")
    for direction, way in (("up", "from browsers"), ("down", "to browsers")):
        for option, _, words in NUMBERS:
            found.add_argument(
                f"--{option}-{direction}", type=float, metavar="N", help=f"{way}: {words}"
            )
    found.add_argument("--jitter-distribution", type=Jitter, choices=list(Jitter))
    found.add_argument(
        "--out-of-order", action="store_true", help="let jitter reorder, as it does by itself"
    )
    found.add_argument("--host", help="impair clients of this address alone")
    found.add_argument("--seed", type=int, default=1)
    found.add_argument("--seconds", type=float, default=60.0, help="then it ends")
    found.add_argument("--log", type=Path, help="write what became of every packet")
    found.add_argument("--follow", action="store_true", help="take changes on standard input")
    return found


def impairment(options: argparse.Namespace, direction: Direction) -> Impairment:
    """What the options say of one direction. Raises ValueError for numbers out of range."""
    suffix = direction.name.lower()
    fields = {
        field: value
        for option, field, _ in NUMBERS
        if (value := getattr(options, f"{option.replace('-', '_')}_{suffix}")) is not None
    }
    jitter = options.jitter_distribution or Jitter.UNIFORM
    return Impairment(**fields, jitter=jitter, in_order=not options.out_of_order)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = parser().parse_args(arguments)
    lines = Lines(options.seed)
    try:
        for direction in Direction:
            lines.impair(direction, impairment(options, direction), options.host)
    except ValueError as error:
        parser().error(str(error))
    with ExitStack() as stack:
        journal = stack.enter_context(options.log.open("wb")) if options.log else None
        proxy = stack.enter_context(Proxy(options.listen, options.to, lines, journal))
        print(json.dumps({"listening": proxy.address}), flush=True)
        until_ns = time.time_ns() + int(options.seconds * 1e9)
        with suppress(KeyboardInterrupt):
            proxy.run(until_ns, sys.stdin.fileno() if options.follow else None)
    print(json.dumps(proxy.summary()), flush=True)
    return 0


if __name__ == "__main__":
    # It works little and must be on time: where permitted, it goes before browsers and node.
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    # Ends as after --seconds: what is written so far stays whole, and the summary comes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
