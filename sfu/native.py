"""Addresses, pointers and the C functions behind them: the one module that knows any.

The functions below may be called from ``compiled`` functions and from plain Python; with JIT
disabled the same names are ctypes functions. Every pointer is an integer address; ``address_of``
gives that of an array. What the addresses point to must outlive the call: keep the arrays.

Only Linux is known here, as on x86-64 and AArch64 (structure layouts, option numbers).
"""

import ctypes
import socket
from collections.abc import Callable
from typing import Any, Final, cast

import llvmlite.binding
import llvmlite.ir
import numpy as np
import numpy.typing as npt
import pylibsrtp
from numba.core import types
from numba.extending import intrinsic
from pylibsrtp import _binding

from sfu.compiled import JIT_DISABLED, compiled

Octets = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Records = npt.NDArray[np.void]

# Structures of the kernel

ADDRESS_SIZE: Final = 28  # struct sockaddr_in6; a sockaddr_in is padded to it with zeros

IOVEC = np.dtype([("base", np.int64), ("length", np.int64)])

MSGHDR_FIELDS: Final = [
    ("name", np.int64),
    ("name_length", np.uint32),
    ("_gap1", np.uint32),
    ("vectors", np.int64),
    ("vector_count", np.int64),
    ("control", np.int64),
    ("control_length", np.int64),
    ("flags", np.int32),
    ("_gap2", np.uint32),
]

MMSGHDR = np.dtype([*MSGHDR_FIELDS, ("length", np.uint32), ("_gap3", np.uint32)])
"""One message of ``recvmmsg`` or ``sendmmsg``; ``length`` is what the kernel moved."""

POLLFD = np.dtype([("fd", np.int32), ("events", np.int16), ("happened", np.int16)])

TIMESPEC = np.dtype([("seconds", np.int64), ("nanoseconds", np.int64)])

MSG_DONTWAIT: Final = 0x40
MSG_TRUNC: Final = 0x20
MSG_WAITFORONE: Final = 0x10000
POLLIN: Final = 0x1
CLOCK_REALTIME: Final = 0
CLOCK_MONOTONIC: Final = 1
CLOCK_BOOTTIME: Final = 7  # CLOCK_MONOTONIC and the time in which the machine slept
SO_TIMESTAMPNS: Final = 35
SO_RXQ_OVFL: Final = 40
_SOL_SOCKET: Final = 1
SOL_UDP: Final = 17
UDP_SEGMENT: Final = 103  # udp(7): the size into which the kernel cuts a message
UDP_GRO: Final = 104
CONTROL_SIZE: Final = 96  # room for the three control messages, aligned

SRTP_OK: Final = 0
SRTP_TRAILER: Final = (
    20  # octets at most that protecting adds (GCM: a tag of 16, and an RTCP index)
)


def address_of(array: npt.NDArray[Any]) -> int:
    """The address of the first octet of ``array``, which must be kept as long as it is used."""
    return int(array.ctypes.data)


# The functions

_POINTER, _INT, _UNSIGNED, _LONG = "pointer", "int", "unsigned", "long"
_COMPILED_TYPES: dict[str, Any] = {
    _POINTER: types.intp,
    _INT: types.int32,
    _UNSIGNED: types.uint32,
    _LONG: types.int64,
}
_INTERPRETED_TYPES: dict[str, Any] = {
    _POINTER: ctypes.c_void_p,
    _INT: ctypes.c_int,
    _UNSIGNED: ctypes.c_uint,
    _LONG: ctypes.c_int64,
}
_LIBRARY = ctypes.CDLL(None)


def _function(name: str, result: str, *parameters: str) -> Callable[..., int]:
    """A C function of libc, or of the libsrtp inside pylibsrtp, callable both ways."""
    address = None
    if name.startswith("srtp_"):
        pointer = _binding.ffi.addressof(_binding.lib, name)
        address = int(_binding.ffi.cast("intptr_t", pointer))
    if JIT_DISABLED:
        prototype = ctypes.CFUNCTYPE(
            _INTERPRETED_TYPES[result], *(_INTERPRETED_TYPES[each] for each in parameters)
        )
        return cast(Callable[..., int], prototype(address or (name, _LIBRARY)))
    if address is not None:
        llvmlite.binding.add_symbol(name, address)
    signature = _COMPILED_TYPES[result](*(_COMPILED_TYPES[each] for each in parameters))
    return cast(Callable[..., int], types.ExternalFunction(name, signature))


recvmmsg = _function("recvmmsg", _INT, _INT, _POINTER, _UNSIGNED, _INT, _POINTER)
"""``(fd, messages, count, flags, timeout)`` → messages received, or −1."""

sendmmsg = _function("sendmmsg", _INT, _INT, _POINTER, _UNSIGNED, _INT)
"""``(fd, messages, count, flags)`` → messages sent, or −1 when the first could not be."""

recv = _function("recv", _LONG, _INT, _POINTER, _LONG, _INT)
"""``(fd, buffer, size, flags)`` → octets received, or −1."""

send = _function("send", _LONG, _INT, _POINTER, _LONG, _INT)
"""``(fd, buffer, size, flags)`` → octets sent, or −1."""

sendto = _function("sendto", _LONG, _INT, _POINTER, _LONG, _INT, _POINTER, _UNSIGNED)
"""``(fd, buffer, size, flags, address, address size)`` → octets sent, or −1."""

memmove = _function("memmove", _POINTER, _POINTER, _POINTER, _LONG)
"""``(target, source, octets)`` → target; the two may overlap."""

poll = _function("poll", _INT, _POINTER, _LONG, _INT)
"""``(pollfds, count, timeout in ms)`` → how many are ready, or −1."""

ppoll = _function("ppoll", _INT, _POINTER, _LONG, _POINTER, _POINTER)
"""``(pollfds, count, timespec, 0)`` → how many are ready, or −1."""

clock_gettime = _function("clock_gettime", _INT, _INT, _POINTER)
"""``(clock, timespec)`` → 0."""

clock_nanosleep = _function("clock_nanosleep", _INT, _INT, _INT, _POINTER, _POINTER)
"""``(clock, 0 relative | 1 absolute, timespec, 0)`` → 0, or an error number."""

srtp_protect = _function("srtp_protect", _INT, _POINTER, _POINTER, _POINTER)
"""``(context, packet, int32 length in and out)`` → ``SRTP_OK`` or a libsrtp error. In place."""

srtp_unprotect = _function("srtp_unprotect", _INT, _POINTER, _POINTER, _POINTER)
"""``(context, packet, int32 length in and out)`` → ``SRTP_OK`` or a libsrtp error. In place."""

srtp_protect_rtcp = _function("srtp_protect_rtcp", _INT, _POINTER, _POINTER, _POINTER)
"""Like ``srtp_protect``, for a compound RTCP packet."""

srtp_unprotect_rtcp = _function("srtp_unprotect_rtcp", _INT, _POINTER, _POINTER, _POINTER)
"""Like ``srtp_unprotect``, for a compound RTCP packet."""

_srtp_remove_stream = _function("srtp_remove_stream", _INT, _POINTER, _UNSIGNED)


@compiled
def srtp_remove_stream(context: int, ssrc: int) -> int:
    """Forget one stream of ``context``; ``ssrc`` in host order. → ``SRTP_OK`` or an error."""
    swapped = (
        ((ssrc & 0xFF) << 24)
        | ((ssrc & 0xFF00) << 8)
        | ((ssrc >> 8) & 0xFF00)
        | ((ssrc >> 24) & 0xFF)
    )  # libsrtp wants network order; x86-64 and AArch64 Linux are little-endian
    return _srtp_remove_stream(context, swapped)


@compiled
def read_clock(timespec: Records, timespec_address: int, clock: int) -> int:
    """The time of ``clock`` in ns; ``timespec`` is one TIMESPEC of scratch, and its address."""
    clock_gettime(clock, timespec_address)
    return int(timespec[0]["seconds"]) * 1_000_000_000 + int(timespec[0]["nanoseconds"])


# Memory


def _prefetch(_typing: Any, _address: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        octet = llvmlite.ir.IntType(8).as_pointer()
        number = llvmlite.ir.IntType(32)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch",
            [octet],
            llvmlite.ir.FunctionType(llvmlite.ir.VoidType(), [octet, number, number, number]),
        )
        pointer = builder.inttoptr(arguments[0], octet)
        builder.call(function, [pointer, number(0), number(3), number(1)])  # to read, kept, data
        return context.get_dummy_value()

    return types.void(types.int64), generate


def _prefetch_nothing(address: int) -> None:
    """As a Python interpreter does."""


_compile: Any = intrinsic
prefetch: Callable[[int], None] = _prefetch_nothing if JIT_DISABLED else _compile(_prefetch)
"""``(address)``: have the line of cache there fetched; a hint, harmless for any number."""


def advise(address: int, size: int, advice: int) -> bool:
    """madvise(2): whether the kernel took it. ``address`` is the beginning of a page."""
    return int(_LIBRARY.madvise(ctypes.c_void_p(address), ctypes.c_size_t(size), advice)) == 0


def heap_end() -> int:
    """Where the process's heap ends (brk(2)): what malloc gives out in small pieces is below."""
    return int(_break(0) or 0)


def set_malloc(option: int, value: int) -> bool:
    """mallopt(3); False where libc has no such thing."""
    try:
        return bool(_LIBRARY.mallopt(option, value))
    except AttributeError:
        return False


_break: Any = _LIBRARY.sbrk
_break.argtypes, _break.restype = [ctypes.c_ssize_t], ctypes.c_void_p


# Batches of messages


class Messages:
    """Structures for ``count`` datagrams of at most ``size`` octets, addresses filled in once.

    Attributes:
        headers: one MMSGHDR a message; ``headers_address`` is what recvmmsg and sendmmsg take.
        data: uint8[(count + spare) × stride]; message ``i`` begins at ``i * stride + headroom``.
        names: uint8[count × 28], the peers' addresses.
        control: int64[count × 12], control messages (see ``receive_time``), if asked for.
        overflow: uint8[count × overflow], what of a message does not fit into ``size``.

    ``zeros`` makes the arrays, all but ``overflow``.
    """

    def __init__(
        self,
        count: int,
        size: int,
        *,
        headroom: int = 0,
        tailroom: int = 0,
        control: bool = False,
        overflow: int = 0,
        spare: int = 0,
        zeros: Callable[[int, npt.DTypeLike], npt.NDArray[Any]] = np.zeros,
    ) -> None:
        self.count = count
        self.size = size
        self.headroom = headroom
        # an odd number of cache lines, so that equal offsets do not share cache sets
        self.stride = (headroom + size + tailroom + 63) // 64 * 64
        self.stride += 64 if self.stride % 128 == 0 else 0
        self.data: Octets = zeros((count + spare) * self.stride, np.uint8)
        self.names: Octets = zeros(count * ADDRESS_SIZE, np.uint8)
        self.control: Integers = zeros(count * CONTROL_SIZE // 8 if control else 0, np.int64)
        parts = 2 if overflow else 1
        self.vectors: Records = zeros(count * parts, IOVEC)
        self.headers: Records = zeros(count, MMSGHDR)
        at = np.arange(count)
        self.vectors["base"][::parts] = address_of(self.data) + at * self.stride + headroom
        self.vectors["length"][::parts] = size
        self.overflow: Octets = np.zeros(count * overflow, np.uint8)  # no page before it is used
        if overflow:
            self.vectors["base"][1::2] = address_of(self.overflow) + at * overflow
            self.vectors["length"][1::2] = overflow
        self.headers["name"] = address_of(self.names) + at * ADDRESS_SIZE
        self.headers["name_length"] = ADDRESS_SIZE
        self.headers["vectors"] = address_of(self.vectors) + at * parts * IOVEC.itemsize
        self.headers["vector_count"] = parts
        if control:
            self.headers["control"] = address_of(self.control) + at * CONTROL_SIZE
            self.headers["control_length"] = CONTROL_SIZE
        self.headers_address = address_of(self.headers)


@compiled
def reset_messages(headers: Records, count: int) -> None:
    """Make the first ``count`` received messages ready to receive again."""
    for index in range(count):
        header = headers[index]
        header["name_length"] = ADDRESS_SIZE
        if header["control"] != 0:
            header["control_length"] = CONTROL_SIZE


@compiled
def control_message(control: Integers, at: int, length: int, level: int, kind: int) -> int:
    """Offset of the payload of one control message, or −1 when it is not there.

    ``at`` and ``length`` bound one message's part of ``control``, in octets; ``at`` is a multiple
    of eight, as the kernel aligns everything here.
    """
    end = at + length
    wanted = level | kind << 32
    while at + 16 <= end:
        size = int(control[at >> 3])
        if size < 16 or size > end - at:
            return -1
        if control[(at >> 3) + 1] == wanted:
            return at + 16
        at += (size + 7) & ~7
    return -1


@compiled
def receive_time(control: Integers, at: int, length: int) -> int:
    """When the kernel received the datagram: CLOCK_REALTIME ns, or 0 when it did not say."""
    payload = control_message(control, at, length, _SOL_SOCKET, SO_TIMESTAMPNS)
    if payload < 0:
        return 0
    return int(control[payload >> 3]) * 1_000_000_000 + int(control[(payload >> 3) + 1])


@compiled
def receive_overflow(control: Integers, at: int, length: int) -> int:
    """Datagrams that the socket dropped for want of room since it was made, or −1 if not said."""
    payload = control_message(control, at, length, _SOL_SOCKET, SO_RXQ_OVFL)
    return int(control[payload >> 3]) & 0xFFFFFFFF if payload >= 0 else -1


@compiled
def receive_segment(control: Integers, at: int, length: int) -> int:
    """The size of every datagram but the last in a message that holds several; 0 for one."""
    payload = control_message(control, at, length, SOL_UDP, UDP_GRO)
    return int(control[payload >> 3]) & 0xFFFFFFFF if payload >= 0 else 0


# Addresses


def pack_address(address: tuple[str, int], family: int) -> bytes:
    """``(host, port)`` as the kernel writes it for a socket of ``family``, in 28 octets.

    An IPv4 host becomes a v4-mapped IPv6 one on an AF_INET6 socket. ``host`` is numeric and may
    end in a scope (``fe80::1%eth0``). Raises ValueError for anything else.
    """
    host, port = address
    if not 0 <= port <= 0xFFFF:
        raise ValueError(f"not a port: {port}")
    try:
        if family == socket.AF_INET:
            packed = socket.inet_pton(socket.AF_INET, host)
            body = port.to_bytes(2) + packed
        else:
            bare, _, scope = host.partition("%")
            mapped = bare if ":" in bare else f"::ffff:{bare}"
            number = socket.if_nametoindex(scope) if scope and not scope.isdigit() else scope
            packed = socket.inet_pton(socket.AF_INET6, mapped)
            scope_id = np.uint32(int(number or 0)).tobytes()
            body = port.to_bytes(2) + bytes(4) + packed + scope_id
    except OSError as error:
        raise ValueError(f"not an address: {host!r}") from error
    return (np.uint16(family).tobytes() + body).ljust(ADDRESS_SIZE, b"\0")


def unpack_address(address: bytes) -> tuple[str, int]:
    """``(host, port)`` of 28 octets from the kernel; a v4-mapped host as plain IPv4.

    Raises ValueError for anything that is no Internet address.
    """
    if len(address) != ADDRESS_SIZE:
        raise ValueError(f"an address has {ADDRESS_SIZE} octets, not {len(address)}")
    family = int.from_bytes(address[:2], "little")
    port = int.from_bytes(address[2:4])
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, address[4:8]), port
    if family != socket.AF_INET6:
        raise ValueError(f"not an Internet address family: {family}")
    host = address[8:24]
    if host.startswith(bytes(10) + b"\xff\xff"):
        return socket.inet_ntop(socket.AF_INET, host[12:]), port
    scope = int.from_bytes(address[24:28], "little")
    return socket.inet_ntop(socket.AF_INET6, host) + (f"%{scope}" if scope else ""), port


# SRTP


class SrtpSession:
    """One direction of one connection's SRTP and SRTCP, for the functions above.

    ``profile`` is a ``pylibsrtp.Policy.SRTP_PROFILE_…`` value, ``key`` the master key followed by
    the master salt. Sending the same index twice is refused (it would encrypt two texts under one
    nonce); packets up to 511 behind the latest are still taken or sent, once each.

    Raises ValueError for a key that is too short, ``pylibsrtp.Error`` for an unknown profile.
    """

    def __init__(self, profile: int, key: bytes, *, outbound: bool) -> None:
        kind = pylibsrtp.Policy.SSRC_ANY_OUTBOUND if outbound else pylibsrtp.Policy.SSRC_ANY_INBOUND
        policy = pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=profile)
        policy.allow_repeat_tx = False
        # as far as the plane asks for missing packets (LOSS_REACH): without RTX they come as
        # themselves; more would cost, for libsrtp moves the whole window at every packet
        policy.window_size = 512
        self._session: Any = pylibsrtp.Session(policy)
        self._pointer = int(_binding.ffi.cast("intptr_t", self._session._srtp[0]))

    @property
    def pointer(self) -> int:
        """The ``srtp_t``, as an address. Raises RuntimeError once closed."""
        if self._session is None:
            raise RuntimeError("this SRTP session is closed")
        return self._pointer

    def close(self) -> None:
        """Free the context. No one may use ``pointer`` afterwards; closing twice is harmless."""
        session, self._session = self._session, None
        if session is not None:
            _binding.ffi.release(session._srtp)
