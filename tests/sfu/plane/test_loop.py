"""What reaches whom: classification, hostile datagrams, events, rates and faults."""

import os
import socket
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.native import pack_address
from sfu.plane import (
    DtlsReceived,
    Faulted,
    PlaneBusy,
    PlaneSettings,
    Released,
    StunReceived,
)
from sfu.plane.layouts import Phase
from tests.sfu.plane.stage import (
    CHROMIUM,
    FIREFOX,
    MS,
    SECOND,
    Browser,
    Rtp,
    Stage,
    ufrag_of,
)


def stun(username: bytes, tail: bytes = b"") -> bytes:
    value = username + bytes(-len(username) % 4)
    attributes = struct.pack("!HH", 0x0024, 4) + b"prio"
    attributes += struct.pack("!HH", 6, len(username)) + value + tail
    return struct.pack("!HHI", 1, len(attributes), 0x2112A442) + bytes(12) + attributes


def name_of(slot: int) -> bytes:
    return f"{ufrag_of(slot)}aaaa:peer".encode()


def stranger_of(stage: Stage) -> Browser:
    browser = Browser(7, CHROMIUM)
    stage.browsers.append(browser)
    return browser


def test_stun_that_names_an_open_slot_goes_up_from_any_address() -> None:
    with Stage() as stage:
        stage.connect(3)
        stranger = stranger_of(stage)
        packet = stun(name_of(3))
        stage.turn([(stranger.address, packet)])
        assert stage.plane.read_events() == [
            StunReceived(3, stranger.address, packet, stage.steady_ns)
        ]
        assert stage.drops == {}


def test_stun_for_nobody_is_dropped() -> None:
    with Stage() as stage:
        stage.connect(3)
        stranger = stranger_of(stage)
        wrong = [
            stun(name_of(4)),
            stun(ufrag_of(3).encode() + b"bbbb:peer"),
            stun(b"zz00aaaa:peer"),
            stun(b"-100aaaa:peer"),
        ]
        stage.turn([(stranger.address, each) for each in wrong])
        assert stage.drops == {"unknown_ufrag": 4}
        assert stage.plane.read_events() == []


def test_an_ice_restart_hears_the_fragment_before_it_and_none_older() -> None:
    with Stage() as stage:
        stage.connect(3)
        stranger = stranger_of(stage)
        newer = ufrag_of(3).encode() + b"bbbb:peer"
        stage.plane.set_ufrag(3, ufrag_of(3) + "bbbb")
        stage.turn([(stranger.address, stun(each)) for each in (name_of(3), newer)])
        assert stage.drops == {}
        stage.plane.set_ufrag(3, ufrag_of(3) + "cccc")
        stage.turn([(stranger.address, stun(each)) for each in (name_of(3), newer)])
        assert stage.drops == {"unknown_ufrag": 1}
        assert len(stage.plane.read_events()) == 3


def test_malformed_stun_is_dropped() -> None:
    with Stage() as stage:
        stage.connect(3)
        stranger = stranger_of(stage)
        good = stun(name_of(3))
        wrong = [
            good[:10],
            good[:-1],
            good + b"\0\0\0\0",
            good[:4] + b"xxxx" + good[8:],
            stun(name_of(3)[:8]),
            stun(name_of(3).replace(b":", b"")),
            struct.pack("!HHI", 1, 0, 0x2112A442) + bytes(12),
            good[:28] + struct.pack("!HH", 6, 60_000) + good[32:],
        ]
        stage.turn([(stranger.address, each) for each in wrong])
        assert stage.drops == {"malformed_stun": len(wrong)}


def test_dtls_goes_up_from_validated_addresses_only() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        stranger = stranger_of(stage)
        hello = bytes([22]) + os.urandom(100)
        stage.turn([(chromium.address, hello), (stranger.address, hello)])
        assert stage.plane.read_events() == [DtlsReceived(0, chromium.address, hello)]
        assert stage.drops == {"unknown_source": 1}


def test_an_address_validated_after_the_wait_is_known_in_time() -> None:
    with Stage() as stage:
        stage.connect(0)
        newcomer = stranger_of(stage)
        stage.plane.add_address(0, newcomer.address)
        stage.turn([(newcomer.address, b"\x16hello")], commands=False)
        assert stage.plane.read_events() == [DtlsReceived(0, newcomer.address, b"\x16hello")]


def test_junk_is_counted_by_reason() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        stranger = stranger_of(stage)
        stage.turn(
            [
                (stranger.address, b""),
                (chromium.address, b""),
                (stranger.address, b"\x80" * 2000),
                (chromium.address, b"\x47junk"),
                (stranger.address, b"\xff"),
                (stranger.address, b"\x80\x60" + bytes(30)),
                (chromium.address, b"\x80"),
                (chromium.address, b"\x80\x60\0"),
                (chromium.address, b"\x9f\x60" + bytes(40)),
                (chromium.address, b"\x80\xc8\0"),
            ]
        )
        assert stage.drops == {
            "empty": 2,
            "oversized": 1,
            "unknown_protocol": 2,
            "unknown_source": 1,
            "malformed_rtp": 3,
            "malformed_rtcp": 1,
        }
        assert stage.plane.read_events() == []


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=120), max_size=6), st.booleans())
def test_no_datagram_upsets_the_plane(datagrams: list[bytes], is_known: bool) -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        firefox = stage.connect(1, FIREFOX, partner=0)
        address = chromium.address if is_known else stranger_of(stage).address
        stage.turn([(address, each) for each in datagrams])
        assert "fault" not in stage.drops
        stage.send(chromium, Rtp(96, 1, 0, 1001))
        assert len(firefox.rtp) == 1


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=2, max_size=150), st.booleans())
def test_no_authentic_rtp_upsets_the_plane(tail: bytes, is_audio: bool) -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        firefox = stage.connect(1, FIREFOX, partner=0)
        payload_type, ssrc = (63, 1000) if is_audio else (97, 1002)
        packet = bytearray(Rtp(payload_type, 1, 0, ssrc, tail[1:]).pack())
        packet[0] |= tail[0] & 0x3F
        try:
            protected = chromium._send.protect(bytes(packet))
        except Exception:
            return  # libsrtp wants a header extension to fit
        stage.turn([(chromium.address, protected)])
        assert "fault" not in stage.drops
        stage.send(chromium, Rtp(96, 1, 0, 1001))
        assert len(firefox.rtp) >= 1


def test_media_before_the_keys_is_dropped() -> None:
    with Stage() as stage:
        newcomer = stranger_of(stage)
        stage.plane.open_participant(2, ufrag_of(2) + "aaaa")
        stage.plane.add_address(2, newcomer.address)
        stage.turn([(newcomer.address, newcomer.protect(Rtp(96, 1, 0, 1001)))])
        assert stage.drops == {"no_keys_yet": 1}


def test_dtls_is_rated_by_participant() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        for _ in range(5):
            stage.turn([(chromium.address, b"\x16hello")] * 50, after_ns=0)
        assert sum(len(stage.plane.read_events()) for _ in range(5)) == 200
        assert stage.drops == {"dtls_rate": 50}


def test_addresses_that_give_way_are_counted() -> None:
    with Stage() as stage:
        stage.connect(0)
        stage.connect(1)
        addresses = [
            pack_address(("127.0.0.1", 20_000 + each), socket.AF_INET) for each in range(9)
        ]
        for each in addresses:
            stage.plane.add_address(0, each)
        stage.plane.add_address(1, addresses[-1])
        stage.turn()
        counts = stage.plane.counts()
        assert (counts["address_replaced"], counts["address_moved"]) == (2, 1)


def test_more_commands_than_a_turn_reads_wait_and_are_counted() -> None:
    with Stage() as stage:
        stage.connect(0)
        count = 0
        with suppress(PlaneBusy):
            while count < 1100:
                stage.plane.set_ufrag(0, f"0000{count:04}")
                count += 1
        stage.turn()
        assert stage.plane.counts()["commands_waited"] == 1
        stage.turn()
        assert bytes(stage.tables.slots[0]["ufrag"]).decode() == f"0000{count - 1:04}"


def test_events_are_rated_by_participant() -> None:
    with Stage() as stage:
        stage.connect(0)
        stage.connect(1)
        stranger = stranger_of(stage)
        stage.turn([(stranger.address, stun(name_of(0)))] * 100)
        stage.turn([(stranger.address, stun(name_of(1)))] * 10)
        slots = [each.slot for _ in range(3) for each in stage.plane.read_events()]
        assert (slots.count(0), slots.count(1)) == (50, 10)
        assert stage.drops == {"stun_rate": 50}
        stage.turn([(stranger.address, stun(name_of(0)))], SECOND // 50)
        assert len(stage.plane.read_events()) == 1


def test_who_overhears_a_name_cannot_keep_its_owner_from_consent() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        stranger = stranger_of(stage)
        stage.turn([(stranger.address, stun(name_of(0)))] * 100)
        assert len(stage.plane.read_events()) == 50
        stage.turn([(chromium.address, stun(name_of(0)))] * 60)
        told = [each for each in stage.plane.read_events() if isinstance(each, StunReceived)]
        assert [each.address for each in told] == [chromium.address] * 50
        assert stage.drops == {"stun_rate": 50 + 10}


def test_events_that_nobody_reads_are_bounded_and_the_rest_goes_on() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        firefox = stage.connect(1, FIREFOX, partner=0)
        for _ in range(400):
            stage.turn([(chromium.address, b"\x16" + bytes(1400))] * 10, 100 * MS)
        assert stage.drops["events_full"] > 0
        stage.send(chromium, Rtp(96, 1, 0, 1001))
        assert len(firefox.rtp) == 1
        stage.plane.close_participant(1)
        stage.turn()
        events = []
        while more := stage.plane.read_events():
            events += more
        assert Released(1) not in events
        stage.turn(after_ns=20 * MS)
        assert stage.plane.read_events() == [Released(1)], "it waited for room"


def test_a_closed_slot_is_released_and_can_be_used_again() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        stage.connect(1, FIREFOX, partner=0)
        stage.plane.close_participant(1)
        stage.send(chromium, Rtp(96, 1, 0, 1001))
        stage.pass_time(100 * MS)
        assert stage.plane.read_events() == [Released(1)]
        assert stage.drops == {"no_partner": 1}
        assert stage.plane.remote(1) is None
        again = stage.connect(1, FIREFOX, partner=0)
        stage.send(chromium, Rtp(96, 2, 0, 1001))
        assert [each.sequence for each in again.rtp] == [100]


def test_three_faults_close_a_participant_and_spare_the_others() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        firefox = stage.connect(1, FIREFOX, partner=0)
        stage.connect(2)
        other = stage.connect(3, FIREFOX, partner=2)
        stage.tables.slots[0]["partner"] = 10_000  # our own error: no such slot
        packets = [
            (chromium.address, chromium.protect(Rtp(96, each, 0, 1001))) for each in range(5)
        ]
        packets.append((other.address, other.protect(Rtp(120, 1, 0, 2001))))
        state = stage.tables.state[0]
        raised = 0
        with pytest.raises(IndexError):
            stage.turn(packets)
        while state["phase"] != Phase.WAIT:
            raised += 1
            stage.plane._note_fault()
            with suppress(IndexError):
                stage.go_on()
        assert raised == 3
        assert stage.drops["fault"] == 5, "two more were not even tried"
        assert [each.ssrc for each in stage.browsers[2].rtp] == [5001]
        assert firefox.rtp == []
        stage.tables.slots[0]["partner"] = -1
        stage.turn(after_ns=20 * MS)
        assert stage.plane.read_events() == [Faulted(0)]


def test_forwarded_packets_wait_for_no_timer() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        firefox = stage.connect(1, FIREFOX, partner=0)
        stage.connect(2)
        stage.tables.slots[2]["partner"] = 10_000  # our own error: its timers raise
        with pytest.raises(IndexError):
            stage.send(chromium, Rtp(96, 1, 0, 1001), after_ns=20 * MS)
        firefox.read()
        assert [each.ssrc for each in firefox.rtp] == [6001]
        stage.go_on()
        assert stage.tables.state[0]["phase"] == Phase.WAIT


def test_a_turn_sees_to_the_timers_of_32_and_the_next_ones_to_the_others() -> None:
    with Stage(PlaneSettings(max_participants=80)) as stage:
        for slot in range(80):
            stage.connect(slot)
        stage.pass_time(SECOND)
        while stage.tables.state[0]["timers_due"]:
            stage.turn(after_ns=0)
        told: list[list[int]] = []
        stage.turn(after_ns=SECOND)  # all are owed a report
        for _ in range(4):
            told.append([each.slot for each in stage.browsers if each.rtcp_of(201)])
            stage.turn(after_ns=0)
        assert [len(slots) for slots in told] == [32, 32, 16, 0]
        assert sorted(slot for slots in told for slot in slots) == list(range(80))


def test_commands_read_within_a_batch_hold_for_the_datagrams_behind() -> None:
    """Whose they are was looked up for all of the batch before."""
    with Stage() as stage:
        chromium = stage.connect(0)
        firefox = stage.connect(1, FIREFOX, partner=0)
        stranger = pack_address(("127.0.0.1", 9), socket.AF_INET)
        packet = chromium.protect(Rtp(96, 1, 0, 1001))
        stage.plane.close_participant(0)
        stage.turn([(stranger, packet), (chromium.address, packet)], commands=False)
        assert stage.drops == {"unknown_source": 2}
        assert firefox.rtp == []
