"""Into the room, and what the node tells of it."""

import pytest

from control.adapters import rooms
from control.consultations.quality import Level
from sfu.api import (
    CloseRoom,
    CodecUnsupported,
    ConnectionFailed,
    ConnectionReplaced,
    HasVideo,
    Join,
    OpenRoom,
    ParticipantConnected,
    RefusalCode,
    RestartIce,
    VideoCodec,
    VideoPause,
)
from tests.control.node import quality_of
from tests.control.people import Control, Person, stranger


@pytest.fixture
async def session(control: Control, maria: Person, ivan: Person) -> str:
    """An active consultation; nobody has a connection that control made."""
    async with await ivan.page():
        return await control.session(maria, ivan)


async def test_a_join_opens_the_room_first(control: Control, maria: Person, session: str) -> None:
    connection = await maria.join(session, "the offer")
    assert control.node.asked == [
        OpenRoom(session, VideoCodec.VP8, 2_500_000),
        Join(session, "client", connection, "the offer"),
    ]


async def test_connected_counts_as_heard(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        asked = await maria.post(
            "/consultations", {"specialist_id": "ivan", "purpose": "x"}, status=201
        )
        await ivan.post(f"/consultations/{asked['id']}/accept")
    for role in ("client", "specialist"):
        control.node.report(ParticipantConnected(asked["id"], role, "c", control.now))
    await control.take_reports()
    assert (await maria.get(f"/consultations/{asked['id']}"))["state"] == "active"


async def test_ice_restart_on_ones_own_connection(
    control: Control, maria: Person, ivan: Person, session: str
) -> None:
    connection = await maria.join(session)
    path = f"/connections/{connection}/ice-restart"
    restarted = await maria.post(path, {"offer": "again"})
    assert restarted["connection_id"] == connection
    assert control.node.asked[-1] == RestartIce(session, "client", connection, "again")
    elena = await stranger(control, "elena", "client")
    for other in (ivan, elena):
        code = await other.problem("POST", path, {"offer": "x"}, status=404)
        assert code == "connection-unknown"
    control.node.refuse_next[RestartIce] = RefusalCode.UNKNOWN_CONNECTION
    code = await maria.problem("POST", path, {"offer": "x"}, status=404)
    assert code == "connection-unknown"


async def test_a_page_says_what_its_own_connection_has_to_send(
    control: Control, maria: Person, ivan: Person, session: str
) -> None:
    connection = await maria.join(session)
    path = f"/connections/{connection}/video"
    body = {"camera": False, "screen": True}
    await maria.put(path, body, status=204)
    said = HasVideo(session, "client", connection, camera=False, screen=True)
    assert control.node.asked[-1] == said
    assert await ivan.problem("PUT", path, body, status=404) == "connection-unknown"
    control.node.refuse_next[HasVideo] = RefusalCode.UNKNOWN_CONNECTION
    assert await maria.problem("PUT", path, body, status=404) == "connection-unknown"
    assert await maria.problem("PUT", path, {"camera": 1}, status=422) == "invalid-input"


async def test_a_replaced_connection_is_nobodys(
    control: Control, maria: Person, session: str
) -> None:
    first = await maria.join(session)
    second = await maria.join(session)
    assert first != second
    body = {"offer": "x"}
    code = await maria.problem("POST", f"/connections/{first}/ice-restart", body, status=404)
    assert code == "connection-unknown"
    await maria.post(f"/connections/{second}/ice-restart", body)


async def test_after_the_end_connections_are_unknown(
    control: Control, maria: Person, session: str
) -> None:
    connection = await maria.join(session)
    await maria.post(f"/consultations/{session}/leave")
    await control.service.errands.settled()
    assert control.node.asked[-1] == CloseRoom(session)
    path = f"/connections/{connection}/ice-restart"
    code = await maria.problem("POST", path, {"offer": "x"}, status=404)
    assert code == "connection-unknown"


async def test_opened_elsewhere_is_told_to_the_one_who_was_replaced(
    control: Control, maria: Person, ivan: Person, session: str
) -> None:
    async with await maria.page() as hers, await ivan.page() as his:
        first = await maria.join(session)
        await maria.join(session)
        control.node.report(ConnectionReplaced(session, "client", first))
        told = await hers.until("connection_replaced")
        assert told["consultation_id"] == session
        assert told["connection_id"] == first
        await maria.post(f"/consultations/{session}/leave")
        kinds = set()
        while (message := await his.next()).get("consultation", {}).get("state") != "ended":
            kinds.add(message["type"])
        assert kinds == {"consultation", "event"}


async def test_a_failed_connection_is_made_anew(
    control: Control, maria: Person, session: str
) -> None:
    async with await maria.page() as page:
        first = await maria.join(session)
        second = await maria.join(session)
        # Of the first nobody needs to hear any more.
        control.node.report(ConnectionFailed(session, "client", first, "no DTLS"))
        control.node.report(ConnectionFailed(session, "client", second, "no DTLS"))
        told = await page.until("rejoin")
        assert told == {
            "type": "rejoin",
            "consultation_id": session,
            "connection_id": second,
            "reason": "failed",
        }


async def test_without_the_rooms_codec_the_other_page_rejoins_with_vp8(
    control: Control, maria: Person, ivan: Person, session: str
) -> None:
    async with await maria.page() as page:
        connection = await maria.join(session)
        await ivan.join(session)
        control.node.report(CodecUnsupported(session, "specialist", VideoCodec.VP8))
        told = await page.until("rejoin")
        assert (told["connection_id"], told["reason"]) == (connection, "codec")
    assert control.node.asked[-1] == OpenRoom(session, VideoCodec.VP8, 2_500_000)


async def test_the_fallback_lasts(control: Control, maria: Person, session: str) -> None:
    control.node.report(CodecUnsupported(session, "specialist", VideoCodec.H264))
    await control.take_reports()
    await maria.join(session)
    assert control.node.rooms[session] is VideoCodec.H264


async def test_quality_is_told_to_both(
    control: Control, maria: Person, ivan: Person, session: str
) -> None:
    async with await maria.page() as hers, await ivan.page() as his:
        # News of quality is not kept for a page that is still told what it missed.
        control.service.hub.tell(("maria", "ivan"), {"type": "caught up"})
        for page in (hers, his):
            await page.until("caught up")
        control.node.report(quality_of(session, "specialist", loss_pct=6.0))
        for page in (hers, his):
            told = await page.until("quality")
            assert (told["participant"], told["level"]) == ("specialist", Level.POOR)
            assert told["leg"] == "specialist_up"
            assert told["reasons"] == [{"code": "loss", "value": 6.0}]
            assert told["legs"].keys() == {"specialist_up", "specialist_down", "node"}
            assert told["legs"]["specialist_up"]["rtt_ms"] == 30.0
        await control.pass_time(2.5)
        await control.hear(session, "client")
        control.node.report(quality_of(session, "specialist"))
        told = await hers.until("quality")
        assert (told["level"], told["legs"]["specialist_up"]["mos"]) == (Level.POOR, 2.0)
        assert told["reasons"] == [{"code": "silent", "value": 2.5}]
        assert told["legs"]["specialist_up"]["rtt_ms"] == 30.0
        await control.pass_time(1.5)
        control.node.report(quality_of(session, "specialist", loss_pct=6.0))
        told = await hers.until("quality")
        assert told["level"] == Level.LOST
        assert told["reasons"] == [{"code": "silent", "value": 4.0}, {"code": "loss", "value": 6.0}]
        assert told["legs"]["specialist_up"]["expected"] == 1000, "it was counted all the same"


async def test_the_same_word_of_quality_is_repeated_every_five_seconds(
    control: Control, maria: Person, ivan: Person, session: str
) -> None:
    async with await maria.page() as hers:
        control.service.hub.tell(("maria",), {"type": "caught up"})
        await hers.until("caught up")
        heard = []
        for second, loss_pct in enumerate((6.0, 6.2, 6.4, 6.6, 6.8, 7.0, 7.2, 0.0)):
            control.node.report(quality_of(session, "client", loss_pct=loss_pct))
            await control.hear(session, "client", "specialist")
            control.service.hub.tell(("maria",), {"type": "second"})
            while (message := await hers.next())["type"] != "second":
                if message["type"] == "quality":
                    heard.append((second, message["legs"]["client_up"]["lost"]))
            await control.pass_time(1.0)
        assert heard == [(0, 60), (5, 70), (7, 0)]


def _told(session: str, receiver: str, *, camera: bool, screen: bool) -> dict[str, object]:
    return {
        "type": "video_pause",
        "consultation_id": session,
        "receiver": receiver,
        "camera": camera,
        "screen": screen,
    }


async def test_a_video_pause_is_told_to_both_pages_and_to_one_that_comes_back(
    control: Control, maria: Person, ivan: Person, session: str
) -> None:
    async with await maria.page() as hers, await ivan.page() as his:
        connection = await maria.join(session)
        control.node.report(VideoPause(session, "client", connection, camera=True, screen=False))
        for page in (hers, his):
            assert await page.until("video_pause") == _told(
                session, "client", camera=True, screen=False
            )
    async with await ivan.page() as again:
        assert (await again.until("video_pause"))["camera"]
    async with await ivan.page() as again:
        control.node.report(VideoPause(session, "client", connection, camera=False, screen=False))
        assert (await again.until("video_pause"))["camera"]
        assert await again.until("video_pause") == _told(
            session, "client", camera=False, screen=False
        )
    async with await ivan.page() as again:
        assert not (await again.until("video_pause"))["camera"], "what ended meanwhile is told"


async def test_who_joins_anew_hears_of_a_pause_and_begins_without_one(
    control: Control, maria: Person, ivan: Person, session: str
) -> None:
    first = await maria.join(session)
    await ivan.join(session)
    control.node.report(VideoPause(session, "client", first, camera=True, screen=True))
    await control.take_reports()
    async with await ivan.page() as his:
        assert (await his.until("video_pause"))["camera"]
        assert (await his.until("video_pause"))["receiver"] == "specialist"
        await ivan.join(session)  # he has still to hold his video back
        assert await his.until("video_pause") == _told(session, "client", camera=True, screen=True)
        await maria.join(session)  # hers is a new connection, perhaps in another network
        assert await his.until("video_pause") == _told(
            session, "client", camera=False, screen=False
        )
        # Late news of the connection before are worth nothing.
        control.node.report(VideoPause(session, "client", first, camera=True, screen=True))
        await control.take_reports()
    assert not any(each.camera for each in control.service.rooms.paused(session).values())


async def test_a_pause_ends_with_its_consultation(
    control: Control, maria: Person, session: str
) -> None:
    connection = await maria.join(session)
    control.node.report(VideoPause(session, "client", connection, camera=True, screen=True))
    await control.take_reports()
    await maria.post(f"/consultations/{session}/leave")
    await control.service.errands.settled()
    assert control.service.rooms.paused(session) == {}
    control.node.report(VideoPause(session, "client", connection, camera=True, screen=True))
    await control.take_reports()
    assert control.service.rooms.paused(session) == {}


async def test_news_of_an_unknown_room_harm_nothing(
    control: Control, maria: Person, session: str
) -> None:
    control.node.report(CodecUnsupported("nothing", "specialist", VideoCodec.VP8))
    control.node.report(ParticipantConnected(session, "nobody", "c", control.now))
    await control.hear(session, "client", "specialist")
    assert (await maria.get(f"/consultations/{session}"))["state"] == "active"


@pytest.mark.parametrize("silent_to", [OpenRoom, Join])
async def test_a_node_that_does_not_answer(
    control: Control,
    maria: Person,
    session: str,
    silent_to: type[OpenRoom] | type[Join],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms, "NODE_TIMEOUT_S", 0.05)
    token = await maria.post(f"/consultations/{session}/join-tokens", status=201)
    control.node.silent_to = {silent_to}
    body = {"token": token["token"], "offer": "v=0"}
    assert await maria.problem("POST", "/join", body, status=503) == "node-unavailable"
    # The rules go on without it, and so does the room once it answers.
    await control.hear(session, "client", "specialist")
    control.node.silent_to = set()
    await maria.join(session)


async def test_a_room_that_cannot_be_closed_holds_nobody_up(
    control: Control, maria: Person, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "NODE_TIMEOUT_S", 0.05)
    await maria.join(session)
    control.node.silent_to = {CloseRoom}
    ended = await maria.post(f"/consultations/{session}/leave")
    assert ended["state"] == "ended"
    await control.service.errands.settled()
