"""Calls that come and go while the loop runs, between participants who send to each other."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from aiortc import RTCCertificate

from loadtest import table
from loadtest.arrival_profile import PROFILES, fitted, read_profile
from loadtest.media import Media
from loadtest.participant import Participant

HOST = "127.0.0.1"
PROFILE = "aes-128-gcm"


People = Callable[[int], list[Participant]]


@pytest.fixture
def people() -> Iterator[People]:
    """Makes participants, and closes them when nobody works with them any more."""
    certificate = RTCCertificate.generateCertificate()
    made: list[Participant] = []

    def make(count: int) -> list[Participant]:
        made.extend(Participant(HOST, certificate, PROFILE) for _ in range(count))
        return made[-count:]

    yield make
    for person in made:
        person.close()


@pytest.fixture
async def media(people: People) -> AsyncIterator[Media]:
    made = Media(
        fitted(read_profile(PROFILES / "chromium-vp8.json")), 4, Participant.trailer_of(PROFILE)
    )
    made.start()
    yield made
    await made.stop()


def linked(one: Participant, other: Participant) -> None:
    keys = one.make_key(), other.make_key()
    one.expect(other.socket.getsockname(), keys[0], keys[1])
    other.expect(one.socket.getsockname(), keys[1], keys[0])


async def flowing(media: Media, rows: tuple[int, int]) -> None:
    async with asyncio.timeout(5):
        while True:
            if all(media.rows[row, table.FIRST_KEYFRAME_NS] for row in rows):
                return
            await asyncio.sleep(0.01)


async def calling(media: Media, people: People) -> tuple[list[Participant], tuple[int, int]]:
    """A pair whose media flows, and their rows."""
    pair = people(2)
    linked(*pair)
    rows = await media.add_pair(pair[0], pair[1])
    await flowing(media, rows)
    return pair, rows


async def test_what_goes_while_a_call_is_up_arrives_and_counts(
    media: Media, people: People
) -> None:
    pair, later = people(2), people(2)
    linked(*pair)
    linked(*later)
    rows = await media.add_pair(pair[0], pair[1])
    await flowing(media, rows)
    assert media.totals()[table.SENT] == 0
    media.expect(rows[0])
    others = await media.add_pair(later[0], later[1])
    await flowing(media, others)
    media.expect(others[0])
    await asyncio.sleep(1.2)
    for each in (rows, others):
        sent, received = await media.release(each)
        assert received == sent > 200
    totals = media.totals()
    assert totals[table.SENT] == totals[table.RECEIVED] > 400
    assert sum(each.sent for each in media.seconds) > 0
    assert sum(each.faults + each.unsent + each.overflow for each in media.seconds) == 0
    # rows are used again
    for person in pair:
        person.close()
    again = people(2)
    linked(*again)
    assert set(await media.add_pair(again[0], again[1])) <= {*rows, *others}


async def test_what_the_kernel_does_not_take_is_the_generators_own_fault(
    media: Media, people: People
) -> None:
    pair, _ = await calling(media, people)
    pair[0].socket.connect(pair[1].socket.getsockname())
    pair[0].socket.shutdown(socket.SHUT_WR)
    await asyncio.sleep(1.2)
    assert sum(each.unsent for each in media.seconds) > 100
    assert sum(each.faults for each in media.seconds) == 0


async def test_there_is_room_for_as_many_as_were_planned(media: Media, people: People) -> None:
    six = people(6)
    for index in (0, 2, 4):
        linked(six[index], six[index + 1])
    await media.add_pair(six[0], six[1])
    await media.add_pair(six[2], six[3])
    with pytest.raises(ValueError, match="more participants than were planned for"):
        await media.add_pair(six[4], six[5])


async def test_what_counts_is_known_before_it_does(media: Media, people: People) -> None:
    """The sending thread could read a bound of the past too late, and the receiver in time."""
    _, rows = await calling(media, people)
    media.expect(rows[0])
    assert (media.rows[list(rows), table.EXPECT_FROM_NS] > time.time_ns()).all()
    media.expect_nothing(rows[0])
    assert (media.rows[list(rows), table.EXPECT_UNTIL_NS] > time.time_ns()).all()


async def test_a_line_that_is_cut_is_silent_for_just_so_long(media: Media, people: People) -> None:
    _, rows = await calling(media, people)
    media.expect(rows[0])
    media.expect_nothing(rows[0])
    media.cut(rows[0])
    await asyncio.sleep(0.1)
    last_ns = int(media.rows[rows[0], table.LAST_SENT_NS])
    heard_ns = int(media.rows[rows[1], table.LAST_RECEIVED_NS])
    back_ns = media.mend(rows[0], 0.6)
    assert back_ns - last_ns == 600_000_000
    await asyncio.sleep(max(0.0, back_ns / 1e9 - time.time() - 0.05))
    assert int(media.rows[rows[0], table.LAST_SENT_NS]) == last_ns
    assert int(media.rows[rows[1], table.LAST_RECEIVED_NS]) == heard_ns
    await asyncio.sleep(0.25)
    media.expect(rows[0])
    await asyncio.sleep(0.3)
    assert int(media.rows[rows[0], table.LAST_SENT_NS]) > back_ns
    assert 0 <= int(media.rows[rows[0], table.BACK_NS]) - back_ns < 200_000_000
    sent, received = await media.release(rows)
    assert received == sent > 0


async def test_whoever_comes_back_anew_takes_the_old_place(media: Media, people: People) -> None:
    stayed, left, came = people(3)
    linked(stayed, left)
    rows = await media.add_pair(stayed, left)
    await flowing(media, rows)
    media.expect(rows[0])
    await asyncio.sleep(0.2)
    media.expect_nothing(rows[1])
    # the one who stayed is spoken to by the new one under the old one's keys, as by a server
    came.inbound, came.outbound = left.inbound, left.outbound
    came.remote = left.remote
    await media.replace(rows[1], came)
    assert media.rows[rows[1], table.FD] == came.socket.fileno()
    assert media.rows[rows[0], table.PARTNER] == rows[1]
    assert media.rows[rows[0], table.FIRST_PACKET_NS] >= 0
    await media.release(rows)
    totals = media.totals()
    assert totals[table.SENT] == totals[table.RECEIVED] > 0


async def test_a_packet_made_for_others_counts_nowhere_and_is_taken_once(
    media: Media, people: People
) -> None:
    pair, rows = await calling(media, people)
    media.expect(rows[0])
    packet = await media.make_packet(rows[0])
    assert pair[0].remote is not None
    for _ in range(3):
        pair[0].socket.sendto(packet, pair[0].remote)
    await asyncio.sleep(1.3)
    sent, received = await media.release(rows)
    assert received == sent > 0
    assert sum(each.faults for each in media.seconds) == 2  # the replays
    # it has no time of its own, so none is made of it
    assert 0 < max(each.jitter_ms["max"] for each in media.seconds if each.jitter_ms) < 1000
    assert max(each.latency_ms["max"] for each in media.seconds if each.latency_ms) < 490
