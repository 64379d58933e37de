"""What is reported of a participant each second: when it was last heard, and how well."""

import pytest

from sfu.api import ConnectionQuality, ParticipantHeard
from sfu.node import Output
from sfu.plane.reception import FIRST, HIGHEST, JITTER_SCALED, RECEIVED
from sfu.plane.tally import TOLD, TOLD_LOST
from sfu.rtp.media import TrackKind
from tests.sfu.peer import Answer as ReadAnswer
from tests.sfu.world import FIREFOX_OFFER, PHONE, World, check


def heard_of(happened: list[tuple[float, Output]], participant: str) -> list[tuple[float, float]]:
    return [
        (at, output.last_heard_at)
        for at, output in happened
        if isinstance(output, ParticipantHeard) and output.participant_id == participant
    ]


def test_each_connected_participant_is_reported_once_a_second() -> None:
    world = World()
    slots = world.call()
    world.measured.heard_at = dict.fromkeys(slots, 1000.0)
    happened = world.run(10)
    for participant in ("client", "specialist"):
        assert [at for at, _ in heard_of(happened, participant)] == pytest.approx(
            range(1, 11), abs=0.11
        )


def test_a_silent_participant_goes_on_being_reported_with_the_time_it_was_last_heard() -> None:
    world = World()
    client, _ = world.call()
    world.measured.heard_at[client] = 1000.0
    assert {heard_at for _, heard_at in heard_of(world.run(20), "client")} == {1000.0}


def test_a_return_after_two_seconds_of_silence_is_reported_by_the_next_tick() -> None:
    world = World()
    client, _ = world.call()
    world.run(14.5)
    world.measured.heard_at[client] = world.now + 0.02
    ((at, heard_at), *_) = heard_of(world.run(1), "client")
    assert at == 0.1
    assert heard_at == pytest.approx(1014.52)


def test_a_pause_under_two_seconds_waits_for_the_second() -> None:
    world = World()
    client, _ = world.call()
    world.run(1.5)
    world.measured.heard_at[client] = world.now
    assert len(heard_of(world.run(0.3), "client")) == 0


def test_a_check_with_good_integrity_counts_as_being_heard() -> None:
    world = World()
    world.open()
    reply, slot, _ = world.join("client")
    world.secure(slot)
    world.run(5)
    answer = ReadAnswer.parse(reply.answer)
    world.node.stun_received(slot, PHONE, check(answer, pwd="wrong" * 5), world.now)
    assert max(heard_at for _, heard_at in heard_of(world.run(1), "client")) == 1000.0
    world.node.stun_received(slot, PHONE, check(answer), world.now)
    ((at, heard_at),) = heard_of(world.run(0.1), "client")
    assert at == 0.1
    assert heard_at == pytest.approx(1006.0)


def test_the_loop_that_slept_does_not_report_the_seconds_it_missed() -> None:
    world = World()
    world.call()
    world.now += 60
    happened = world.run(3)
    assert len(heard_of(happened, "client")) in (3, 4)


def test_quality_is_of_the_last_second() -> None:
    world = World()
    client, _ = world.call()
    counts = world.measured.counts
    world.measured.heard_at[client] = 1000.9
    counts.slots["octets_in"][client] = 50_000
    counts.slots["octets_out"][client] = 25_000
    counts.slots["round_trip_ns"][client] = 80_000_000
    counts.slots["told"][client, [TOLD, TOLD_LOST]] = 100, 2
    source = counts.sources[client, 0]
    source["ssrc"], source["kind"] = 1000, TrackKind.AUDIO
    source["reception"][[FIRST, HIGHEST, RECEIVED]] = 65_536, 65_735, 190
    source["reception"][JITTER_SCALED] = 16 * 48 * 12
    first, second = [
        output
        for _, output in world.run(2.1)
        if isinstance(output, ConnectionQuality) and output.participant_id == "client"
    ]
    assert first.up.loss_pct == pytest.approx(5.0)
    assert first.down.loss_pct == pytest.approx(2.0)
    assert first.rtt_ms == pytest.approx(80)
    assert first.up.jitter_ms == pytest.approx(12)
    assert first.up.bitrate_bps == pytest.approx(400_000, rel=0.11)
    assert first.down.bitrate_bps == pytest.approx(200_000, rel=0.11)
    assert first.up.silent_s == pytest.approx(0.1, abs=0.01)
    # Nothing was sent in the second second: nothing is known of its loss.
    assert (second.up.loss_pct, second.up.bitrate_bps) == (None, 0.0)
    assert second.up.silent_s == pytest.approx(1.1, abs=0.01)


def test_a_second_that_has_hardly_begun_is_not_measured() -> None:
    world = World()
    world.open()
    _, first, _ = world.join("client")
    world.secure(first)
    world.run(0.7)
    _, second, _ = world.join("specialist", offer=FIREFOX_OFFER)
    world.secure(second)
    measured = [
        (at, output.participant_id)
        for at, output in world.run(1.4)
        if isinstance(output, ConnectionQuality)
    ]
    assert measured == [(0.3, "client"), (1.3, "client"), (1.3, "specialist")]
