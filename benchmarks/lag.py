"""How late the event loop of this process is: a timer that measures itself."""

import asyncio
from statistics import quantiles

EVERY_S = 0.005


class LagMeter:
    """Sets a timer every 5 ms and notes how much later than that it ran."""

    def __init__(self) -> None:
        self._lags_ms: list[float] = []
        self._loop = asyncio.get_running_loop()
        self._set()

    def _set(self) -> None:
        due = self._loop.time() + EVERY_S
        self._loop.call_later(EVERY_S, self._ring, due)

    def _ring(self, due: float) -> None:
        self._lags_ms.append(max(0.0, (self._loop.time() - due) * 1000))
        self._set()

    def read(self) -> dict[str, float]:
        """p50, p99 and the worst since the last reading, in ms, and how many there were."""
        lags, self._lags_ms = self._lags_ms, []
        if len(lags) < 2:
            return {"count": len(lags), "p50": 0.0, "p99": 0.0, "worst": 0.0}
        percentiles = quantiles(lags, n=100)
        return {
            "count": len(lags),
            "p50": round(percentiles[49], 2),
            "p99": round(percentiles[98], 2),
            "worst": round(max(lags), 2),
        }
