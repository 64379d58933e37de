"""Video pauses for a downlink that does not carry it."""

from sfu.api import (
    ConnectionQuality,
    Done,
    HasVideo,
    QualityLevel,
    ReasonCode,
    RefusalCode,
    Refused,
    VideoPause,
)
from sfu.plane import Role, Snapshot
from sfu.plane.tally import TOLD, TOLD_OCTETS
from sfu.plane_commands import PauseVideo
from tests.sfu.world import World


def count_on(counts: Snapshot, slot: int, seconds: int, told_octets: int) -> None:
    """Counts after some seconds of a camera that sends 1 Mbit/s, of which so much arrives."""
    counts.streams["octets"][slot, Role.VIDEO] = seconds * 125_000
    counts.slots["numbered_packets"][slot] = seconds * 100
    counts.slots["numbered_octets"][slot] = seconds * 125_000
    counts.slots["told"][slot, [TOLD, TOLD_OCTETS]] = seconds * 100, seconds * told_octets


def pauses(
    world: World, slot: int, seconds: range, told_octets: int
) -> list[VideoPause | PauseVideo]:
    """What the plane and control are told meanwhile."""
    found = list[VideoPause | PauseVideo]()
    for second in seconds:
        count_on(world.measured.counts, slot, second, told_octets)
        found += [each for _, each in world.run(1.0) if isinstance(each, VideoPause | PauseVideo)]
    return found


def test_video_pauses_for_a_downlink_that_does_not_carry_it_and_is_tried_again() -> None:
    world = World()
    slot, _ = world.call()
    assert pauses(world, slot, range(1, 5), told_octets=125_000) == []
    told, paused = pauses(world, slot, range(50, 53), told_octets=10_000)
    assert told == PauseVideo(slot, camera=True, screen=True)
    assert paused == VideoPause("room", "client", "client", camera=True, screen=True)
    happened = world.run(6.0)
    assert [each for _, each in happened if isinstance(each, PauseVideo)] == [
        PauseVideo(slot, camera=False, screen=False)
    ]
    [ended] = [each for _, each in happened if isinstance(each, VideoPause)]
    assert ended == VideoPause("room", "client", "client", camera=False, screen=False)


def test_a_new_connection_begins_with_nothing_paused() -> None:
    world = World()
    slot, _ = world.call()
    pauses(world, slot, range(1, 4), told_octets=10_000)
    _, new, _ = world.join("client", "c2")
    world.secure(new)
    happened = world.run(30.0)
    assert [each for _, each in happened if isinstance(each, VideoPause)] == []


def test_while_it_is_paused_the_downlink_is_poor_and_that_is_why() -> None:
    world = World()
    slot, _ = world.call()
    pauses(world, slot, range(1, 4), told_octets=10_000)
    heard = [each for _, each in world.run(1.0) if isinstance(each, ConnectionQuality)]
    down = {each.participant_id: each.down.score for each in heard}
    assert down["client"].level is QualityLevel.POOR
    assert down["client"].reasons[0].code is ReasonCode.PAUSED
    assert down["specialist"].reasons == ()
    heard = [each for _, each in world.run(6.0) if isinstance(each, ConnectionQuality)]
    assert ReasonCode.PAUSED not in {
        reason.code for each in heard[-2:] for reason in each.down.score.reasons
    }, "it is tried again"


def test_who_has_no_camera_is_not_missed_while_it_is_paused() -> None:
    world = World()
    slot, _ = world.call()
    pauses(world, slot, range(1, 4), told_octets=10_000)
    assert _down(world, "client") is ReasonCode.PAUSED
    names = "room", "specialist", "specialist"
    assert world.ask(HasVideo(*names, camera=False, screen=False)) == (Done(), [])
    assert _down(world, "client") is None
    world.ask(HasVideo(*names, camera=False, screen=True))
    assert _down(world, "client") is ReasonCode.PAUSED


def test_a_partner_who_comes_back_counts_as_one_who_has_a_camera() -> None:
    world = World()
    slot, _ = world.call()
    world.ask(HasVideo("room", "specialist", "specialist", camera=False, screen=False))
    pauses(world, slot, range(1, 4), told_octets=10_000)
    assert _down(world, "client") is None
    _, new, _ = world.join("specialist", "s2")
    world.secure(new)
    assert _down(world, "client") is ReasonCode.PAUSED


def test_of_an_earlier_connection_nothing_is_noted() -> None:
    world = World()
    world.call()
    reply, outputs = world.ask(HasVideo("room", "client", "c0", camera=False, screen=False))
    assert isinstance(reply, Refused)
    assert (reply.code, outputs) == (RefusalCode.UNKNOWN_CONNECTION, [])


def _down(world: World, participant: str) -> ReasonCode | None:
    """What weighs most on the participant's way down in the next second."""
    heard = [each for _, each in world.run(1.0) if isinstance(each, ConnectionQuality)]
    [down] = [each.down.score for each in heard if each.participant_id == participant]
    return down.reasons[0].code if down.reasons else None
