"""``python -m tests.simulation --consultations 1000000``: a long run; ``--help`` tells the rest."""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.simulation.rule import Broken
from tests.simulation.runs import many
from tests.simulation.tally import Tally
from tests.simulation.world import run


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; 1 when a rule was broken, or when it took too long."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--consultations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--world", help="only this one, as a broken rule names it")
    parser.add_argument("--within", type=float, help="seconds; exits with 1 beyond them")
    arguments = parser.parse_args(argv)
    began = time.monotonic()
    try:
        if arguments.world:
            world = run(arguments.world)
            tally = Tally()
            tally.add_world(world.checker, world.agenda.faults)
        else:
            tally = many(arguments.seed, arguments.consultations, arguments.processes)
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    took_s = time.monotonic() - began
    print(tally)
    print(f"took {took_s:.1f} s, processes: {arguments.processes}")
    if arguments.within is not None and took_s > arguments.within:
        print(f"too slow: it was to take {arguments.within:g} s at most", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
