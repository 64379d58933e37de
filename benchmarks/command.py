"""The command line of a benchmark, as it stands beside its results, and how it ends. Pure."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

_OF_FILES = ("--json", "--plot")


def as_run(module: str, arguments: Sequence[str]) -> str:
    """The command that was run, but for the files that it was to write."""
    said: list[str] = []
    skipped = False
    for argument in arguments:
        if not skipped and not argument.startswith(_OF_FILES):
            said.append(argument)
        skipped = argument in _OF_FILES  # its file comes next
    return shlex.join(["python", "-m", module, *said])


def exit_code(results: Sequence[Mapping[str, Any]]) -> int:
    """1 when a target is missed."""
    return 0 if all(result["holds"] for result in results) else 1
