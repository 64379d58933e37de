"""Which participant a datagram comes from, and where we send."""

import random

import numpy as np

from sfu.native import pack_address
from sfu.plane.addresses import add_address, find_address, remove_addresses
from sfu.plane.layouts import ADDRESSES
from sfu.plane.settings import PlaneSettings
from sfu.plane.tables import make_tables
from tests.sfu.plane.stage import CHROMIUM, MS, SECOND, Browser, Rtp, Stage


def words(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return np.frombuffer(pack_address((f"10.0.0.{number}", 4000 + number), 2), np.int32)


def test_the_table_agrees_with_a_dictionary() -> None:
    chance = random.Random(1)
    tables, _keep = make_tables(PlaneSettings(max_participants=4))
    known = {number: words(number) for number in range(60)}
    owner: dict[int, int] = {}
    order: dict[int, list[int]] = {slot: [] for slot in range(4)}
    for _ in range(1500):
        slot, number = chance.randrange(4), chance.randrange(60)
        if chance.random() < 0.02:
            remove_addresses(tables, slot)
            for each in order[slot]:
                del owner[each]
            order[slot] = []
            continue
        add_address(tables, slot, known[number])
        if owner.get(number) == slot:
            continue
        if number in owner:
            order[owner[number]].remove(number)
        if len(order[slot]) == ADDRESSES:
            del owner[order[slot].pop(0)]
        owner[number] = slot
        order[slot].append(number)
        for each, its_words in known.items():
            place = find_address(tables, its_words, 0)
            assert (place // ADDRESSES if place >= 0 else None) == owner.get(each)
        assert np.count_nonzero(tables.places >= 0) == len(owner)


def test_the_address_sent_to_never_leaves() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        for number in range(20):
            stage.plane.add_address(0, words(number).tobytes())
        stage.turn()
        assert stage.plane.remote(0) == chromium.address


def test_sending_follows_authentic_media_after_a_second_of_silence() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        other = stage.connect(1, CHROMIUM, partner=0)
        moved = Browser(7, CHROMIUM)
        stage.plane.add_address(0, moved.address)
        packets = [chromium.protect(Rtp(96, each, 0, 1001)) for each in range(4)]
        stage.turn([(chromium.address, packets[0])])
        stage.turn([(moved.address, packets[1])], 500 * MS)
        assert stage.plane.remote(0) == chromium.address
        stage.turn([(moved.address, packets[2])], 400 * MS)
        assert stage.plane.remote(0) == chromium.address
        stage.turn([(moved.address, b"\x80" * 60)], 400 * MS)
        assert stage.plane.remote(0) == chromium.address, "not authentic"
        stage.turn([(moved.address, packets[3])])
        assert stage.plane.remote(0) == moved.address
        stage.turn([(other.address, other.protect(Rtp(96, 1, 0, 1001)))])
        assert moved.socket.recv(2000)[1] == 96
        moved.close()


def test_a_nominated_address_has_time_to_be_heard_from() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        moved = Browser(7, CHROMIUM)
        stage.pass_time(2 * SECOND, 100 * MS)
        stage.plane.set_remote(0, moved.address)
        stage.send(chromium, Rtp(96, 1, 0, 1001))
        assert stage.plane.remote(0) == moved.address
        moved.close()
