"""The media of many calls that come and go: one thread in the compiled loop, and its figures.

Between two slices of the loop, some tens of milliseconds each, participants are taken in and let
go, and each second is summed up. What the generator itself did wrong is part of the figures.
"""

import asyncio
import gc
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtest import loop, table
from loadtest.arrival_profile import ArrivalProfile, Integers
from loadtest.crowd import NEVER_NS, Crowd
from loadtest.packets import clear_stamp, write_packet
from loadtest.participant import SRTP_PROFILES, Participant
from loadtest.percentiles import of_histogram, of_values
from loadtest.reports import REPORT_EVERY_S
from loadtest.sending import SLOT_TICKS
from sfu.native import SrtpSession, address_of
from sfu.punctual import be_punctual

SLICE_NS: Final = 50_000_000
TURN_NS: Final = 3_000_000_000  # so long one of a call speaks, then the other
LEAD_NS: Final = 5_000_000  # from being taken in to the first packet
BOUND_AHEAD_NS: Final = 1_000_000  # sender and receiver have read a bound before it takes hold
DRAIN_S: Final = 0.3  # what comes later is lost to any conversation
SWITCH_INTERVAL_S: Final = 0.0005  # the loop waits so long for the interpreter between slices


@dataclass(frozen=True)
class Second:
    """What one second carried, all calls together.

    Attributes:
        at_s: its end, from the start of the media.
        sent, received: packets that went, and that came of those that were to come. What is under
            way at the end of a second is received in the next.
        recovered: of those received, such as came by a retransmission.
        latency_ms, jitter_ms, late_ms: percentiles; ``late_ms`` is the generator's own.
        cpu_pct: of one core, what the generator's loop used.
        overflow: packets lost in the generator's own sockets.
        unsent: packets that could not be encrypted, or that the kernel did not take.
        faults: packets that came broken, or to the wrong participant.
    """

    at_s: float
    sent: int
    received: int
    recovered: int
    latency_ms: dict[str, float]
    jitter_ms: dict[str, float]
    late_ms: dict[str, float]
    cpu_pct: float
    overflow: int
    unsent: int
    faults: int


class Media:
    """All participants' media, sent and received by one thread of its own.

    Args:
        profile: the load of one participant.
        capacity: participants at most, at one time.
        trailer: octets that SRTP adds to a packet, the same for all.
        dtx: the two of a call speak by turns, and who is silent sends hardly any audio.
    """

    def __init__(
        self, profile: ArrivalProfile, capacity: int, trailer: int, *, dtx: bool = False
    ) -> None:
        self.seconds: list[Second] = []
        self.latency: Integers = np.zeros(table.BINS, np.int64)
        self.jitter_ms: list[float] = []
        self.late: Integers = np.zeros(table.BINS, np.int64)
        self._profile = profile
        burst, burst_size = profile.burst
        self._run: Integers = np.zeros(table.RUN_FIELDS, np.int64)
        self._run[table.UNTIL_NS] = NEVER_NS
        self._run[table.TRAILER] = trailer
        self._run[table.PERIOD_NS] = profile.period_us * 1000
        self._run[table.TURN_NS] = TURN_NS if dtx else 0
        self._run[table.BURST] = burst
        self._run[table.BURST_SIZE] = burst_size
        self._run[table.REPORT_EVERY_NS] = int(REPORT_EVERY_S * 1e9)
        self._crowd = Crowd(capacity)
        self.rows = self._crowd.rows
        self._counts: Integers = np.zeros(table.COUNTS, np.int64)
        self._slice_late: Integers = np.zeros(table.BINS, np.int64)
        self._slice_latency: Integers = np.zeros(table.BINS, np.int64)
        self._retired: Integers = np.zeros(table.FIELDS, np.int64)
        self._free = list(range(capacity - 1, -1, -1))
        self._added = 0
        # Whose sockets and keys the loop works with: kept until it has let go of them.
        self._present: dict[int, Participant] = {}
        self._commands: deque[Callable[[], None]] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="media", daemon=True)
        self._compile()

    def start(self) -> None:
        """Begin.

        What is there in memory by now stays: the collector of garbage would look at it again and
        again, and hold the loop up for a tenth of a second each time.
        """
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread.start()

    async def stop(self) -> None:
        """End, when everything that is under way has come."""
        until = time.time_ns() + BOUND_AHEAD_NS
        self.rows[:, table.EXPECT_UNTIL_NS] = np.minimum(self.rows[:, table.EXPECT_UNTIL_NS], until)
        await asyncio.sleep(DRAIN_S)
        self._stopping = True
        await asyncio.to_thread(self._thread.join)
        gc.unfreeze()

    def totals(self) -> Integers:
        """The counters of all participants, those that left included: a row's fields, summed."""
        total: Integers = self._retired + self.rows.sum(axis=0)
        return total

    # Participants

    async def add_pair(self, one: Participant, other: Participant) -> tuple[int, int]:
        """Let two connected participants send to each other from now on; their rows.

        Nothing counts before ``expect``.
        """
        if len(self._free) < 2:
            raise ValueError("there are more participants than were planned for")
        rows = self._free.pop(), self._free.pop()
        first = self._added
        self._added += 2

        def take_in() -> None:
            # of half of the calls one side speaks, of half the other, and turns change evenly
            turn_ns = int(2 * TURN_NS * (first / 2 * 0.618033988749895 % 1.0))
            self._connect(rows[0], rows[1], one, first, turn_ns)
            self._connect(rows[1], rows[0], other, first + 1, turn_ns + TURN_NS)

        await self._between_slices(take_in)
        return rows

    async def replace(self, row: int, participant: Participant) -> None:
        """Put a participant who joined anew in the place of the one who was there.

        What they and the partner send counts from ``expect`` on.
        """
        partner = int(self.rows[row, table.PARTNER])

        def take_over() -> None:
            kept = self.rows[row, [table.SENT, table.RECEIVED, table.RECOVERED, table.OVERFLOW]]
            self._retire(kept)
            number = self._added
            turn_ns = int(self.rows[row, table.TURN_FROM_NS])
            self._connect(row, partner, participant, number, turn_ns)
            self.rows[partner, [table.FIRST_PACKET_NS, table.FIRST_KEYFRAME_NS]] = 0

        await self._between_slices(take_over)

    async def release(self, rows: tuple[int, int]) -> tuple[int, int]:
        """Let a pair go once all has come; packets that they sent, and received."""
        latest = time.time_ns() + BOUND_AHEAD_NS
        for row in rows:
            until = min(int(self.rows[row, table.EXPECT_UNTIL_NS]), latest)
            self.rows[row, table.EXPECT_UNTIL_NS] = until
            self.rows[row, table.CUT_FROM_NS] = 0
            self.rows[row, table.CUT_UNTIL_NS] = NEVER_NS
        await asyncio.sleep(DRAIN_S)
        sent = sum(int(self.rows[row, table.SENT]) for row in rows)
        received = sum(int(self.rows[row, table.RECEIVED]) for row in rows)

        def let_go() -> None:
            for row in rows:
                fields = [table.SENT, table.RECEIVED, table.RECOVERED, table.OVERFLOW]
                self._retire(self.rows[row, fields])
                self._crowd.clear(row)
                del self._present[row]

        await self._between_slices(let_go)
        self._free += rows
        return sent, received

    def expect_nothing(self, row: int) -> None:
        """In a millisecond, and from then on, nothing from or to ``row`` is to arrive."""
        until = time.time_ns() + BOUND_AHEAD_NS
        for each in (row, int(self.rows[row, table.PARTNER])):
            self.rows[each, table.EXPECT_UNTIL_NS] = until

    def expect(self, row: int) -> None:
        """In a millisecond, and from then on, what goes from and to ``row`` is to arrive."""
        begin = time.time_ns() + BOUND_AHEAD_NS
        for each in (row, int(self.rows[row, table.PARTNER])):
            self.rows[each, table.EXPECT_FROM_NS] = begin
            self.rows[each, table.EXPECT_UNTIL_NS] = NEVER_NS

    def cut(self, row: int) -> None:
        """Send nothing from ``row`` until ``mend``."""
        self.rows[row, table.CUT_UNTIL_NS] = NEVER_NS
        self.rows[row, table.CUT_FROM_NS] = time.time_ns()

    def mend(self, row: int, silence_s: float) -> int:
        """Send again ``silence_s`` after the last packet of ``row``; when that is, in ns."""
        until = int(self.rows[row, table.LAST_SENT_NS]) + int(silence_s * 1e9)
        self.rows[row, table.CUT_UNTIL_NS] = until
        return until

    def _connect(self, row: int, partner: int, who: Participant, number: int, turn_ns: int) -> None:
        now = time.time_ns() + LEAD_NS
        # the golden ratio spreads any number of phases evenly, and in no step with frames
        phase_ns = int(self._profile.period_us * 1000 * (number * 0.618033988749895 % 1.0))
        self._crowd.connect(row, who, partner, sends=True)
        self._crowd.enter(row, self._profile, phase_ns, now)
        self.rows[row, table.TAKEN_NS] = now
        self.rows[row, table.TURN_FROM_NS] = turn_ns
        self.rows[row, table.EXPECT_FROM_NS] = NEVER_NS
        self._present[row] = who

    def _retire(self, kept: Integers) -> None:
        fields = [table.SENT, table.RECEIVED, table.RECOVERED, table.OVERFLOW]
        self._retired[fields] += kept

    async def _between_slices(self, command: Callable[[], None]) -> None:
        done = asyncio.Event()
        asyncio_loop = asyncio.get_running_loop()

        def carry_out() -> None:
            command()
            asyncio_loop.call_soon_threadsafe(done.set)

        self._commands.append(carry_out)
        await done.wait()

    async def make_packet(self, row: int) -> bytes:
        """The next audio packet of ``row``, for somebody else to send; it counts nowhere."""
        made: list[bytes] = []
        await self._between_slices(lambda: made.append(self._make_packet(row)))
        return made[0]

    def _make_packet(self, row: int) -> bytes:
        place, size = self.rows[row], 200
        sequence = int(place[table.AUDIO_SEQUENCE])
        number = int(place[table.TRANSPORT_NUMBER])
        place[table.AUDIO_SEQUENCE] = (sequence + 1) & 0xFFFF
        place[table.TRANSPORT_NUMBER] = (number + 1) & 0xFFFF
        timestamp = (int(place[table.AUDIO_SLOT]) * SLOT_TICKS) & 0xFFFFFFFF
        ssrc = int(place[table.AUDIO_SSRC])
        packet, length = self._crowd.packet, self._crowd.length
        write_packet(
            packet, size, False, False, False, False, False,
            sequence, timestamp, ssrc, number, 0, row, time.time_ns(),
        )  # fmt: skip
        clear_stamp(packet, size)
        length[0] = size
        loop.protect(int(place[table.OUTBOUND]), address_of(packet), address_of(length))
        return packet[: int(length[0])].tobytes()

    def _compile(self) -> None:
        """Compile all that runs between two packets; the loop may take half a minute."""
        self._run_slice(0)
        profile = SRTP_PROFILES["aes-128-gcm"]
        key = bytes(profile.key_length + profile.salt_length)
        session = SrtpSession(profile.libsrtp_profile, key, outbound=True)
        self.rows[0, table.OUTBOUND] = session.pointer
        self._make_packet(0)
        self._crowd.clear(0)
        session.close()

    # The thread

    def _work(self) -> None:
        be_punctual()
        began = second_at = time.monotonic()
        used, before, counts = time.thread_time(), self.totals(), self._counts.copy()
        while not self._stopping:
            self._run_slice(time.time_ns() + SLICE_NS)
            while self._commands:
                self._commands.popleft()()
            now = time.monotonic()
            if now - second_at < 1.0:
                continue
            totals, used_now = self.totals(), time.thread_time()
            cpu_pct = 100.0 * (used_now - used) / (now - second_at)
            counts_now = self._counts.copy()
            self._sum_up(now - began, totals - before, cpu_pct, counts_now - counts)
            second_at, before, used, counts = now, totals, used_now, counts_now
        while self._commands:
            self._commands.popleft()()

    def _sum_up(self, at_s: float, totals: Integers, cpu_pct: float, counts: Integers) -> None:
        on = self.rows[self.rows[:, table.TRANSIT_NS] != 0]
        jitter_ms = (on[:, table.JITTER_SCALED] / 16e6).tolist()
        self.jitter_ms += jitter_ms
        self.seconds.append(
            Second(
                at_s=round(at_s, 3),
                sent=int(totals[table.SENT]),
                received=int(totals[table.RECEIVED]),
                recovered=int(totals[table.RECOVERED]),
                latency_ms=of_histogram(self._slice_latency, table.BIN_NS),
                jitter_ms=of_values(jitter_ms),
                late_ms=of_histogram(self._slice_late, table.BIN_NS),
                cpu_pct=round(cpu_pct, 1),
                overflow=int(totals[table.OVERFLOW]),
                unsent=int(counts[table.SEND_FAILED] + counts[table.PROTECT_FAILED]),
                faults=int(counts[table.UNPROTECT_FAILED] + counts[table.MIXED_UP]),
            )
        )
        self.latency += self._slice_latency
        self.late += self._slice_late
        self._slice_latency[:] = 0
        self._slice_late[:] = 0

    def _run_slice(self, until_ns: int) -> None:
        self._run[table.STOP_NS] = until_ns
        self._crowd.run(
            self._run, self._profile, self._slice_late, self._slice_latency, self._counts
        )
