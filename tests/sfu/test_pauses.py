"""Video pauses for a downlink that does not carry it."""

from dataclasses import replace

from sfu.api import VideoPause
from sfu.plane import ConnectionStatistics, DownlinkCounts
from tests.sfu.world import NOTHING, World


def downlink(seconds: int, camera_octets: int, told_octets: int) -> ConnectionStatistics:
    """Counts after some seconds of a camera that sends so much, of which so much arrives."""
    return replace(
        NOTHING,
        downlink=DownlinkCounts(
            camera_octets=seconds * camera_octets,
            numbered_packets=seconds * 100,
            numbered_octets=seconds * camera_octets,
            told_packets=seconds * 100,
            told_octets=seconds * told_octets,
        ),
    )


def pauses(world: World, slot: int, seconds: range, told_octets: int) -> list[VideoPause]:
    found = []
    for second in seconds:
        world.measured.counts[slot] = downlink(second, 125_000, told_octets)
        found += [each for _, each in world.run(1.0) if isinstance(each, VideoPause)]
    return found


def test_video_pauses_for_a_downlink_that_does_not_carry_it_and_is_tried_again() -> None:
    world = World()
    slot, _ = world.call()
    assert pauses(world, slot, range(1, 5), told_octets=125_000) == []
    [paused] = pauses(world, slot, range(50, 53), told_octets=10_000)
    assert paused == VideoPause("room", "client", "client", camera=True, screen=True)
    happened = world.run(6.0)
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
