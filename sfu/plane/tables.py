"""What the plane knows: arrays of records, made once.

The plane's thread alone writes the tables. Other threads may read single int64 values, which is
all that ``Plane`` does.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sfu.large_pages import LargePages, small_pages
from sfu.native import POLLFD, SOL_UDP, TIMESPEC, UDP_SEGMENT, Messages, address_of
from sfu.plane.arrivals import ARRIVALS
from sfu.plane.counters import Counter, DropReason
from sfu.plane.feedback import MAX_DELTAS
from sfu.plane.layouts import (
    ADDRESSES,
    BATCH,
    CONTROL_ROW,
    CONTROL_ROWS,
    CONTROL_WORDS,
    DATA_ROWS,
    DATAGRAM,
    EXTENSIONS,
    HEADROOM,
    INBOUND,
    KEPT,
    KEPT_PACKETS,
    LARGEST_DATAGRAM,
    LOSS,
    LOSS_REACH,
    MAX_SEGMENTS,
    OUTBOUND,
    OVERFLOW_SIZE,
    QUEUE,
    QUEUED,
    RESEND_CREDIT,
    SLOT,
    SOURCE,
    STATE,
    STREAM,
    TAILROOM,
    Integers,
    Octets,
    Records,
)
from sfu.plane.records import COMMAND, EVENT
from sfu.plane.rtcp import BLOCK_FIELDS, REPORT_FIELDS
from sfu.plane.settings import MAX_PARTICIPANTS, PlaneSettings
from sfu.plane.tally import SENT


class Tables(NamedTuple):
    """Everything that the compiled functions share."""

    slots: Records
    sources: Records
    streams: Records
    losses: Records
    kept: Records
    history: Octets  # ``history_octets`` an arena
    arenas: Integers  # octets ever written into each
    free_arenas: Integers  # the first ``free_arena_count`` of it
    places: npt.NDArray[np.int32]  # hash of an address → slot * ADDRESSES + index, or −1
    open_slots: npt.NDArray[np.int64]  # the first ``open_count`` are those with something to do
    rings: npt.NDArray[np.int64]  # arrivals by transport-wide number, one row a slot
    sizes: npt.NDArray[np.uint16]  # of what was sent, by transport-wide number, one row a slot
    drops: Integers
    counts: Integers  # by Counter
    state: Records  # one record
    # Receiving
    datagrams: Records
    data: Octets
    names: npt.NDArray[np.int32]
    control: Integers
    overflow: Octets
    receive_headers: Records
    # Sending
    send_headers: Records
    send_vectors: Records
    send_control: Integers
    queue: Records
    order: Integers  # see ``runs``
    ends: Integers
    chains: Integers
    rows: Octets  # RTCP being written
    # One blank record of each kind
    blank_slot: Records
    blank_source: Records
    blank_stream: Records
    # Scratch
    poll: Records
    clock: Records
    sleep: Records
    length: npt.NDArray[np.int32]
    command: Records
    event: Records
    elements: Integers  # header extensions of the packet at hand, by Extension; −1 for none
    deltas: Integers
    report: Integers
    block: Integers
    ssrcs: Integers
    acknowledged: Integers


def make_tables(settings: PlaneSettings) -> tuple[Tables, tuple[Messages, Messages]]:
    """Empty tables, and the message structures that they point into (keep both)."""
    slots = settings.max_participants
    if not 1 <= slots <= MAX_PARTICIPANTS:
        raise ValueError(f"max_participants must be 1 to {MAX_PARTICIPANTS}, not {slots}")
    pages = LargePages()
    incoming = Messages(
        BATCH,
        LARGEST_DATAGRAM,
        headroom=HEADROOM,
        tailroom=TAILROOM,
        control=True,
        overflow=OVERFLOW_SIZE if settings.receive_runs else 0,
        spare=DATA_ROWS - BATCH,
        zeros=pages.zeros,
    )
    outgoing = Messages(QUEUE + MAX_SEGMENTS, 0, control=True, zeros=pages.zeros)
    outgoing.control[0::CONTROL_WORDS] = 18  # CMSG_LEN of 16 bits
    outgoing.control[1::CONTROL_WORDS] = SOL_UDP | UDP_SEGMENT << 32
    tables = Tables(
        slots=pages.zeros(slots, SLOT),
        sources=pages.zeros(slots * INBOUND, SOURCE),
        streams=pages.zeros(slots * OUTBOUND, STREAM),
        losses=small_pages(slots * INBOUND * LOSS_REACH, LOSS),  # touched where packets are lost
        kept=np.zeros(slots * 2 * KEPT_PACKETS, KEPT),  # touched where there is video, as history
        history=np.zeros(max(slots * settings.history_octets, 1), np.uint8),
        arenas=np.zeros(slots, np.int64),
        free_arenas=np.arange(slots, dtype=np.int64)[::-1].copy(),
        # at most half full, so that a chain of collisions stays short
        places=pages.zeros(1 << (slots * ADDRESSES * 2 - 1).bit_length(), np.int32),
        open_slots=np.zeros(slots, np.int64),
        rings=np.zeros((slots, ARRIVALS), np.int64),
        sizes=np.zeros((slots, SENT), np.uint16),
        drops=np.zeros(len(DropReason), np.int64),
        counts=np.zeros(len(Counter), np.int64),
        state=np.zeros(1, STATE),
        datagrams=pages.zeros(DATA_ROWS, DATAGRAM),
        data=incoming.data,
        names=incoming.names.view(np.int32),
        control=incoming.control,
        overflow=incoming.overflow,
        receive_headers=incoming.headers,
        send_headers=outgoing.headers,
        send_vectors=outgoing.vectors,
        send_control=outgoing.control,
        queue=pages.zeros(QUEUE, QUEUED),
        order=np.zeros(QUEUE, np.int64),
        ends=np.zeros(QUEUE, np.int64),
        chains=np.full(slots, -1, np.int64),
        rows=np.zeros(CONTROL_ROWS * CONTROL_ROW, np.uint8),
        blank_slot=np.zeros(1, SLOT),
        blank_source=np.zeros(1, SOURCE),
        blank_stream=np.zeros(1, STREAM),
        poll=np.zeros(2, POLLFD),
        clock=np.zeros(1, TIMESPEC),
        sleep=np.zeros(1, TIMESPEC),
        length=np.zeros(1, np.int32),
        command=np.zeros(1, COMMAND),
        event=np.zeros(1, EVENT),
        elements=np.zeros(EXTENSIONS, np.int64),
        deltas=np.zeros(MAX_DELTAS, np.int64),
        report=np.zeros(REPORT_FIELDS, np.int64),
        block=np.zeros(BLOCK_FIELDS, np.int64),
        ssrcs=np.zeros(INBOUND, np.int64),
        acknowledged=np.zeros(1, np.int64),
    )
    for field, value in (
        ("partner", -1),
        ("remote", -1),
        ("round_trip_ns", -1),
        ("feedback_reference", -1),
        ("payload_of", -1),
        ("arena", -1),
        ("ssrc", -1),
        ("resend_credit", RESEND_CREDIT),
    ):
        tables.blank_slot[field] = value
    tables.blank_source["ssrc"] = -1
    for field in ("ssrc", "ssrc_before", "picture_last", "layer_last", "fir_number"):
        tables.blank_stream[field] = -1
    tables.places[:] = -1
    tables.slots[:] = tables.blank_slot
    tables.sources[:] = tables.blank_source
    tables.streams[:] = tables.blank_stream
    state = tables.state[0]
    state["slot"] = -1
    tables.datagrams["row"] = tables.datagrams["message"] = np.arange(DATA_ROWS)
    state["free_arena_count"] = slots
    for field, array in (
        ("poll_address", tables.poll),
        ("clock_address", tables.clock),
        ("sleep_address", tables.sleep),
        ("receive_address", incoming.headers),
        ("send_address", outgoing.headers),
        ("data_address", tables.data),
        ("rows_address", tables.rows),
        ("history_address", tables.history),
        ("slots_address", tables.slots),
        ("sources_address", tables.sources),
        ("streams_address", tables.streams),
        ("length_address", tables.length),
        ("command_address", tables.command),
        ("event_address", tables.event),
        ("overflow_address", tables.overflow),
        ("vectors_address", tables.send_vectors),
        ("control_address", tables.send_control),
    ):
        state[field] = address_of(array)
    for field in (
        "alone_bitrate_bps",
        "alone_grace_ns",
        "free_bitrate_bps",
        "keyframe_interval_ns",
        "feedback_interval_ns",
        "silence_ns",
        "report_interval_ns",
        "tick_ns",
        "media_packets_s",
        "coalesce_ns",
        "repair_ns",
        "history_octets",
        "history_ns",
        "resend_percent",
    ):
        state[field] = getattr(settings, field)
    return tables, (incoming, outgoing)
