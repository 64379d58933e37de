"""The plane's machine code: compiled at the first start of a version, then only loaded."""

import fcntl
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sfu.compiled import JIT_DISABLED, code_place
from sfu.machine_code import Place, forget_old_code, processor, progress
from sfu.plane.loop import run
from sfu.plane.settings import PlaneSettings
from sfu.plane.tables import make_tables

_log = logging.getLogger(__name__)

_TELL_EVERY_S: Final = 10.0


@dataclass(frozen=True)
class WarmUp:
    """What a ``warm_up`` has found and done.

    Attributes:
        directory: where the machine code lies; None when it could not be kept.
        processor: what was compiled for, in LLVM's terms.
        compiled: functions that were compiled, 0 when all were there.
        seconds: how long it took.
    """

    directory: Path | None
    processor: str
    compiled: int
    seconds: float


def warm_up() -> WarmUp:
    """Compile the plane, or load its machine code. Takes a minute or two the first time.

    Blocks; later calls return at once. ``Plane.start`` calls it, too.
    """
    place = None if JIT_DISABLED else code_place(Path(__file__).resolve().parent)
    began = time.monotonic()
    before = len(progress.compiled)
    if not JIT_DISABLED and not run.nopython_signatures:  # type: ignore[attr-defined]
        tables, _messages = make_tables(PlaneSettings(max_participants=1))
        with _one_at_a_time(place), _telling(place, began):
            run(tables)  # told to stop before it begins
    compiled = len(progress.compiled) - before
    is_kept = place is not None and (place.writable or not compiled)
    result = WarmUp(
        directory=place.directory if place and is_kept else None,
        processor=processor()[0],
        compiled=compiled,
        seconds=time.monotonic() - began,
    )
    if result.compiled:
        _log.info("compiled the forwarding plane in %.0f s", result.seconds)
        forget_old_code(time.time())
    return result


@contextmanager
def _one_at_a_time(place: Place | None) -> Iterator[None]:
    """Let the first of several workers compile; the others then find its machine code."""
    try:
        lock = (place.directory / "compiling").open("w") if place and place.writable else None
    except OSError:
        lock = None
    if lock is None:  # nothing can be kept here: each compiles for itself
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _telling(place: Place | None, began: float) -> Iterator[None]:
    """Say in the log that it compiles, why, and every ten seconds how far it is."""
    if place is not None and any(place.directory.rglob("loop.run-*.nbi")):
        yield
        return
    _log.info("compiling the forwarding plane, once for this version: a minute or two")
    if place is None:
        _log.warning(
            "its machine code cannot be kept: name a folder that can be written in"
            " RODRUN_CACHE_DIR, or every start takes as long"
        )
    else:
        _log.info("its machine code will be kept in %s", place.directory)
    done = threading.Event()

    def tell() -> None:
        while not done.wait(_TELL_EVERY_S):
            _log.info(
                "compiling: %d of about %d functions, %.0f s",
                len(set(progress.compiled)),
                progress.functions,
                time.monotonic() - began,
            )

    teller = threading.Thread(target=tell, name="rodrun-compiling", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
