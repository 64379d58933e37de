"""A coturn of the tests' own, which lives by the settings that ``rodrun turn-config`` prints."""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from turn_config.coturn import Coturn

# Where tests/install-coturn unpacks it.
UNPACKED = Path(__file__).parents[1] / ".venv" / "coturn"
START_WITHIN_S = 10.0
LISTENS = "0A"


class CoturnServer:
    """Runs until ``stop``.

    Args:
        settings: what it is told.
        folder: takes its files; must not be there yet.
        enter: words before the command, to run in a network namespace.
    """

    def __init__(self, settings: Coturn, folder: Path, enter: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True)
        self._log = folder / "log"
        file = folder / "turnserver.conf"
        file.write_text(settings.settings(), encoding="utf-8")
        program, environment = _found()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(*enter, program, "-c", str(file), "--log-file=stdout"),
                    *(f"--userdb={folder / 'turndb'}", f"--pidfile={folder / 'pid'}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        try:
            self._wait_ready({settings.port} | ({settings.tls_port} if settings.key else set()))
        except BaseException:
            self.stop()
            raise

    @property
    def log(self) -> str:
        """Everything it has said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def _wait_ready(self, ports: set[int]) -> None:
        deadline = time.monotonic() + START_WITHIN_S
        while not ports <= self._open_ports():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"coturn does not listen:\n{self.log}")
            time.sleep(0.02)

    def _open_ports(self) -> set[int]:
        """The TCP ports that are open in its network namespace (proc_pid_net(5), IPv4)."""
        try:
            table = Path(f"/proc/{self._process.pid}/net/tcp").read_text(encoding="ascii")
        except OSError:
            return set()
        rows = [line.split() for line in table.splitlines()[1:]]
        return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTENS}


def _found() -> tuple[str, dict[str, str]]:
    """The program and its environment; RuntimeError says what to run."""
    if (installed := shutil.which("turnserver")) is not None:
        return installed, {**os.environ}
    program = UNPACKED / "usr" / "bin" / "turnserver"
    if not program.exists():
        raise RuntimeError("There is no coturn: run tests/install-coturn.")
    libraries = ":".join(str(each) for each in sorted(UNPACKED.glob("usr/lib/*-linux-*")))
    return str(program), {**os.environ, "LD_LIBRARY_PATH": libraries}
