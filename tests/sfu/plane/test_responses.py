"""What comes of RTCP from a browser: most ends here, requests reach the partner translated."""

import os
import struct

import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpSdesPacket,
    pack_remb_fci,
    unpack_remb_fci,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.rtp.media import Extension, MediaMap
from tests.sfu.plane import twcc
from tests.sfu.plane.counts import counts_of
from tests.sfu.plane.stage import CHROMIUM, FIREFOX, MS, SECOND, Browser, Rtp, Stage, transport


def pli(sender: int, media: int) -> bytes:
    return struct.pack("!BBHII", 0x81, 206, 2, sender, media)


def two(stage: Stage) -> tuple[Browser, Browser]:
    chromium = stage.connect(0)
    return chromium, stage.connect(1, FIREFOX, partner=0)


def plis(browser: Browser) -> list[int]:
    return [struct.unpack("!I", each[8:12])[0] for each in browser.rtcp_of(206, 1)]


def test_a_keyframe_is_asked_for_when_media_begins() -> None:
    with Stage() as stage:
        chromium, _ = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001), Rtp(111, 1, 0, 1000))
        assert plis(chromium) == [1001]


def test_a_keyframe_is_asked_for_when_a_pair_forms() -> None:
    with Stage() as stage:
        chromium = stage.connect(0)
        stage.send(chromium, Rtp(96, 1, 0, 1001))
        assert plis(chromium) == []
        stage.connect(1, FIREFOX, partner=0)
        assert plis(chromium) == [1001]


def test_requests_about_other_streams_go_nowhere() -> None:
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001, b"\x10\0\0"))
        stage.pass_time(SECOND)
        asked = stage.plane.counts()["keyframe_request"]
        stage.send_rtcp(firefox, pli(2001, 6000), pli(2001, 6002), pli(2001, 1001))
        stage.pass_time(SECOND)
        assert plis(chromium) == []
        assert stage.drops == {"feedback_not_relayed": 3}
        assert stage.plane.counts()["keyframe_request"] == asked
        stage.send_rtcp(firefox, pli(2001, 6003))
        assert plis(chromium) == [], "there is no screen"
        assert stage.plane.counts()["keyframe_request"] == asked + 1


def test_a_nack_from_who_cannot_be_sent_to_is_counted() -> None:
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001, b"\x10\0\0"))
        stage.tables.slots[1]["srtp_out"] = 0
        stage.send_rtcp(firefox, struct.pack("!BBHIIHH", 0x81, 205, 3, 2001, 6001, 100, 0))
        stage.tables.slots[1]["srtp_out"] = firefox.node_out.pointer
        assert stage.drops == {"feedback_not_relayed": 1}


def test_a_compound_of_feedback_does_not_become_a_flood() -> None:
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send(firefox, Rtp(120, 1, 0, 2001))
        stage.send(chromium, *(Rtp(96, n, 0, 1001, extensions=(transport(n),)) for n in range(9)))
        told = twcc.make(twcc.Feedback(2001, 6001, 3, 1, 1, (0, 1)))
        stage.send_rtcp(firefox, *(told for _ in range(50)))
        assert len(chromium.rtcp_of(205, 15)) == 16
        assert stage.drops == {"feedback_not_relayed": 34}


def remb(bitrate_bps: int, sender: int, *about: int) -> bytes:
    fci = pack_remb_fci(bitrate_bps, list(about))
    return bytes(RtcpPsfbPacket(fmt=15, ssrc=sender, media_ssrc=0, fci=fci))


def rembs(browser: Browser) -> list[tuple[int, list[int]]]:
    return [unpack_remb_fci(each[12:]) for each in browser.rtcp_of(206, 15)]


def without_transport_cc(media: MediaMap) -> MediaMap:
    ids: dict[int, Extension] = {
        identity: name
        for identity, name in media.extension_ids.items()
        if name != Extension.TRANSPORT_WIDE_CC
    }
    return MediaMap(media.payload_types, ids, media.inbound, media.outbound)


def test_an_estimate_is_swallowed_where_feedback_on_each_packet_tells_more() -> None:
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send_rtcp(firefox, remb(14_000, 2001, 6001))
        assert chromium.rtcp == []
        assert stage.drops == {"remb_swallowed": 1}


@pytest.mark.parametrize(
    ("sender_has_it", "receiver_has_it"), [(False, False), (False, True), (True, False)]
)
def test_an_estimate_reaches_a_sender_that_hears_nothing_else_of_this_hop(
    sender_has_it: bool, receiver_has_it: bool
) -> None:
    with Stage() as stage:
        chromium = stage.connect(0, CHROMIUM if sender_has_it else without_transport_cc(CHROMIUM))
        other = FIREFOX if receiver_has_it else without_transport_cc(FIREFOX)
        firefox = stage.connect(1, other, partner=0)
        sent = Rtp(96, 1, 0, 1001, extensions=((2, b"\x01\x02\x03"),))
        stage.send(chromium, sent)
        assert firefox.rtp[0].element(5) == b"\x01\x02\x03", "what the estimate is made of"
        stage.send_rtcp(firefox, remb(300_000, 2001, 6001))
        assert rembs(chromium) == [(300_000, [1001, 1002, 1003, 1004])]
        assert stage.drops == {}
        heard = stage.pass_time(5 * SECOND)[0]
        assert not [each for each in heard if each[1] == 206 and each[0] & 31 == 15]


def test_an_estimate_of_the_path_to_an_earlier_partner_does_not_hold_for_the_next() -> None:
    with Stage() as stage:
        chromium = stage.connect(0, without_transport_cc(CHROMIUM))
        firefox = stage.connect(1, FIREFOX, partner=0)
        stage.send(chromium, Rtp(96, 1, 0, 1001))
        stage.send_rtcp(firefox, remb(50_000, 2001, 6001))
        again = stage.connect(2, FIREFOX, partner=0)
        stage.send(again, Rtp(109, 1, 0, 2000))
        freed = []
        for step in range(50):
            stage.send(again, Rtp(109, 2 + step, 0, 2000), after_ns=100 * MS)
            freed += rembs(chromium)
        assert len(freed) == 3
        assert all(bitrate_bps > 900_000_000 for bitrate_bps, _ in freed)


def test_a_browser_that_says_goodbye_is_not_gone() -> None:
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001))
        stage.send_rtcp(chromium, bytes(RtcpByePacket(sources=[1001, 1000])))
        assert firefox.rtcp == []
        assert stage.drops == {"bye_ignored": 1}
        stage.send(chromium, Rtp(96, 2, 0, 1001))
        assert len(firefox.rtp) == 1


def test_who_is_closed_is_told_and_who_stays_is_not() -> None:
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001))
        stage.plane.close_participant(1)
        stage.turn()
        kinds = [type(each) for each in RtcpPacket.parse(b"".join(firefox.rtcp))]
        assert kinds == [RtcpRrPacket, RtcpSdesPacket, RtcpByePacket]
        [goodbye] = firefox.rtcp_of(203)
        assert RtcpPacket.parse(goodbye) == [RtcpByePacket(sources=[6000, 6001, 6002, 6003, 6004])]
        assert chromium.rtcp_of(203) == []
        assert stage.plane.counts()["bye_sent"] == 1


def test_who_has_no_address_yet_is_closed_without_a_word() -> None:
    with Stage() as stage:
        stage.plane.open_participant(1, "0100aaaa")
        stage.plane.set_media(1, FIREFOX)
        stage.plane.close_participant(1)
        stage.turn()
        assert stage.plane.counts()["bye_sent"] == 0


def test_rtcp_from_an_undeclared_ssrc_is_heard_within_bounds() -> None:
    with Stage() as stage:
        _, firefox = two(stage)
        for ssrc in range(1, 21):
            stage.send_rtcp(firefox, pli(ssrc, 6001), after_ns=100 * MS)
        assert stage.drops == {"sources_full": 20 - 6}
        assert counts_of(stage.plane, 1).packets_in == 6
        assert stage.plane.last_heard_ns(1) > 0


def test_media_from_an_ssrc_that_reported_first_is_taken() -> None:
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send_rtcp(firefox, pli(2003, 6001))
        stage.send(firefox, Rtp(120, 1, 0, 2003, extensions=((3, b"s"),)))
        assert [each.ssrc for each in chromium.rtp] == [5003]


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([200, 201, 202, 203, 204, 205, 206, 207]),
    st.integers(0, 31),
)
def test_no_authentic_rtcp_upsets_the_plane(body: bytes, kind: int, count: int) -> None:
    with Stage() as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, Rtp(96, 1, 0, 1001))
        body = body[: len(body) // 4 * 4]
        packet = struct.pack("!BBHI", 0x80 | count, kind, 1 + len(body) // 4, 2001) + body
        stage.send_rtcp(firefox, packet)
        assert "fault" not in stage.drops
        stage.send(chromium, Rtp(96, 2, 0, 1001))
        assert len(firefox.rtp) == 1


def test_random_rtcp_is_not_authentic() -> None:
    with Stage() as stage:
        _, firefox = two(stage)
        stage.turn([(firefox.address, b"\x80\xc9\x00\x01" + os.urandom(60)) for _ in range(10)])
        assert sum(stage.drops.values()) == 10
        assert stage.plane.last_heard_ns(1) == 0
