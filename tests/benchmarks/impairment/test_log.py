"""The truth that is computed from a log."""

import struct
from pathlib import Path

import numpy as np
import pytest

from benchmarks.impairment import log
from benchmarks.impairment.line import MS, Client, Direction, Fate, Passage
from benchmarks.impairment.log import Kind

CLIENT = Client(3, "fd00:99::2", 40001)
START_NS = 1_700_000_000 * 1_000_000_000


def rtp(sequence: int, timestamp: int, marker: bool = False) -> bytes:
    head = struct.pack("!BBHII", 0x90, 0x80 * marker | 96, sequence, timestamp % 2**32, 0xCAFEBABE)
    return head + bytes(20)


def logged(data: bytes, at_ms: float, delay_ms: float = 0.0, fate: Fate = Fate.SENT) -> bytes:
    arrived_ns = START_NS + round(at_ms * MS)
    due_ns = arrived_ns + round(delay_ms * MS)
    passage = Passage(CLIENT, Direction.UP, data, arrived_ns, due_ns, fate)
    return log.record(passage, due_ns if fate == Fate.SENT else 0)


def read(*records: bytes) -> log.Records:
    return np.frombuffer(b"".join(records), log.RECORD)


def test_a_record_tells_everything_of_an_rtp_packet(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(logged(rtp(65535, 90_000, marker=True), 5, 25) + b"cut sho")
    (found,) = log.read_log(path)
    assert (found["client"], found["host"], found["port"]) == (3, b"fd00:99::2", 40001)
    assert (found["kind"], found["type"], found["format"]) == (Kind.RTP, 96, 1)
    assert (found["sequence"], found["timestamp"], found["ssrc"]) == (65535, 90_000, 0xCAFEBABE)
    assert found["sent_ns"] - found["arrived_ns"] == 25 * MS
    assert found["size"] == 32
    assert len(log.read_log(path, 1)) == 0
    assert len(log.read_log(path, log.RECORD.itemsize)) == 0


@pytest.mark.parametrize(
    ("data", "kind", "type_", "format_"),
    [
        (bytes.fromhex("0101000000000000"), Kind.STUN, 0x0101, 0),
        (bytes([22, 254, 253]), Kind.DTLS, 22, 0),
        (struct.pack("!BBHI", 0x81, 206, 2, 7) + bytes(20), Kind.RTCP, 206, 1),
        (b"", Kind.OTHER, 0, 0),
        (b"\x80", Kind.OTHER, 0, 0),
        (b"\x80\x60" + bytes(8), Kind.OTHER, 0, 0),
    ],
)
def test_kinds_are_told_apart(data: bytes, kind: Kind, type_: int, format_: int) -> None:
    assert log.describe(data)[:3] == (kind, type_, format_)


def test_loss_counts_each_packet_once() -> None:
    copy = Passage(CLIENT, Direction.UP, rtp(1, 0), START_NS, START_NS, copy=True)
    records = read(
        logged(rtp(1, 0), 0),
        log.record(copy, START_NS),
        logged(rtp(2, 0), 1, fate=Fate.LOST),
        logged(rtp(3, 0), 2, fate=Fate.OVERFLOWED),
        logged(rtp(4, 0), 3),
        logged(rtp(5, 0), 4, fate=Fate.UNDERWAY),
    )
    assert log.loss_pct(records) == 50
    assert log.loss_pct(records[:0]) == 0


def test_a_constant_delay_is_no_jitter() -> None:
    records = read(*(logged(rtp(each, 960 * each), 20 * each, 25) for each in range(50)))
    assert log.jitter_ms(records, 48_000).max() < 1e-3
    assert log.delays_ms(records) == pytest.approx([25] * 50)


def test_jitter_goes_up_by_a_sixteenth_of_each_move() -> None:
    delays = [0, 16, 0, 0]
    records = read(
        *(logged(rtp(each, 960 * each), 20 * each, delay) for each, delay in enumerate(delays))
    )
    first = 16 / 16
    second = first + (16 - first) / 16
    assert log.jitter_ms(records, 48_000) == pytest.approx(
        [0, first, second, second * 15 / 16], abs=1e-3
    )


def test_jitter_is_of_the_order_of_departure_over_a_wrap_of_timestamps_without_lost_packets() -> (
    None
):
    near_wrap = 2**32 - 960
    records = read(
        logged(rtp(3, near_wrap + 1920), 40),
        logged(rtp(2, near_wrap + 960), 20, fate=Fate.LOST),
        logged(rtp(1, near_wrap), 0),
    )
    assert log.jitter_ms(records, 48_000) == pytest.approx([0, 0], abs=1e-3)
