"""Probes over the API: a room that is no consultation's, and what the node measured there."""

from dataclasses import replace

import pytest

from control.adapters import rooms
from control.adapters.probes import KEPT_S, MAX_VIDEO_BPS, SETTLE_S
from control.web.schema.probes import ProbeFiguresOut
from sfu.api import (
    PROBE_LASTS_S,
    CloseRoom,
    ConnectionQuality,
    Join,
    OpenRoom,
    ParticipantConnected,
    ParticipantHeard,
    RefusalCode,
    VideoPause,
)
from tests.control.node import quality_of
from tests.control.people import Control, Person

OFFERS = {"sender_offer": "to send", "receiver_offer": "to receive"}


async def begin(person: Person) -> str:
    return str((await person.post("/probes", OFFERS, status=201))["id"])


async def test_what_went_before_and_was_lost_takes_nothing_from_what_comes_now(
    control: Control, maria: Person
) -> None:
    probe = await begin(maria)
    for _ in range(5):
        for event in second(probe, down_lost=900):  # of 1000, most of which went before
            down = replace(event.down, packets=200, bitrate_bps=2e5)
            control.node.report(replace(event, down=down))
    await control.take_reports()
    told = (await figures(maria, probe)).down
    assert told is not None
    assert (told.loss_pct, told.bitrate_bps) == (90.0, 100_000)


async def figures(person: Person, probe: str) -> ProbeFiguresOut:
    document = await person.get(f"/probes/{probe}")
    described = ProbeFiguresOut.model_validate(document, extra="forbid")
    assert described.model_dump(mode="json") == document
    return described


def second(probe: str, *, up_lost: int = 0, down_lost: int = 0) -> list[ConnectionQuality]:
    """What the node says of a second of both connections; 1000 packets and 1 Mbit/s each way."""
    sender, receiver = (quality_of(probe, each) for each in ("sender", "receiver"))
    return [
        replace(sender, up=replace(sender.up, lost=up_lost)),
        replace(receiver, down=replace(receiver.down, expected=1000, lost=down_lost)),
    ]


async def test_a_room_for_a_probe_is_opened_and_joined_twice(
    control: Control, maria: Person
) -> None:
    began = await maria.post("/probes", OFFERS, status=201)
    opened, sender, receiver = control.node.asked
    room = began["id"]
    assert opened == OpenRoom(room, max_video_bps=MAX_VIDEO_BPS, probe=True)
    assert isinstance(sender, Join)
    assert isinstance(receiver, Join)
    assert (sender.room_id, sender.participant_id, sender.offer) == (room, "sender", "to send")
    assert (receiver.room_id, receiver.participant_id) == (room, "receiver")
    assert sender.connection_id != receiver.connection_id
    assert began["sender_answer"] == "answer to to send"
    assert began["receiver_answer"] == "answer to to receive"
    assert began["ends_at"] == control.now + PROBE_LASTS_S


async def test_what_the_node_measured_once_it_had_settled(control: Control, maria: Person) -> None:
    probe = await begin(maria)
    assert await figures(maria, probe) == ProbeFiguresOut(
        id=probe, connected=False, seconds=0, rtt_ms=None, up=None, down=None
    )
    for participant in ("sender", "receiver"):
        control.node.report(ParticipantConnected(probe, participant, "c", control.now))
        control.node.report(ParticipantHeard(probe, participant, "c", control.now))
    for _ in range(SETTLE_S):
        for event in second(probe, up_lost=500, down_lost=500):
            control.node.report(event)
    for lost in (0, 60, -30):  # some came late
        for event in second(probe, up_lost=lost, down_lost=4 * lost):
            control.node.report(event)
    control.node.report(VideoPause(probe, "receiver", "c", camera=True, screen=True))
    await control.take_reports()
    told = await figures(maria, probe)
    assert (told.connected, told.seconds, told.rtt_ms) == (True, 3, 30.0)
    assert told.up is not None
    assert told.down is not None
    assert (told.up.loss_pct, told.up.bitrate_bps) == (1.0, 1_000_000)
    assert (told.down.loss_pct, told.down.bitrate_bps) == (4.0, 960_000)


async def test_the_best_second_counts_while_little_is_lost(control: Control, maria: Person) -> None:
    calm, lossy = await begin(maria), await begin(await control.person("ivan"))
    for bitrate_bps in (9e6, 9e6, 2e5, 4e5, 3e5):  # the first two had not settled
        for probe, lost in ((calm, 20), (lossy, 100)):
            for event in second(probe, up_lost=lost, down_lost=lost):
                up, down = (
                    replace(each, bitrate_bps=bitrate_bps) for each in (event.up, event.down)
                )
                control.node.report(replace(event, up=up, down=down))
    await control.take_reports()
    told = await figures(maria, calm)
    assert told.up is not None
    assert told.down is not None
    assert (told.up.bitrate_bps, told.down.bitrate_bps) == (400_000, 400_000)
    told = await figures(await control.person("ivan"), lossy)
    assert told.up is not None
    assert told.down is not None
    assert (told.up.bitrate_bps, told.down.bitrate_bps) == (300_000, 270_000)


async def test_where_nothing_flows_there_is_no_loss(control: Control, maria: Person) -> None:
    probe = await begin(maria)
    for _ in range(SETTLE_S + 1):
        for event in second(probe):
            none = replace(event.up, expected=0, bitrate_bps=0.0)
            control.node.report(replace(event, up=none, down=none, rtt_ms=None))
    await control.take_reports()
    told = await figures(maria, probe)
    assert told.up is not None
    assert (told.up.loss_pct, told.up.bitrate_bps, told.rtt_ms) == (None, 0, None)


async def test_it_ends_when_it_is_asked_to_and_can_still_be_read(
    control: Control, maria: Person
) -> None:
    probe = await begin(maria)
    for _ in range(2):  # asked again, for the answer was lost
        await maria.call("DELETE", f"/probes/{probe}", status=204)
        await control.service.errands.settled()
        assert control.node.asked[-1] == CloseRoom(probe)
    control.now += KEPT_S - 1
    await figures(maria, probe)
    control.now += 1
    await begin(await control.person("ivan"))  # when somebody begins, old ones are forgotten
    assert await maria.problem("GET", f"/probes/{probe}", status=404) == "not-found"


async def test_a_new_one_ends_the_one_before(control: Control, maria: Person) -> None:
    first = await begin(maria)
    second = await begin(maria)
    assert set(control.node.rooms) == {second}
    assert await maria.problem("GET", f"/probes/{first}", status=404) == "not-found"


async def test_it_is_nobody_elses(control: Control, maria: Person, ivan: Person) -> None:
    probe = await begin(maria)
    for method in ("GET", "DELETE"):
        assert await ivan.problem(method, f"/probes/{probe}", status=404) == "not-found"
    assert probe in control.node.rooms


async def test_never_during_a_call(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        session = await control.session(maria, ivan)
    for person in (maria, ivan):
        assert await person.problem("POST", "/probes", OFFERS, status=409) == "not-in-this-state"
    await maria.post(f"/consultations/{session}/leave")
    await begin(maria)


async def test_while_a_request_waits(control: Control, maria: Person, ivan: Person) -> None:
    async with await ivan.page():
        request = {"specialist_id": "ivan", "purpose": "x"}
        await maria.post("/consultations", request, status=201)
    await begin(maria)
    await begin(ivan)


async def test_ten_at_once_and_one_in_ten_seconds(control: Control, maria: Person) -> None:
    for _ in range(10):
        await begin(maria)
    code = await maria.problem("POST", "/probes", OFFERS, status=429)
    assert code == "too-many-requests"
    await begin(await control.person("ivan"))
    control.now += 10
    await begin(maria)


@pytest.mark.parametrize(
    ("asked", "code", "status", "problem"),
    [
        (OpenRoom, RefusalCode.NODE_FULL, 503, "node-full"),
        (Join, RefusalCode.NODE_FULL, 503, "node-full"),
        (Join, RefusalCode.BAD_OFFER, 422, "bad-offer"),
    ],
)
async def test_what_the_node_refuses_leaves_no_room(
    control: Control,
    maria: Person,
    asked: type[OpenRoom] | type[Join],
    code: RefusalCode,
    status: int,
    problem: str,
) -> None:
    control.node.refuse_next[asked] = code
    assert await maria.problem("POST", "/probes", OFFERS, status=status) == problem
    await control.service.errands.settled()
    assert control.node.rooms == {}


async def test_a_node_that_does_not_answer(
    control: Control, maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "NODE_TIMEOUT_S", 0.05)
    control.node.silent_to = {Join}
    assert await maria.problem("POST", "/probes", OFFERS, status=503) == "node-unavailable"
    control.node.silent_to = set()
    await begin(maria)


async def test_it_is_no_consultation(control: Control, maria: Person) -> None:
    probe = await begin(maria)
    for event in second(probe):
        control.node.report(event)
    await control.take_reports()
    assert await maria.get("/consultations") == []
    text = await (await control.http.get("/metrics")).text()
    counts = [each for each in text.splitlines() if each.startswith("rodrun_quality_mos_count")]
    assert all(each.endswith(" 0.0") for each in counts)
