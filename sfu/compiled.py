"""The ``compiled`` decorator: one source, run as machine code or stepped through as Python.

``NUMBA_DISABLE_JIT=1`` (Numba's own setting) leaves the functions as they are written.
``RODRUN_BOUNDS_CHECK=0`` compiles without index checks. ``RODRUN_CACHE_DIR`` says where machine
code is kept between runs; without it that is ``$XDG_CACHE_HOME/rodrun`` or ``~/.cache/rodrun``.

What the two ways of running have to agree on, for everyone who writes a compiled function:
integers read from an unsigned array are widened with ``np.int64(...)`` before any arithmetic (a
``uint16`` wraps interpreted and does not compiled, and ``uint64`` with ``int64`` becomes a float),
and are masked when stored.
"""

import hashlib
import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numba.core.config
from llvmlite import binding

BOUNDS_CHECK = os.environ.get("RODRUN_BOUNDS_CHECK", "1") != "0"
_config: Any = numba.core.config
JIT_DISABLED = bool(_config.DISABLE_JIT)

_KEEP_S = 30 * 24 * 3600.0
_PACKAGE = Path(__file__).resolve().parent
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def cache_root() -> Path:
    """The folder that holds one folder of machine code for each state of the sources."""
    if named := os.environ.get("RODRUN_CACHE_DIR"):
        return Path(named)
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named) / "rodrun"
    try:
        return Path.home() / ".cache" / "rodrun"
    except RuntimeError:  # no home directory: a container's arbitrary user
        return Path(tempfile.gettempdir()) / f"rodrun-{os.getuid()}"


@cache
def cache_directory(folder: Path) -> Path:
    """Where the machine code of the compiled functions in ``folder`` is kept.

    A caller keeps stale machine code when a callee in another module changes, and Numba looks
    at the caller's file only. So the name is a hash of everything that shapes the code: all
    sources that hold compiled functions, the versions below them, the processor, the settings.
    """
    sources = {
        *folder.glob("*.py"),
        *(_PACKAGE / "plane").glob("*.py"),
        *(_PACKAGE / "rtp").glob("*.py"),
        *_PACKAGE.glob("native*.py"),
        Path(__file__).resolve(),
    }
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(str(source).encode() + b"\0" + source.read_bytes() + b"\0")
    for name in ("numba", "llvmlite", "numpy", "pylibsrtp"):
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    processor = _config.CPU_NAME or binding.get_host_cpu_name()
    features = _config.CPU_FEATURES or binding.get_host_cpu_features().flatten()
    digest.update(f"{sys.version_info} {processor} {features} {BOUNDS_CHECK}".encode())
    return cache_root() / f"code-{digest.hexdigest()[:20]}"


def forget_old_code(now: float) -> None:
    """Remove the machine code of sources that were last run a month before ``now`` (Unix time)."""
    for directory in cache_root().glob("code-*"):
        with suppress(OSError):
            if now - directory.stat().st_mtime > _KEEP_S:
                shutil.rmtree(directory)


def compiled(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Compile ``function`` at its first call, without the GIL, and keep the machine code on disk.

    Index errors raise ``IndexError``, as interpreted ones do (unless bounds checks are off).
    Whatever would allocate memory does not compile: no new arrays, no copies of slices.
    """
    return _decorate(function)


def compiled_within(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Like ``compiled``, for a function that only other compiled functions call.

    It compiles faster, for it has no entry from Python.
    """
    return _decorate(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def _decorate(
    function: Callable[_Parameters, _Result], **options: bool
) -> Callable[_Parameters, _Result]:
    if JIT_DISABLED:
        return function
    folder = Path(sys.modules[function.__module__].__file__ or __file__).resolve().parent
    directory = cache_directory(folder)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        keep = os.access(directory, os.W_OK)
        os.utime(directory)  # in use: see ``forget_old_code``
    except OSError:
        keep = False  # a read-only machine compiles at every start
    before = _config.CACHE_DIR
    _config.CACHE_DIR = str(directory)  # read once, while the decorator runs
    try:
        njit: Any = numba.njit
        # without Numba's run-time there are no reference counts: half the time to compile
        decorate = njit(nogil=True, cache=keep, boundscheck=BOUNDS_CHECK, _nrt=False, **options)
        return cast(Callable[_Parameters, _Result], decorate(function))
    finally:
        _config.CACHE_DIR = before
