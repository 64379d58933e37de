"""Connections that never come up, fail, or are let go of."""

import random

from sfu.api import ConnectionFailed
from sfu.connection import TRANSITIONS, State, Trigger
from sfu.plane_commands import CloseSlot
from tests.sfu.peer import Answer as ReadAnswer
from tests.sfu.world import PHONE, World, check


def test_a_connection_that_never_comes_fails_after_30_seconds() -> None:
    world = World()
    world.open()
    _, slot, _ = world.join("client", "c1")
    happened = world.run(40)
    assert [(at, type(output)) for at, output in happened] == [
        (30.0, CloseSlot),
        (30.0, ConnectionFailed),
    ]
    failed = happened[1][1]
    assert isinstance(failed, ConnectionFailed)
    assert "no connectivity check" in failed.detail
    assert happened[0][1] == CloseSlot(slot)
    world.join("client", "c2")  # the room is still there


def test_one_that_checks_but_never_shakes_hands_is_told_apart() -> None:
    world = World()
    world.open()
    reply, slot, _ = world.join("client", "c1")
    world.node.stun_received(slot, PHONE, check(ReadAnswer.parse(reply.answer)), 1001.0)
    failed = [output for _, output in world.run(40) if isinstance(output, ConnectionFailed)]
    assert len(failed) == 1
    assert "no DTLS" in failed[0].detail


def test_a_failed_handshake_closes_the_slot_and_is_reported() -> None:
    world = World()
    world.open()
    _, slot, _ = world.join("client", "c1")
    assert world.node.handshake_failed(slot, "why") == [
        CloseSlot(slot),
        ConnectionFailed("room", "client", "c1", "why"),
    ]
    assert world.node.handshake_failed(slot, "again") == []


def test_a_fault_of_the_plane_ends_both_connections_and_keeps_the_room() -> None:
    world = World()
    client, specialist = world.call()
    outputs = world.node.faulted(client)
    assert [output for output in outputs if isinstance(output, CloseSlot)] == [
        CloseSlot(client),
        CloseSlot(specialist),
    ]
    assert len([output for output in outputs if isinstance(output, ConnectionFailed)]) == 2
    world.join("client", "c2")


def test_every_connection_ends_released_whatever_comes() -> None:
    """Random walks over the table: no state but the last is without a way on."""
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.RELEASED}
    source = random.Random(3)
    for _ in range(100):
        state = State.JOINING
        for _ in range(50):
            state = TRANSITIONS.get((state, source.choice(list(Trigger))), state)
        for trigger in (Trigger.CLOSED, Trigger.LET_GO):
            state = TRANSITIONS.get((state, trigger), state)
        assert state is State.RELEASED
