"""The check of the network before a call: when it runs, what it advises, how the page says it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.page.conftest import PAGE
from tests.page.meeting import Meeting, Seat

pytestmark = pytest.mark.asyncio(loop_scope="package")

# Stands in the place of rodrun_probe.js: what it finds the test says, and it tells what it is told.
STAND_IN = """
  export * from "/rodrun_probe.js?real";
  import { CallError } from "/rodrun_connection.js";
  const probes = (globalThis.probes = []);
  export function probe({ signal, getAuthorization }) {
    const told = { aborted: false, authorization: getAuthorization() };
    probes.push(told);
    return new Promise((resolve, reject) => {
      const refuse = (code) => reject(new CallError(code, { code }));
      signal.addEventListener("abort", () => {
        told.aborted = true;
        refuse("aborted");
      });
      Object.assign(told, { resolve, refuse });
    });
  }
"""
GOOD = {"lossPct": 0.4, "bitrateBps": 1_320_000}


def result(**members: Any) -> dict[str, Any]:
    """What a probe found; good unless said otherwise."""
    found = {"path": "direct", "node": "192.0.2.1:7878", "rttMs": 42.4, "up": GOOD, "down": GOOD}
    return found | members


def way(loss_pct: float | None = 0.0, bitrate_bps: int = 1_000_000) -> dict[str, Any]:
    return {"lossPct": loss_pct, "bitrateBps": bitrate_bps}


BLOCKED = result(path="blocked", rttMs=None, up=None, down=None)
ADVISED = [
    (result(), "video"),
    (result(path="relay"), "video"),
    (result(rttMs=None), "video"),
    (result(up=way(3, 400_000), down=way(3, 400_000), rttMs=300), "video"),
    (result(up=way(None)), "video"),
    (result(up=way(3.1)), "coarse"),
    (result(down=way(3.1)), "coarse"),
    (result(rttMs=301), "coarse"),
    (result(up=way(0, 399_000)), "coarse"),
    (result(down=way(10, 200_000), rttMs=600), "coarse"),
    (result(down=way(0, 199_000)), "audio-only"),
    (result(up=way(10.1)), "audio-only"),
    (result(rttMs=601), "audio-only"),
    (result(down=way(25, 200_000), rttMs=1000), "audio-only"),
    (result(down=way(61, 40_000), rttMs=1400), "audio-only"),
    (result(up=way(0, 39_000)), "poor"),
    (result(down=way(25.1)), "poor"),
    (result(rttMs=1001), "poor"),
    (BLOCKED, "blocked"),
    (result(up=None), "unknown"),
    (result(down=None), "unknown"),
]


@pytest.mark.parametrize(("found", "advice"), ADVISED)
async def test_the_advice(modules: Page, found: dict[str, Any], advice: str) -> None:
    asked = "async (found) => (await import('/rodrun_probe.js')).advise(found)"
    assert await modules.evaluate(asked, found) == advice


NOW = 1_000_000
DUE = {"state": "idle", "foundAt": None, "wantedAt": NOW - 2000, "asking": False, "hidden": False}


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ({}, True),
        ({"wantedAt": NOW - 1999}, False),
        ({"wantedAt": None}, False),
        ({"state": "running"}, False),
        ({"asking": True}, False),
        ({"hidden": True}, False),
        ({"foundAt": NOW - 599_999}, False),
        ({"foundAt": NOW - 600_000}, True),
        ({"foundAt": NOW - 600_000, "state": "done"}, True),
    ],
)
async def test_when_it_begins_unasked(modules: Page, moment: dict[str, Any], due: bool) -> None:
    asked = "async ([moment, now]) => (await import('/precheck.js')).isDue(moment, now)"
    assert await modules.evaluate(asked, [DUE | moment, NOW]) is due


@asynccontextmanager
async def prepared(seat: Seat) -> AsyncIterator[Page]:
    """The page of a seat, whose probes the test answers."""

    async def serve(route: Route) -> None:
        body = STAND_IN
        if route.request.url.endswith("?real"):
            body = (PAGE / "rodrun_probe.js").read_text()
        await route.fulfill(body=body, content_type="text/javascript")

    await seat.page.context.route("**/rodrun_probe.js*", serve)
    await seat.open()
    await seat.screen("home")
    yield seat.page


async def begun(page: Page, count: int = 1) -> None:
    """Wait until so many probes have begun."""
    await page.wait_for_function("(count) => globalThis.probes.length === count", arg=count)


async def answered(page: Page, found: dict[str, Any]) -> None:
    await page.evaluate("(found) => globalThis.probes.at(-1).resolve(found)", found)


async def advised(seat: Seat, advice: str, *words: str) -> None:
    element = seat.page.get_by_test_id("precheck-advice")
    await expect(element).to_have_attribute("data-advice", advice)
    for each in words:
        await expect(element).to_contain_text(each)


async def marked(seat: Seat, name: str, mark: str, *words: str) -> None:
    element = seat.page.get_by_test_id(f"precheck-{name}")
    await expect(element).to_have_attribute("data-mark", mark)
    for each in words:
        await expect(element).to_contain_text(each)


async def test_it_runs_by_itself_and_again_by_the_button(meeting: Meeting) -> None:
    seat = meeting.client

    async def shown() -> None:
        await seat.page.get_by_test_id("precheck-again").scroll_into_view_if_needed()

    async with prepared(seat) as page:
        await seat.click("home-check")
        await seat.screen("devices")
        await advised(seat, "idle")
        await begun(page)
        await advised(seat, "running")
        await expect(page.get_by_test_id("precheck-again")).to_be_disabled()
        authorization = await page.evaluate("() => globalThis.probes[0].authorization")
        assert authorization == f"Bearer {seat.person.token}"
        await answered(page, result())
        await advised(seat, "video", "видео")
        for name, words in {
            "camera": ("работи", "добре"),
            "microphone": ("работи",),
            "path": ("отворен",),
            "rtt": ("42 ms",),
            "loss": ("↑ 0,4%", "↓ 0,4%"),
            "bitrate": ("↑ 1,3 Мбит/с",),
        }.items():
            await marked(seat, name, "ok", *words)
        await meeting.look(seat, "precheck-good")
        await seat.click("precheck-again")
        await begun(page, 2)
        await marked(seat, "path", "unknown", "–")
        narrow = {"up": way(0.4, 700_000), "down": way(12.26, 181_000)}
        await answered(page, result(**narrow, rttMs=420))
        await advised(seat, "audio-only", "само със звук")
        await marked(seat, "loss", "bad", "↓ 12,3%")
        await marked(seat, "bitrate", "bad", "↓ 180 кбит/с")
        await marked(seat, "rtt", "warn")
        await meeting.look(seat, "precheck-audio-only", again=shown)
        # What was found is kept: there and back again it does not run anew by itself.
        await seat.click("devices-done", "home-check")
        await advised(seat, "audio-only")
        await page.wait_for_timeout(2500)
        assert await page.evaluate("() => globalThis.probes.length") == 2


async def test_a_network_that_blocks_calls_is_told_what_to_ask_for(meeting: Meeting) -> None:
    seat = meeting.specialist
    async with prepared(seat) as page:
        await seat.click("check-devices", "precheck-again")
        await begun(page)
        await answered(page, BLOCKED)
        await advised(seat, "blocked", "192.0.2.1:7878")
        await marked(seat, "path", "bad", "затворен")
        await marked(seat, "loss", "unknown")
        await meeting.look(seat, "precheck-blocked")
        await seat.click("precheck-again")
        await begun(page, 2)
        await answered(page, result(path="relay"))
        await advised(seat, "video")
        await marked(seat, "path", "warn", "TURN")


async def test_whoever_waits_is_checked_and_the_call_is_not_disturbed(meeting: Meeting) -> None:
    seat = meeting.client
    await meeting.set_terms(1800)
    await meeting.specialist.open()
    await meeting.specialist.screen("home")
    async with prepared(seat) as page:
        request = {"specialist_id": "ivan", "purpose": "Резултати"}
        asked = await seat.person.post("/consultations", request, status=201)
        await seat.screen("waiting")
        await begun(page)
        assert not await page.evaluate("() => globalThis.probes[0].aborted")
        await meeting.specialist.person.post(f"/consultations/{asked['id']}/accept")
        await seat.screen("call")
        await page.wait_for_function("() => globalThis.probes[0].aborted")
        await page.wait_for_timeout(2500)
        assert await page.evaluate("() => globalThis.probes.length") == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("node-full", "Всички места"),
        ("too-many-requests", "Изчакайте"),
        ("unreachable", "Няма връзка"),
        ("", "не можа"),
    ],
)
async def test_why_it_did_not_work(meeting: Meeting, code: str, words: str) -> None:
    seat = meeting.client
    async with prepared(seat) as page:
        await seat.click("home-check", "precheck-again")
        await begun(page)
        await page.evaluate("(code) => globalThis.probes[0].refuse(code)", code)
        await advised(seat, "failed", words)


# Answers the two offers by connections of this page, which are no partners of each other.
ANSWERED = """async ({ aborted, refusal, iceServers }) => {
  const TURN = {
    urls: ["turn:127.0.0.1:9?transport=tcp"], username: "1800000000:x", credential: "y",
  };
  const configured = [];
  const Real = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Real {
    constructor(configuration) {
      super(configuration);
      configured.push(configuration?.iceServers?.map(({ urls }) => [urls].flat()[0]));
    }
  };
  const { probe } = await import("/rodrun_probe.js");
  const { Opposite } = await import("/opposite.js");
  const opposites = [new Opposite(), new Opposite()];
  const asked = [];
  const figures = {
    connected: true, seconds: 3, rtt_ms: 12.5,
    up: { loss_pct: 0.5, bitrate_bps: 100000 }, down: null,
  };
  const join = async (opposite, offer) => {
    opposite.picture = () => null;
    const reply = await opposite.fetch("/join", { body: JSON.stringify({ offer }) });
    return (await reply.json()).answer;
  };
  const fetch = async (url, { method, body, headers }) => {
    asked.push(`${method} ${url} ${headers.Authorization}`);
    if (url.endsWith("/ice-servers")) {
      if (aborted === "early") calling.abort();
      return Response.json([TURN]);
    }
    if (method === "DELETE") return new Response(null, { status: 204 });
    if (method === "GET") return Response.json(figures);
    if (refusal) return Response.json({ code: refusal, detail: "no" }, { status: 503 });
    const { sender_offer, receiver_offer } = JSON.parse(body);
    const [sender_answer, receiver_answer] = await Promise.all([
      join(opposites[0], sender_offer), join(opposites[1], receiver_offer),
    ]);
    return Response.json({ id: "p1", sender_answer, receiver_answer }, { status: 201 });
  };
  const calling = new AbortController();
  const began = performance.now();
  const found = await probe({
    endpoint: "/there/", getAuthorization: async () => "Bearer x", fetch, signal: calling.signal,
    iceServers, onmedia: () => aborted && calling.abort(),
  }).catch(({ name, code }) => ({ name, code }));
  const frames = await opposites[0].frames("connection-1", 1).catch(() => 0);
  const servers = configured.filter((each) => each !== undefined);
  return { found, asked, frames, servers, took_ms: performance.now() - began };
}"""


@asynccontextmanager
async def with_opposite(page: Page) -> AsyncIterator[None]:
    path = PAGE.parents[1] / "tests" / "page" / "opposite.js"
    await page.context.route(
        "**/opposite.js", lambda route: route.fulfill(path=path, content_type="text/javascript")
    )
    yield


async def test_a_probe_sends_pictures_reads_what_was_measured_and_ends(blank: Page) -> None:
    async with with_opposite(blank):
        told = await blank.evaluate(ANSWERED, {"aborted": False, "refusal": None})
    found = told["found"]
    node = found.pop("node")
    assert ":" in node
    # Chromium may believe that the network carries more than what came through.
    assert found["up"].pop("bitrateBps") >= 100_000
    assert found == {"path": "direct", "rttMs": 12.5, "up": {"lossPct": 0.5}, "down": None}
    assert told["asked"] == [
        "GET /there/ice-servers Bearer x",
        "POST /there/probes Bearer x",
        "GET /there/probes/p1 Bearer x",
        "DELETE /there/probes/p1 Bearer x",
    ]
    assert told["frames"] > 20
    assert told["servers"] == [["turn:127.0.0.1:9?transport=tcp"]] * 2


async def test_a_probe_that_is_called_off_ends_at_once(blank: Page) -> None:
    async with with_opposite(blank):
        told = await blank.evaluate(ANSWERED, {"aborted": True, "refusal": None})
    assert told["found"] == {"name": "CallError", "code": "aborted"}
    assert told["asked"][-1] == "DELETE /there/probes/p1 Bearer x"
    assert told["took_ms"] < 4000


async def test_a_probe_that_is_refused_says_why(blank: Page) -> None:
    async with with_opposite(blank):
        told = await blank.evaluate(ANSWERED, {"aborted": False, "refusal": "node-full"})
    assert told["found"] == {"name": "CallError", "code": "node-full"}
    assert len(told["asked"]) == 2


async def test_a_frontends_own_ice_servers_are_taken_as_they_are(blank: Page) -> None:
    own = [{"urls": "turn:127.0.0.1:10", "username": "x", "credential": "y"}]
    asked = {"aborted": False, "refusal": "node-full", "iceServers": own}
    async with with_opposite(blank):
        told = await blank.evaluate(ANSWERED, asked)
    assert told["asked"] == ["POST /there/probes Bearer x"]
    assert told["servers"] == [["turn:127.0.0.1:10"]] * 2


async def test_a_probe_called_off_before_it_has_ice_servers_says_so(blank: Page) -> None:
    async with with_opposite(blank):
        told = await blank.evaluate(ANSWERED, {"aborted": "early", "refusal": None})
    assert told["found"] == {"name": "CallError", "code": "aborted"}
    assert told["servers"] == []
