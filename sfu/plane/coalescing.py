"""When to sleep a little after a small batch, so that more comes at once; as network cards do.

Waking up for every packet or two costs more than forwarding them.
"""

from typing import Final

from sfu.compiled import compiled

_WINDOW_NS: Final = 100_000_000
_SCALE: Final = 1024
_LIGHT: Final = 100  # datagrams in a window; the pause grows from nothing here
_HEAVY: Final = 400  # to its longest here
_SMALL_BATCH: Final = 64


@compiled
def load_after(load: int, datagrams: int, elapsed_ns: int) -> int:
    """The load after a batch that came ``elapsed_ns`` after the last; 0 at first.

    A running mean: datagrams in 100 ms, times 1024.
    """
    elapsed_ns = min(max(elapsed_ns, 0), _WINDOW_NS)
    return load + datagrams * _SCALE - load * elapsed_ns // _WINDOW_NS


@compiled
def pause_ns(load: int, datagrams: int, longest_ns: int) -> int:
    """How long to sleep after a batch, at most ``longest_ns``; nothing when idle.

    Nothing either where less than one datagram would come meanwhile: ``poll`` sleeps until there is
    one, and does not wake for none.
    """
    over = min(load // _SCALE, _HEAVY) - _LIGHT
    if over <= 0 or datagrams >= _SMALL_BATCH:
        return 0
    pause = longest_ns * over // (_HEAVY - _LIGHT)
    return pause if load // _SCALE * pause >= _WINDOW_NS else 0
