"""Open files and sockets: a call needs several, and a shell gives 1024 of them to begin with."""

import resource

from loadtest.api import CannotBegin

A_CALL = 5  # two sockets for media, two for events, and one more while somebody comes back anew
BESIDE = 300  # the API's connections, and what Python itself has open


def raise_limit(wanted: int) -> int:
    """Raise this process's soft limit to so many, or as far as it may; returns what it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


def allow_descriptors(calls: int) -> None:
    """Raise this process's soft limit to what so many calls need.

    Raises:
        CannotBegin: the hard limit is below that.
    """
    wanted = BESIDE + A_CALL * calls
    allowed = raise_limit(wanted)
    if allowed < wanted:
        raise CannotBegin(
            f"{calls} calls need some {wanted} open files, and this process may have {allowed}:"
            " raise its hard limit (ulimit -Hn), or make fewer --calls."
        )
