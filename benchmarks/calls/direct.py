"""A call of two browsers with each other, without a node: what a call through one is held against.

Same camera, same codec (VP8, which browsers offer first), the same cap of the video's rate.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.calls.arrangement import PICTURE, Arrangement
from tests.browser import media
from tests.browser.browser import Page

MAX_VIDEO_BPS = 2_500_000  # as RODRUN_MAX_VIDEO_BPS is by default
ELEMENTS = """() => {
  for (const kind of ["video", "audio"]) {
    const element = document.createElement(kind);
    element.dataset.testid = `remote-${kind}`;
    element.autoplay = true;
    document.body.append(element);
  }
}"""
# Both descriptions come with all candidates in them. `remote` is the other's, null at the caller.
DESCRIBE = """async (picture, maxBitrate, remote) => {
  const [width, height, frameRate] = picture.split(/[x@]/).map(Number);
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: true, video: { width, height, frameRate },
  });
  const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  pc.ontrack = ({ track }) => {
    document.querySelector(`[data-testid=remote-${track.kind}]`).srcObject =
      new MediaStream([track]);
  };
  if (remote !== null) await pc.setRemoteDescription(remote);
  for (const track of [...stream.getAudioTracks(), ...stream.getVideoTracks()]) {
    const sender = pc.addTrack(track, stream);
    if (track.kind === "video") globalThis.__cap = async () => {
      const parameters = sender.getParameters();
      parameters.encodings[0].maxBitrate = maxBitrate;
      await sender.setParameters(parameters);
    };
  }
  await pc.setLocalDescription();
  while (pc.iceGatheringState !== "complete") {
    await new Promise((resolve) =>
      pc.addEventListener("icegatheringstatechange", resolve, { once: true }));
  }
  if (remote !== null) await __cap();
  globalThis.__direct = pc;
  return { type: pc.localDescription.type, sdp: pc.localDescription.sdp };
}"""
ACCEPT = """async (answer) => {
  await __direct.setRemoteDescription(answer);
  await __cap();
}"""


@contextmanager
def calling(arrangement: Arrangement, transport_cc: bool = True) -> Iterator[tuple[Page, Page]]:
    """Two pages in a call with each other, with pictures and sound at both.

    ``transport_cc``: whether transport-wide feedback is negotiated; without it there is REMB.
    """
    users = [arrangement.client.new_user(), arrangement.specialist.new_user()]
    try:
        pages: list[Page] = []
        for user in users:
            page = user.new_page([media.PROBE])
            page.goto(f"{arrangement.server.url}/livez")
            page.evaluate(ELEMENTS)
            pages.append(page)
        one, other = pages
        offer = _describe(one, None)
        if not transport_cc:
            lines = offer["sdp"].splitlines(keepends=True)
            kept = (line for line in lines if not re.search("transport-(cc|wide)", line))
            offer["sdp"] = "".join(kept)
        one.evaluate(ACCEPT, _describe(other, offer))
        for page in pages:
            media.wait_for_media(page)
        yield one, other
    finally:
        for user in users:
            user.close()
        time.sleep(0.2)


def _describe(page: Page, remote: dict[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(DESCRIBE, PICTURE, MAX_VIDEO_BPS, remote)
    return found
