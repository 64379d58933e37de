"""A server under measurement: a process on a core of its own, which answers JSON lines."""

import json
import os
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from benchmarks import processor


class ServerProcess:
    """A server on a core of its own, which answers JSON lines."""

    def __init__(self, module: str, core: int, *arguments: str) -> None:
        ours = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})  # inherited, from the first thread on
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        finally:
            os.sched_setaffinity(0, ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def read(self) -> dict[str, Any]:
        """The next line it prints. Raises RuntimeError when it has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server process ended: {self._process.wait()}")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise RuntimeError(f"the server refused: {reply['error']}")
        return reply

    def ask(self, **request: Any) -> dict[str, Any]:
        """One request and its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self.read()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def cpu_ns(self) -> int:
        """What it has used so far."""
        return processor.cpu_ns(self._process.pid)
