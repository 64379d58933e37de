"""A PostgreSQL server of the tests' own: in a temporary folder, reached by a socket in it."""

import asyncio
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import asyncpg

# Where Debian and Ubuntu keep the server, which is on no PATH.
DEBIAN = Path("/usr/lib/postgresql")
START_WITHIN_S = 60
ADMINISTRATOR = "rodrun"
_OPTIONS = (
    "-c listen_addresses='' -c max_connections=40 -c shared_buffers=16MB"
    # It never outlives the tests; kill -9 of the server itself is PostgreSQL's own to survive.
    " -c fsync=off -c full_page_writes=off"
)


class PostgresqlServer:
    """Runs from ``start`` to ``stop``. The server refuses root, so as root it is someone else's."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="rodrun-postgresql-"))
        self._owner = _unprivileged()
        if self._owner is not None:
            shutil.chown(self._folder, self._owner)
        self._numbers = itertools.count(1)
        self._running = False

    def start(self) -> None:
        """Make the cluster when there is none, and serve, unless it does."""
        if self._running:
            return
        if not (self._folder / "data").exists():
            self._run(
                *("initdb", "--pgdata", "data", "--username", ADMINISTRATOR, "--auth", "trust"),
                # A locale that knows the letters of all alphabets, and is everywhere.
                *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"),
            )
        # Sockets have at most 107 characters of path, so not in pytest's folders.
        options = f"{_OPTIONS} -c unix_socket_directories='{self._folder}'"
        self._run(
            *("pg_ctl", "start", "--pgdata", "data", "--log", "log", "--wait"),
            *("--timeout", str(START_WITHIN_S), "--options", options),
        )
        self._running = True

    def stop(self) -> None:
        """Break off all connections and stop, as for a restart."""
        self._run("pg_ctl", "stop", "--pgdata", "data", "--mode", "fast", "--wait")
        self._running = False

    def remove(self) -> None:
        """Stop for good."""
        self.stop()
        shutil.rmtree(self._folder)

    def template_url(self) -> str:
        """The URL of the database that new ones are copies of."""
        return self._url("template1")

    def new_database(self) -> str:
        """The URL of a new database."""
        name = f"test{next(self._numbers)}"
        asyncio.run(self._create(name))
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://{ADMINISTRATOR}@/{name}?host={self._folder}"

    async def _create(self, name: str) -> None:
        connection = await asyncpg.connect(
            host=str(self._folder), user=ADMINISTRATOR, database="postgres"
        )
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    def _run(self, program: str, *arguments: str) -> None:
        # pg_ctl's server keeps what it inherits, so the output cannot be a pipe.
        with (self._folder / "complaints").open("w") as complaints:
            done = subprocess.run(
                [_find(program), *arguments],
                cwd=self._folder,
                user=self._owner,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                check=False,
            )
        if done.returncode:
            said = [
                path.read_text()
                for name in ("complaints", "log")
                if (path := self._folder / name).exists()
            ]
            raise RuntimeError(f"{program} failed: {' '.join(said)}")


def _find(program: str) -> str:
    """The newest installed; RuntimeError says what to install."""
    found = shutil.which(program)
    if found:
        return found
    versions = sorted(DEBIAN.glob(f"*/bin/{program}"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise RuntimeError("There is no PostgreSQL server: run tests/install-postgresql.")
    return str(versions[-1])


def _unprivileged() -> str | None:
    """Someone who is not root; None: we are that ourselves."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
