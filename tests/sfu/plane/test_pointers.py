"""What does not fit never reaches C, and nobody else computes a pointer."""

import ast
from pathlib import Path

import pytest

import sfu.plane
from sfu.compiled import compiled
from sfu.plane import pointers
from sfu.plane.pointers import DATA, OVERFLOW, ROWS
from sfu.plane.records import EVENT
from sfu.plane.tables import (
    CONTROL_ROW,
    FIRST_OCTET,
    MAX_SEGMENTS,
    QUEUE,
    STRIDE,
    Tables,
)
from tests.sfu.plane.stage import Rtp, Stage

FUNCTIONS_OF_C = {
    "clock_gettime",
    "clock_nanosleep",
    "memmove",
    "poll",
    "ppoll",
    "read_clock",
    "recv",
    "recvmmsg",
    "send",
    "sendmmsg",
    "sendto",
    "srtp_protect",
    "srtp_protect_rtcp",
    "srtp_remove_stream",
    "srtp_unprotect",
    "srtp_unprotect_rtcp",
}


def test_no_other_module_of_the_plane_knows_a_pointer() -> None:
    for source in sorted(Path(sfu.plane.__file__).parent.glob("*.py")):
        if source.name == "pointers.py":
            continue
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "sfu.native":
                names = {each.name for each in node.names}
                assert not names & FUNCTIONS_OF_C, f"{source.name} calls C"
                assert "address_of" not in names or source.name == "tables.py", source.name
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_pointer = node.value.isidentifier() and node.value.endswith("_address")
                assert not is_pointer or source.name == "tables.py", (source.name, node.value)


SIZE = 20
EVENT_SIZE = EVENT.itemsize
MISUSES = 30


@compiled
def misuse(t: Tables, which: int) -> None:
    """One of ``MISUSES`` calls that must raise; slot 0 is connected, the others are not."""
    end = t.data.size
    rows = t.rows.size
    at = FIRST_OCTET
    if which == 0:
        pointers.copy(t, DATA, -1, DATA, 0, 10)
    elif which == 1:
        pointers.copy(t, DATA, end - 9, DATA, 0, 10)
    elif which == 2:
        pointers.copy(t, DATA, 0, ROWS, rows - 9, 10)
    elif which == 3:
        pointers.copy(t, DATA, 0, ROWS, 0, -1)
    elif which == 4:
        pointers.copy(t, 7, 0, ROWS, 0, 1)
    elif which == 5:
        pointers.unprotect_rtp(t, 0, -STRIDE, SIZE)
    elif which == 6:
        pointers.unprotect_rtp(t, 0, at, at)
    elif which == 7:
        pointers.unprotect_rtp(t, 0, STRIDE - SIZE, STRIDE + SIZE)
    elif which == 8:
        pointers.unprotect_rtcp(t, 0, end, end + SIZE)
    elif which == 9:
        pointers.unprotect_rtp(t, 5, at, at + SIZE)
    elif which == 10:
        pointers.unprotect_rtp(t, 8, at, at + SIZE)
    elif which == 11:
        pointers.unprotect_rtp(t, -1, at, at + SIZE)
    elif which == 12:  # no room to grow
        pointers.protect_rtp(t, 0, DATA, STRIDE - SIZE - 10, STRIDE - 10)
    elif which == 13:
        pointers.protect_rtp(t, 0, ROWS, 0, CONTROL_ROW - 10)
    elif which == 14:
        pointers.protect_rtcp(t, 0, ROWS, rows - SIZE, rows - 10)
    elif which == 15:
        pointers.protect_rtcp(t, 5, ROWS, 0, SIZE)
    elif which == 16:
        pointers.point_message(t, QUEUE + MAX_SEGMENTS, 0, 0, 0, 1, 0)
    elif which == 17:
        pointers.point_message(t, -1, 0, 0, 0, 1, 0)
    elif which == 18:
        pointers.point_message(t, 0, 5, -1, 0, 1, 0)
    elif which == 19:
        pointers.point_message(t, 0, 9, 0, 0, 1, 0)
    elif which == 20:
        pointers.point_vector(t, 0, DATA, end, 1)
    elif which == 21:
        pointers.send_messages(t, -1, 1)
    elif which == 22:
        pointers.send_messages(t, 0, QUEUE + MAX_SEGMENTS + 1)
    elif which == 23:
        pointers.send_messages(t, 1, -1)
    elif which == 24:
        pointers.send_event(t, EVENT_SIZE + 1)
    elif which == 25:
        pointers.send_event(t, -1)
    elif which == 26:
        pointers.point_vector(t, QUEUE + MAX_SEGMENTS, DATA, 0, 1)
    elif which == 27:
        pointers.point_message(t, 0, 0, 0, QUEUE + MAX_SEGMENTS - 1, 2, 0)
    elif which == 28:
        pointers.point_message(t, 0, 0, 0, 0, 0, 0)
    elif which == 29:
        pointers.copy(t, OVERFLOW, t.overflow.size - 1, DATA, 0, 2)


@compiled
def copy(t: Tables, source: int, source_at: int, target: int, target_at: int, size: int) -> None:
    pointers.copy(t, source, source_at, target, target_at, size)


@compiled
def unprotect_rtp(t: Tables, slot: int, at: int, end: int) -> int:
    return pointers.unprotect_rtp(t, slot, at, end)


def test_what_does_not_fit_raises_before_c_is_called() -> None:
    with Stage() as stage:
        stage.connect(0)
        t = stage.tables
        before = t.send_headers.tobytes(), t.data.tobytes(), t.rows.tobytes()
        for which in range(MISUSES):
            with pytest.raises(IndexError):
                misuse(t, which)
        assert before == (t.send_headers.tobytes(), t.data.tobytes(), t.rows.tobytes())


def test_octets_are_copied_between_arenas_and_within_one() -> None:
    with Stage() as stage:
        t = stage.tables
        t.rows[:6] = [1, 2, 3, 4, 5, 6]
        copy(t, ROWS, 0, DATA, 100, 6)
        assert t.data[99:107].tolist() == [0, 1, 2, 3, 4, 5, 6, 0]
        copy(t, DATA, 100, DATA, 102, 6)
        assert t.data[99:109].tolist() == [0, 1, 2, 1, 2, 3, 4, 5, 6, 0]
        copy(t, DATA, 102, DATA, 100, 6)
        assert t.data[99:109].tolist() == [0, 1, 2, 3, 4, 5, 6, 5, 6, 0]
        copy(t, DATA, 0, ROWS, 0, 0)
        assert t.rows[0] == 1


def test_libsrtps_refusal_is_told_as_its_status() -> None:
    with Stage() as stage:
        browser = stage.connect(0)
        t = stage.tables
        packet = bytearray(browser.protect(Rtp(96, 1, 0, 1001)))
        packet[-1] ^= 1
        t.data[FIRST_OCTET : FIRST_OCTET + len(packet)] = list(packet)
        assert unprotect_rtp(t, 0, FIRST_OCTET, FIRST_OCTET + len(packet)) == -7
