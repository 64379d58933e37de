"""``python -m tests.simulation --consultations 1000000``: a long run; ``--help`` tells the rest."""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.simulation.ledger import Broken
from tests.simulation.tally import Tally
from tests.simulation.world import CONSULTATIONS, run

# So many worlds between two lines of progress of a process.
TOGETHER = 50


def worlds(seed: int, first: int, count: int) -> Tally:
    """The worlds of these numbers; raises Broken."""
    tally = Tally()
    for number in range(first, first + count):
        world = run(f"{seed}.{number}")
        tally.add_world(world.checker, world.faults)
    return tally


def many(seed: int, consultations: int, processes: int) -> Tally:
    """At least so many consultations; raises Broken of the first world that breaks a rule."""
    began, tally = time.monotonic(), Tally()
    count = -(-consultations // CONSULTATIONS)
    firsts = range(0, count, TOGETHER)
    with ProcessPoolExecutor(processes) as pool:
        waiting = [pool.submit(worlds, seed, at, min(TOGETHER, count - at)) for at in firsts]
        try:
            for number, done in enumerate(as_completed(waiting), 1):
                tally.add(done.result())
                took_s = time.monotonic() - began
                print(
                    f"{tally.consultations} consultations in {took_s:.0f} s, "
                    f"{took_s / number * (len(waiting) - number):.0f} s to go",
                    file=sys.stderr,
                )
        except Broken:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tally


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--consultations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--world", help="only this one, as a broken rule names it")
    arguments = parser.parse_args()
    try:
        if arguments.world:
            world = run(arguments.world)
            tally = Tally()
            tally.add_world(world.checker, world.faults)
        else:
            tally = many(arguments.seed, arguments.consultations, arguments.processes)
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    print(tally)
    return 0


if __name__ == "__main__":
    sys.exit(main())
