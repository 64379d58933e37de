"""How often someone may ask."""

from control.errors import TooManyRequests
from control.settings import Rate

# About 20 MB. When there are more, the one that asked the longest ago is forgotten: it gets a full
# bucket again, and nobody else less.
MAX_KEYS = 65_536


class Rates:
    """A bucket of tokens for each key. ``now`` is in Unix seconds.

    Each is kept as one number, the time at which it is full again (the "generic cell rate
    algorithm" of ITU-T I.371, annex A, which allows just what a token bucket does). Written here
    because the memory store of the library ``limits`` reads the wall clock itself, walks over all
    keys at each request, and takes any number of them: a limit must not be a thing to attack.
    """

    def __init__(self, rate: Rate) -> None:
        self._interval_s = 1 / rate.per_s
        self._fill_s = rate.burst * self._interval_s
        # Those that asked last are last.
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float) -> None:
        """Take a token out of a bucket; raises TooManyRequests when there is none."""
        # The clock can be set: no bucket is emptier than empty.
        full_at = min(self._full_at.pop(key, now), now + self._fill_s)
        wait_s = max(full_at, now) + self._interval_s - now - self._fill_s
        # Less is what a number of this size cannot say.
        is_empty = wait_s > 1e-6
        self._full_at[key] = full_at if is_empty else max(full_at, now) + self._interval_s
        if len(self._full_at) > MAX_KEYS:
            del self._full_at[next(iter(self._full_at))]
        if is_empty:
            raise TooManyRequests("Ask less often.", wait_s)
