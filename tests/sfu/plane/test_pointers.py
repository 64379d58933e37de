"""What does not fit never reaches C, and nobody else computes a pointer."""

import ast
from pathlib import Path

import pytest

import sfu.plane
from sfu.compiled import compiled
from sfu.plane import pointers
from sfu.plane.layouts import CONTROL_ROW, FIRST_OCTET, MAX_SEGMENTS, QUEUE, STRIDE
from sfu.plane.pointers import DATA, OVERFLOW, ROWS
from sfu.plane.records import EVENT
from sfu.plane.tables import Tables
from tests.sfu.plane.stage import Rtp, Stage

FUNCTIONS_OF_C = {
    "clock_gettime",
    "clock_nanosleep",
    "memmove",
    "poll",
    "ppoll",
    "prefetch",
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
HOLDERS = {"layouts.py", "tables.py"}
"""Who name the fields in which pointers stand, and fill them once."""


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
                assert not is_pointer or source.name in HOLDERS, (source.name, node.value)


SIZE = 20
COPY, UNPROTECT_RTP, UNPROTECT_RTCP, PROTECT_RTP, PROTECT_RTCP = range(5)
POINT_MESSAGE, POINT_VECTOR, SEND_MESSAGES, SEND_EVENT = range(5, 9)
EVENT_SIZE = EVENT.itemsize
PACKETS = QUEUE + MAX_SEGMENTS
AT = FIRST_OCTET


def misuses(end: int, rows: int, overflow: int) -> list[tuple[int, ...]]:
    """Calls that must raise: function and arguments. Slot 0 is connected, the others are not.

    The sizes are those of the arenas DATA, ROWS and OVERFLOW.
    """
    return [
        (COPY, DATA, -1, DATA, 0, 10),
        (COPY, DATA, end - 9, DATA, 0, 10),
        (COPY, DATA, 0, ROWS, rows - 9, 10),
        (COPY, DATA, 0, ROWS, 0, -1),
        (COPY, 7, 0, ROWS, 0, 1),
        (COPY, OVERFLOW, overflow - 1, DATA, 0, 2),
        (UNPROTECT_RTP, 0, -STRIDE, SIZE),
        (UNPROTECT_RTP, 0, AT, AT),
        (UNPROTECT_RTP, 0, STRIDE - SIZE, STRIDE + SIZE),
        (UNPROTECT_RTP, 5, AT, AT + SIZE),
        (UNPROTECT_RTP, 8, AT, AT + SIZE),
        (UNPROTECT_RTP, -1, AT, AT + SIZE),
        (UNPROTECT_RTCP, 0, end, end + SIZE),
        (PROTECT_RTP, 0, DATA, STRIDE - SIZE - 10, STRIDE - 10),  # no room to grow
        (PROTECT_RTP, 0, ROWS, 0, CONTROL_ROW - 10),
        (PROTECT_RTCP, 0, ROWS, rows - SIZE, rows - 10),
        (PROTECT_RTCP, 5, ROWS, 0, SIZE),
        (POINT_MESSAGE, PACKETS, 0, 0, 0, 1, 0),
        (POINT_MESSAGE, -1, 0, 0, 0, 1, 0),
        (POINT_MESSAGE, 0, 5, -1, 0, 1, 0),
        (POINT_MESSAGE, 0, 9, 0, 0, 1, 0),
        (POINT_MESSAGE, 0, 0, 0, PACKETS - 1, 2, 0),
        (POINT_MESSAGE, 0, 0, 0, 0, 0, 0),
        (POINT_VECTOR, 0, DATA, end, 1),
        (POINT_VECTOR, PACKETS, DATA, 0, 1),
        (SEND_MESSAGES, -1, 1),
        (SEND_MESSAGES, 0, PACKETS + 1),
        (SEND_MESSAGES, 1, -1),
        (SEND_EVENT, EVENT_SIZE + 1),
        (SEND_EVENT, -1),
    ]


@compiled
def _call(t: Tables, which: int, a: int, b: int, c: int, d: int, e: int, f: int) -> int:
    # one function, for each entry from Python takes seconds to compile
    result = 0
    if which == COPY:
        pointers.copy(t, a, b, c, d, e)
    elif which == UNPROTECT_RTP:
        result = pointers.unprotect_rtp(t, a, b, c)
    elif which == UNPROTECT_RTCP:
        result = pointers.unprotect_rtcp(t, a, b, c)
    elif which == PROTECT_RTP:
        result = pointers.protect_rtp(t, a, b, c, d)
    elif which == PROTECT_RTCP:
        result = pointers.protect_rtcp(t, a, b, c, d)
    elif which == POINT_MESSAGE:
        pointers.point_message(t, a, b, c, d, e, f)
    elif which == POINT_VECTOR:
        pointers.point_vector(t, a, b, c, d)
    elif which == SEND_MESSAGES:
        result = pointers.send_messages(t, a, b)
    elif which == SEND_EVENT:
        result = int(pointers.send_event(t, a))
    return result


def call(t: Tables, which: int, *arguments: int) -> int:
    a, b, c, d, e, f = *arguments, *(0,) * (6 - len(arguments))
    return _call(t, which, a, b, c, d, e, f)


def test_what_does_not_fit_raises_before_c_is_called() -> None:
    with Stage() as stage:
        stage.connect(0)
        t = stage.tables
        before = t.send_headers.tobytes(), t.data.tobytes(), t.rows.tobytes()
        for misuse in misuses(t.data.size, t.rows.size, t.overflow.size):
            with pytest.raises(IndexError):
                call(t, *misuse)
        assert before == (t.send_headers.tobytes(), t.data.tobytes(), t.rows.tobytes())


def test_octets_are_copied_between_arenas_and_within_one() -> None:
    with Stage() as stage:
        t = stage.tables
        t.rows[:6] = [1, 2, 3, 4, 5, 6]
        call(t, COPY, ROWS, 0, DATA, 100, 6)
        assert t.data[99:107].tolist() == [0, 1, 2, 3, 4, 5, 6, 0]
        call(t, COPY, DATA, 100, DATA, 102, 6)
        assert t.data[99:109].tolist() == [0, 1, 2, 1, 2, 3, 4, 5, 6, 0]
        call(t, COPY, DATA, 102, DATA, 100, 6)
        assert t.data[99:109].tolist() == [0, 1, 2, 3, 4, 5, 6, 5, 6, 0]
        call(t, COPY, DATA, 0, ROWS, 0, 0)
        assert t.rows[0] == 1


def test_libsrtps_refusal_is_told_as_its_status() -> None:
    with Stage() as stage:
        browser = stage.connect(0)
        t = stage.tables
        packet = bytearray(browser.protect(Rtp(96, 1, 0, 1001)))
        packet[-1] ^= 1
        t.data[FIRST_OCTET : FIRST_OCTET + len(packet)] = list(packet)
        assert call(t, UNPROTECT_RTP, 0, FIRST_OCTET, FIRST_OCTET + len(packet)) == -7
