"""What a receiver gets again: from the node's history, and through it from the sender."""

import random
import struct
from collections.abc import Iterator
from itertools import pairwise

import pytest

from sfu.plane import PlaneSettings
from sfu.rtp.media import Codec, MediaMap, OutboundTrack
from tests.sfu.plane.stage import (
    CHROMIUM,
    FIREFOX,
    MS,
    SECOND,
    Browser,
    Rtp,
    Stage,
    transport,
)

FIRST = 100
"""Our number of the first packet of a stream."""

WITHOUT_RTX = MediaMap(
    {pt: codec for pt, codec in FIREFOX.payload_types.items() if codec != Codec.RTX_VP8},
    FIREFOX.extension_ids,
    FIREFOX.inbound,
    tuple(OutboundTrack(each.kind, each.mid, each.ssrc, None) for each in FIREFOX.outbound),
)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as each:
        yield each


def two(stage: Stage, receiver: MediaMap = FIREFOX) -> tuple[Browser, Browser]:
    """A sender, and a receiver near by."""
    chromium = stage.connect(0)
    firefox = stage.connect(1, receiver, partner=0)
    stage.tables.slots[1]["round_trip_ns"] = 20 * MS
    return chromium, firefox


def picture(number: int, wide: int | None = None) -> Rtp:
    elements = () if wide is None else (transport(wide),)
    body = b"\x10\x01" + struct.pack("!I", number) * 20
    return Rtp(96, number & 0xFFFF, number * 10, 1001, body, extensions=elements)


def again(sequence: int, number: int, wide: int | None = None, marker: bool = False) -> Rtp:
    of = picture(number, wide)
    body = struct.pack("!H", of.sequence) + of.payload
    return Rtp(97, sequence, of.timestamp, 1002, body, marker, extensions=of.extensions)


def nack(*numbers: int, media: int = 6001) -> bytes:
    body = b"".join(struct.pack("!HH", number & 0xFFFF, 0) for number in numbers)
    return struct.pack("!BBHII", 0x81, 205, 2 + len(numbers), 2001, media) + body


def resent(browser: Browser) -> list[int]:
    """The original numbers of the RTX packets that have just come."""
    return [
        struct.unpack("!H", each.payload[:2])[0] for each in browser.rtp if each.ssrc % 10 in (2, 4)
    ]


def test_what_a_receiver_misses_is_sent_again_by_rtx(stage: Stage) -> None:
    chromium, firefox = two(stage)
    elements = (transport(3), (2, b"abc"))
    sent = Rtp(96, 7, 9000, 1001, b"\x10\x01" + b"p" * 1101, True, 9, elements)
    stage.send(chromium, picture(6), sent)
    original = firefox.rtp[1]
    stage.send_rtcp(firefox, nack(FIRST + 1))
    [got] = firefox.rtp
    assert (got.ssrc, got.payload_type, got.marker) == (6002, 124, True)
    assert got.payload == struct.pack("!H", original.sequence) + original.payload
    assert got.timestamp == original.timestamp
    assert got.extensions == (), "no transport-wide number, and no time of sending"
    assert got.padding == 0
    assert chromium.rtcp_of(205, 1) == [], "the sender has nothing to do with it"


def test_orientation_and_playout_delay_go_again(stage: Stage) -> None:
    chromium, firefox = two(stage)
    elements = ((13, b"\x03"), (5, b"xyz"), transport(1, 3))
    stage.send(firefox, Rtp(120, 1, 0, 2001, b"\x10\x01a", extensions=()))
    stage.send(chromium, picture(1))
    other = stage.connect(2, CHROMIUM, partner=0)
    stage.send(chromium, Rtp(96, 2, 0, 1001, b"\x10\x01a", extensions=elements))
    [original] = other.rtp
    stage.send_rtcp(other, nack(original.sequence, media=5001))
    [got] = other.rtp
    assert dict(got.extensions) == {13: b"\x03", 5: b"xyz"}


def test_the_second_video_has_a_history_of_its_own(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, picture(1), Rtp(96, 9, 0, 1003, b"\x10\x01screen"))
    stage.send_rtcp(firefox, nack(FIRST, media=6003), nack(FIRST))
    assert [(each.ssrc, each.payload[4:]) for each in firefox.rtp] == [
        (6004, b"screen"),
        (6002, picture(1).payload[2:]),
    ]


def test_entries_with_bits_and_numbers_that_wrap() -> None:
    with Stage() as stage:
        stage.plane._random_below = lambda _: 32_700
        chromium, firefox = two(stage)
        for number in range(65_000, 65_000 + 33_200, 100):  # ours pass 65535 as well
            stage.send(chromium, picture(number), after_ns=0)
        stage.turn(after_ns=SECOND)
        last = (32_700 + 33_100) & 0xFFFF
        begin = 65_000 + 33_101
        stage.send(chromium, *(picture(each) for each in range(begin, begin + 40)), after_ns=0)
        entry = struct.pack("!HH", (last + 4) & 0xFFFF, 0b1000_0000_0000_0001)
        packet = struct.pack("!BBHII", 0x81, 205, 3, 2001, 6001) + entry
        stage.send_rtcp(firefox, packet)
        assert resent(firefox) == [last + 4, last + 5, last + 20]


@pytest.mark.parametrize(
    ("round_trip_ns", "expected"), [(80 * MS, [0, 80, 160, 240]), (-1, [0, 100, 200])]
)
def test_never_twice_within_a_round_trip(
    stage: Stage, round_trip_ns: int, expected: list[int]
) -> None:
    chromium, firefox = two(stage)
    stage.tables.slots[1]["round_trip_ns"] = round_trip_ns
    stage.send(chromium, picture(1))
    came = []
    for step in range(30):
        stage.send_rtcp(firefox, nack(FIRST), after_ns=10 * MS)
        came += [step * 10] * len(firefox.rtp)
    assert came == expected
    assert stage.plane.counts()["resends_too_soon"] == 30 - len(expected)


def test_what_is_asked_for_beyond_all_bounds_is_counted() -> None:
    with Stage(PlaneSettings(max_participants=4, resend_percent=1000)) as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, *(picture(each) for each in range(80)))
        numbers = range(FIRST, FIRST + 80)
        stage.send_rtcp(firefox, nack(*numbers))
        assert resent(firefox) == list(numbers)
        assert stage.plane.counts()["flushed_early"] == 1, "64 rows are sent, then the others"
        stage.send_rtcp(firefox, nack(*numbers))
        assert stage.plane.counts()["resends_too_soon"] == 80
        assert stage.plane.counts()["resends_not_owed"] == 80 - 32
        stage.turn(after_ns=SECOND // 2)
        assert len(resent(firefox)) == 32


@pytest.mark.parametrize("media", [6001, 6003])
def test_a_request_that_crossed_an_answer_is_served_once_a_round_trip_has_passed(
    stage: Stage, media: int
) -> None:
    chromium, firefox = two(stage)
    stage.tables.slots[1]["round_trip_ns"] = 75 * MS
    stage.send(chromium, picture(1), Rtp(96, 9, 0, 1003, b"\x10\x01screen"))
    stage.send_rtcp(firefox, nack(FIRST, media=media))
    [answer] = firefox.rtp
    assert answer.ssrc == media + 1
    stage.send_rtcp(firefox, nack(FIRST, FIRST, media=media), after_ns=10 * MS)
    assert firefox.rtp == []
    came = []
    for step in range(11, 500):
        stage.turn(after_ns=MS)
        came += [(step, each.ssrc, each.payload) for each in firefox.rtp]
    assert came == [(75, media + 1, answer.payload)]


def test_a_repair_from_the_sender_serves_an_earlier_request(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.tables.slots[1]["round_trip_ns"] = 80 * MS
    stage.send(chromium, picture(1), picture(3))
    stage.send(chromium, again(50, 2))
    stage.send_rtcp(firefox, nack(FIRST + 1), after_ns=20 * MS)
    stage.send(chromium, again(51, 2), after_ns=20 * MS)
    assert resent(firefox) == [FIRST + 1]
    for _ in range(30):
        stage.turn(after_ns=10 * MS)
        assert firefox.rtp == []


def test_a_request_after_the_round_trip_takes_the_place_of_one_that_waits(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.tables.slots[1]["round_trip_ns"] = 80 * MS
    stage.send(chromium, picture(1))
    for after_ns in (0, 10 * MS, 80 * MS):
        stage.send_rtcp(firefox, nack(FIRST), after_ns=after_ns)
    assert resent(firefox) == [FIRST]
    for _ in range(30):
        stage.turn(after_ns=10 * MS)
        assert firefox.rtp == []


def test_no_more_than_32_answers_wait_for_a_round_trip(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, *(picture(each) for each in range(40)))
    everything = nack(*(FIRST + each for each in range(40)))
    stage.send_rtcp(firefox, everything)
    assert len(firefox.rtp) == 40
    for _ in range(3):
        stage.send_rtcp(firefox, everything)
        assert firefox.rtp == []
    stage.turn(after_ns=20 * MS)
    assert resent(firefox) == [FIRST + each for each in range(32)]
    stage.turn(after_ns=20 * MS)
    assert firefox.rtp == []


@pytest.mark.parametrize(("camera", "screen"), [(True, False), (False, True), (True, True)])
def test_of_a_paused_picture_nothing_is_sent_again_until_it_goes_on(
    stage: Stage, camera: bool, screen: bool
) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, picture(1), Rtp(96, 9, 0, 1003, b"\x10\x01screen"))
    asked = nack(FIRST), nack(FIRST, media=6003)
    stage.send_rtcp(firefox, *asked)
    assert [each.ssrc for each in firefox.rtp] == [6002, 6004]
    stage.send_rtcp(firefox, *asked, after_ns=10 * MS)  # these answers wait for the round trip
    stage.plane.pause(1, camera, screen)
    going_on = [6002] * (not camera) + [6004] * (not screen)
    stage.turn(after_ns=30 * MS)
    assert [each.ssrc for each in firefox.rtp] == going_on
    stage.send_rtcp(firefox, *asked, after_ns=50 * MS)
    assert [each.ssrc for each in firefox.rtp] == going_on
    assert stage.plane.counts()["resends_paused"] == 2 * (camera + screen)
    stage.send(chromium, picture(2))
    assert [each.ssrc for each in firefox.rtp] == [6001], "what still comes is forwarded"
    stage.plane.pause(1, False, False)
    stage.send_rtcp(firefox, *asked, after_ns=50 * MS)
    assert [each.ssrc for each in firefox.rtp] == [6002, 6004]


def test_what_left_the_history_meanwhile_is_not_sent_again() -> None:
    with Stage(PlaneSettings(max_participants=4, history_ns=50 * MS)) as stage:
        chromium, firefox = two(stage)
        stage.tables.slots[1]["round_trip_ns"] = 80 * MS
        stage.send(chromium, picture(1))
        for _ in range(2):
            stage.send_rtcp(firefox, nack(FIRST), after_ns=10 * MS)
        for _ in range(20):
            stage.turn(after_ns=10 * MS)
            assert firefox.rtp == []


def test_while_it_cannot_be_sent_to_nothing_is_sent_again(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, picture(1))
    for _ in range(2):
        stage.send_rtcp(firefox, nack(FIRST))
    remote = int(stage.tables.slots[1]["remote"])
    stage.tables.slots[1]["remote"] = -1
    stage.turn(after_ns=50 * MS)
    stage.tables.slots[1]["remote"] = remote
    for _ in range(10):
        stage.turn(after_ns=10 * MS)
        assert firefox.rtp == []


def test_a_packet_is_sent_again_a_few_times_only(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.tables.slots[1]["round_trip_ns"] = MS
    stage.send(chromium, picture(1))
    count = 0
    for _ in range(40):
        stage.send_rtcp(firefox, nack(FIRST), after_ns=20 * MS)
        count += len(firefox.rtp)
    assert count == 6
    assert stage.plane.counts()["resends_too_often"] == 34


def test_what_is_older_than_the_history_is_not_found() -> None:
    with Stage(PlaneSettings(max_participants=4, history_ns=200 * MS)) as stage:
        chromium, firefox = two(stage)
        stage.send(chromium, picture(1))
        stage.send_rtcp(firefox, nack(FIRST), after_ns=200 * MS)
        assert len(firefox.rtp) == 1
        stage.send_rtcp(firefox, nack(FIRST), after_ns=100 * MS)
        assert firefox.rtp == []
        assert stage.plane.counts()["resends_not_kept"] == 1


@pytest.mark.parametrize("number", [FIRST - 1, FIRST + 1, FIRST + 3, FIRST + 30_000])
def test_what_was_never_sent_is_not_asked_of_anyone(stage: Stage, number: int) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, picture(1), picture(3))
    stage.send_rtcp(firefox, nack(number), after_ns=0)
    assert firefox.rtp == []
    assert chromium.rtcp_of(205, 1) == []
    assert stage.plane.counts()["resends_not_kept"] == 1


def test_a_storm_of_requests_is_bounded_work(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, *(picture(each) for each in range(20)))
    storm = nack(*([FIRST + 5] * 300))
    count = 0
    for _ in range(20):
        stage.send_rtcp(firefox, storm, after_ns=MS)
        count += len(firefox.rtp)
    assert count == 1
    counts = stage.plane.counts()
    assert counts["nacks_over_rate"] > 10
    assert 1000 <= counts["resends_too_soon"] <= 1100
    stage.turn(after_ns=20 * MS)
    assert resent(firefox) == [FIRST + 5], "once for all of them"
    stage.send_rtcp(firefox, nack(FIRST + 6), after_ns=SECOND // 2)
    assert len(firefox.rtp) == 1, "afterwards it is served again"


def test_resends_are_a_share_of_the_video(stage: Stage) -> None:
    chromium, firefox = two(stage)
    sent = count = 0
    for step in range(60):  # a receiver that pretends to have lost all
        numbers = range(step * 10, step * 10 + 10)
        stage.send(chromium, *(picture(each) for each in numbers), after_ns=20 * MS)
        sent += len(firefox.rtp)
        stage.send_rtcp(firefox, nack(*(FIRST + each for each in numbers)))
        count += len(firefox.rtp)
    assert sent == 600
    assert count == 128 + 300 - 5
    assert stage.plane.counts()["resends_over_rate"] == 600 - count


def test_without_rtx_nothing_is_sent_again(stage: Stage) -> None:
    chromium, firefox = two(stage, WITHOUT_RTX)
    stage.send(chromium, picture(1), picture(2))
    stage.send_rtcp(firefox, nack(FIRST))
    assert firefox.rtp == []
    assert stage.plane.counts()["resends_without_rtx"] == 1


def test_audio_is_not_sent_again(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, Rtp(111, 1, 0, 1000, bytes(80)))
    stage.send_rtcp(firefox, nack(FIRST, media=6000), nack(FIRST, media=77))
    assert firefox.rtp == []
    assert stage.plane.counts()["resends_without_rtx"] == 1
    assert stage.drops == {"feedback_not_relayed": 1}, "about a stream that is not sent"


def test_after_a_change_of_source_the_earlier_one_can_be_asked_for(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, picture(1), picture(2))
    other = stage.connect(2, CHROMIUM, partner=1)
    stage.send(other, picture(900))
    stage.send_rtcp(firefox, nack(FIRST + 1, FIRST + 2))
    assert resent(firefox) == [FIRST + 1, FIRST + 2]
    assert [each.payload[4:] for each in firefox.rtp] == [
        picture(2).payload[2:],
        picture(900).payload[2:],
    ]


# What the sender sends again


def test_a_repair_is_forwarded_at_once_and_can_be_asked_for(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, picture(1), picture(3))
    stage.send_rtcp(firefox, nack(FIRST + 1))
    assert firefox.rtp == []
    stage.send(chromium, again(50, 2, marker=True), after_ns=50 * MS)
    [repair] = firefox.rtp
    assert repair.payload == struct.pack("!H", FIRST + 1) + picture(2).payload
    stage.send_rtcp(firefox, nack(FIRST + 1), after_ns=5 * MS)
    assert firefox.rtp == [], "that request crossed the repair"
    stage.send_rtcp(firefox, nack(FIRST + 1), after_ns=20 * MS)
    [got] = firefox.rtp
    assert got.payload == repair.payload
    assert (got.timestamp, got.marker) == (repair.timestamp, True)


def test_a_late_packet_after_its_repair_goes_out_as_itself(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, picture(1), picture(3), again(50, 2), picture(2))
    assert [(each.ssrc, each.sequence) for each in firefox.rtp if each.ssrc == 6001] == [
        (6001, FIRST),
        (6001, FIRST + 2),
        (6001, FIRST + 1),
    ]
    assert stage.drops == {}


def test_relayed_and_own_retransmissions_share_one_counter(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, *(picture(each, each) for each in range(1, 6)))
    numbers, wide = [], []
    for step in range(5):
        probe = Rtp(97, 500 + step, 0, 1002, b"", padding=200, extensions=(transport(10 + step),))
        stage.send(chromium, probe if step % 2 else again(500 + step, 1 + step, 10 + step))
        numbers += [each.sequence for each in firefox.rtp]
        wide += [struct.unpack("!H", each.element(7) or b"") for each in firefox.rtp]
        stage.send_rtcp(firefox, nack(FIRST + step), after_ns=100 * MS)
        numbers += [each.sequence for each in firefox.rtp]
        assert [each.element(7) for each in firefox.rtp] == [None]
    assert numbers == list(range(100, 110))
    assert [after[0] - before[0] for before, after in pairwise(wide)] == [1] * 4


def test_a_retransmission_of_what_was_there_is_forwarded_for_its_number(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, picture(1, 1), again(50, 1, 2), again(51, 1, 3))
    assert [each.ssrc for each in firefox.rtp] == [6001, 6002, 6002]
    assert all(each.element(7) for each in firefox.rtp)


def test_a_retransmission_of_an_earlier_partner_is_dropped(stage: Stage) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, picture(1), picture(2))
    other = stage.connect(2, CHROMIUM, partner=1)
    stage.send(other, again(7, 899))
    assert firefox.rtp == []
    stage.send(other, picture(900), again(8, 899), again(9, 900))
    assert [each.ssrc for each in firefox.rtp] == [6001, 6002]
    assert stage.drops == {"before_epoch": 2}


def test_a_repair_for_a_receiver_without_rtx_goes_out_as_the_packet_itself(stage: Stage) -> None:
    chromium, firefox = two(stage, WITHOUT_RTX)
    stage.send(chromium, picture(1, 1), picture(3, 2))
    stage.send(chromium, again(50, 2, 3, marker=True))
    [got] = firefox.rtp
    assert (got.ssrc, got.payload_type, got.sequence) == (6001, 120, FIRST + 1)
    assert (got.payload, got.marker) == (picture(2).payload, True)
    assert got.element(7) == struct.pack("!H", 3)
    stage.send(chromium, again(51, 2, 4), again(52, 1, 5))
    assert firefox.rtp == [], "one plaintext a number and key"
    assert stage.drops == {"not_protected": 2}
    assert stage.plane.counts()["retransmissions_unwrapped"] == 1


def test_a_probe_for_a_receiver_without_rtx_cannot_go(stage: Stage) -> None:
    chromium, firefox = two(stage, WITHOUT_RTX)
    stage.send(chromium, picture(1), Rtp(97, 1, 0, 1002, b"", padding=100))
    assert len(firefox.rtp) == 1
    assert stage.drops == {"partner_lacks_codec": 1}


def test_a_repair_after_the_newest_packet_is_known(stage: Stage) -> None:
    """The last packet of a frame is lost, and comes as a probe before anything newer."""
    chromium, firefox = two(stage)
    stage.send(chromium, picture(1), again(50, 2))
    stage.send_rtcp(firefox, nack(FIRST + 1), after_ns=50 * MS)
    assert resent(firefox) == [FIRST + 1]
    other = stage.connect(2, CHROMIUM, partner=1)
    stage.send(other, picture(900))
    assert [each.sequence for each in firefox.rtp] == [FIRST + 2]


def test_loss_on_both_ways_is_repaired(stage: Stage) -> None:
    """5 % lost in each direction of each hop, 50 ms a round trip: all but nothing is missing."""
    chance = random.Random(5)
    chromium, firefox = two(stage)
    for slot in (0, 1):
        stage.tables.slots[slot]["round_trip_ns"] = 50 * MS
    got: dict[int, int] = {}
    newest = FIRST - 1
    asked_at: dict[int, int] = {}
    up: list[tuple[int, Rtp]] = []
    requests: list[tuple[int, bytes]] = []
    sequence = 0
    for step in range(4000):
        now = stage.now_ns
        if step <= 3000:
            up.append((now + 25 * MS, picture(step)))
        packets = [packet for due, packet in up if due <= now and chance.random() >= 0.05]
        up = [each for each in up if each[0] > now]
        stage.send(chromium, *packets, after_ns=2 * MS)
        received = list(firefox.rtp)
        for packet in chromium.rtcp_of(205, 1):
            if chance.random() < 0.05:
                continue
            for at in range(12, len(packet), 4):
                first, mask = struct.unpack("!HH", packet[at : at + 4])
                for bit in range(17):
                    if bit == 0 or mask >> (bit - 1) & 1:
                        sequence += 1
                        up.append((now + 50 * MS, again(sequence & 0xFFFF, first + bit)))
        due = [packet for at, packet in requests if at <= now and chance.random() >= 0.05]
        requests = [each for each in requests if each[0] > now]
        for request in due:
            stage.send_rtcp(firefox, request, after_ns=0)
            received += firefox.rtp
        for each in received:
            if chance.random() >= 0.05:
                is_rtx = each.ssrc == 6002
                number = struct.unpack("!H", each.payload[:2])[0] if is_rtx else each.sequence
                got.setdefault(number, now)
                newest = max(newest, number)
        missing = [
            each
            for each in range(max(FIRST, newest - 400), newest)
            if each not in got and now - asked_at.get(each, 0) >= 62 * MS
        ]
        if missing:
            asked_at |= dict.fromkeys(missing, now)
            requests.append((now + 50 * MS, nack(*missing[:100])))
    lost = [each for each in range(FIRST, newest) if each not in got]
    assert newest >= FIRST + 2990
    assert len(lost) <= 1
    counts = stage.plane.counts()
    assert counts["losses"] > 100
    assert counts["resends"] > 100
    assert counts["losses_given_up"] == 0
    assert stage.drops == {}
