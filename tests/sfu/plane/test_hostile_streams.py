"""Streams that no browser sends: they are bounded and counted, and another room never notices."""

import random
import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from sfu.plane import PlaneSettings
from sfu.rtp.media import Codec, InboundTrack, MediaMap, OutboundTrack, TrackKind
from tests.sfu.plane.counts import counts_of
from tests.sfu.plane.stage import CHROMIUM, FIREFOX, MS, SECOND, Browser, Rtp, Stage
from tests.sfu.plane.test_reports import reports_of, sender_report


class Rooms:
    """A room with a hostile Chromium and its partner, and another room."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.hostile = stage.connect(0)
        self.partner = stage.connect(1, FIREFOX, partner=0)
        self.others = stage.connect(2), stage.connect(3, FIREFOX, partner=2)
        self._step = 0

    def other_room_goes_on(self) -> None:
        """Both ways, with consecutive numbers and its own content."""
        for _ in range(3):
            self._step += 1
            for sender, receiver, kind in (
                (self.others[0], self.others[1], 96),
                (self.others[1], self.others[0], 120),
            ):
                content = f"other room {self._step}".encode()
                ssrc = sender.media.inbound[1].ssrc or 0
                sent = Rtp(kind, self._step, self._step * 3000, ssrc, content)
                self.stage.send(sender, sent)
                [got] = receiver.rtp
                assert got.payload == content
                assert got.sequence == 99 + self._step
        assert "fault" not in self.stage.drops


@pytest.fixture
def rooms() -> Iterator[Rooms]:
    with Stage(PlaneSettings(max_participants=8)) as stage:
        yield Rooms(stage)


def video(sequence: int, timestamp: int = 0, payload: bytes = b"\x10\0\0key") -> Rtp:
    return Rtp(96, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 1001, payload)


def mid(value: bytes) -> tuple[tuple[int, bytes], ...]:
    return ((4, value),)


def test_4000_ssrcs_take_no_room_and_cost_libsrtp_little(rooms: Rooms) -> None:
    """Each authentic one would cost libsrtp memory: it hears of a few, the counters of the rest."""
    stage = rooms.stage
    rooms.other_room_goes_on()
    for begin in range(0, 4000, 100):
        stage.send(
            rooms.hostile,
            *(Rtp(96, 1, 0, 100_000 + begin + each, extensions=mid(b"1")) for each in range(100)),
            after_ns=100 * MS,
        )
    drops = stage.drops
    declared, taken = 3, 8 - 3  # three of media, two of RTX declared; eight of media there may be
    assert drops["sources_full"] + drops.get("unknown_ssrc", 0) == 4000 - taken
    assert counts_of(stage.plane, 0).received_in == taken
    held = [int(each["ssrc"]) for each in stage.tables.sources[:16] if each["ssrc"] >= 0]
    assert len(held) == declared + 2 + taken
    rooms.other_room_goes_on()
    stage.send(rooms.hostile, video(1))
    assert [each.ssrc for each in rooms.partner.rtp] == [6001], "its own camera is taken still"


def test_eight_streams_with_their_retransmissions_are_taken_and_no_more(rooms: Rooms) -> None:
    stage = rooms.stage
    for each in range(8):
        packets = (
            Rtp(96, 1, 0, 9000 + each, extensions=mid(b"1")),
            Rtp(97, 1, 0, 9100 + each, b"\0\1again", extensions=mid(b"1")),
        )
        stage.send(rooms.hostile, *packets, after_ns=200 * MS)
    found = {int(each["ssrc"]): int(each["rtx"]) for each in stage.tables.sources[:16]}
    assert sum(each == 0 for ssrc, each in found.items() if ssrc >= 0) == 8
    assert sum(each == 1 for ssrc, each in found.items() if ssrc >= 0) == 8
    assert stage.drops["sources_full"] == 16 - 5 - 6


def test_a_silent_undeclared_stream_gives_way_to_a_new_one(rooms: Rooms) -> None:
    stage = rooms.stage
    for ssrc in range(9000, 9005):
        stage.send(rooms.hostile, Rtp(96, 1, 0, ssrc, extensions=mid(b"1")), after_ns=100 * MS)
    stage.send(rooms.hostile, Rtp(96, 1, 0, 9005, extensions=mid(b"1")), after_ns=100 * MS)
    assert stage.drops == {"sources_full": 1}
    stage.pass_time(10 * SECOND, 500 * MS)
    stage.send(rooms.hostile, Rtp(96, 1, 0, 9006, extensions=mid(b"1")))
    assert stage.drops == {"sources_full": 1}
    assert stage.plane.counts()["source_replaced"] == 1


@pytest.mark.parametrize("ssrc", [5000, 5001, 5002])
def test_a_browser_that_sends_with_an_ssrc_of_ours_is_not_heard(rooms: Rooms, ssrc: int) -> None:
    stage = rooms.stage
    stage.send(rooms.hostile, Rtp(96, 1, 0, ssrc, extensions=mid(b"1")))
    report = struct.pack("!BBHI", 0x80, 201, 1, ssrc)
    stage.send_rtcp(rooms.hostile, report)
    assert rooms.partner.rtp == []
    assert stage.drops == {"ssrc_collision": 2}
    stage.send(rooms.hostile, video(1))
    assert [each.ssrc for each in rooms.partner.rtp] == [6001]
    rooms.other_room_goes_on()


def test_a_declared_ssrc_of_ours_is_not_taken_over(rooms: Rooms) -> None:
    stage = rooms.stage
    inbound = (InboundTrack(TrackKind.VIDEO, "1", 5001, 5002), *CHROMIUM.inbound[2:])
    stage.plane.set_media(
        0, MediaMap(CHROMIUM.payload_types, CHROMIUM.extension_ids, inbound, CHROMIUM.outbound)
    )
    stage.turn()
    assert stage.drops == {"ssrc_collision": 2}
    stage.send(rooms.hostile, Rtp(96, 1, 0, 5001, extensions=mid(b"1")))
    assert rooms.partner.rtp == []
    assert stage.drops == {"ssrc_collision": 3}


def test_two_tracks_that_share_an_ssrc_are_told_apart(rooms: Rooms) -> None:
    stage = rooms.stage
    stage.send(rooms.hostile, Rtp(96, 1, 0, 1001, b"camera", extensions=mid(b"1")))
    stage.send(rooms.hostile, Rtp(96, 2, 0, 1001, b"screen", extensions=mid(b"2")))
    stage.send(rooms.hostile, Rtp(111, 3, 0, 1001, b"sound", extensions=mid(b"0")))
    stage.send(rooms.hostile, Rtp(96, 4, 0, 1001, b"camera", extensions=mid(b"1")))
    assert [each.payload for each in rooms.partner.rtp] == [b"camera"]
    assert stage.drops == {"ssrc_collision": 2}
    stage.send(rooms.hostile, Rtp(111, 5, 0, 1001, b"sound"))
    assert stage.drops == {"ssrc_collision": 2, "unknown_payload_type": 1}


def test_an_ssrc_in_two_rooms_is_two_streams(rooms: Rooms) -> None:
    stage = rooms.stage
    stage.send(rooms.hostile, video(1))
    rooms.other_room_goes_on()  # the other Chromium sends with 1001, too
    stage.send(rooms.hostile, video(2))
    assert [each.sequence for each in rooms.partner.rtp] == [101]


# Numbers


def test_a_wrap_that_was_lost_is_a_wrap(rooms: Rooms) -> None:
    """65530 to 65535 never come."""
    stage = rooms.stage
    got = []
    for sequence in (*range(65_500, 65_530), *range(30)):
        stage.send(rooms.hostile, video(sequence, sequence * 100))
        got += [each.sequence for each in rooms.partner.rtp if each.ssrc == 6001]
    assert got == [*range(100, 130), *range(136, 166)]
    heard = [
        int(each["reception"][2]) for each in stage.tables.sources[:16] if each["ssrc"] == 1001
    ]
    assert heard == [2 * 65_536 + 29]
    statistics = counts_of(stage.plane, 0)
    assert (statistics.expected_in, statistics.received_in) == (66, 60)


def test_reordering_by_64_loses_nothing(rooms: Rooms) -> None:
    chance = random.Random(5)
    order = list(range(65_300, 65_300 + 600))
    for at in range(1, 600, 64):
        block = order[at : at + 64]
        chance.shuffle(block)
        order[at : at + 64] = block
    got = []
    for sequence in order:
        rooms.stage.send(rooms.hostile, video(sequence, sequence * 100), after_ns=MS)
        got += [each.sequence for each in rooms.partner.rtp if each.ssrc == 6001]
    assert sorted(got) == list(range(100, 700))
    assert [each - 100 for each in got] == [each - 65_300 for each in order]
    assert rooms.stage.drops == {}
    assert counts_of(rooms.stage.plane, 0).received_in == 600
    rooms.other_room_goes_on()


def test_one_packet_in_twenty_that_comes_twice_goes_out_once(rooms: Rooms) -> None:
    stage = rooms.stage
    chance = random.Random(6)
    repeated = 0
    waiting: list[bytes] = []
    got = []
    for sequence in range(1000):
        datagram = rooms.hostile.protect(video(sequence, sequence * 100))
        datagrams = [datagram]
        if chance.random() < 0.05:
            waiting.append(datagram)
        if waiting and chance.random() < 0.3:  # up to some dozens later
            datagrams.append(waiting.pop())
            repeated += 1
        stage.turn([(rooms.hostile.address, each) for each in datagrams])
        got += [each.sequence for each in rooms.partner.rtp if each.ssrc == 6001]
    assert got == list(range(100, 1100))
    assert repeated > 30
    assert stage.drops == {"replayed": repeated}
    rooms.other_room_goes_on()


def test_numbers_that_jump_about_harm_nobody(rooms: Rooms) -> None:
    """Authentic ones jump by less than 2^15, or libsrtp guesses another roll-over counter."""
    stage = rooms.stage
    chance = random.Random(8)
    sequence = 0
    for step in range(300):
        sequence += chance.choice((1, 2, 500, 3000, 20_000))
        stage.send(rooms.hostile, video(sequence, chance.randrange(1 << 32)), after_ns=5 * MS)
        if step % 50 == 0:
            rooms.other_room_goes_on()
    assert set(stage.drops) <= {"not_authentic", "replayed", "before_epoch"}
    assert stage.plane.counts()["clock_stepped"] > 100
    stage.pass_time(2 * SECOND)
    rooms.other_room_goes_on()


# Timestamps

HOURS = 3600 * 90_000


def timestamps_over(rooms: Rooms, jump: int) -> list[int]:
    """What a receiver gets of 25 pictures a second whose clock jumps after ten of them."""
    got = []
    for step in range(20):
        timestamp = 1_000_000 + step * 3600 + (jump if step >= 10 else 0)
        rooms.stage.send(rooms.hostile, video(step, timestamp), after_ns=40 * MS)
        got += [each.timestamp for each in rooms.partner.rtp if each.ssrc == 6001]
    return got


@pytest.mark.parametrize("jump", [5 * HOURS, -5 * HOURS, 11 * 90_000, -90_001 - 3600, 1 << 31])
def test_a_clock_that_is_set_does_not_move_the_receivers_timeline(rooms: Rooms, jump: int) -> None:
    got = timestamps_over(rooms, jump)
    assert [later - earlier for earlier, later in pairwise(got)] == [3600] * 19
    assert rooms.stage.plane.counts()["clock_stepped"] == 1
    assert counts_of(rooms.stage.plane, 0).jitter_in_s == 0 or abs(jump) <= 10 * 90_000


@pytest.mark.parametrize("jump", [9 * 90_000, -80_000])
def test_smaller_steps_are_the_senders_affair(rooms: Rooms, jump: int) -> None:
    got = timestamps_over(rooms, jump)
    assert got[10] - got[9] == 3600 + jump
    assert rooms.stage.plane.counts()["clock_stepped"] == 0


def test_pictures_that_waited_in_the_network_keep_their_times(rooms: Rooms) -> None:
    stage = rooms.stage
    got = []
    for step in range(200):
        stage.send(rooms.hostile, video(step, step * 3600), after_ns=8 * SECOND * (step == 10) + MS)
        got += [each.timestamp for each in rooms.partner.rtp if each.ssrc == 6001]
    assert [later - earlier for earlier, later in pairwise(got)] == [3600] * 199
    assert stage.plane.counts()["clock_stepped"] == 0


def test_a_late_packet_from_before_the_step_keeps_its_place(rooms: Rooms) -> None:
    stage = rooms.stage
    stage.send(rooms.hostile, video(7, 123_456))
    source = stage.connect(4, CHROMIUM, partner=1)  # so that its timestamps are shifted already
    begin = 9 * HOURS
    sent = [(0, 0), (1, 3600), (3, 5 * HOURS), (2, 7200), (4, 5 * HOURS + 3600)]
    sent += [(6, HOURS), (5, 5 * HOURS + 7200)]
    got: dict[int, int] = {}
    for sequence, timestamp in sent:
        stage.send(source, video(sequence, begin + timestamp), after_ns=40 * MS)
        got |= {each.sequence: each.timestamp for each in rooms.partner.rtp if each.ssrc == 6001}
    times = [got[number] - got[101] for number in range(101, 108)]
    assert times == [0, 3600, 7200, 7200, 10_800, 14_400, 14_400]
    assert stage.plane.counts()["clock_stepped"] == 2


def test_lips_and_sound_stay_together_when_a_clock_is_set(rooms: Rooms) -> None:
    """No sender report says anything of the time before the step, and later ones are true."""
    stage = rooms.stage
    for step in range(200):
        now_ns = stage.now_ns + 20 * MS
        jumped = 3 * HOURS if step >= 100 else 0
        timestamp = 90_000 + step * 1800 + jumped
        stage.send(rooms.hostile, video(step, timestamp), after_ns=20 * MS)
        sent = [each.timestamp for each in rooms.partner.rtp if each.ssrc == 6001]
        reports = reports_of(rooms.partner.rtcp)
        if 6001 in reports:
            at_ns, told, *_ = reports[6001]
            true = sent[0] + (at_ns - now_ns) * 90 // MS
            assert abs(told - true) < 900, "10 ms"
        if step in (20, 130):
            stage.send_rtcp(rooms.hostile, sender_report(1001, now_ns, timestamp), after_ns=0)
    assert stage.drops["absurd_time"] in (1, 2), "the report of before the step"


def test_a_report_without_a_clock_is_ignored(rooms: Rooms) -> None:
    report = struct.pack("!BBHIIIIII", 0x80, 200, 6, 1001, 0, 0, 90_000, 1, 1)
    rooms.stage.send(rooms.hostile, video(1, 90_000))
    rooms.stage.send_rtcp(rooms.hostile, report)
    assert rooms.stage.drops == {"absurd_time": 1}
    assert reports_of(rooms.stage.pass_time(2 * SECOND)[1]) == {}


# Payloads


def test_random_payloads_of_every_codec_harm_nobody() -> None:
    types = {
        100 + codec: codec for codec in (Codec.VP8, Codec.VP9, Codec.AV1, Codec.H264, Codec.OPUS)
    }
    types |= {110 + codec: Codec(codec + 8) for codec in types.values() if codec >= Codec.VP8}
    types[99] = Codec.RED
    chance = random.Random(9)
    media = MediaMap(types, CHROMIUM.extension_ids, CHROMIUM.inbound, CHROMIUM.outbound)
    other = tuple(
        OutboundTrack(each.kind, each.mid, each.ssrc + 1000, each.rtx_ssrc)
        for each in media.outbound
    )
    with Stage() as stage:
        hostile: Browser = stage.connect(0, media)
        stage.connect(
            1, MediaMap(types, CHROMIUM.extension_ids, CHROMIUM.inbound, other), partner=0
        )
        sequences = dict.fromkeys(range(1000, 1005), 0)
        for step in range(400):
            if step % 100 == 99:
                stage.plane.pair(1, None)
                stage.plane.pair(1, 0)
            packets = []
            for _ in range(10):
                ssrc = chance.randrange(1000, 1005)
                sequences[ssrc] += 1
                payload = chance.randbytes(chance.choice((0, 1, 2, 3, 5, 8, 40)))
                kind = chance.choice(list(types))
                packets.append(Rtp(kind, sequences[ssrc], chance.randrange(1 << 32), ssrc, payload))
            stage.send(hostile, *packets)
        assert "fault" not in stage.drops


def test_transport_wide_numbers_that_jump_are_followed_ten_times_a_second(rooms: Rooms) -> None:
    """Each number that is passed over is noted: many jumps would be much work."""
    stage = rooms.stage
    slot = stage.tables.slots[1]
    begin = int(slot["transport_last"])
    got: list[Rtp] = []
    for step in range(300):
        elements = ((3, struct.pack("!H", step * 5000 & 0xFFFF)),)
        stage.send(rooms.hostile, replace(video(step), extensions=elements), after_ns=2 * MS)
        got += rooms.partner.rtp
    over = stage.plane.counts()["transport_jumps_over_rate"]
    assert over > 200
    assert int(slot["transport_last"]) - max(begin, 1 << 16) < 20 * 30_000
    assert len(got) > 280, "they go on, without a number"
    assert sum(each.element(7) is not None for each in got) < 30
    assert set(stage.drops) <= {"before_epoch"}
    stage.pass_time(SECOND)
    for number in range(1000, 1050):  # a sender that is not hostile any more is followed again
        elements = ((3, struct.pack("!H", number)),)
        stage.send(rooms.hostile, replace(video(number), extensions=elements))
    assert rooms.partner.rtp[0].element(7) is not None
    rooms.other_room_goes_on()


def test_transport_wide_numbers_that_begin_anew_do_so_ten_times_a_second(rooms: Rooms) -> None:
    stage = rooms.stage
    for step in range(400):  # nine of a row that came before
        elements = ((3, struct.pack("!H", step % 9)),)
        stage.send(rooms.hostile, replace(video(step), extensions=elements), after_ns=MS)
    counts = stage.plane.counts()
    assert counts["transport_numbers_restarted"] <= 10 + 4
    assert counts["transport_jumps_over_rate"] > 0
    rooms.other_room_goes_on()
