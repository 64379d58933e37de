"""rodrun.js on its own: a Call against an opposite that answers like the node."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="package")

TIMEOUT_S = 30
OPPOSITE = Path(__file__).with_name("opposite.js")

START = """
  const { Call } = await import("/rodrun.js");
  const { Opposite, heard } = await import("/opposite.js");
  const opposite = new Opposite();
  const make = (options = {}) => new Call({
    endpoint: "/api/v1/", getJoinToken: opposite.getJoinToken, fetch: opposite.fetch,
    getAuthorization: () => "Bearer me", ...options });
  const state = (call, wanted) => heard(call, "statechange", (it) => it.state === wanted);
"""


@pytest_asyncio.fixture(loop_scope="package")
async def page(blank: Page) -> AsyncIterator[Page]:
    """A page that can import the opposite."""
    await blank.route(
        "**/opposite.js",
        lambda route: route.fulfill(path=OPPOSITE, content_type="text/javascript"),
    )
    yield blank


async def play(page: Page, script: str) -> Any:
    """Run the body of a test in the page."""
    async with asyncio.timeout(TIMEOUT_S):  # what is awaited in the page may never come
        return await page.evaluate(f"async () => {{ {START} {script} }}")


async def test_a_join_is_one_round_trip_with_three_lines(page: Page) -> None:
    result = await play(
        page,
        """
        const call = make();
        const up = heard(call, "remotestream");
        call.start();
        const { stream, screen } = await up;
        await heard(call, "flow", ({ video }) => video);
        const lines = [...(await call.getStats()).values()].length > 0;
        return { joins: opposite.joins, token: opposite.token, id: call.connectionId, lines,
                 state: call.state, kinds: stream.getTracks().map(({ kind }) => kind),
                 screen: screen.getTracks().map(({ kind }) => kind),
                 apart: stream.id !== screen.id, flowing: call.flowing };
        """,
    )

    assert result == {
        "joins": 1,
        "token": "token-1",
        "id": "connection-1",
        "lines": True,
        "state": "connected",
        "kinds": ["audio", "video"],
        "screen": ["video"],
        "apart": True,
        "flowing": {"video": True, "screen": False},
    }


async def test_media_given_after_the_start_is_sent(page: Page) -> None:
    frames = await play(
        page,
        """
        const call = make();
        call.start();
        call.setMedia(await navigator.mediaDevices.getUserMedia({ audio: true, video: true }));
        await heard(call, "stats", ({ bitrateUpBps }) => bitrateUpBps > 50000);
        while ((await opposite.frames("connection-1", 1)) < 5)
          await new Promise((resolve) => setTimeout(resolve, 50));
        return [await opposite.frames("connection-1", 1), await opposite.frames("connection-1", 2)];
        """,
    )

    assert frames[0] >= 5
    assert frames[1] == 0


async def test_the_screen_goes_on_the_third_line_and_ends(page: Page) -> None:
    said = await play(
        page,
        """
        const call = make();
        const said = [];
        call.addEventListener("screenchange", ({ detail }) => said.push(detail.sharing));
        call.start();
        await state(call, "connected");
        const track = opposite.picture();
        await call.setScreen(new MediaStream([track]));
        while ((await opposite.frames("connection-1", 2)) < 3)
          await new Promise((resolve) => setTimeout(resolve, 50));
        track.dispatchEvent(new Event("ended")); // as from the browser's own bar
        await heard(call, "screenchange", ({ sharing }) => !sharing);
        return said;
        """,
    )

    assert said == [True, False]


async def test_a_pause_stops_the_camera_over_a_rejoin_and_ends_with_a_keyframe(page: Page) -> None:
    result = await play(
        page,
        """
        const call = make();
        const nap = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        const keyframes = async (id) => {
          const [, line] = opposite.connections.get(id).getTransceivers();
          const inbound = [...(await line.receiver.getStats()).values()];
          return inbound.find(({ type }) => type === "inbound-rtp")?.keyFramesDecoded ?? 0;
        };
        const flows = async (id) => {
          const before = await opposite.frames(id, 1);
          await nap(600);
          return (await opposite.frames(id, 1)) > before + 1;
        };
        const until = async (id, wanted) => { while ((await flows(id)) !== wanted); };
        await call.setCamera(opposite.picture());
        call.start();
        await state(call, "connected");
        await until("connection-1", true);
        await Promise.all([call.pauseVideo({ camera: true, screen: true }),
                           call.pauseVideo({ camera: false }),
                           call.pauseVideo({ camera: true })]);
        const paused = call.paused;
        await until("connection-1", false);
        const again = heard(call, "connection");
        call.rejoin("connection-1");
        await again;
        await nap(700);
        const afterRejoin = await opposite.frames("connection-2", 1);
        await call.setCamera(null);
        await call.pauseVideo({});
        await nap(300);
        const withoutCamera = await opposite.frames("connection-2", 1);
        await call.setCamera(opposite.picture());
        await until("connection-2", true);
        await call.pauseVideo({ camera: true });
        await until("connection-2", false);
        const before = await keyframes("connection-2");
        await call.pauseVideo({});
        await until("connection-2", true);
        return { paused, afterRejoin, withoutCamera,
                 keyframe: (await keyframes("connection-2")) > before };
        """,
    )

    assert result == {
        "paused": {"camera": True, "screen": False},
        "afterRejoin": 0,
        "withoutCamera": 0,
        "keyframe": True,
    }


async def test_in_a_pause_it_says_what_there_would_be_to_send(page: Page) -> None:
    result = await play(
        page,
        """
        const call = make();
        const nap = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        const told = async (count) => { while (opposite.video.length < count) await nap(20); };
        await call.setCamera(opposite.picture());
        call.start();
        await state(call, "connected");
        await call.setCamera(null);
        await nap(1500);
        const unpaused = opposite.video.length;
        await call.setCamera(opposite.picture());
        await call.pauseVideo({ camera: true, screen: true });
        await told(1);
        opposite.refuse.push("unreachable");
        await call.setCamera(null);
        await told(2);
        await call.setScreen(new MediaStream([opposite.picture()]));
        await told(3);
        const again = heard(call, "connection");
        call.rejoin("connection-1");
        await again;
        await told(4);
        await nap(1500);
        return { unpaused, told: opposite.video, authorization: opposite.authorization };
        """,
    )

    assert result == {
        "unpaused": 0,
        "told": [
            ["connection-1", {"camera": True, "screen": False}],
            ["connection-1", {"camera": False, "screen": False}],
            ["connection-1", {"camera": False, "screen": True}],
            ["connection-2", {"camera": False, "screen": True}],
        ],
        "authorization": "Bearer me",
    }


async def test_mute_holds_for_tracks_given_later(page: Page) -> None:
    enabled = await play(
        page,
        """
        const call = make();
        call.setMuted(true);
        const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
        await call.setMedia(stream);
        const muted = stream.getAudioTracks()[0].enabled;
        call.setMuted(false);
        return [muted, stream.getAudioTracks()[0].enabled];
        """,
    )

    assert enabled == [False, True]


async def test_a_silent_node_is_restarted_then_joined_anew(page: Page) -> None:
    result = await play(
        page,
        """
        const call = make();
        const states = [];
        call.addEventListener("statechange", ({ detail }) => states.push(detail.state));
        call.start();
        await state(call, "connected");
        opposite.refuse = [{ status: 404, code: "connection-unknown" }];
        opposite.vanish("connection-1");
        await state(call, "connected");
        return { states, id: call.connectionId, token: opposite.token,
                 left: opposite.refuse.length };
        """,
    )

    assert result == {
        "states": ["connecting", "connected", "reconnecting", "connected"],
        "id": "connection-2",
        "token": "token-2",
        "left": 0,
    }


async def test_an_ice_restart_keeps_the_connection(page: Page) -> None:
    result = await play(
        page,
        """
        const call = make();
        call.start();
        await heard(call, "flow", ({ video }) => video);
        const back = state(call, "connected");
        window.dispatchEvent(new Event("online")); // another network
        await back;
        return { restarts: opposite.restarts, joins: opposite.joins, id: call.connectionId,
                 authorization: opposite.authorization };
        """,
    )

    assert result == {
        "restarts": 1,
        "joins": 1,
        "id": "connection-1",
        "authorization": "Bearer me",
    }


async def test_a_refused_join_is_tried_again_with_a_fresh_token(page: Page) -> None:
    result = await play(
        page,
        """
        const call = make();
        const failures = [];
        call.addEventListener("attemptfailed", ({ detail }) => failures.push(detail.error.code));
        opposite.refuse = [{ status: 401, code: "join-token-expired" }, "unreachable"];
        call.start();
        await state(call, "connected");
        return { failures, token: opposite.token };
        """,
    )

    assert result == {"failures": ["join-token-expired", "unreachable"], "token": "token-3"}


async def test_a_final_error_of_the_token_ends_the_call(page: Page) -> None:
    result = await play(
        page,
        """
        const failure = Object.assign(new Error("no longer yours"), { final: true });
        const call = make({ getJoinToken: async () => { throw failure; } });
        const closed = state(call, "closed");
        call.start();
        return (await closed).reason;
        """,
    )

    assert result == "no longer yours"


async def test_replaced_stands_down_only_for_the_present_connection(page: Page) -> None:
    states = await play(
        page,
        """
        const call = make();
        call.start();
        await state(call, "connected");
        const states = [];
        call.replaced("connection-of-before");
        states.push(call.state);
        call.replaced("connection-1");
        states.push(call.state);
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return [...states, opposite.joins];
        """,
    )

    assert states == ["connected", "replaced", 1]


async def test_rejoin_makes_before_it_breaks(page: Page) -> None:
    result = await play(
        page,
        """
        const call = make();
        const states = [];
        call.start();
        await heard(call, "flow", ({ video }) => video);
        call.addEventListener("statechange", ({ detail }) => states.push(detail.state));
        const again = heard(call, "connection");
        call.rejoin("connection-1");
        while (opposite.joins < 2) await new Promise((resolve) => setTimeout(resolve, 1));
        call.replaced("connection-1"); // word of the old one's end, before the answer has come
        const { connectionId } = await again;
        return { states, connectionId, state: call.state };
        """,
    )

    assert result == {"states": [], "connectionId": "connection-2", "state": "connected"}


async def test_a_rejoin_asked_for_during_the_join_is_done_after_it(page: Page) -> None:
    joins = await play(
        page,
        """
        const call = make();
        call.start();
        call.addEventListener("connection", () => {}, { once: true });
        while (!opposite.joins) await new Promise((resolve) => setTimeout(resolve, 1));
        call.rejoin("connection-1");
        await heard(call, "connection", ({ connectionId }) => connectionId === "connection-2");
        return opposite.joins;
        """,
    )

    assert joins == 2


# The servers that the call's connections were made with, by their user names.
SERVERS = """
  const servers = [];
  const Real = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Real {
    constructor(configuration) {
      super(configuration);
      if (configuration) servers.push(configuration.iceServers.map(({ username }) => username));
    }
  };
  const urls = "turn:127.0.0.1:9?transport=tcp";
  const turn = (username) => ({ urls, username, credential: "x" });
  const getJoinToken = async () => {
    const token = await opposite.getJoinToken();
    return { token, expires_at: 1800000000, ice_servers: [turn(`of ${token}`)] };
  };
"""


async def test_each_join_takes_the_ice_servers_that_come_with_its_token(page: Page) -> None:
    result = await play(
        page,
        SERVERS
        + """
        const call = make({ getJoinToken });
        call.start();
        await heard(call, "flow", ({ video }) => video);
        const again = heard(call, "connection");
        call.rejoin("connection-1");
        await again;
        return { servers, token: opposite.token, joins: opposite.joins };
        """,
    )

    assert result == {
        "servers": [[], ["of token-1"], [], ["of token-2"]],
        "token": "token-2",
        "joins": 2,
    }


async def test_without_turn_one_connection_is_made(page: Page) -> None:
    servers = await play(
        page,
        SERVERS
        + """
        const call = make({
          getJoinToken: async () => ({ token: await opposite.getJoinToken(), ice_servers: [] }),
        });
        call.start();
        await state(call, "connected");
        return [servers, opposite.token];
        """,
    )

    assert servers == [[[]], "token-1"]


@pytest.mark.parametrize(("own", "taken"), [('[turn("own")]', [["own"]]), ("[]", [[]])])
async def test_a_frontends_own_ice_servers_come_first(
    page: Page, own: str, taken: list[list[str]]
) -> None:
    servers = await play(
        page,
        SERVERS
        + f"""
        const call = make({{ getJoinToken, iceServers: {own} }});
        call.start();
        await state(call, "connected");
        return servers;
        """,
    )

    assert servers == taken


async def test_stop_is_for_good(page: Page) -> None:
    result = await play(
        page,
        """
        const call = make();
        call.start();
        await state(call, "connected");
        call.stop();
        call.start();
        call.rejoin("connection-1");
        await new Promise((resolve) => setTimeout(resolve, 500));
        return [call.state, opposite.joins];
        """,
    )

    assert result == ["closed", 1]


@pytest.mark.parametrize(
    ("failures", "pause_ms"), [(1, 250), (2, 500), (3, 1000), (4, 2000), (50, 2000)]
)
async def test_back_off(page: Page, failures: int, pause_ms: int) -> None:
    assert (
        await play(page, f"return (await import('/rodrun.js')).backOffMs({failures})") == pause_ms
    )


@pytest.mark.parametrize(
    ("plan", "code", "failures", "next_plan"),
    [
        ("restart", "unreachable", 1, "restart"),
        ("restart", "unreachable", 3, "join"),
        ("restart", "timeout", 1, "join"),
        ("join", "unreachable", 1, "join"),
    ],
)
async def test_what_follows_a_failure(
    page: Page, plan: str, code: str, failures: int, next_plan: str
) -> None:
    error = f"{{ status: 0, code: '{code}' }}"
    assert (
        await play(
            page, f"return (await import('/rodrun.js')).nextPlan('{plan}', {error}, {failures})"
        )
        == next_plan
    )


async def test_a_pair_that_goes_is_not_a_packet_that_came(page: Page) -> None:
    heard = await play(
        page,
        """
        const { heardSince } = await import("/rodrun_figures.js");
        const at = (pairs) => ({ heard: new Map(Object.entries(pairs)) });
        return [heardSince(at({ a: 5, b: 3 }), at({ a: 5 })),
                heardSince(at({ a: 5 }), at({ a: 6 })),
                heardSince(at({ a: 5 }), at({ a: 5, c: 0 })),
                heardSince(at({ a: 5 }), at({ c: 1 }))];
        """,
    )

    assert heard == [False, True, False, True]
