"""What a page receives, measured from outside by ``probe.js``."""

from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.browser import Page

PROBE = (Path(__file__).parent / "probe.js").read_text(encoding="utf-8")

# Runs in front of a page's own scripts, too: what it offers lacks transport-wide feedback.
WITHOUT_TRANSPORT_CC = """{
  const create = RTCPeerConnection.prototype.createOffer;
  RTCPeerConnection.prototype.createOffer = async function (...args) {
    const { type, sdp } = await create.apply(this, args);
    const lines = sdp.split("\\r\\n").filter((line) => !/transport-(cc|wide)/.test(line));
    return { type, sdp: lines.join("\\r\\n") };
  };
}"""

MEASURE_S = 5.0
MIN_FRAMES_PER_SECOND = 10.0
MIN_WIDTH, MIN_HEIGHT = 320, 180
LONGEST_FREEZE_S = 1.0


@dataclass(frozen=True)
class Received:
    """Media from the partner over a span of time.

    Attributes:
        frames_per_second: decoded.
        presented_per_second: shown by the element ``remote-video``.
        width, height: the smallest picture shown.
        longest_gap_s: longest time without a new picture.
        freeze_s: time that the browser itself counts as frozen.
        audio_energy: rise of ``totalAudioEnergy``.
        audio_packets: arrived.
    """

    frames_per_second: float
    presented_per_second: float
    width: int
    height: int
    longest_gap_s: float
    freeze_s: float
    audio_energy: float
    audio_packets: int

    @property
    def faults(self) -> list[str]:
        """What is not as a conversation needs it; empty when all is well."""
        found = []
        if self.frames_per_second < MIN_FRAMES_PER_SECOND:
            found.append(f"{self.frames_per_second:.1f} frames/s decoded")
        if self.presented_per_second < MIN_FRAMES_PER_SECOND:
            found.append(f"{self.presented_per_second:.1f} frames/s shown")
        if self.width < MIN_WIDTH or self.height < MIN_HEIGHT:
            found.append(f"a picture of only {self.width}×{self.height}")
        if self.longest_gap_s > LONGEST_FREEZE_S:
            found.append(f"no new picture for {self.longest_gap_s:.2f} s")
        if self.freeze_s > LONGEST_FREEZE_S:
            found.append(f"frozen for {self.freeze_s:.2f} s")
        if not self.audio_energy > 0:
            found.append(f"silence ({self.audio_packets} audio packets)")
        return found


def measuring(page: Page, seconds: float = MEASURE_S) -> "Future[Any]":
    """Begin to measure what ``page`` receives; see :func:`measured`."""
    return page.start("(seconds) => __probe.measure(seconds)", seconds)


def measured(future: "Future[Any]") -> Received:
    """The result of :func:`measuring`, when it is ready."""
    found = future.result(120)
    return Received(
        frames_per_second=found["framesPerSecond"],
        presented_per_second=found["presentedPerSecond"],
        width=found["width"] or 0,
        height=found["height"] or 0,
        longest_gap_s=found["longestGapSeconds"],
        freeze_s=found["freezeSeconds"],
        audio_energy=found["audioEnergy"],
        audio_packets=found["audioPackets"],
    )


Running = dict[str, "Future[Any]"]


def faults(running: Running) -> list[str]:
    """What is wrong with what each receives who was being measured, by name."""
    return [
        f"{name} receives {fault}"
        for name, future in running.items()
        for fault in measured(future).faults
    ]


def faults_between(seconds: float = MEASURE_S, **pages: Page) -> list[str]:
    """Measure several pages over the same time; what is wrong with what each receives."""
    return faults({name: measuring(page, seconds) for name, page in pages.items()})


def wait_for_media(page: Page, timeout_s: float = 20.0) -> None:
    """Wait until pictures and sound from the partner have begun to arrive."""
    page.wait_for(
        "async () => __probe.frames.length > 5 && (await __probe.audioEnergy()) > 0",
        timeout_s=timeout_s,
    )


# Whether a counter of the probe rose by `least` while the page looked twice.
ROSE = """async (counter, seconds, least) => {
  const before = await __probe[counter](0);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return (await __probe[counter](0)) - before >= least;
}"""
DID_NOT_RISE = f"async (...given) => !(await ({ROSE})(...given))"
# Chromium's fake microphone beeps once a second. A decoder makes no exact zero of silence.
SOUND = ("audioEnergy", 1.2, 1e-4)
# Firefox sends a black picture a second where there is no camera.
PICTURES = ("framesDecoded", 1.0, 4)


def wait_for_sound(page: Page) -> None:
    """Wait until sound from the partner arrives."""
    page.wait_for(ROSE, *SOUND)


def wait_for_silence(page: Page) -> None:
    """Wait until no sound arrives."""
    page.wait_for(DID_NOT_RISE, *SOUND)


def wait_for_pictures(page: Page) -> None:
    """Wait until pictures of the partner's camera arrive."""
    page.wait_for(ROSE, *PICTURES)


def wait_for_stillness(page: Page) -> None:
    """Wait until no pictures of the partner's camera arrive."""
    page.wait_for(DID_NOT_RISE, *PICTURES)


def negotiation(page: Page) -> dict[str, Any]:
    """All that a reload, a new connection or a renegotiation of ``page`` would change."""
    found: dict[str, Any] = page.evaluate("() => __probe.fingerprint()")
    return found


def connected_at(page: Page, timeout_s: float = 15.0) -> float:
    """Wait until the newest connection of the document is up; when that was, in Unix seconds."""
    found = page.wait_for("() => __probe.connections.at(-1).connectedAt", timeout_s=timeout_s)
    return float(found) / 1000


def back_at(page: Page, since: float, timeout_s: float = 15.0) -> float:
    """Wait until pictures and sound that arrived after ``since`` are there; when that was.

    Both are in Unix seconds. Three new pictures count, and sound by its packets.
    """
    found = page.wait_for("(at) => __probe.backSince(at)", since * 1000, timeout_s=timeout_s)
    return float(found) / 1000
