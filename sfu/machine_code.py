"""Where machine code is kept between runs: found again, also where nothing may be written.

``RODRUN_CACHE_DIR`` says where; without it that is ``$XDG_CACHE_HOME/rodrun`` or
``~/.cache/rodrun``. What lies there is used even when it cannot be written to, as in an image
that was made with ``rodrun warm-up``. When it neither holds the code nor can take it, a folder of
the system's temporary ones serves, so that at least the next start finds it.
"""

import hashlib
import importlib.metadata
import logging
import os
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numba.core.config
from llvmlite import binding
from numba.core import caching as numba_caching

_config: Any = numba.core.config
_caching: Any = numba_caching
_log = logging.getLogger(__name__)

_KEEP_S = 30 * 24 * 3600.0
_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Place:
    """A folder for the machine code of one state of the sources, and whether it takes more."""

    directory: Path
    writable: bool


@dataclass
class Progress:
    """What this process has done so far, over all compiled functions.

    Attributes:
        functions: how many there are; not all are called.
        compiled: the names of those that were compiled, once for each choice of types.
        loaded: how often one was found where machine code is kept.
    """

    functions: int = 0
    compiled: list[str] = field(default_factory=list)
    loaded: int = 0


progress = Progress()


def processor() -> tuple[str, str]:
    """The processor that is compiled for, and its features, in LLVM's names.

    This machine's, or what ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` say (for images).
    """
    name, features = _config.CPU_NAME, _config.CPU_FEATURES
    return (
        binding.get_host_cpu_name() if name is None else name,
        binding.get_host_cpu_features().flatten() if features is None else features,
    )


def _temporary_root() -> Path:
    return Path(tempfile.gettempdir()) / f"rodrun-{os.getuid()}"


def cache_roots() -> list[Path]:
    """The folders that may hold one folder of machine code for each state of the sources."""
    if named := os.environ.get("RODRUN_CACHE_DIR"):
        return [Path(named), _temporary_root()]
    if named := os.environ.get("XDG_CACHE_HOME"):
        return [Path(named) / "rodrun", _temporary_root()]
    try:
        return [Path.home() / ".cache" / "rodrun", _temporary_root()]
    except RuntimeError:  # no home directory: a container's arbitrary user
        return [_temporary_root()]


@cache
def code_name(folder: Path, options: str) -> str:
    """The name of the state that the compiled functions in ``folder`` are in.

    A caller keeps stale machine code when a callee in another module changes, and Numba looks
    at the caller's file only. So the name is a hash of everything that shapes the code: all
    sources that hold compiled functions, the versions below them, the processor, the ``options``
    to compile with.
    """
    sources = {
        *folder.glob("*.py"),
        *(_PACKAGE / "plane").glob("*.py"),
        *(_PACKAGE / "rtp").glob("*.py"),
        *_PACKAGE.glob("native*.py"),
        _PACKAGE / "compiled.py",
        _PACKAGE / "large_pages.py",
        Path(__file__).resolve(),
    }
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(str(source).encode() + b"\0" + source.read_bytes() + b"\0")
    for name in ("numba", "llvmlite", "numpy", "pylibsrtp"):
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    digest.update(f"{sys.version_info} {processor()} {options}".encode())
    return f"code-{digest.hexdigest()[:20]}"


@cache
def find_place(folder: Path, options: str) -> Place | None:
    """Where the machine code of the functions in ``folder`` is kept; None when nowhere."""
    name = code_name(folder, options)
    for root in cache_roots():
        directory = root / name
        try:
            if root == _temporary_root() and not _is_private(root):
                continue  # what is loaded is executed: it must not be somebody else's
            if not _can_write(directory) and not any(directory.rglob("*.nbi")):
                continue
        except OSError:
            continue
        with suppress(OSError):
            os.utime(directory)  # in use: see ``forget_old_code``
        return Place(directory, os.access(directory, os.W_OK))
    return None


def _is_private(root: Path) -> bool:
    """Whether a folder in the temporary one, made if it was not there, is ours alone."""
    with suppress(FileExistsError):
        root.mkdir(mode=0o700)
    found = root.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _can_write(directory: Path) -> bool:
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
    return os.access(directory, os.W_OK | os.X_OK)


def forget_old_code(now: float) -> None:
    """Remove the machine code of sources that were last run a month before ``now`` (Unix time)."""
    for directory in (each for root in cache_roots() for each in root.glob("code-*")):
        with suppress(OSError):
            if now - directory.stat().st_mtime > _KEEP_S:
                shutil.rmtree(directory)


def keep_code(dispatcher: Any, options: str) -> None:
    """Let a function that Numba has wrapped find its machine code, and leave it for the next."""
    progress.functions += 1
    folder = Path(dispatcher.py_func.__code__.co_filename).resolve().parent
    place = find_place(folder, options)
    dispatcher._cache = _make_cache(place)(dispatcher.py_func) if place else _Nowhere()


class _Nowhere(_caching.NullCache):  # type: ignore[misc]
    """Keeps nothing, and counts."""

    def save_overload(self, signature: Any, result: Any) -> None:
        progress.compiled.append(result.fndesc.qualname)


@cache
def _make_cache(place: Place) -> Any:
    """Numba's cache of functions, in ``place``.

    Numba's own choice of a folder asks for one that can be written, and otherwise goes to the
    folder of the sources.
    """

    class Locator(_caching.UserProvidedCacheLocator):  # type: ignore[misc]
        """Says where, without trying to write there."""

        def __init__(self, function: Any, source: str) -> None:
            self._py_file = source
            self._lineno = function.__code__.co_firstlineno
            self._cache_path = str(place.directory / self.get_suitable_cache_subpath(source))

        def ensure_cache_path(self) -> None:
            if place.writable:
                super().ensure_cache_path()

        @classmethod
        def from_function(cls, function: Any, source: str) -> "Locator":
            return cls(function, source)

    class Implementation(_caching.CompileResultCacheImpl):  # type: ignore[misc]
        _locator_classes = (Locator,)

    class Cache(_caching.FunctionCache):  # type: ignore[misc]
        """Counts, and takes a file that cannot be read or written for one that is not there."""

        _impl_class = Implementation

        def load_overload(self, signature: Any, target: Any) -> Any:
            base: Any = super()
            try:
                found = base.load_overload(signature, target)
            except Exception as error:  # whatever unpickling a damaged file may raise
                _log.warning("cannot use the machine code in %s: %r", place.directory, error)
                return None
            progress.loaded += found is not None
            return found

        def save_overload(self, signature: Any, result: Any) -> None:
            progress.compiled.append(result.fndesc.qualname)
            if not place.writable:
                return
            base: Any = super()
            try:
                base.save_overload(signature, result)
            except OSError as error:
                _log.warning("cannot keep machine code in %s: %s", place.directory, error)
                base.disable()

    return Cache
