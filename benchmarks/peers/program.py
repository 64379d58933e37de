"""A server from a package, run on a core of its own in a folder of its own."""

import asyncio
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks import processor


class ProgramEnded(Exception):
    """It did not start, or did not stay; the text has the end of its log."""


class Program:
    """The process of ``command``; what it prints goes into a file."""

    def __init__(self, command: Sequence[str], core: int, folder: Path) -> None:
        self._log = folder / "log"
        ours = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})  # inherited, from the first thread on
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder
                )
        finally:
            os.sched_setaffinity(0, ours)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def cpu_ns(self) -> int:
        """What all its threads have used so far."""
        return processor.cpu_ns(self._process.pid)

    async def listening(self, port: int, host: str, deadline_s: float = 10.0) -> None:
        """Wait until a TCP port of it answers."""
        for _ in range(int(deadline_s / 0.1)):
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                if self._process.poll() is not None:
                    break
                await asyncio.sleep(0.1)
                continue
            writer.close()
            await writer.wait_closed()
            return
        raise ProgramEnded(self._log.read_text(errors="replace")[-2000:])

    def close(self) -> None:
        """End it, politely first."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
