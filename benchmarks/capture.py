"""Capture when Chromium sends how much, as an arrival profile for the load generator.

``python -m benchmarks.capture loadtest/profiles/chromium-vp8.json`` starts Chromium headless,
takes its call on a socket of our own (the node's ICE, DTLS and negotiation, without the plane)
and notes the kernel's receive time, size and kind of each packet. The browser gets true
transport-wide feedback, so its own congestion control and pacing decide.
"""

import argparse
import asyncio
import contextlib
import secrets
import socket
import struct
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pylibsrtp
from aiortc import RTCCertificate
from playwright.async_api import async_playwright

from benchmarks.browsers import CHROMIUM
from benchmarks.fake_devices import FRAME_RATE, HEIGHT, WIDTH, chromium_arguments
from loadtest.arrival_profile import ArrivalProfile, write_profile
from sfu.negotiation import AnswerTerms, Candidate, answer, read_offer
from sfu.plane import arrivals, feedback
from sfu.rtp.media import Codec, Extension, MediaMap
from sfu.transport.dtls import DtlsTransport
from sfu.transport.ice import AddressSelected, Credentials, IceAgent, SendResponse

SO_TIMESTAMPNS = 35
MAX_VIDEO_BPS = 1_610_000  # makes some 190 packets of 1.1 kB a second
FEEDBACK_INTERVAL_S = 0.05
CONNECT_DEADLINE_S = 60.0

PAGE = """
async ({width, height, frameRate, maxBitrate}) => {
  const pc = window.pc = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false},
    video: {width, height, frameRate},
  });
  pc.addTransceiver(stream.getAudioTracks()[0], {direction: 'sendrecv'});
  pc.addTransceiver(stream.getVideoTracks()[0],
                    {direction: 'sendrecv', sendEncodings: [{maxBitrate}]});
  await pc.setLocalDescription();
  if (pc.iceGatheringState !== 'complete')
    await new Promise(done => pc.addEventListener('icegatheringstatechange',
      () => pc.iceGatheringState === 'complete' && done()));
  return pc.localDescription.sdp;
}
"""


@dataclass(frozen=True)
class Arrival:
    """One RTP packet of the browser."""

    at_ns: int
    size: int
    payload_type: int
    marker: bool


class Tap:
    """The far end of Chromium's call: keeps every RTP packet's arrival, sends feedback only."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.media: MediaMap | None = None
        self.heard = asyncio.Event()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self._ring = np.zeros(arrivals.ARRIVALS, np.int64)
        self._state = np.zeros(arrivals.ARRIVAL_FIELDS, np.int64)
        self._deltas = np.zeros(feedback.MAX_DELTAS, np.int64)
        self._out = np.zeros(1500, np.uint8)
        self._number_id = 0
        self._ssrc = 0
        self._browser_ssrc = 0
        self._outbound: pylibsrtp.Session | None = None
        self._tasks: list[asyncio.Task[None]] = []
        # Compile before the browser waits for us.
        arrivals.note_arrival(self._ring, self._state, 0, 1)
        self._build(0)
        self._state[:] = 0

    def answer(self, sdp: str) -> str:
        """Take the browser's offer and begin to listen."""
        offer = read_offer(sdp)
        certificate = RTCCertificate.generateCertificate()
        credentials = Credentials(secrets.token_hex(4), secrets.token_hex(12))
        self._ssrc = secrets.randbelow(1 << 31) + 1
        negotiated = answer(
            offer,
            AnswerTerms(
                video_codec=Codec.VP8,
                max_video_bps=4_000_000,
                ice_ufrag=credentials.ufrag,
                ice_pwd=credentials.pwd,
                fingerprints=tuple(
                    (each.algorithm, each.value) for each in certificate.getFingerprints()
                ),
                candidates=(Candidate(*self._socket.getsockname()),),
                outbound_ssrcs=tuple(self._ssrc + index for index in range(5)),  # type: ignore[arg-type]
                cname="capture",
            ),
        )
        self.media = negotiated.media
        self._number_id = next(
            id_
            for id_, extension in negotiated.media.extension_ids.items()
            if extension == Extension.TRANSPORT_WIDE_CC
        )
        self._ice = IceAgent(credentials, offer.ice_ufrag)
        self._dtls = DtlsTransport(
            certificate, offer.fingerprints, lambda to, data: self._send(data, to)
        )
        asyncio.get_running_loop().add_reader(self._socket, self._readable)
        self._tasks.append(asyncio.create_task(self._feed_back()))
        return negotiated.sdp

    async def close(self) -> None:
        """Stop listening."""
        asyncio.get_running_loop().remove_reader(self._socket)
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._dtls.close()
        self._socket.close()

    def _send(self, data: bytes, address: tuple[str, int]) -> None:
        with contextlib.suppress(BlockingIOError):
            self._socket.sendto(data, address)

    def _readable(self) -> None:
        while True:
            try:
                data, control, _, address = self._socket.recvmsg(2048, 256)
            except BlockingIOError:
                return
            at_ns = time.time_ns()
            for level, kind, payload in control:
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                    seconds, nanoseconds = struct.unpack("qq", payload)
                    at_ns = seconds * 1_000_000_000 + nanoseconds
            self._take(data, address, at_ns)

    def _take(self, data: bytes, address: tuple[str, int], at_ns: int) -> None:
        first = data[0] if data else 0
        if first < 4:
            for output in self._ice.receive(data, address, at_ns / 1e9):
                if isinstance(output, SendResponse):
                    self._send(output.data, output.address)
                elif isinstance(output, AddressSelected):
                    self._address = output.address
        elif 20 <= first <= 63:
            self._dtls.receive(data, address)
        elif 128 <= first <= 191 and len(data) > 12 and not 192 <= data[1] <= 223:
            self.arrivals.append(Arrival(at_ns, len(data), data[1] & 0x7F, data[1] >= 128))
            self.heard.set()
            self._browser_ssrc = int.from_bytes(data[8:12])
            number = self._transport_wide_number(data)
            if number is not None:
                arrivals.note_arrival(self._ring, self._state, number, at_ns)

    def _transport_wide_number(self, data: bytes) -> int | None:
        """From the one-byte header extension (RFC 8285), which SRTP does not encrypt."""
        at = 12 + 4 * (data[0] & 0x0F)
        if not data[0] & 0x10 or data[at : at + 2] != b"\xbe\xde":
            return None
        end = at + 4 + 4 * int.from_bytes(data[at + 2 : at + 4])
        at += 4
        while at < end:
            length = (data[at] & 0x0F) + 1
            if data[at] == 0:
                at += 1
            elif data[at] >> 4 == self._number_id:
                return int.from_bytes(data[at + 1 : at + 1 + length])
            else:
                at += 1 + length
        return None

    async def _feed_back(self) -> None:
        keys = await self._dtls.handshake()
        session = pylibsrtp.Session(
            pylibsrtp.Policy(
                key=keys.outbound,
                ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
                srtp_profile=keys.libsrtp_profile,
            )
        )
        count = 0
        while True:
            await asyncio.sleep(FEEDBACK_INTERVAL_S)
            while packet := self._build(count):
                count += 1
                self._send(session.protect_rtcp(packet), self._address)

    def _build(self, count: int) -> bytes:
        """The next feedback packet; empty when there is nothing to tell."""
        length = feedback.build_feedback(
            self._ring,
            self._state,
            self._ssrc,
            self._browser_ssrc,
            self._deltas,
            self._out,
            0,
        )
        self._out[19] = count & 0xFF
        return bytes(self._out[: max(length, 0)])


def make_profile(
    arrivals: list[Arrival], media: MediaMap, seconds: float, source: str
) -> ArrivalProfile:
    """The last ``seconds`` of ``arrivals``, from the start of a frame on.

    Raises RuntimeError when no whole frame came in that time.
    """
    kinds = {Codec.OPUS: 0, Codec.VP8: 1}
    chosen = [
        (each, kinds[codec])
        for each in arrivals
        if (codec := media.payload_types.get(each.payload_type, Codec.UNKNOWN)) in kinds
    ]
    begin_ns = chosen[-1][0].at_ns - int(seconds * 1e9) if chosen else 0
    at_ns = np.array([each.at_ns for each, _ in chosen])
    video = np.array([kind for _, kind in chosen])
    frame_end = np.array([int(kind == 1 and each.marker) for each, kind in chosen])
    size = np.array([each.size for each, _ in chosen])
    ends = np.flatnonzero((at_ns >= begin_ns) & (frame_end == 1))
    if len(ends) < 2:
        raise RuntimeError("Chromium sent no whole frame of video: is the machine too busy?")
    first, last = int(ends[0]) + 1, int(ends[-1]) + 1
    at_us = (at_ns[first:last] - at_ns[first]) // 1000
    period_us = int(at_us[-1] + at_us[-1] // len(at_us))
    return ArrivalProfile(
        source, at_us, size[first:last], video[first:last], frame_end[first:last], period_us
    )


async def capture(seconds: float, warm_up_s: float, max_video_bps: int) -> ArrivalProfile:
    """Call the tap from a Chromium of our own and make a profile of what it sent."""
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM.executable(),
                args=[
                    "--no-sandbox",
                    *chromium_arguments(Path(folder)),
                    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
                    *("--disable-background-networking", "--disable-component-update"),
                    # candidates with the address in clear: no mDNS to resolve
                    "--disable-features=WebRtcHideLocalIpsWithMdns",
                ],
            )
            page = await browser.new_page()
            await page.route("**/*", lambda route: route.fulfill(body="<!doctype html>"))
            await page.goto("http://localhost/")
            offer = await page.evaluate(
                PAGE,
                {
                    "width": WIDTH,
                    "height": HEIGHT,
                    "frameRate": FRAME_RATE,
                    "maxBitrate": max_video_bps,
                },
            )
            await page.evaluate(
                "sdp => pc.setRemoteDescription({type: 'answer', sdp})", tap.answer(offer)
            )
            async with asyncio.timeout(CONNECT_DEADLINE_S):
                await tap.heard.wait()
            await asyncio.sleep(warm_up_s + seconds)
            version = browser.version
            await browser.close()
    await tap.close()
    assert tap.media is not None
    source = (
        f"Chromium {version}, VP8 {WIDTH}x{HEIGHT} at {FRAME_RATE} frames/s, Opus,"
        f" at most {max_video_bps} bit/s of video"
    )
    return make_profile(tap.arrivals, tap.media, seconds, source)


def describe(profile: ArrivalProfile) -> str:
    """What the profile holds, for people."""
    lines = [f"{profile.source}: {len(profile)} packets in {profile.period_us / 1e6:.2f} s"]
    for name, video in (("audio", False), ("video", True)):
        lines.append(
            f"{name}: {profile.rate(video):.1f} packets/s of {profile.mean_size(video):.0f} B"
        )
    gaps = profile.frame_gaps_us()
    if len(gaps):
        quartiles = np.percentile(gaps, [25, 50, 75])
        lines.append(
            "gaps inside a frame, quartiles: " + " ".join(f"{q:.0f} µs" for q in quartiles)
        )
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.capture", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--warm-up", type=float, default=15.0)
    parser.add_argument("--max-video-bps", type=int, default=MAX_VIDEO_BPS)
    options = parser.parse_args()
    profile = asyncio.run(capture(options.seconds, options.warm_up, options.max_video_bps))
    write_profile(profile, options.path)
    sys.stdout.write(describe(profile) + "\n")


if __name__ == "__main__":
    main()
