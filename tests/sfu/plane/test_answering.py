"""Who answers transport-wide numbers, and how ownership changes."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from sfu.rtp.media import Codec
from tests.sfu.plane import twcc
from tests.sfu.plane.counts import counts_of
from tests.sfu.plane.stage import CHROMIUM, FIREFOX, MS, SECOND, Browser, Rtp, Stage, transport

REFERENCE_NS = 64 * MS


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as each:
        yield each


def video(sequence: int, number: int) -> Rtp:
    return Rtp(96, sequence & 0xFFFF, 0, 1001, extensions=(transport(number),))


def feedback_in(packets: list[bytes]) -> list[twcc.Feedback]:
    return [twcc.parse(each) for each in packets if each[1] == 205 and each[0] & 31 == 15]


def rembs_in(packets: list[bytes]) -> list[int]:
    found = []
    for each in packets:
        if each[1] == 206 and each[12:16] == b"REMB":
            word = struct.unpack("!I", each[16:20])[0]
            found.append((word & 0x3FFFF) << (word >> 18 & 63))
    return found


def from_partner(base: int, count: int, reference: int = 5, number: int = 0) -> bytes:
    deltas = tuple(4 for _ in range(count))
    return twcc.make(twcc.Feedback(2001, 6001, base & 0xFFFF, reference, number, deltas))


def heard_firefox(stage: Stage, firefox: Browser, sequence: int) -> None:
    """Let the partner be heard, so that it counts as there."""
    stage.send(firefox, Rtp(109, sequence, 0, 2000))


def test_alone_the_node_answers_about_true_arrivals(stage: Stage) -> None:
    chromium = stage.connect(0)
    sent_ns = {}
    heard = []
    for index, number in enumerate((65_534, 65_535, 1, 2)):
        stage.send(chromium, video(index, number), after_ns=5 * MS)
        sent_ns[number] = stage.now_ns
        heard += chromium.rtcp
    heard += stage.pass_time(200 * MS)[0]
    arrivals: dict[int, int] = {}
    lost = set()
    for report in feedback_in(heard):
        arrivals |= {number & 0xFFFF: ticks for number, ticks in report.arrivals().items()}
        lost |= {
            (report.base + at) & 0xFFFF for at, delta in enumerate(report.deltas) if delta is None
        }
    assert lost == {0}
    assert arrivals.keys() == {65_534, 65_535, 1, 2}
    first = sent_ns[65_534]
    for number, ticks in arrivals.items():
        told_ns = (ticks - arrivals[65_534]) * 250_000
        assert abs(told_ns - (sent_ns[number] - first)) <= 250_000


def test_alone_a_browser_is_held_and_with_a_partner_it_is_freed(stage: Stage) -> None:
    chromium = stage.connect(0)
    assert rembs_in(stage.pass_time(4900 * MS)[0]) == [], "most partners are back soon"
    assert rembs_in(stage.pass_time(3000 * MS)[0]) == [pytest.approx(500_000, rel=0.01)] * 3
    firefox = stage.connect(1, FIREFOX, partner=0)
    freed = []
    for index in range(50):
        stage.send(firefox, Rtp(109, index, 0, 2000), after_ns=50 * MS)
        freed += rembs_in(chromium.rtcp)
        stage.send(chromium, video(index, index), after_ns=50 * MS)
        freed += rembs_in(chromium.rtcp)
    assert freed == [pytest.approx(1_000_000_000, rel=0.01)] * 3


def test_a_short_absence_of_the_partner_holds_nobody(stage: Stage) -> None:
    chromium = stage.connect(0)
    firefox = stage.connect(1, FIREFOX, partner=0)
    heard_firefox(stage, firefox, 1)
    heard = stage.pass_time(4 * 1000 * MS)[0]
    for index in range(30):
        stage.send(firefox, Rtp(109, 100 + index, 0, 2000), after_ns=50 * MS)
        heard += chromium.rtcp
    assert rembs_in(heard) == []


def test_a_clock_set_back_hides_no_silence(stage: Stage) -> None:
    chromium = stage.connect(0)
    firefox = stage.connect(1, FIREFOX, partner=0)
    heard_firefox(stage, firefox, 1)
    heard_ns = stage.plane.last_heard_ns(1)
    stage.now_ns -= 3600 * SECOND
    heard = []
    for number in range(60):
        stage.send(chromium, video(number, number), after_ns=50 * MS)
        heard += chromium.rtcp
    assert stage.plane.last_heard_ns(1) == heard_ns
    answered = {each for report in feedback_in(heard) for each in report.arrivals()}
    assert max(answered) >= 55, "the node answers for a partner that is gone"


def test_with_a_partner_its_feedback_is_relayed_in_the_senders_numbers(stage: Stage) -> None:
    chromium = stage.connect(0)
    firefox = stage.connect(1, FIREFOX, partner=0)
    heard_firefox(stage, firefox, 1)
    ours = []
    for index in range(20):
        stage.send(chromium, video(index, 65_530 + index))
        ours += [struct.unpack("!H", each.element(7) or b"")[0] for each in firefox.rtp]
    assert ours == list(range(ours[0], ours[0] + 20))
    stage.send_rtcp(firefox, from_partner(ours[5], 10))
    [report] = feedback_in(chromium.rtcp)
    assert report.base == (65_530 + 5) & 0xFFFF
    assert report.deltas == (4,) * 10
    assert feedback_in(stage.pass_time(500 * MS)[0]) == [], "the node keeps quiet"


def test_more_reports_than_a_turn_sends_wait_and_are_counted(stage: Stage) -> None:
    chromium = stage.connect(0)
    keys = int(stage.tables.slots[0]["srtp_out"])
    stage.tables.slots[0]["srtp_out"] = 0  # nothing can be sent to it
    for index in range(12):  # too far apart for one report
        stage.send(chromium, video(index, index), after_ns=9 * SECOND)
    stage.tables.slots[0]["srtp_out"] = keys
    stage.turn(after_ns=100 * MS)
    told = feedback_in(chromium.rtcp)
    assert len(told) == 8
    assert stage.plane.counts()["feedback_waited"] == 1
    stage.turn(after_ns=100 * MS)
    told += feedback_in(chromium.rtcp)
    assert [each.base for each in told] == list(range(12))
    assert stage.plane.counts()["feedback_waited"] == 1


def test_feedback_names_a_stream_that_the_browser_sends(stage: Stage) -> None:
    chromium = stage.connect(0)
    stage.send(chromium, Rtp(111, 1, 0, 1000, extensions=(transport(1),)))
    assert {each.media for each in feedback_in(stage.pass_time(100 * MS)[0])} == {1000}
    stage.send(chromium, video(1, 2))
    assert {each.media for each in feedback_in(stage.pass_time(100 * MS)[0])} == {1001}


def test_ownership_changes_at_one_number(stage: Stage) -> None:
    chromium = stage.connect(0)
    heard: list[bytes] = []
    number = 1000

    def send(count: int) -> None:
        nonlocal number, heard
        for _ in range(count):
            stage.send(chromium, video(number, number), after_ns=10 * MS)
            heard += chromium.rtcp
            number += 1

    send(20)
    firefox = stage.connect(1, FIREFOX, partner=0)
    heard_firefox(stage, firefox, 1)
    heard += chromium.rtcp
    theirs: list[int] = []
    for _ in range(30):
        send(1)
        theirs += [struct.unpack("!H", each.element(7) or b"")[0] for each in firefox.rtp]
    stage.send_rtcp(firefox, from_partner(theirs[0], len(theirs)))
    heard += chromium.rtcp
    for _ in range(60):  # the partner falls silent; the node takes over after a second
        send(1)
        stage.turn(after_ns=10 * MS)
        heard += chromium.rtcp
    heard += stage.pass_time(200 * MS)[0]

    reports = feedback_in(heard)
    assert [each.count for each in reports] == list(range(len(reports)))
    told: list[int] = []
    for each in reports:
        told += range(each.base, each.base + len(each.deltas))
    assert told == list(range(1000, number)), "each number once, in order, by one or the other"

    jumps = [later.reference - earlier.reference for earlier, later in pairwise(reports)]
    assert len([each for each in jumps if each * REFERENCE_NS >= 10 * SECOND]) == 2
    assert min(jumps) >= 0


def test_feedback_about_an_earlier_source_is_cut_off(stage: Stage) -> None:
    chromium = stage.connect(0)
    firefox = stage.connect(1, FIREFOX, partner=0)
    heard_firefox(stage, firefox, 1)
    stage.send(chromium, *(video(each, each) for each in range(10)))
    again = stage.connect(2, CHROMIUM, partner=1)
    heard_firefox(stage, firefox, 2)
    theirs = []
    for each in range(10):
        stage.send(again, video(each, 40_000 + each))
        theirs += [struct.unpack("!H", each.element(7) or b"")[0] for each in firefox.rtp]
    stage.send_rtcp(firefox, from_partner(theirs[0] - 5, 15))
    assert feedback_in(chromium.rtcp) == []
    [report] = feedback_in(again.rtcp)
    # the number that the hand-over happened at was answered by the node
    assert report.base == 40_001
    assert len(report.deltas) == 9
    stage.send_rtcp(firefox, from_partner(theirs[0] - 5, 5))
    assert feedback_in(again.rtcp) == []


def test_partner_without_transport_wide_numbers_leaves_the_node_answering(stage: Stage) -> None:
    chromium = stage.connect(0)
    media = type(FIREFOX)(FIREFOX.payload_types, {}, FIREFOX.inbound, FIREFOX.outbound)
    firefox = stage.connect(1, media, partner=0)
    heard_firefox(stage, firefox, 1)
    stage.send(chromium, *(video(each, each) for each in range(10)))
    assert firefox.rtp[0].extensions == ()
    heard = stage.pass_time(200 * MS)[0]
    assert sum(len(each.deltas) for each in feedback_in(heard + chromium.rtcp)) == 10


def test_partner_that_leaves_is_replaced_by_the_node_at_once(stage: Stage) -> None:
    chromium = stage.connect(0)
    firefox = stage.connect(1, FIREFOX, partner=0)
    heard_firefox(stage, firefox, 1)
    stage.send(chromium, *(video(each, each) for each in range(10)))
    stage.plane.close_participant(1)
    stage.send(chromium, *(video(each, each) for each in range(10, 20)))
    heard = chromium.rtcp + stage.pass_time(100 * MS)[0]
    [*_, last] = feedback_in(heard)
    assert last.base + len(last.deltas) == 20


def pair_with_numbers(stage: Stage, count: int) -> tuple[Browser, Browser, list[int]]:
    """Two in a call, of whom Chromium has sent that many; Firefox's numbers of them."""
    chromium = stage.connect(0)
    firefox = stage.connect(1, FIREFOX, partner=0)
    heard_firefox(stage, firefox, 1)
    theirs = []
    for index in range(count):
        stage.send(chromium, video(index, index))
        theirs += [struct.unpack("!H", each.element(7) or b"")[0] for each in firefox.rtp]
    return chromium, firefox, theirs


def test_what_the_receiver_tells_of_its_downlink_is_counted(stage: Stage) -> None:
    chromium, firefox, theirs = pair_with_numbers(stage, 10)
    stage.send(chromium, Rtp(111, 1, 0, 1000, extensions=(transport(10),)))
    deltas = (4, None, *(4,) * 7, None, None)
    stage.send_rtcp(firefox, twcc.make(twcc.Feedback(2001, 6001, theirs[0], 5, 0, deltas)))
    stage.send_rtcp(firefox, twcc.make(twcc.Feedback(2001, 6001, theirs[0], 5, 1, deltas)))
    downlink = counts_of(stage.plane, 1).downlink
    assert downlink.numbered_packets == 11
    assert (downlink.told_packets, downlink.told_lost) == (11, 3), "once, however often told"
    assert (downlink.told_audio, downlink.told_audio_lost) == (1, 1)
    assert downlink.told_octets == 8 * downlink.numbered_octets // 11
    assert (downlink.audio_packets, downlink.camera_packets, downlink.screen_packets) == (1, 10, 0)


def test_feedback_about_numbers_never_sent_goes_nowhere(stage: Stage) -> None:
    chromium, firefox, theirs = pair_with_numbers(stage, 10)
    stage.send_rtcp(firefox, from_partner(theirs[0], 11))
    stage.send_rtcp(firefox, from_partner(theirs[-1] + 1000, 3))
    assert feedback_in(chromium.rtcp) == []
    assert stage.drops["feedback_unsent"] == 2
    stage.send(chromium, video(13, 13))  # three were lost before they came to us
    stage.send_rtcp(firefox, from_partner(theirs[-1], 5))
    assert feedback_in(chromium.rtcp) == []
    assert stage.drops["feedback_unsent"] == 3
    stage.send_rtcp(firefox, from_partner(theirs[0], 10))
    assert len(feedback_in(chromium.rtcp)) == 1, "the truth is passed on all the same"


def test_feedback_that_is_partly_about_numbers_never_sent_counts_nowhere(stage: Stage) -> None:
    chromium, firefox, theirs = pair_with_numbers(stage, 4)
    stage.send(chromium, video(6, 6))  # two were lost before they came to us
    deltas = (4, None, 4, 4, 4, None, 4)
    stage.send_rtcp(firefox, twcc.make(twcc.Feedback(2001, 6001, theirs[0], 5, 0, deltas)))
    assert stage.drops["feedback_unsent"] == 1
    assert counts_of(stage.plane, 1).downlink.told_packets == 0
    true = (4, None, 4, 4, None, None, 4)
    stage.send_rtcp(firefox, twcc.make(twcc.Feedback(2001, 6001, theirs[0], 5, 1, true)))
    downlink = counts_of(stage.plane, 1).downlink
    assert (downlink.told_packets, downlink.told_lost) == (5, 1)
    assert downlink.told_octets == 4 * downlink.numbered_octets // 5


def test_feedback_about_65_535_packets_goes_nowhere(stage: Stage) -> None:
    chromium, firefox, theirs = pair_with_numbers(stage, 10)
    runs = b"".join(struct.pack("!H", 0x1FFF) for _ in range(8))
    head = struct.pack("!IIHHI", 2001, 6001, (theirs[-1] - 65_534) & 0xFFFF, 65_535, 5 << 8)
    packet = struct.pack("!BBH", 0x8F, 205, (len(head) + len(runs)) // 4 + 1)
    stage.send_rtcp(firefox, packet + head + runs + b"\x00\x07\x00\x00")
    assert feedback_in(chromium.rtcp) == []
    assert stage.drops["feedback_absurd"] == 1


def test_a_reference_time_that_jumps_is_passed_on_and_the_nodes_own_follows(stage: Stage) -> None:
    """libwebrtc starts anew on a jump; what the node answers later must not go back before it."""
    chromium, firefox, theirs = pair_with_numbers(stage, 10)
    stage.send_rtcp(firefox, from_partner(theirs[0], 5, reference=5))
    [before] = feedback_in(chromium.rtcp)
    stage.send_rtcp(firefox, from_partner(theirs[5], 5, reference=5 + (1 << 23)))
    [jumped] = feedback_in(chromium.rtcp)
    assert (jumped.reference - before.reference) & 0xFFFFFF == 1 << 23
    stage.plane.close_participant(1)
    stage.send(chromium, *(video(each, each) for each in range(10, 20)))
    [own, *_] = feedback_in(chromium.rtcp + stage.pass_time(100 * MS)[0])
    assert 160 <= (own.reference - jumped.reference) & 0xFFFFFF < 200


def test_what_a_partner_without_rtx_cannot_get_is_not_told_as_lost(stage: Stage) -> None:
    """Probes, and repairs of what was there already: they came, and no path has lost them."""
    types = {109: Codec.OPUS, 120: Codec.VP8}
    outbound = tuple(replace(each, rtx_ssrc=None) for each in FIREFOX.outbound)
    chromium = stage.connect(0)
    firefox = stage.connect(1, replace(FIREFOX, payload_types=types, outbound=outbound), partner=0)
    heard_firefox(stage, firefox, 1)
    theirs: dict[int, int] = {}

    def send(packet: Rtp) -> None:
        stage.send(chromium, packet)
        for each in firefox.rtp:
            theirs[struct.unpack("!H", each.element(7) or b"")[0]] = stage.now_ns

    for index in range(5):
        send(video(index, 3 * index))
        send(Rtp(97, index, 0, 1002, b"", padding=200, extensions=(transport(3 * index + 1),)))
        again = struct.pack("!H", index) + b"payload!"
        send(Rtp(97, 50 + index, 0, 1002, again, extensions=(transport(3 * index + 2),)))
    send(video(6, 16))  # number 15 and its packet were lost
    assert len(theirs) == 6
    numbers = range(min(theirs), max(theirs) + 1)
    deltas = tuple(4 if each in theirs else None for each in numbers)
    stage.send_rtcp(firefox, twcc.make(twcc.Feedback(2001, 6001, numbers[0], 5, 0, deltas)))
    [report] = feedback_in(chromium.rtcp)
    lost = [report.base + at for at, delta in enumerate(report.deltas) if delta is None]
    assert (report.base, len(report.deltas), lost) == (1, 16, [15])
    times = sorted(set(report.arrivals().values()))
    assert [each - times[0] for each in times] == [4 * each for each in range(5)]  # with the next
    downlink = counts_of(stage.plane, 1).downlink
    assert downlink.numbered_packets == 6
    assert (downlink.told_packets, downlink.told_lost) == (6, 0)


def test_what_collides_is_not_told_as_lost(stage: Stage) -> None:
    chromium = stage.connect(0)
    firefox = stage.connect(1, FIREFOX, partner=0)
    heard_firefox(stage, firefox, 1)
    stage.send(chromium, video(0, 1))
    [first] = [struct.unpack("!H", each.element(7) or b"")[0] for each in firefox.rtp]
    stage.send(chromium, Rtp(96, 1, 0, 1001, extensions=(transport(2), (4, b"2"))))
    stage.send(chromium, video(2, 3))
    assert stage.drops == {"ssrc_collision": 1}
    stage.send_rtcp(firefox, twcc.make(twcc.Feedback(2001, 6001, first, 5, 0, (4, None, 4))))
    [report] = feedback_in(chromium.rtcp)
    assert {2, 3} <= report.arrivals().keys()
    assert None not in report.deltas


def test_a_sender_whose_numbers_begin_anew_is_followed(stage: Stage) -> None:
    chromium = stage.connect(0)
    firefox = stage.connect(1, FIREFOX, partner=0)
    heard_firefox(stage, firefox, 1)
    heard: list[bytes] = []
    got: list[int | None] = []
    for index in range(120):
        stage.send(chromium, video(index, 20_000 + index if index < 50 else index))
        for each in firefox.rtp:
            number = each.element(7)
            got.append(None if number is None else struct.unpack("!H", number)[0])
        heard += chromium.rtcp
    without = got.index(None)
    assert (len(got), without, got.count(None)) == (120, 50, 7), "all go on, a few without a number"
    numbers = [each for each in got if each is not None]
    assert numbers == list(range(numbers[0], numbers[0] + 113)), "the partner sees no gap"
    assert stage.plane.counts()["transport_numbers_restarted"] == 1
    stage.send_rtcp(firefox, from_partner(numbers[0], len(numbers)))
    heard += chromium.rtcp
    reports = feedback_in(heard)
    told = [each.base + at for each in reports for at in range(len(each.deltas))]
    assert told == [*range(20_000, 20_050), *range(57, 120)]
    assert all(None not in each.deltas for each in reports)


def test_a_sender_alone_whose_numbers_begin_anew_is_answered(stage: Stage) -> None:
    chromium = stage.connect(0)
    heard: list[bytes] = []
    for index in range(60):
        stage.send(chromium, video(index, 30_000 + index if index < 30 else index))
        heard += chromium.rtcp
    heard += stage.pass_time(200 * MS)[0]
    reports = feedback_in(heard)
    told = [each.base + at for each in reports for at in range(len(each.deltas))]
    assert told == [*range(30_000, 30_030), *range(37, 60)]


def test_a_partner_that_never_answered_is_replaced_however_many_numbers_passed(
    stage: Stage,
) -> None:
    chromium = stage.connect(0)
    firefox = stage.connect(1, FIREFOX, partner=0)
    heard_firefox(stage, firefox, 1)
    for step in range(5):  # 36 000 numbers, and no feedback
        stage.send(chromium, video(step, step * 9000), after_ns=150 * MS)
        heard_firefox(stage, firefox, 2 + step)
    assert feedback_in(chromium.rtcp) == []
    heard = stage.pass_time(2 * SECOND)[0]
    stage.send(chromium, video(5, 36_001))
    heard += stage.pass_time(200 * MS)[0]
    answered = {each & 0xFFFF for report in feedback_in(heard) for each in report.arrivals()}
    assert answered >= {36_000, 36_001}
