"""Token buckets, kept as one number: the time at which the bucket will be full again."""

from sfu.compiled import compiled_within


@compiled_within
def level_after(full_ns: int, now_ns: int, a_second: int, burst: int) -> int:
    """The bucket's number after one token is taken, or −1 when none is left.

    ``full_ns`` is that number before (0 for a new bucket), ``a_second`` how many tokens come
    back in a second, ``burst`` how many the bucket holds.
    """
    interval_ns = 1_000_000_000 // a_second
    if full_ns - now_ns > burst * interval_ns:
        full_ns = now_ns  # the clock was set back
    taken = max(full_ns, now_ns) + interval_ns
    return taken if taken - now_ns <= burst * interval_ns else -1
