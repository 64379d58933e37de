"""A thread that runs when it is due: a short time slice and exact timers.

The plane and the shell share a core in a worker that has one. The plane sleeps often and works
little at a time; woken while the shell computes, it would wait for the end of the shell's slice,
milliseconds. Linux's scheduler (EEVDF, from 6.12 on) lets whoever asks for a shorter slice run
first (sched_setattr(2)), and gives it no more time for that. Older kernels refuse or ignore it.

A sleep ends late by up to the timer slack (prctl(2)), 50 µs unless asked otherwise.
"""

import ctypes
import os
import platform
from contextlib import suppress
from typing import Final

_NICE: Final = -5  # before the handshakes of a join rush, where permitted
_SLICE_NS: Final = 100_000  # the shortest that the kernel grants
_SLACK_NS: Final = 1_000
_PR_SET_TIMERSLACK: Final = 29
_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
"""The number of the system call: the C library has no function for it before glibc 2.41."""


class _Attributes(ctypes.Structure):
    """``struct sched_attr``, its first version; policy 0 is SCHED_OTHER."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def be_punctual() -> None:
    """Ask for all of it for the calling thread. What the kernel refuses stays as it is."""
    library = ctypes.CDLL(None)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)  # of the calling thread, in Linux
    attributes = _Attributes(
        size=ctypes.sizeof(_Attributes),
        nice=os.getpriority(os.PRIO_PROCESS, 0),
        runtime=_SLICE_NS,
    )
    number = _SCHED_SETATTR.get(platform.machine())
    if number is not None:
        library.syscall(ctypes.c_long(number), 0, ctypes.byref(attributes), 0)
    library.prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(_SLACK_NS), 0, 0, 0)
