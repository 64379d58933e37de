import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from loadtest.api import CannotBegin
from loadtest.server_watch import ServerMetrics, read_samples

TEXT = """# HELP process_cpu_seconds_total Time
process_cpu_seconds_total 12.5
process_resident_memory_bytes 1.048576e+08
packets_total{direction="in",reason="a } b"} 3
packets_total{direction="out"} 4 1700000000
broken{
empty{} nothing
"""


def test_samples_of_one_name_are_summed() -> None:
    found = read_samples(TEXT)
    assert found["process_cpu_seconds_total"] == 12.5
    assert found["packets_total"] == 7
    assert not {"broken", "empty"} & set(found)


async def test_cpu_is_that_since_the_last_reading() -> None:
    used = iter([1.0, 2.0, 3.0, 4.0])

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(
            text=f"process_cpu_seconds_total {next(used)}\nprocess_resident_memory_bytes 1048576\n"
        )

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    async with TestServer(app) as server:
        watched = ServerMetrics((str(server.make_url("/metrics")),))
        await watched.begin()
        load = await watched.read()
        await watched.close()
    assert load is not None
    assert load.cpu_pct > 0
    assert load.memory_mib == 1.0


async def test_without_an_address_there_is_nothing() -> None:
    watched = ServerMetrics(())
    await watched.begin()
    assert await watched.read() is None
    await watched.close()


async def test_an_address_without_metrics_is_told_before_anything_begins() -> None:
    async with TestServer(web.Application()) as server:
        watched = ServerMetrics((str(server.make_url("/metrics")),))
        with pytest.raises(CannotBegin, match="cannot read the metrics at http"):
            await watched.begin()
        await watched.close()
