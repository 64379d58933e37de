"""A browser stand-in for tests: real STUN checks, DTLS and SRTP on a UDP socket of its own.

It sends RTP that the test makes and keeps what it receives. Nothing is encoded or decoded.
"""

import asyncio
import secrets
import socket
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pylibsrtp
from aioice import stun
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket, is_rtcp

from tests.sfu.checks import binding_request

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

MIDS = ("audio", "video", "screen")


@dataclass(frozen=True)
class Numbers:
    """The payload types and extension ids of a kind of browser."""

    opus: int
    video: dict[str, tuple[int, int]]  # codec → its payload type and that of its RTX
    extensions: dict[str, int]


CHROMIUM = Numbers(
    opus=111,
    video={"VP8": (96, 97), "VP9": (98, 99)},
    extensions={AUDIO_LEVEL: 1, ABS_SEND_TIME: 2, TRANSPORT_CC: 3, MID: 4},
)
FIREFOX = Numbers(
    opus=109,
    video={"VP8": (120, 124)},
    extensions={AUDIO_LEVEL: 1, MID: 3, ABS_SEND_TIME: 4, TRANSPORT_CC: 7},
)

_FMTP = {"VP8": "max-fs=12288;max-fr=60", "VP9": "profile-id=0"}


@dataclass
class Answer:
    """What the peer needs of an SDP answer."""

    ufrag: str = ""
    pwd: str = ""
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    candidates: list[tuple[str, int]] = field(default_factory=list)
    # By mid: the first SSRC named, and its RTX.
    ssrcs: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def parse(cls, sdp: str) -> "Answer":
        answer, mid, pending = cls(), "", list[int]()
        for line in sdp.splitlines():
            name, _, value = line.partition(":")
            if line.startswith("m="):
                mid, pending = "", []
            elif name == "a=mid":
                mid = value
                answer.ssrcs[mid] += pending
            elif name == "a=ice-ufrag":
                answer.ufrag = value
            elif name == "a=ice-pwd":
                answer.pwd = value
            elif name == "a=fingerprint":
                algorithm, _, digest = value.partition(" ")
                if (algorithm, digest) not in answer.fingerprints:
                    answer.fingerprints.append((algorithm, digest))
            elif name == "a=candidate":
                fields = value.split()
                answer.candidates.append((fields[4], int(fields[5])))
            elif name == "a=ssrc":
                ssrcs = answer.ssrcs[mid] if mid else pending
                ssrc = int(value.split()[0])
                if ssrc not in ssrcs:
                    ssrcs.append(ssrc)
        return answer


class Peer(asyncio.DatagramProtocol):
    """One page with one peer connection. ``host`` is the address of its socket."""

    # What aiortc's DTLS asks of its transport.
    role = "controlling"
    state = "completed"

    def __init__(self, numbers: Numbers = CHROMIUM, host: str = "127.0.0.1") -> None:
        self.numbers = numbers
        self.host = host
        self.ufrag, self.pwd = secrets.token_hex(4), secrets.token_hex(12)
        self.certificate = RTCCertificate.generateCertificate()
        self.ssrcs = {mid: secrets.randbits(31) + 1 for mid in MIDS}
        self.rtx_ssrcs = {mid: secrets.randbits(31) + 1 for mid in MIDS[1:]}
        self.answer = Answer()
        self.address = ("", 0)
        self.received: dict[int, list[RtpPacket]] = defaultdict(list)
        self.received_rtcp: list[bytes] = []
        self.not_authentic = 0
        # Nothing leaves any more, as when the cable is cut.
        self.cut = False
        self.extensions = HeaderExtensionsMap()
        self.extensions.configure(
            RTCRtpParameters(
                headerExtensions=[
                    RTCRtpHeaderExtensionParameters(id=number, uri=uri)
                    for uri, number in numbers.extensions.items()
                ]
            )
        )
        self.dtls = RTCDtlsTransport(cast(RTCIceTransport, self), [self.certificate])
        self.dtls._set_role("client")
        self._transport: asyncio.DatagramTransport | None = None
        self._dtls_queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._responses: dict[bytes, asyncio.Future[stun.Message]] = {}
        self._arrived = asyncio.Event()
        self._sequence: dict[int, int] = defaultdict(lambda: 1000)
        self._transport_sequence = 0

    # Signalling

    def offer(self) -> str:
        """An SDP offer: audio, video and screen, all sendrecv, in one bundle."""
        print_ = self.certificate.getFingerprints()[0]
        lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
        lines += [f"a=group:BUNDLE {' '.join(MIDS)}", "a=msid-semantic: WMS stream"]
        for mid in MIDS:
            lines += self._codec_lines(mid)
            lines += [
                "c=IN IP4 0.0.0.0",
                "a=rtcp:9 IN IP4 0.0.0.0",
                f"a=ice-ufrag:{self.ufrag}",
                f"a=ice-pwd:{self.pwd}",
                "a=ice-options:trickle",
                f"a=fingerprint:{print_.algorithm} {print_.value}",
                "a=setup:actpass",
                f"a=mid:{mid}",
                "a=sendrecv",
                f"a=msid:stream {mid}",
                "a=rtcp-mux",
                "a=rtcp-rsize",
            ]
            for uri, number in self.numbers.extensions.items():
                if mid == "audio" or uri != AUDIO_LEVEL:
                    lines.append(f"a=extmap:{number} {uri}")
            ssrcs = [self.ssrcs[mid]]
            if mid in self.rtx_ssrcs:
                ssrcs.append(self.rtx_ssrcs[mid])
                lines.append(f"a=ssrc-group:FID {ssrcs[0]} {ssrcs[1]}")
            lines += [f"a=ssrc:{ssrc} cname:peer" for ssrc in ssrcs]
        return "\r\n".join(lines) + "\r\n"

    def _codec_lines(self, mid: str) -> list[str]:
        if mid == "audio":
            number = self.numbers.opus
            return [
                f"m=audio 9 UDP/TLS/RTP/SAVPF {number}",
                f"a=rtpmap:{number} opus/48000/2",
                f"a=fmtp:{number} minptime=10;useinbandfec=1",
                f"a=rtcp-fb:{number} transport-cc",
            ]
        formats = [str(number) for pair in self.numbers.video.values() for number in pair]
        lines = [f"m=video 9 UDP/TLS/RTP/SAVPF {' '.join(formats)}"]
        for name, (number, rtx) in self.numbers.video.items():
            lines += [
                f"a=rtpmap:{number} {name}/90000",
                f"a=fmtp:{number} {_FMTP[name]}",
                *(
                    f"a=rtcp-fb:{number} {kind}"
                    for kind in ("transport-cc", "ccm fir", "nack", "nack pli")
                ),
                f"a=rtpmap:{rtx} rtx/90000",
                f"a=fmtp:{rtx} apt={number}",
            ]
        return lines

    def new_credentials(self) -> None:
        """What an ICE restart begins with; the next offer carries them."""
        self.ufrag, self.pwd = secrets.token_hex(4), secrets.token_hex(12)

    def accept(self, sdp: str) -> None:
        """Take an answer; the first candidate of the socket's family is the node."""
        self.answer = Answer.parse(sdp)
        self.address = next(
            (host, port)
            for host, port in self.answer.candidates
            if (":" in host) == (":" in self.host)
        )

    # Transport

    async def open(self) -> None:
        """Bind the socket."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, 0))
        # A test may send hundreds of packets before the loop reads the first that comes.
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    async def connect(self, sdp: str, timeout_s: float = 8.0) -> None:
        """Take an answer, check connectivity and do the handshake."""
        if self._transport is None:
            await self.open()
        self.accept(sdp)
        async with asyncio.timeout(timeout_s):
            await self.check(use_candidate=True)
            await self.dtls.start(
                RTCDtlsParameters(
                    fingerprints=[RTCDtlsFingerprint(*each) for each in self.answer.fingerprints]
                )
            )
        assert self.dtls.state == "connected", self.dtls.state

    async def check(self, *, use_candidate: bool = False, tries: int = 40) -> stun.Message:
        """Send checks 50 ms apart until one is answered with good integrity."""
        for _ in range(tries):
            data = binding_request(
                username=f"{self.answer.ufrag}:{self.ufrag}",
                pwd=self.answer.pwd,
                use_candidate=use_candidate,
            )
            response: asyncio.Future[stun.Message] = asyncio.get_running_loop().create_future()
            self._responses[data[8:20]] = response
            self.send(data)
            try:
                message = await asyncio.wait_for(response, 0.05)
            except TimeoutError:
                continue
            assert message.check_message_integrity(self.answer.pwd.encode())
            return message
        raise TimeoutError("no check was answered")

    async def close(self) -> None:
        """Go away without a word, as a closed page does."""
        self.cut = True
        self._dtls_queue.put_nowait(b"")
        await self.dtls.stop()
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes) -> None:
        """Send a datagram as it is."""
        assert self._transport is not None
        if not self.cut:
            self._transport.sendto(data, self.address)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if data[0] < 4:
            message = stun.parse_message(data)
            response = self._responses.pop(message.transaction_id, None)
            if response is not None and not response.done():
                response.set_result(message)
        elif 20 <= data[0] <= 63:
            self._dtls_queue.put_nowait(data)
        elif 128 <= data[0] <= 191 and self.dtls.state == "connected":
            self._media_received(data)
        self._arrived.set()

    def _media_received(self, data: bytes) -> None:
        try:
            if is_rtcp(data):
                self.received_rtcp.append(self.dtls._rx_srtp.unprotect_rtcp(data))
            else:
                plain = self.dtls._rx_srtp.unprotect(data)
                packet = RtpPacket.parse(plain, self.extensions)
                self.received[packet.ssrc].append(packet)
        except pylibsrtp.Error:
            self.not_authentic += 1

    async def _recv(self) -> bytes:
        data = await self._dtls_queue.get()
        if not data:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        self.send(data)

    # Media

    def send_rtp(self, mid: str, payload: bytes, *, ssrc: int | None = None) -> RtpPacket:
        """Send the next RTP packet of a track; gives back what was sent."""
        ssrc = self.ssrcs[mid] if ssrc is None else ssrc
        number = self._sequence[ssrc]
        self._sequence[ssrc] += 1
        self._transport_sequence += 1
        first_video = next(iter(self.numbers.video.values()))[0]
        packet = RtpPacket(
            payload_type=self.numbers.opus if mid == "audio" else first_video,
            marker=int(mid != "audio"),
            sequence_number=number & 0xFFFF,
            timestamp=number * (960 if mid == "audio" else 3000) & 0xFFFFFFFF,
            ssrc=ssrc,
            payload=payload,
        )
        packet.extensions.mid = mid
        packet.extensions.transport_sequence_number = self._transport_sequence & 0xFFFF
        self.send(self.dtls._tx_srtp.protect(packet.serialize(self.extensions)))
        return packet

    def send_rtcp(self, data: bytes) -> None:
        """Send a compound RTCP packet."""
        self.send(self.dtls._tx_srtp.protect_rtcp(data))

    def received_on(self, mid: str) -> list[RtpPacket]:
        """What came on the SSRC that the answer names for a track."""
        return self.received[self.answer.ssrcs[mid][0]]

    async def until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Wait until ``condition`` holds; it is looked at whenever a datagram arrives."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._arrived.clear()
                await self._arrived.wait()
