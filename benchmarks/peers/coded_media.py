"""The load for a server that decodes: real VP8 and Opus, of about the same rate as the capture.

A loop of two seconds, encoded once and sent by every participant. What comes back has been encoded
anew, so nothing can be told of single packets: frames are counted, and no latency is measured.
"""

import asyncio
import fractions
import secrets
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from aiortc.codecs.opus import OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder
from av import AudioFrame, VideoFrame
from pylibsrtp import Error, Policy, Session

from loadtest.participant import Participant
from loadtest.session_description import OPUS, VP8

LOOP_S = 2.0
FRAME_RATE = 30
AUDIO_RATE = 50
VIDEO_BPS = 1_500_000  # the most that aiortc's encoder does
AUDIO_BPS = 32_000
WIDTH, HEIGHT = 640, 360
TICK_S = 0.002


@dataclass(frozen=True)
class CodedPacket:
    """One RTP payload of the loop; ``timestamp`` counts from the loop's start."""

    at_s: float
    video: bool
    payload: bytes
    timestamp: int
    frame_end: bool


def encode_loop() -> list[CodedPacket]:
    """The loop, in the order of sending; it begins with a keyframe. Takes about a second."""
    packets: list[CodedPacket] = []
    video, audio = Vp8Encoder(), OpusEncoder()
    video.target_bitrate = VIDEO_BPS
    audio.codec.bit_rate = AUDIO_BPS
    random = np.random.default_rng(5)
    texture = random.integers(0, 256, (2 * HEIGHT, 2 * WIDTH, 3), np.uint8)
    texture = (texture.astype(np.uint16) // 3 + 80).astype(np.uint8)
    for number in range(int(LOOP_S * FRAME_RATE)):
        # a picture that moves: neither all of it is new nor nothing
        left, top = 4 * number, 2 * number
        picture = np.ascontiguousarray(texture[top : top + HEIGHT, left : left + WIDTH])
        frame = VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = number * 3000, fractions.Fraction(1, 90_000)
        payloads, _ = video.encode(frame, force_keyframe=number == 0)
        for place, payload in enumerate(payloads):
            at_s = number / FRAME_RATE + place * 0.00025
            last = place == len(payloads) - 1
            packets.append(CodedPacket(at_s, True, payload, number * 3000, last))
    for number in range(int(LOOP_S * AUDIO_RATE)):
        samples = (8000 * np.sin(np.arange(960) * 0.05)).astype(np.int16).reshape(1, -1)
        sound = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        sound.sample_rate, sound.pts = 48_000, number * 960
        sound.time_base = fractions.Fraction(1, 48_000)
        for payload in audio.encode(sound)[0]:
            packets.append(CodedPacket(number / AUDIO_RATE, False, payload, number * 960, True))
    return sorted(packets, key=lambda packet: packet.at_s)


class CodedParticipant(Participant):
    """A participant whose packets are made in Python: for a few rooms only."""

    sender: Session
    receiver: Session

    def expect(self, remote: tuple[str, int], send_key: bytes, receive_key: bytes) -> None:
        """Speak SRTP with ``remote`` under these keys."""
        super().expect(remote, send_key, receive_key)
        profile = self._profile.libsrtp_profile
        self.sender, self.receiver = (
            Session(Policy(key=key, ssrc_type=direction, srtp_profile=profile))
            for key, direction in (
                (send_key, Policy.SSRC_ANY_OUTBOUND),
                (receive_key, Policy.SSRC_ANY_INBOUND),
            )
        )


@dataclass
class Counts:
    """Of the measured time, all participants together."""

    packets_sent: int = 0
    packets_received: int = 0
    frames_sent: int = 0
    frames_received: int = 0


@dataclass
class _Place:
    """Where one participant is in the loop."""

    person: CodedParticipant
    phase_s: float
    next: int = 0
    rounds: int = 0
    sequences: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    offset: int = field(default_factory=lambda: secrets.randbelow(1 << 31))


class CodedLoad:
    """Participants in the loop; sequence numbers and timestamps go on from run to run."""

    def __init__(self) -> None:
        self._packets = encode_loop()
        self._began = time.monotonic()
        self._places: list[_Place] = []

    def add(self, people: Sequence[CodedParticipant]) -> None:
        """More connected participants."""
        for person in people:
            self._places.append(_Place(person, 0.0618 * len(self._places) % LOOP_S))

    async def run(self, from_s: float, until_s: float) -> Counts:
        """Send and receive until ``until_s``; count from ``from_s`` on, both time.monotonic()."""
        counts = Counts()
        for place in self._places:  # the next whole loop begins with a keyframe
            place.next = 0
            place.rounds = int((time.monotonic() - self._began) / LOOP_S) + 1
        while (now := time.monotonic()) < until_s:
            for place in self._places:
                _send_due(place, self._packets, now - self._began, counts, now >= from_s)
                await _receive(place.person, counts, now >= from_s)
            await asyncio.sleep(TICK_S)
        return counts

    def close(self) -> None:
        """Let the participants go."""
        for place in self._places:
            place.person.close()


def _send_due(
    place: _Place, packets: Sequence[CodedPacket], now_s: float, counts: Counts, counted: bool
) -> None:
    person = place.person
    assert person.remote is not None
    while packets[place.next].at_s + place.rounds * LOOP_S + place.phase_s <= now_s:
        packet = packets[place.next]
        sequence = place.sequences[packet.video]
        place.sequences[packet.video] = (sequence + 1) & 0xFFFF
        clock = 90_000 if packet.video else 48_000
        timestamp = packet.timestamp + int(place.rounds * LOOP_S * clock) + place.offset
        ends = packet.frame_end and packet.video
        header = struct.pack(
            "!BBHII",
            0x80,
            (VP8 if packet.video else OPUS) | (0x80 if ends else 0),
            sequence,
            timestamp & 0xFFFFFFFF,
            person.local.video_ssrcs[0] if packet.video else person.local.audio_ssrc,
        )
        person.socket.sendto(person.sender.protect(header + packet.payload), person.remote)
        if counted:
            counts.packets_sent += 1
            counts.frames_sent += ends
        place.next += 1
        if place.next == len(packets):
            place.next, place.rounds = 0, place.rounds + 1


async def _receive(person: CodedParticipant, counts: Counts, counted: bool) -> None:
    while True:
        try:
            data, address = person.socket.recvfrom(2048)
        except BlockingIOError:
            return
        if data[0] <= 3:  # RFC 7983: STUN's, by which aioice asks for consent
            await person._respond(data, address)
        elif 128 <= data[0] <= 191 and not 192 <= data[1] <= 223:
            try:
                packet = person.receiver.unprotect(data)
            except Error:
                continue
            if counted:
                counts.packets_received += 1
                counts.frames_received += packet[1] == (VP8 | 0x80)
