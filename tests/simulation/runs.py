"""Many worlds, in processes of their own; what they did is added up."""

import sys
import time
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
