"""From the second party's wish to join to its first picture at the first party, by phases.

Each join is of a consultation of its own and of documents of their own: the first party joins and
waits, with camera on; then the second does. Camera and microphone of the second are ready before,
as in the page. The impairment proxy stands between, impairs nothing, and its log says when which
packet passed; all clocks are the machine's.
"""

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.calls.arrangement import (
    CLIENT_HOST,
    PICTURE,
    SPECIALIST_HOST,
    STAY_ONLINE,
    Arrangement,
)
from benchmarks.calls.direct import ELEMENTS
from benchmarks.disturbance import Watch
from benchmarks.impairment.line import Direction
from benchmarks.impairment.log import Kind, Records
from tests.browser import media
from tests.browser.browser import Browser, Page, User
from tests.browser.people import CLIENT, PURPOSE, SPECIALIST
from tests.browser.server import Api

MAX_P95_MS = 500.0
TARGET = (
    "from the second party's first request to join to its first picture shown at the first:"
    f" p95 at most {MAX_P95_MS:.0f} ms"
)
FIRST_WAITS_S = 1.5  # the first party is there, connected, before the second comes
PICTURE_WITHIN_S = 15.0
RTCP_PSFB, FMT_PLI = 206, 1  # RFC 4585 section 6.3.1

# What the proxy saw: name → (whose line, direction, kind, of video only, the last one instead of
# the first). The client is the second party.
SEEN = {
    "first_stun": (CLIENT_HOST, Direction.UP, Kind.STUN, False),
    "first_dtls": (CLIENT_HOST, Direction.UP, Kind.DTLS, False),
    "first_video_at_node": (CLIENT_HOST, Direction.UP, Kind.RTP, True),
    "first_video_from_node": (SPECIALIST_HOST, Direction.DOWN, Kind.RTP, True),
}
# The order in which a join goes; each phase is named after the moment that ends it.
MOMENTS = (
    "asked",
    "token",
    "offered",
    "answered",
    "first_stun",
    "ice",
    "first_dtls",
    "dtls",
    "first_video_at_node",
    "first_video_from_node",
    "first_frame_received",
    "shown",
)
WORDS = {
    "token": "API: join token",
    "offered": "offer made",
    "answered": "API: join answered",
    "first_stun": "first check sent",
    "ice": "ICE connected",
    "first_dtls": "ClientHello",
    "dtls": "DTLS connected, as the page learns",
    "first_video_at_node": "first video packet at the node",
    "first_video_from_node": "first video packet to the first party",
    "first_frame_received": "keyframe complete at the first party",
    "shown": "decoded and shown",
}

# Of the whole machine, from just before a join up to its picture (``disturbance.Disturbance``).
DISTURBANCE = {"foreign_pct": "used by other processes", "steal_pct": "taken by the machine's host"}

# Resolves when the page is ready to join; `__join()` then joins.
PREPARE = """async (picture, account, consultation) => {
  const { Call } = await import("/rodrun.js");
  const post = async (path, body, token) => {
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(`/api/v1${path}`, {
      method: "POST", headers, body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const { access_token: bearer } = await post("/demo/sign-in", { account });
  const [width, height, frameRate] = picture.split(/[x@]/).map(Number);
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: true, video: { width, height, frameRate },
  });
  const now = () => performance.timeOrigin + performance.now();
  const marks = (globalThis.__marks = {});
  const call = (globalThis.rodrunCall = new Call({
    getJoinToken: async () => {
      const { token } = await post(`/consultations/${consultation}/join-tokens`, {}, bearer);
      marks.token = now();
      return token;
    },
    getAuthorization: () => `Bearer ${bearer}`,
    fetch: async (url, init) => {
      marks.offered ??= now();
      const answer = await fetch(url, init);
      marks.answered ??= now();
      return answer;
    },
  }));
  call.addEventListener("remotestream", ({ detail: { stream } }) => {
    document.querySelector("[data-testid=remote-video]").srcObject = stream;
  });
  await call.setMedia(stream);
  globalThis.__join = () => {
    marks.asked = now();
    call.start();
  };
}"""
# What the page knows of its join, once it is up; Unix milliseconds.
JOINED = """() => {
  const { pc, iceConnectedAt, connectedAt } = __probe.connections.at(-1);
  return connectedAt !== null && { ...__marks, ice: iceConnectedAt, dtls: connectedAt };
}"""
# The payload type of the partner's camera, once pictures are there.
VIDEO_TYPE = """async (way) => {
  const stats = await __probe.connections.at(-1).pc.getStats();
  for (const report of stats.values()) {
    if (report.type === way && report.kind === "video" && report.codecId !== undefined)
      return stats.get(report.codecId).payloadType;
  }
  return null;
}"""


def measure(arrangement: Arrangement, joins: int) -> dict[str, Any]:
    """That many joins, one after the other; the report of them."""
    proxy = arrangement.proxy
    assert proxy is not None
    url = arrangement.server.url
    api = Api(arrangement.specialist, url)
    api.page.evaluate(STAY_ONLINE, api.token(SPECIALIST))
    specialist_id = api.do("GET", "/me", SPECIALIST)["id"]
    found = [one_join(arrangement, api, specialist_id) for _ in range(joins)]
    api.close()
    _, records = proxy.end()
    addresses = {host: arrangement.network.address(host) for host in (CLIENT_HOST, SPECIALIST_HOST)}
    return report([complete(each, records, addresses) for each in found])


def one_join(arrangement: Arrangement, api: Api, specialist_id: str) -> dict[str, float]:
    """One consultation up to its first picture; moments as the browsers tell them, in ms."""
    url = arrangement.server.url
    request = {"specialist_id": specialist_id, "purpose": PURPOSE}
    consultation = api.do("POST", "/consultations", CLIENT, request)["id"]
    api.do("POST", f"/consultations/{consultation}/accept", SPECIALIST, {})
    users: list[User] = []
    try:
        first = _prepared(arrangement.specialist, users, url, SPECIALIST, consultation)
        first.evaluate("() => __join()")
        first.wait_for(JOINED)
        second = _prepared(arrangement.client, users, url, CLIENT, consultation)
        watch = Watch()
        time.sleep(FIRST_WAITS_S)
        second.evaluate("() => __join()")
        frame = first.wait_for("() => __probe.frames[0]", timeout_s=PICTURE_WITHIN_S)
        disturbance = watch.end()
        joined: dict[str, float] = second.wait_for(JOINED)
        return {
            **joined,
            **{name: getattr(disturbance, name) for name in DISTURBANCE},
            "first_frame_received": frame["receivedAt"],
            "shown": frame["presentedAt"],
            "video_type_up": second.evaluate(VIDEO_TYPE, "outbound-rtp"),
            "video_type_down": first.evaluate(VIDEO_TYPE, "inbound-rtp"),
        }
    finally:
        api.do("POST", f"/consultations/{consultation}/leave", CLIENT, {})
        for user in users:
            user.close()


def complete(
    moments: dict[str, float], records: Records, addresses: dict[str, str]
) -> dict[str, float]:
    """The moments of a join together with those that the proxy saw, ms after the first request.

    ``keyframe_requests`` is how many the node sent to the second party until the picture was there,
    as far as SRTCP shows it: those at the head of their packet. What disturbed is as it was.
    """
    types = {
        Direction.UP: moments["video_type_up"],
        Direction.DOWN: moments["video_type_down"],
    }
    asked, shown = moments["asked"], moments["shown"]
    stamps = records["sent_ns"] / 1e6
    during = (stamps >= asked) & (stamps <= shown)
    found = {name: moments[name] - asked for name in MOMENTS if name in moments}
    found |= {name: moments[name] for name in DISTURBANCE}
    for name, (host, direction, kind, video) in SEEN.items():
        chosen = (
            during
            & (records["host"] == addresses[host].encode())
            & (records["direction"] == direction)
            & (records["kind"] == kind)
        )
        if video:
            chosen &= records["type"] == types[direction]
        if chosen.any():
            found[name] = float(stamps[chosen].min()) - asked
    requests = (
        during
        & (records["host"] == addresses[CLIENT_HOST].encode())
        & (records["direction"] == Direction.DOWN)
        & (records["kind"] == Kind.RTCP)
        & (records["type"] == RTCP_PSFB)
        & (records["format"] == FMT_PLI)
    )
    found["keyframe_requests"] = int(requests.sum())
    return found


def report(joins: Sequence[dict[str, float]]) -> dict[str, Any]:
    """The result, without name and machine; times in milliseconds."""
    shown = [each["shown"] for each in joins]
    p95 = percentile(shown, 95)
    moments = {
        name: {
            "p50": percentile([each[name] for each in joins if name in each], 50),
            "p95": percentile([each[name] for each in joins if name in each], 95),
        }
        for name in MOMENTS[1:]
    }
    phases = {}
    for earlier, later in pairwise(MOMENTS):
        took = [each[later] - each[earlier] for each in joins if earlier in each and later in each]
        phases[later] = {"p50": percentile(took, 50), "p95": percentile(took, 95)}
    return {
        "target": TARGET,
        "measured": {
            "p95": f"{p95:.0f} ms",
            "p50": f"{percentile(shown, 50):.0f} ms",
            "joins": len(joins),
        },
        "holds": p95 <= MAX_P95_MS,
        "after_asking_ms": moments,
        "phases_ms": phases,
        "disturbance": {
            name: {
                "p50": percentile([each[name] for each in joins], 50),
                "worst": max((each[name] for each in joins), default=0.0),
            }
            for name in DISTURBANCE
        },
        "joins": [{name: round(value, 1) for name, value in each.items()} for each in joins],
    }


def percentile(values: Sequence[float], percent: float) -> float:
    """A value of the list itself, the one above; 0 of none."""
    if not values:
        return 0.0
    return round(float(np.percentile(values, percent, method="higher")), 1)


def in_words(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = ["  ms after asking, p50 / p95 (and since the line above)"]
    for name, after in result["after_asking_ms"].items():
        phase = result["phases_ms"][name]
        lines.append(
            f"  {after['p50']:7.1f} / {after['p95']:7.1f}"
            f" ({phase['p50']:+.1f} / {phase['p95']:+.1f})  {WORDS[name]}"
        )
    for name, words in DISTURBANCE.items():
        each = ", ".join(f"{join[name]:g}" for join in result["joins"])
        found = result["disturbance"][name]
        lines.append(
            f"  {words}, % of a core, p50 / worst: {found['p50']:.1f} / {found['worst']:.1f}"
            f" (joins: {each})"
        )
    return "\n".join(lines)


def _prepared(
    browser: Browser, users: list[User], url: str, account: str, consultation: str
) -> Page:
    """A page of a new user that is about to join."""
    user = browser.new_user()
    users.append(user)
    page = user.new_page([media.PROBE])
    page.goto(f"{url}/livez")
    page.evaluate(ELEMENTS)
    page.evaluate(PREPARE, PICTURE, account, consultation)
    return page
