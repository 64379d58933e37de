"""Transport-wide feedback read and written plainly, from the draft: what the tests compare with."""

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Feedback:
    sender: int
    media: int
    base: int
    reference: int
    count: int
    deltas: tuple[int | None, ...]
    """One for each number from ``base`` on, in 250 µs; None is lost."""

    def arrivals(self) -> dict[int, int]:
        """Number → arrival in ticks of 250 µs since reference time 0."""
        ticks = self.reference * 256
        found = {}
        for index, delta in enumerate(self.deltas):
            if delta is not None:
                ticks += delta
                found[self.base + index] = ticks
        return found


def parse(data: bytes) -> Feedback:
    """Read one packet; raises ValueError or struct.error for a malformed one."""
    flags, kind, words = struct.unpack_from("!BBH", data)
    if flags & 0xDF != 0x8F or kind != 205 or len(data) != 4 * words + 4:
        raise ValueError("no transport-wide feedback")
    if flags & 0x20:
        padding = data[-1]
        if padding == 0 or padding > len(data) - 20:
            raise ValueError("bad padding")
        data = data[:-padding]
    sender, media, base, status_count, last = struct.unpack_from("!IIHHI", data, 4)
    if status_count == 0:
        raise ValueError("about nothing")
    symbols: list[int] = []
    at = 20
    while len(symbols) < status_count:
        (chunk,) = struct.unpack_from("!H", data, at)
        at += 2
        bits = f"{chunk:016b}"
        if bits[0] == "0":
            symbols += [int(bits[1:3], 2)] * int(bits[3:], 2)
        elif bits[1] == "0":
            symbols += [int(bit) for bit in bits[2:]]
        else:
            symbols += [int(bits[place : place + 2], 2) for place in range(2, 16, 2)]
    deltas: list[int | None] = []
    for symbol in symbols[:status_count]:
        if symbol == 0:
            deltas.append(None)
        elif symbol == 1:
            deltas.append(struct.unpack_from("!B", data, at)[0])
            at += 1
        elif symbol == 2:
            deltas.append(struct.unpack_from("!h", data, at)[0])
            at += 2
        else:
            raise ValueError("reserved symbol")
    return Feedback(sender, media, base, last >> 8, last & 0xFF, tuple(deltas))


def make(feedback: Feedback) -> bytes:
    """Write a packet in the plainest way: two-bit symbols only."""
    symbols = [0 if delta is None else 1 if 0 <= delta <= 255 else 2 for delta in feedback.deltas]
    body = b""
    for start in range(0, len(symbols), 7):
        chunk = 0xC000
        for place, symbol in enumerate(symbols[start : start + 7]):
            chunk |= symbol << (12 - 2 * place)
        body += struct.pack("!H", chunk)
    for delta in feedback.deltas:
        if delta is not None:
            body += struct.pack("!B" if 0 <= delta <= 255 else "!h", delta)
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes([padding])
    head = struct.pack(
        "!IIHHI",
        feedback.sender,
        feedback.media,
        feedback.base & 0xFFFF,
        len(feedback.deltas),
        (feedback.reference & 0xFFFFFF) << 8 | feedback.count & 0xFF,
    )
    flags = 0xAF if padding else 0x8F
    return struct.pack("!BBH", flags, 205, (len(head) + len(body)) // 4) + head + body
