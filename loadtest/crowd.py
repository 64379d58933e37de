"""Participants as the compiled loop sees them, and the memory that it works in."""

import socket

import numpy as np

from loadtest import loop, table
from loadtest.arrival_profile import ArrivalProfile, Integers
from loadtest.packets import Octets
from loadtest.participant import Participant
from sfu.native import (
    ADDRESS_SIZE,
    POLLFD,
    POLLIN,
    TIMESPEC,
    Messages,
    Records,
    address_of,
    pack_address,
)

MIDS = 50  # packets that carry a MID, about as long as a browser waits for a report
NEVER_NS = 1 << 62
NOBODY = -1

_PACKET_SIZE = 2048


class Crowd:
    """Rows of ``table``, one a participant; a new one is empty and sends nothing.

    The sockets and keys of whoever is connected must outlive their rows. Not while the loop runs
    is anything but a number in a row to be changed.

    Attributes:
        rows: int64[participants × table.FIELDS].
        packet: the octets of the packet that is sent at the moment.
        length: one number, that packet's octets.
    """

    def __init__(self, size: int = 0) -> None:
        self.rows: Integers = np.zeros((0, table.FIELDS), np.int64)
        self.packet: Octets = np.random.default_rng(3).integers(0, 256, _PACKET_SIZE, np.uint8)
        self.length: Integers = np.zeros(1, np.int64)
        self._names: Octets = np.zeros(0, np.uint8)
        self._seen: Integers = np.zeros((0, table.SEEN), np.int64)
        self._polled: Records = np.zeros(0, POLLFD)
        self._messages = Messages(loop.BATCH, _PACKET_SIZE, control=True)
        self._clock: Records = np.zeros(1, TIMESPEC)
        self.grow(size)

    def grow(self, count: int) -> None:
        """So many more rows."""
        rows: Integers = np.zeros((count, table.FIELDS), np.int64)
        rows[:, [table.DUE_NS, table.REPORT_DUE_NS]] = NEVER_NS
        polled: Records = np.zeros(count, POLLFD)
        polled["fd"] = -1
        polled["events"] = POLLIN
        self.rows = np.concatenate([self.rows, rows])
        self._seen = np.concatenate([self._seen, np.zeros((count, table.SEEN), np.int64)])
        self._names = np.concatenate([self._names, np.zeros(count * ADDRESS_SIZE, np.uint8)])
        self._polled = np.concatenate([self._polled, polled])

    def connect(self, row: int, participant: Participant, partner: int, sends: bool) -> None:
        """Put a connected participant into a row; ``partner`` is the row heard, or NOBODY."""
        assert participant.remote is not None
        assert participant.inbound is not None
        assert participant.outbound is not None
        fields = self.rows[row]
        fields[:] = 0
        fields[table.FD] = participant.socket.fileno()
        fields[table.OUTBOUND] = participant.outbound.pointer
        fields[table.INBOUND] = participant.inbound.pointer
        fields[table.PARTNER] = partner
        fields[table.SENDS] = sends
        fields[table.AUDIO_SSRC] = participant.local.audio_ssrc
        fields[table.VIDEO_SSRC] = participant.local.video_ssrcs[0]
        fields[table.FRAME_STARTS] = 1
        fields[table.MIDS_LEFT] = MIDS
        fields[table.EXPECT_UNTIL_NS] = NEVER_NS
        fields[table.HIGHEST] = -1
        fields[[table.IN + table.IN_HIGHEST, table.IN + table.IN_FIELDS + table.IN_HIGHEST]] = -1
        fields[table.KEYFRAME_ASKED] = 1  # the first picture is one
        self._seen[row] = 0
        fields[[table.DUE_NS, table.REPORT_DUE_NS]] = NEVER_NS
        name = pack_address(participant.remote, socket.AF_INET)
        self._names[row * ADDRESS_SIZE : (row + 1) * ADDRESS_SIZE] = list(name)
        self._polled[row]["fd"] = participant.socket.fileno()

    def clear(self, row: int) -> None:
        """Empty a row."""
        self.rows[row] = 0
        self.rows[row, [table.DUE_NS, table.REPORT_DUE_NS]] = NEVER_NS
        self._polled[row]["fd"] = -1

    def enter(self, row: int, profile: ArrivalProfile, phase_ns: int, from_ns: int) -> None:
        """Let a row send from ``from_ns`` on, being ``phase_ns`` into the profile then."""
        fields = self.rows[row]
        place = int(np.searchsorted(profile.at_us * 1000, phase_ns))
        fields[table.ROUND_NS] = from_ns - phase_ns
        if place == len(profile):
            place = 0
            fields[table.ROUND_NS] += profile.period_us * 1000
        fields[table.PLACE] = place
        fields[table.REPORT_DUE_NS] = from_ns + phase_ns % 1_000_000_000
        fields[table.DUE_NS] = fields[table.ROUND_NS] + profile.at_us[place] * 1000

    def run(
        self,
        run: Integers,
        profile: ArrivalProfile,
        late: Integers,
        latency: Integers,
        counts: Integers,
    ) -> None:
        """Send and receive (``loop.generate``). Compiles at the first call, for half a minute."""
        messages = self._messages
        loop.generate(
            self.rows,
            run,
            profile.at_us,
            profile.size,
            profile.video,
            profile.frame_end,
            profile.keyframe,
            self._names,
            address_of(self._names),
            self.packet,
            address_of(self.packet),
            messages.headers,
            messages.headers_address,
            messages.data,
            address_of(messages.data),
            messages.stride,
            messages.control,
            self._polled,
            address_of(self._polled),
            self._clock,
            address_of(self._clock),
            self.length,
            address_of(self.length),
            self._seen,
            late,
            latency,
            counts,
        )
