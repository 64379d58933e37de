"""A thread asks the kernel to run when it is due."""

import ctypes
import os
import threading

from sfu.punctual import be_punctual


def own_slack_ns() -> int:
    return int(ctypes.CDLL(None).prctl(30, 0, 0, 0, 0))  # PR_GET_TIMERSLACK


def test_timers_of_the_thread_are_exact_and_those_of_others_stay() -> None:
    others_ns = own_slack_ns()
    found: list[int] = []

    def run() -> None:
        be_punctual()
        found.append(own_slack_ns())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [1_000]
    assert own_slack_ns() == others_ns > 1_000


def test_the_niceness_of_the_shell_stays() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    thread = threading.Thread(target=be_punctual)
    thread.start()
    thread.join()
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
