"""``python -m tests.simulation --consultations 1000000``: a long run; ``--help`` tells the rest."""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from tests.simulation.rule import Broken
from tests.simulation.tally import Tally
from tests.simulation.world import CONSULTATIONS, run

# So many worlds between two lines of progress of a process.
TOGETHER = 50


def worlds(seed: int, first: int, count: int) -> Tally:
    """The worlds of these numbers; raises Broken."""
    tally = Tally()
    for number in range(first, first + count):
        world = run(f"{seed}.{number}")
        tally.add_world(world.checker, world.agenda.faults)
    return tally


def many(seed: int, consultations: int, processes: int) -> Tally:
    """At least so many consultations; raises Broken of the first world that breaks a rule."""
    began, tally = time.monotonic(), Tally()
    count = -(-consultations // CONSULTATIONS)
    firsts = range(0, count, TOGETHER)
    # Fresh ones: whatever watches this process, as coverage does, takes more time than the worlds.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
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
