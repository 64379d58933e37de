"""kill -9: no transition is lost, each deadline fires exactly once, and our absence is not paid."""

from pathlib import Path

from tests.control.databases import ON_BOTH_DATABASES
from tests.control.killing.run import killed_again_and_again


@ON_BOTH_DATABASES
async def test_nothing_is_lost(database_url: str, tmp_path: Path) -> None:
    happened = await killed_again_and_again(database_url, tmp_path, kills=3, seed=1)
    # Else there was nothing to lose.
    for event in ("requested", "accepted", "started", "interrupted", "ended"):
        assert happened[event] >= 1, happened
