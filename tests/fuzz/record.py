"""Makes the corpus from a call of real browsers: ``python -m tests.fuzz.record``.

Chromium and Firefox call each other through a worker whose plane runs as plain Python, in network
namespaces of their own (Firefox uses no loopback addresses). What comes in is noted as the steps of
inputs: STUN and DTLS as they are, SRTP and SRTCP decrypted with the keys of the handshake. One
packet in 25 is lost on its way in, so that there are NACKs and retransmissions among them.
"""

import os

os.environ["NUMBA_DISABLE_JIT"] = "1"  # before numba is imported

import asyncio
import random
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pylibsrtp

import sfu.native
import sfu.plane.loop
import sfu.server
from benchmarks.garbage import make_garbage
from sfu.api import Answer, Join, OpenRoom
from sfu.plane import DtlsReceived, PlaneEvent, StunReceived
from sfu.plane.layouts import ADDRESSES
from sfu.plane.tables import Tables
from sfu.rtp.media import MediaMap
from sfu.server import Worker, WorkerSettings
from tests.browser.browser import Browser, Kind, Page
from tests.browser.network import FIREFOX_HOST, SERVER_ADDRESS, Network
from tests.fuzz.steps import AFTER_MS, Act, Step, read_steps
from tests.fuzz.target import CALL, write_call

CORPUS: Final = Path(__file__).with_name("corpus")
SECONDS: Final = 12.0
LOST: Final = 0.04
KEPT_OCTETS: Final = 80  # of the payload of a packet: nothing looks further
FILE_OCTETS: Final = 3000
MAX_CORPUS: Final = 150_000

PAGE: Final = """async () => {
  const pc = window.pc = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia(
    { audio: true, video: { width: 320, height: 180, frameRate: 15 } });
  pc.addTransceiver(stream.getAudioTracks()[0], { direction: 'sendrecv', streams: [stream] });
  for (const _ of [1, 2])
    pc.addTransceiver(stream.getVideoTracks()[0].clone(),
      { direction: 'sendrecv', streams: [stream], sendEncodings: [{ maxBitrate: 200000 }] });
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}"""
ANSWER: Final = "sdp => pc.setRemoteDescription({ type: 'answer', sdp })"


class Recorder:
    """What the worker hears from its two slots, as steps."""

    def __init__(self) -> None:
        self.signalling: list[Step] = []
        self.media: list[Step] = []
        self.control: list[Step] = []
        self.maps: dict[int, MediaMap] = {}
        self._sessions: dict[int, pylibsrtp.Session] = {}
        self._chance = random.Random(4)
        self._last_at = time.monotonic()

    def install(self, worker: Worker) -> None:
        """Listen in on ``worker``, which has no connections yet."""
        handle, plane = worker._handle, worker._plane
        set_media = plane.set_media

        def note_event(event: PlaneEvent) -> None:
            self._note_event(event)
            handle(event)

        def note_media(slot: int, media: MediaMap, cname: str = "", ssrc: int = 1) -> None:
            self.maps[slot] = media
            set_media(slot, media, cname, ssrc)

        class Session(sfu.native.SrtpSession):
            """Keeps a second context of what comes in."""

            def __init__(inner, profile: int, key: bytes, *, outbound: bool) -> None:  # noqa: N805
                super().__init__(profile, key, outbound=outbound)
                kind = pylibsrtp.Policy.SSRC_ANY_INBOUND
                if not outbound:
                    policy = pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=profile)
                    self._sessions[inner.pointer] = pylibsrtp.Session(policy)

        worker._handle = note_event  # type: ignore[method-assign]
        plane.set_media = note_media  # type: ignore[method-assign]
        shell: Any = sfu.server
        shell.SrtpSession = Session
        loop: Any = sfu.plane.loop
        loop.receive_rtp = partial(self._receive, loop.receive_rtp, False)
        loop.receive_rtcp = partial(self._receive, loop.receive_rtcp, True)

    def _step(self, act: Act, slot: int, payload: bytes) -> Step:
        now = time.monotonic()
        passed_ms, self._last_at = (now - self._last_at) * 1000, now
        after = max(each for each in AFTER_MS if each <= passed_ms)
        return Step(act, slot & 1, after, payload)

    def _note_event(self, event: PlaneEvent) -> None:
        if isinstance(event, DtlsReceived):
            self.signalling.append(self._step(Act.RAW, event.slot, event.data))
        elif isinstance(event, StunReceived):
            at = 20
            while event.data[at : at + 2] != b"\0\6":  # the username, which the target writes
                at += 4 + (int.from_bytes(event.data[at + 2 : at + 4]) + 3) // 4 * 4
            behind = at + 4 + (int.from_bytes(event.data[at + 2 : at + 4]) + 3) // 4 * 4
            rest = event.data[20:at] + event.data[behind:]
            self.signalling.append(self._step(Act.STUN, event.slot, rest))

    def _receive(
        self, receive: Any, is_rtcp: bool, t: Tables, place: int, at: int, end: int, *times: int
    ) -> None:
        slot = place // ADDRESSES
        session = self._sessions[int(t.slots[slot]["srtp_in"])]
        data = t.data[at:end].tobytes()
        if is_rtcp:
            self.control.append(self._step(Act.RTCP, slot, session.unprotect_rtcp(data)))
        elif self._chance.random() < LOST:
            return
        else:
            plain = session.unprotect(data)
            header = 12 + 4 * (plain[0] & 15)
            if plain[0] & 16:
                header += 4 + 4 * int.from_bytes(plain[header + 2 : header + 4])
            # the length of padding stands in the last octet
            kept = plain if plain[0] & 32 else plain[: header + KEPT_OCTETS]
            self.media.append(self._step(Act.RTP, slot, kept))
        receive(t, place, at, end, *times)


class _Blank(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html>")

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


async def _call(recorder: Recorder, pages: list[Page], port: int) -> None:
    worker = await Worker.start(WorkerSettings(udp_host=SERVER_ADDRESS))
    recorder.install(worker)
    await worker.request(OpenRoom("room"))
    for number, page in enumerate(pages):
        host = "127.0.0.1" if page.browser.kind is Kind.CHROMIUM else SERVER_ADDRESS
        await asyncio.to_thread(page.goto, f"http://{host}:{port}/")
        offer = await asyncio.to_thread(page.evaluate, PAGE)
        reply = await worker.request(Join("room", f"p{number}", f"c{number}", offer))
        assert isinstance(reply, Answer), reply
        await asyncio.to_thread(page.evaluate, ANSWER, reply.answer)
    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            while True:
                await worker.next_event()
    await worker.stop()


def record(enter: list[str]) -> Recorder:
    """One call; ``enter`` are the words before a command that put Firefox on its own machine."""
    recorder = Recorder()
    with (
        tempfile.TemporaryDirectory() as name,
        ThreadingHTTPServer(("0.0.0.0", 0), _Blank) as server,
    ):
        folder = Path(name)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browsers = [
            Browser(Kind.CHROMIUM, folder / "log", folder / "chromium"),
            Browser(Kind.FIREFOX, folder / "log", folder / "firefox", enter),
        ]
        try:
            pages = [each.new_user().new_page() for each in browsers]
            asyncio.run(_call(recorder, pages, server.server_port))
        finally:
            for each in browsers:
                each.close()
            server.shutdown()
    return recorder


def write_others() -> None:
    """Inputs that no browser sends: strangers' garbage, and calls in which the shell interferes."""
    chance = random.Random(6)
    garbage = [each[:120] for each in make_garbage(16, chance)]
    garbage += [b"\xf0" + bytes(7), b"\x80\x23\0\4abcd"]
    steps = [
        Step(chance.choice((Act.RAW, Act.STRANGER, Act.STUN)), number % 2, 1, each)
        for number, each in enumerate(garbage * 3)
    ]
    (CORPUS / "strangers").write_bytes(b"".join(each.pack() for each in steps))
    for number, path in enumerate(sorted(CORPUS.glob("call-*"))[8::6]):
        data = b""
        for index, step in enumerate(read_steps(path.read_bytes())):
            data += step.pack()
            if index % 4 == 3:
                what = bytes([(index // 4 + number) % 6, *chance.randbytes(3)])
                data += Step(Act.COMMAND, index // 4 % 2, 20, what).pack()
                data += Step(Act.AGAIN, 0, 0, b"\3").pack()
        (CORPUS / f"commands-{number}").write_bytes(data)


def write(recorder: Recorder) -> None:
    """Cut what was heard into inputs: each kind for itself, and mixed as it came."""
    for old in CORPUS.glob("call-*"):
        old.unlink()
    total = number = 0
    for steps in (recorder.signalling, recorder.control, recorder.media):
        data = b""
        written = 0
        for step in steps:
            packed = step.pack()
            if data and len(data) + len(packed) > FILE_OCTETS:
                if written < MAX_CORPUS // 3 and total < MAX_CORPUS:
                    (CORPUS / f"call-{number:03}").write_bytes(data)
                    written, total, number = written + len(data), total + len(data), number + 1
                data = b""
            data += packed
        if data and total < MAX_CORPUS:
            (CORPUS / f"call-{number:03}").write_bytes(data)
            total, number = total + len(data), number + 1
    write_others()
    write_call(CALL, [recorder.maps[0], recorder.maps[1]])
    sys.stdout.write(f"{number} inputs, {total} octets\n")


def main() -> None:
    """The command line: makes the network, and starts itself again in it."""
    if len(sys.argv) > 1:
        write(record(sys.argv[1:]))
        return
    with Network() as network:
        firefox = network.join(FIREFOX_HOST)
        command = [*network.server.enter, sys.executable, "-m", "tests.fuzz.record"]
        subprocess.run([*command, *firefox.enter], check=True)


if __name__ == "__main__":
    main()
