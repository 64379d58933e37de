"""Audio before video: when a downlink cannot carry both, the partner's video pauses. Pure.

Once a second the counts of what went to a participant become a ``Sample``, and ``Survival`` says
what the partner should send. Nothing is withheld here: control has the partner's page set its
senders inactive, so that nothing looks lost to either browser.

Congestion control adapts video to any link that can carry a picture worth looking at, and is left
alone there. Only where so little gets through that sound and picture cannot both live does the
picture pause: the measure is what the receiver says *arrived* while more was sent. Loss that is
not congestion leaves that high, and is none of our business here: browsers repair it.

The camera pauses before a shared screen: what is talked about is on the screen, and a still one
costs next to nothing. When that is not enough, the screen pauses too.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from sfu.plane import DownlinkCounts

SAMPLE_EVERY_S: Final = 1.0

LOW_CAPACITY_BPS: Final = 160_000
"""A link that carries less than this has no room for a picture beside the sound.

Opus in Chromium is 32 kbit/s, and about 60 with the headers of 50 packets a second.
"""

SHORTFALL: Final = 0.12
"""The part of what was sent that may be missing: congestion control lives with 10 % of loss."""

SEVERE: Final = 0.5
QUEUEING_S: Final = 0.25
"""Round trip above its floor that is a queue: Chromium's delay control keeps it below 0.1 s."""

BROKEN_AUDIO: Final = 0.1
"""Opus conceals and in-band FEC repairs less than this (RFC 6716 section 2.1.7)."""

PAUSE_AT: Final = 8
"""Points of strain that pause. A severe second has 4, a mild one 2, a second in which the link
carries a picture but sound breaks in a queue has 1: congestion control gets eight of those."""

RELIEF: Final = 2  # points that a clear second takes away
BACK_OFF_S: Final = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds from a pause to the next try, by how many pauses there were in a row."""

TRY_FOR_S: Final = 8.0
"""A try that lasted this long without overload has succeeded."""

SETTLED_AFTER_S: Final = 60.0
"""Carried for this long, earlier pauses do not lengthen the next one."""

_FLOOR_DRIFT_S: Final = 0.005  # a second: a path may have changed for a longer one
_FLOWING_BPS: Final = 8_000  # less is the tail of what has stopped
_LASTS_S: Final = 5.0  # after it flowed: what stands still or starves is on, too
_LINK_OCTETS: Final = 72  # a packet's RTP, extensions, SRTP tag, UDP and IP (RFC 3550, 3711, 768)


@dataclass(frozen=True)
class Sample:
    """One second of a downlink. Rates are those of the link, headers included.

    Attributes:
        camera_bps, screen_bps: sent.
        delivered_bps: what the receiver told as received, None when it told nothing.
        shortfall: the part of what was sent that was not told as received (lost, or in a queue);
            None when it told nothing.
        audio_lost: fraction of the audio packets, None when not known.
        round_trip_s: None when not measured in this second.
    """

    camera_bps: float
    screen_bps: float
    delivered_bps: float | None = None
    shortfall: float | None = None
    audio_lost: float | None = None
    round_trip_s: float | None = None


def sample_between(before: DownlinkCounts, now: DownlinkCounts, seconds: float) -> Sample:
    """The sample of the ``seconds`` between two counts.

    A receiver without transport-wide feedback is judged by the loss in its receiver reports.
    """

    def rate(packets: int, octets: int) -> float:
        return 8 * (octets + packets * _LINK_OCTETS) / seconds

    audio = rate(now.audio_packets - before.audio_packets, now.audio_octets - before.audio_octets)
    camera = rate(
        now.camera_packets - before.camera_packets, now.camera_octets - before.camera_octets
    )
    screen = rate(
        now.screen_packets - before.screen_packets, now.screen_octets - before.screen_octets
    )
    delivered = shortfall = audio_lost = None
    if now.told_packets > before.told_packets:
        delivered = 8 * (now.told_octets - before.told_octets) / seconds
        sent = 8 * (now.numbered_octets - before.numbered_octets) / seconds
        shortfall = max(0.0, 1 - delivered / sent) if sent > 0 else 0.0
        told_audio = now.told_audio - before.told_audio
        if told_audio > 0:
            # less than before when what was told as lost came late
            audio_lost = max(0, now.told_audio_lost - before.told_audio_lost) / told_audio
    elif now.told_packets == 0 and now.fraction_lost is not None:
        delivered = (audio + camera + screen) * (1 - now.fraction_lost)
        shortfall = audio_lost = now.fraction_lost
    return Sample(camera, screen, delivered, shortfall, audio_lost, now.round_trip_s)


@dataclass(frozen=True)
class Pause:
    """What the partner should not send now."""

    camera: bool = False
    screen: bool = False


NOTHING: Final = Pause()
CAMERA: Final = Pause(camera=True)
ALL: Final = Pause(camera=True, screen=True)


class State(Enum):
    """What is known of a downlink."""

    CARRYING = auto()
    STRAINED = auto()
    PAUSED = auto()
    TRYING = auto()


class Trigger(Enum):
    """What moves it on."""

    STRAIN = auto()  # a second that has points
    RELIEF = auto()  # no points are left
    OVERLOAD = auto()  # PAUSE_AT is reached
    WAITED = auto()  # the back-off is over
    KEPT = auto()  # the try has lasted


TRANSITIONS: Final[dict[tuple[State, Trigger], State]] = {
    (State.CARRYING, Trigger.STRAIN): State.STRAINED,
    (State.STRAINED, Trigger.RELIEF): State.CARRYING,
    (State.STRAINED, Trigger.OVERLOAD): State.PAUSED,
    (State.PAUSED, Trigger.OVERLOAD): State.PAUSED,  # without the camera it is still too much
    (State.PAUSED, Trigger.WAITED): State.TRYING,
    (State.TRYING, Trigger.OVERLOAD): State.PAUSED,
    (State.TRYING, Trigger.KEPT): State.CARRYING,
}
"""What is not here changes nothing. Entering PAUSED sets the pause and the next try; entering
TRYING ends the pause."""


class Survival:
    """The downlink of one connection; begins with nothing paused."""

    def __init__(self, now: float) -> None:
        self.state = State.CARRYING
        self.pause = NOTHING
        self._points = 0
        self._pauses = 0  # in a row
        self._since = now  # of ``state``
        self._camera_at = self._screen_at = -math.inf  # when they last flowed
        self._try_at = 0.0
        self._floor_s: float | None = None  # of the round trip
        # What is missing without any video is not missing because of video.
        self._unrelated = 0.0

    def take(self, sample: Sample, now: float) -> Pause | None:
        """Judge a second that ended at ``now``; the new pause when it is another one."""
        before = self.pause
        queue_s = self._queue(sample)
        if sample.camera_bps >= _FLOWING_BPS:
            self._camera_at = now
        if sample.screen_bps >= _FLOWING_BPS:
            self._screen_at = now
        is_still = sample.camera_bps + sample.screen_bps < _FLOWING_BPS
        if self.pause == ALL and is_still and now - self._since > 2:
            self._unrelated = sample.shortfall or 0.0
        points = self._strain(sample, queue_s)
        if points:
            self._points += points
            self._move(Trigger.STRAIN, sample, now)
        else:
            self._points = max(0, self._points - RELIEF)
        if self._points >= PAUSE_AT:
            self._move(Trigger.OVERLOAD, sample, now)
        elif self._points == 0:
            self._move(Trigger.RELIEF, sample, now)
        if self.state is State.PAUSED and now >= self._try_at:
            self._move(Trigger.WAITED, sample, now)
        elif self.state is State.TRYING and now - self._since >= TRY_FOR_S:
            self._move(Trigger.KEPT, sample, now)
        elif self.state is State.CARRYING and now - self._since >= SETTLED_AFTER_S:
            self._pauses = 0
            self._unrelated = 0.0
        return self.pause if self.pause != before else None

    def _move(self, trigger: Trigger, sample: Sample, now: float) -> None:
        after = TRANSITIONS.get((self.state, trigger))
        if after is None:
            return
        self.state, self._since = after, now
        if after is State.PAUSED:
            both = now - min(self._camera_at, self._screen_at) <= _LASTS_S
            self.pause = CAMERA if both and not self.pause.camera else ALL
            self._points = 0
            self._try_at = now + BACK_OFF_S[min(self._pauses, len(BACK_OFF_S) - 1)]
            self._pauses += 1
        elif after is State.TRYING:
            self.pause = NOTHING
            self._points = 0

    def _queue(self, sample: Sample) -> float:
        """Seconds of the round trip that are above its floor."""
        if sample.round_trip_s is None:
            return 0.0
        known = self._floor_s
        drifted = sample.round_trip_s if known is None else known + _FLOOR_DRIFT_S * SAMPLE_EVERY_S
        self._floor_s = min(drifted, sample.round_trip_s)
        return sample.round_trip_s - self._floor_s

    def _flows(self, sample: Sample) -> bool:
        """Whether there is video to pause: what is paused trails on as retransmissions."""
        camera = 0.0 if self.pause.camera else sample.camera_bps
        screen = 0.0 if self.pause.screen else sample.screen_bps
        return camera + screen >= _FLOWING_BPS

    def _strain(self, sample: Sample, queue_s: float) -> int:
        """Points of a second; 0 when pausing would not help, or nothing is known of it."""
        if not self._flows(sample) or sample.delivered_bps is None or sample.shortfall is None:
            return 0
        shortfall = sample.shortfall - self._unrelated
        audio_lost = (sample.audio_lost or 0.0) - self._unrelated
        if sample.delivered_bps < LOW_CAPACITY_BPS:
            if max(shortfall, audio_lost) >= SEVERE:
                return 4
            if shortfall >= SHORTFALL or queue_s >= QUEUEING_S:
                return 2
        elif audio_lost >= BROKEN_AUDIO and queue_s >= QUEUEING_S:
            return 1
        return 0
