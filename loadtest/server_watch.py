"""The server from outside: whether it still answers, and what its metrics address tells."""

import asyncio
import time
from dataclasses import dataclass

import aiohttp

from loadtest.api import CannotBegin

TIMEOUT_S = 5.0
_CPU = "process_cpu_seconds_total"
_MEMORY = "process_resident_memory_bytes"


@dataclass(frozen=True)
class ServerLoad:
    """What the server's processes used in the time up to ``at`` (monotonic seconds)."""

    at: float
    cpu_pct: float
    memory_mib: float


def read_samples(text: str) -> dict[str, float]:
    """Sums of the samples by name, of the Prometheus text format."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name = line.partition("{")[0].partition(" ")[0]
        rest = line.rpartition("}")[2] if "{" in line else line.partition(" ")[2]
        try:
            value = float(rest.split()[0])
        except (ValueError, IndexError):
            continue
        found[name] = found.get(name, 0.0) + value
    return found


class ServerMetrics:
    """CPU and memory of all processes at ``addresses``, one of each process."""

    def __init__(self, addresses: tuple[str, ...], *, verify_tls: bool = True) -> None:
        self._addresses = addresses
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        connector = aiohttp.TCPConnector(ssl=verify_tls)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        self._before: tuple[float, float] | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()

    async def begin(self) -> None:
        """The first look; raises CannotBegin when there is nothing to be read."""
        for address in self._addresses:
            try:
                samples = await self._samples(address)
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                raise CannotBegin(f"cannot read the metrics at {address}: {error}.") from None
            if _CPU not in samples:
                raise CannotBegin(f"the metrics at {address} have no {_CPU}.")
        await self.read()

    async def read(self) -> ServerLoad | None:
        """The load since the last reading; None without addresses, or when one does not answer."""
        if not self._addresses:
            return None
        try:
            found = await asyncio.gather(*(self._samples(each) for each in self._addresses))
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
        now = time.monotonic()
        cpu_s = sum(each.get(_CPU, 0.0) for each in found)
        memory_mib = sum(each.get(_MEMORY, 0.0) for each in found) / 2**20
        before, self._before = self._before, (now, cpu_s)
        if before is None or now <= before[0]:
            return None
        cpu_pct = max(0.0, 100.0 * (cpu_s - before[1]) / (now - before[0]))
        return ServerLoad(now, round(cpu_pct, 1), round(memory_mib, 1))

    async def _samples(self, address: str) -> dict[str, float]:
        async with self._session.get(address) as reply:
            reply.raise_for_status()
            return read_samples(await reply.text())
