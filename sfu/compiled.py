"""The ``compiled`` decorator: one source, run as machine code or stepped through as Python.

``NUMBA_DISABLE_JIT=1`` (Numba's own setting) leaves the functions as they are written.
``RODRUN_BOUNDS_CHECK=0`` compiles without index checks. Where machine code is kept between runs
is in ``machine_code``.

What the two ways of running have to agree on, for everyone who writes a compiled function:
integers read from an unsigned array are widened with ``np.int64(...)`` before any arithmetic (a
``uint16`` wraps interpreted and does not compiled, and ``uint64`` with ``int64`` becomes a float),
and are masked when stored.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numba.core.config

from sfu.machine_code import Place, find_place, keep_code

BOUNDS_CHECK = os.environ.get("RODRUN_BOUNDS_CHECK", "1") != "0"
_config: Any = numba.core.config
JIT_DISABLED = bool(_config.DISABLE_JIT)

_OPTIONS = f"bounds check: {BOUNDS_CHECK}"

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def code_place(folder: Path) -> Place | None:
    """Where the machine code of the compiled functions in ``folder`` is kept; None: nowhere."""
    return find_place(folder, _OPTIONS)


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


def compiled_inline(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Like ``compiled_within``, for what each packet passes: its code goes into its callers'.

    A call copies the descriptors of all arrays of the tables, 2.5 kB: eight calls a packet took a
    seventh of its CPU time. Only for functions that are called from few places, in a loop.
    """
    return _decorate(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)


def _decorate(
    function: Callable[_Parameters, _Result], **options: bool
) -> Callable[_Parameters, _Result]:
    if JIT_DISABLED:
        return function
    njit: Any = numba.njit
    # without Numba's run-time there are no reference counts: half the time to compile
    decorate = njit(nogil=True, boundscheck=BOUNDS_CHECK, _nrt=False, **options)
    dispatcher = decorate(function)
    keep_code(dispatcher, _OPTIONS)
    return cast(Callable[_Parameters, _Result], dispatcher)
