"""What a receiver gets of what its partner sends."""

import struct
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sfu.plane import Role
from sfu.plane.layouts import OUTBOUND
from sfu.rtp.media import Codec, Extension
from tests.sfu.plane.counts import counts_of
from tests.sfu.plane.stage import CHROMIUM, FIREFOX, MS, SECOND, Browser, Rtp, Stage, transport


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as each:
        yield each


def two(stage: Stage) -> tuple[Browser, Browser]:
    chromium = stage.connect(0)
    return chromium, stage.connect(1, FIREFOX, partner=0)


def video(sequence: int, timestamp: int = 0, number: int | None = None, ssrc: int = 1001) -> Rtp:
    elements = () if number is None else (transport(number),)
    return Rtp(96, sequence, timestamp, ssrc, b"picture", extensions=elements)


def rtx(sequence: int, original: int, number: int | None = None) -> Rtp:
    elements = () if number is None else (transport(number),)
    payload = struct.pack("!H", original) + b"picture"
    return Rtp(97, sequence, 0, 1002, payload, extensions=elements)


def test_video_arrives_in_the_receivers_terms(stage: Stage) -> None:
    chromium, firefox = two(stage)
    sent = Rtp(
        96,
        40_000,
        123_456,
        1001,
        b"picture" * 150,
        marker=True,
        extensions=(transport(9), (4, b"1"), (2, b"abc"), (13, b"\x01"), (5, b"xyz"), (9, b"?")),
    )
    stage.send(chromium, sent)
    [got] = firefox.rtp
    assert (got.ssrc, got.payload_type, got.marker) == (6001, 120, True)
    assert got.payload == sent.payload
    assert got.sequence == 100
    assert dict(got.extensions).keys() == {7, 5}, "no MID, nothing the receiver has no id for"
    assert got.element(5) == b"abc"


def test_audio_level_and_direction_back(stage: Stage) -> None:
    chromium, firefox = two(stage)
    level = ((1, b"\x85"),)
    stage.send(firefox, Rtp(109, 1, 960, 2000, b"sound", marker=True, extensions=level))
    [got] = chromium.rtp
    assert (got.ssrc, got.payload_type, got.payload) == (5000, 111, b"sound")
    assert got.element(1) == b"\x85"


def test_two_byte_elements_and_csrcs_are_read(stage: Stage) -> None:
    chromium, firefox = two(stage)
    elements = ((2, b"abc"), (1, b""), transport(9))
    stage.send(chromium, Rtp(96, 1, 0, 1001, extensions=elements, two_byte=True, csrcs=(7, 8, 9)))
    [got] = firefox.rtp
    assert got.element(5) == b"abc"
    assert got.payload == b"payload!"


def test_header_may_grow_in_front_of_its_payload(stage: Stage) -> None:
    receiver = FIREFOX.extension_ids | {4: Extension.PLAYOUT_DELAY}
    chromium = stage.connect(0)
    media = type(FIREFOX)(FIREFOX.payload_types, receiver, FIREFOX.inbound, FIREFOX.outbound)
    firefox = stage.connect(1, media, partner=0)
    # three elements in 9 octets with the shortest padding; written anew they take as many
    elements = ((2, b"abc"), (5, b"xyz"), transport(1))
    stage.send(chromium, Rtp(96, 1, 0, 1001, b"p" * 1200, extensions=elements))
    [got] = firefox.rtp
    assert dict(got.extensions).keys() == {4, 5, 7}
    assert got.payload == b"p" * 1200


def test_elements_end_at_the_id_that_says_so(stage: Stage) -> None:
    chromium, firefox = two(stage)
    elements = ((2, b"abc"), (15, b"\0"), (1, b"\x85"))
    stage.send(chromium, Rtp(111, 1, 0, 1000, extensions=elements))
    assert dict(firefox.rtp[0].extensions).keys() == {5}


def test_jitter_is_that_of_arrivals_against_timestamps(stage: Stage) -> None:
    chromium, _ = two(stage)
    for index in range(200):  # 20 ms apart by their timestamps, and 10 or 30 ms as they come
        after_ns = (10 if index % 2 else 30) * MS
        stage.send(chromium, Rtp(111, index, index * 960, 1000), after_ns=after_ns)
    assert counts_of(stage.plane, 0).jitter_in_s == pytest.approx(0.010, rel=0.05)


def test_order_and_gaps_are_kept(stage: Stage) -> None:
    chromium, firefox = two(stage)
    got = []
    for sequence in (65_533, 65_534, 1, 65_535, 2):
        stage.send(chromium, video(sequence))
        got += [each.sequence for each in firefox.rtp]
    assert got == [100, 101, 104, 102, 105]


def test_what_precedes_the_first_packet_is_dropped(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, video(500), video(499))
    assert [each.sequence for each in firefox.rtp] == [100]
    assert stage.drops == {"before_epoch": 1}


def test_repeated_packet_is_dropped(stage: Stage) -> None:
    chromium, firefox = two(stage)
    datagram = (chromium.address, chromium.protect(video(1)))
    stage.turn([datagram, datagram])
    assert len(firefox.rtp) == 1
    assert stage.drops == {"replayed": 1}


def test_retransmission_keeps_pointing_at_its_original(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, video(500, 9000), video(501, 9000), rtx(7, 500), rtx(8, 501))
    media = [each.sequence for each in firefox.rtp if each.ssrc == 6001]
    again = [each for each in firefox.rtp if each.ssrc == 6002]
    assert [struct.unpack("!H", each.payload[:2])[0] for each in again] == media
    assert [each.payload_type for each in again] == [124, 124]
    assert [each.payload[2:] for each in again] == [b"picture"] * 2
    assert again[1].sequence == again[0].sequence + 1


def test_retransmission_from_before_the_epoch_is_dropped(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, video(500), rtx(7, 499), rtx(8, 500))
    assert len(firefox.rtp) == 2
    assert stage.drops == {"before_epoch": 1}


def test_the_number_of_a_retransmission_from_before_the_epoch_goes_on_with_padding(
    stage: Stage,
) -> None:
    chromium, firefox = two(stage)
    long = Rtp(97, 8, 0, 1002, struct.pack("!H", 499) + b"x" * 900, extensions=(transport(2),))
    stage.send(chromium, video(500, number=0), rtx(7, 499, number=1), long, rtx(9, 500, number=3))
    numbers = [struct.unpack("!H", each.element(7) or b"")[0] for each in firefox.rtp]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert [(each.ssrc, each.payload[2:], each.padding) for each in firefox.rtp] == [
        (6001, b"cture", 0),
        (6002, b"", 9),
        (6002, b"", 255),
        (6002, b"picture", 0),
    ]
    assert not any(any(each.padded_with) for each in firefox.rtp), "padding tells nothing"
    assert stage.drops == {"before_epoch": 2}


def test_a_packet_whose_transport_number_came_before_goes_on_without_one(stage: Stage) -> None:
    chromium, firefox = two(stage)
    packets = [video(index, number=number) for index, number in enumerate((7, 8, 8, 9))]
    stage.send(chromium, *packets)
    assert [each.payload for each in firefox.rtp] == [b"picture"] * 4
    has_number = [each.element(7) is not None for each in firefox.rtp]
    assert has_number == [True, True, False, True]
    assert stage.drops == {}
    assert stage.plane.counts()["transport_numbers_repeated"] == 1
    assert stage.plane.counts()["transport_numbers_restarted"] == 0


def test_probe_of_padding_alone_is_forwarded(stage: Stage) -> None:
    chromium, firefox = two(stage)
    probe = Rtp(97, 7, 0, 1002, b"", padding=200, extensions=(transport(1),))
    stage.send(chromium, probe, Rtp(96, 1, 0, 1001, b"pic", padding=4))
    assert [(each.ssrc, each.payload, each.padding) for each in firefox.rtp] == [
        (6002, b"", 200),
        (6001, b"pic", 4),
    ]
    assert stage.drops == {}


@pytest.mark.parametrize("padding", [b"\x00", b"\x30"])
def test_padding_longer_than_the_payload_is_malformed(stage: Stage, padding: bytes) -> None:
    chromium, firefox = two(stage)
    plain = bytearray(Rtp(96, 1, 0, 1001, b"abc" + padding).pack())
    plain[0] |= 0x20
    stage.turn([(chromium.address, chromium._send.protect(bytes(plain)))])
    assert firefox.rtp == []
    assert stage.drops == {"malformed_rtp": 1}


def red(*blocks: tuple[int, bytes], primary: tuple[int, bytes]) -> bytes:
    heads = b"".join(
        bytes([0x80 | pt]) + (960 << 10 | len(data)).to_bytes(3) for pt, data in blocks
    )
    body = b"".join(data for _, data in blocks)
    return heads + bytes([primary[0]]) + body + primary[1]


def test_red_for_a_receiver_with_red_has_its_block_types_mapped(stage: Stage) -> None:
    chromium = stage.connect(0)
    types = {100: Codec.RED, 101: Codec.OPUS}
    media = type(CHROMIUM)(types, FIREFOX.extension_ids, FIREFOX.inbound, FIREFOX.outbound)
    other = stage.connect(1, media, partner=0)
    payload = red((111, b"older"), (111, b"old"), primary=(111, b"new"))
    stage.send(chromium, Rtp(63, 1, 0, 1000, payload))
    [got] = other.rtp
    assert got.payload_type == 100
    assert got.payload == red((101, b"older"), (101, b"old"), primary=(101, b"new"))


@pytest.mark.parametrize("padding", [0, 8])
def test_red_for_a_receiver_without_red_is_unwrapped(stage: Stage, padding: int) -> None:
    chromium, firefox = two(stage)
    payload = red((111, b"older"), primary=(111, b"newest"))
    stage.send(chromium, Rtp(63, 1, 0, 1000, payload, padding=padding))
    [got] = firefox.rtp
    assert (got.payload_type, got.payload, got.padding) == (109, b"newest", padding)
    assert stage.plane._statistics.snapshot([1], stage.now_ns).streams["octets"][0, 0] == 6


@pytest.mark.parametrize("older", [77, 13])
def test_red_with_an_older_block_that_is_no_opus_is_unwrapped(stage: Stage, older: int) -> None:
    chromium = stage.connect(0)
    types = {100: Codec.RED, 101: Codec.OPUS}
    media = type(CHROMIUM)(types, FIREFOX.extension_ids, FIREFOX.inbound, FIREFOX.outbound)
    other = stage.connect(1, media, partner=0)
    payload = red((111, b"oldest"), (older, b"old"), primary=(111, b"newest"))
    stage.send(chromium, Rtp(63, 1, 0, 1000, payload))
    [got] = other.rtp
    assert (got.payload_type, got.payload) == (101, b"newest")


@pytest.mark.parametrize("has_red", [False, True])
def test_red_whose_primary_block_is_no_opus_is_dropped(stage: Stage, has_red: bool) -> None:
    chromium = stage.connect(0)
    types = {101: Codec.OPUS} | ({100: Codec.RED} if has_red else {})
    media = type(CHROMIUM)(types, FIREFOX.extension_ids, FIREFOX.inbound, FIREFOX.outbound)
    other = stage.connect(1, media, partner=0)
    payload = red((111, b"older"), primary=(13, b"noise"))
    stage.send(chromium, Rtp(63, 1, 0, 1000, payload))
    assert other.rtp == []
    assert stage.drops == {"unknown_payload_type": 1}


@pytest.mark.parametrize("payload", [b"", b"\x80", b"\xef\x00\x04\x00", b"\xef\x00\x00\xff\x6f"])
def test_broken_red_is_dropped(stage: Stage, payload: bytes) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, Rtp(63, 1, 0, 1000, payload))
    assert firefox.rtp == []
    assert stage.drops == {"malformed_red": 1}


def test_codec_that_the_partner_lacks_is_dropped(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, Rtp(98, 1, 0, 1001))
    assert firefox.rtp == []
    assert stage.drops == {"partner_lacks_codec": 1}


def test_payload_type_of_another_track_is_dropped(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, Rtp(111, 1, 0, 1001), Rtp(77, 2, 0, 1001), Rtp(96, 1, 0, 1002))
    assert firefox.rtp == []
    assert stage.drops == {"unknown_payload_type": 3}


def test_alone_there_is_nowhere_to_send(stage: Stage) -> None:
    chromium = stage.connect(0)
    stage.send(chromium, video(1))
    assert stage.drops == {"no_partner": 1}


def test_partner_whose_handshake_is_not_over_gets_nothing(stage: Stage) -> None:
    chromium = stage.connect(0)
    stage.plane.open_participant(1, "0100aaaa")
    stage.plane.set_media(1, FIREFOX)
    stage.plane.pair(0, 1)
    stage.turn()
    stage.send(chromium, video(1))
    assert stage.drops == {"no_partner": 1}


# Another partner, the same streams


def test_streams_go_on_when_the_partner_is_replaced(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, video(60_000, 900_000, 50), rtx(9000, 60_000, 51))
    before = {each.ssrc: each for each in firefox.rtp}

    again = stage.connect(2, CHROMIUM, partner=1)
    stage.send(chromium, video(60_001, 903_000, 52))
    assert firefox.rtp == [], "the first is no partner any more"
    stage.send(again, video(17, 5, 7000), rtx(3, 17, 7001), after_ns=1498 * MS)
    after = {each.ssrc: each for each in firefox.rtp}
    for ssrc in (6001, 6002):
        assert after[ssrc].sequence == before[ssrc].sequence + 1
    assert after[6001].timestamp - before[6001].timestamp == 1500 * 90
    assert after[6002].payload[:2] == struct.pack("!H", after[6001].sequence)
    numbers = [
        struct.unpack("!H", each.element(7) or b"")[0]
        for each in (before[6001], before[6002], after[6001], after[6002])
    ]
    assert numbers == list(range(numbers[0], numbers[0] + 4))


def test_a_stream_that_is_taken_away_and_comes_back_goes_on_where_it_was(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, video(60_000, 900_000, 50), rtx(9000, 60_000, 51))
    before = {each.ssrc: each for each in firefox.rtp}

    stage.plane.set_media(1, replace(FIREFOX, outbound=FIREFOX.outbound[:1]))
    stage.send(chromium, *(video(60_000 + each, 903_000, 51 + each) for each in range(1, 50)))
    assert firefox.rtp == []
    stage.plane.set_media(1, FIREFOX)
    stage.send(chromium, video(60_050, 930_000, 100), rtx(9001, 60_050, 101), after_ns=400 * MS)
    after = {each.ssrc: each for each in firefox.rtp}
    for ssrc in (6001, 6002):
        assert after[ssrc].sequence == before[ssrc].sequence + 1
    assert 400 * 90 <= after[6001].timestamp - before[6001].timestamp <= 500 * 90
    assert after[6002].payload[:2] == struct.pack("!H", after[6001].sequence)
    assert "not_protected" not in stage.drops


def test_a_stream_with_another_ssrc_begins_anew(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, video(100))
    [first] = firefox.rtp
    stage.plane.set_media(1, replace(FIREFOX, outbound=FIREFOX.outbound[:1]))
    other = replace(FIREFOX.outbound[1], ssrc=6101)
    stage.plane.set_media(1, replace(FIREFOX, outbound=(FIREFOX.outbound[0], other)))
    stage.send(chromium, video(101))
    [second] = firefox.rtp
    assert (first.ssrc, second.ssrc) == (6001, 6101)
    stream = stage.tables.streams[1 * OUTBOUND + Role.VIDEO]
    assert stream["packets"] == 1, "nothing of the one before is left"


def test_late_packet_of_the_new_source_cannot_repeat_a_number(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, video(100), video(101))
    again = stage.connect(2, CHROMIUM, partner=1)
    stage.send(again, video(500), video(499), video(501))
    assert [each.sequence for each in firefox.rtp] == [102, 103]
    assert stage.drops == {"before_epoch": 1}


def test_a_first_packet_that_was_overtaken_leaves_no_hole(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, video(100), video(101))
    again = stage.connect(2, CHROMIUM, partner=1)
    sound = Rtp(111, 1, 0, 1000, extensions=(transport(10),))
    stage.send(again, sound, video(500, number=9), video(501, number=11))
    assert [each.sequence for each in firefox.rtp if each.ssrc == 6001] == [102]
    assert stage.drops == {"before_epoch": 1}


def test_pairing_a_pair_again_changes_nothing(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, video(100))
    stage.plane.pair(1, 0)
    stage.send(chromium, video(103))
    assert [each.sequence for each in firefox.rtp] == [103]


def test_a_third_takes_a_partner_away(stage: Stage) -> None:
    chromium, firefox = two(stage)
    third = stage.connect(2, CHROMIUM, partner=0)
    stage.send(firefox, Rtp(120, 1, 0, 2001))
    assert chromium.rtp == []
    stage.send(third, video(1))
    assert len(chromium.rtp) == 1


def test_a_new_source_of_the_same_participant_goes_on_too(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(firefox, Rtp(120, 10, 900, 2003, extensions=((3, b"s"),)))
    stage.send(firefox, Rtp(120, 11, 900, 2003))
    stage.pass_time(11 * SECOND, 500 * MS)
    stage.send(firefox, Rtp(120, 700, 0, 2004, extensions=((3, b"s"),)))
    got = chromium.rtp
    assert [(each.ssrc, each.sequence) for each in got] == [(5003, 102)]


# Sources


def test_undeclared_source_is_learnt_by_its_mid(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(firefox, Rtp(120, 1, 0, 2003), Rtp(120, 2, 0, 2003, extensions=((3, b"s"),)))
    stage.send(firefox, Rtp(120, 3, 0, 2003))
    assert [each.ssrc for each in chromium.rtp] == [5003]
    assert stage.drops == {"unknown_ssrc": 1}
    stage.send(firefox, Rtp(124, 1, 0, 2004, b"\0\3pic", extensions=((3, b"s"),)))
    assert [each.ssrc for each in chromium.rtp] == [5004]


def test_source_that_is_not_authentic_is_not_admitted(stage: Stage) -> None:
    _, firefox = two(stage)
    stranger = Browser(7, FIREFOX)
    stage.browsers.append(stranger)
    for ssrc in range(3000, 3040):
        forged = stranger.protect(Rtp(120, 1, 0, ssrc, extensions=((3, b"s"),)))
        stage.turn([(firefox.address, forged)])
    drops = stage.drops
    assert drops["not_authentic"] + drops["unknown_ssrc"] == 40
    assert drops["not_authentic"] <= 21, "libsrtp is asked a bounded number of times"
    stage.send(firefox, Rtp(120, 1, 0, 2003, extensions=((3, b"s"),)), after_ns=SECOND)
    assert "partner_lacks_codec" not in stage.drops
    assert counts_of(stage.plane, 1).received_in == 1


def test_sources_are_bounded(stage: Stage) -> None:
    _, firefox = two(stage)
    for ssrc in range(3000, 3020):
        stage.send(firefox, Rtp(120, 1, 0, ssrc, extensions=((3, b"s"),)), after_ns=100 * MS)
    assert counts_of(stage.plane, 1).received_in == 8 - 2
    assert stage.drops["sources_full"] == 14


def test_media_rate_is_policed_by_participant(stage: Stage) -> None:
    with Stage(type(stage.plane._settings)(max_participants=4, media_packets_s=50)) as small:
        chromium, firefox = two(small)
        small.send(chromium, *(video(each) for each in range(80)))
        assert len(firefox.rtp) == 50
        assert small.drops == {"media_rate": 30}
        small.send(chromium, *(video(each) for each in range(80, 100)), after_ns=200 * MS)
        assert len(firefox.rtp) == 10
