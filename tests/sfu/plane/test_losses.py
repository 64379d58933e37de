"""What the node misses of a browser's video, and how it asks for it."""

import random
import struct
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.plane import PlaneSettings
from sfu.rtp.media import Codec
from tests.sfu.plane.stage import CHROMIUM, FIREFOX, MS, SECOND, Browser, Rtp, Stage

TICK = 10 * MS
WITHOUT_RTX = type(CHROMIUM)(
    {96: FIREFOX.payload_types[120]},
    CHROMIUM.extension_ids,
    tuple(type(each)(each.kind, each.mid, each.ssrc, None) for each in CHROMIUM.inbound),
    CHROMIUM.outbound,
)


H264 = replace(CHROMIUM, payload_types={98: Codec.H264, 99: Codec.RTX_H264})


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as each:
        yield each


def two(stage: Stage) -> tuple[Browser, Browser]:
    chromium = stage.connect(0)
    return chromium, stage.connect(1, FIREFOX, partner=0)


def picture(number: int) -> Rtp:
    """An interframe of VP8."""
    return Rtp(96, number & 0xFFFF, 0, 1001, b"\x10\x01picture")


def keyframe(number: int) -> Rtp:
    return Rtp(96, number & 0xFFFF, 0, 1001, b"\x10\x00\x00\x00\x9d\x01\x2a" + bytes(20))


def again(sequence: int, number: int, payload: bytes = b"\x10\x01picture") -> Rtp:
    return Rtp(97, sequence, 0, 1002, struct.pack("!H", number & 0xFFFF) + payload)


def asked(browser: Browser, media: int = 1001) -> list[int]:
    """The numbers in the NACKs that the browser has just got, in order."""
    numbers = []
    for packet in browser.rtcp_of(205, 1):
        assert struct.unpack("!I", packet[8:12]) == (media,)
        for at in range(12, len(packet), 4):
            first, mask = struct.unpack("!HH", packet[at : at + 4])
            numbers.append(first)
            numbers += [(first + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1]
    return numbers


def plis(browser: Browser) -> int:
    return len(browser.rtcp_of(206, 1))


def watch(
    stage: Stage, browser: Browser, duration_ns: int, step_ns: int = TICK
) -> list[tuple[int, list[int]]]:
    """What is asked for in turns without media, ``step_ns`` apart: when, in ms from now."""
    begin = stage.now_ns
    found = []
    for _ in range(duration_ns // step_ns):
        stage.turn(after_ns=step_ns)
        if numbers := asked(browser):
            found.append(((stage.now_ns - begin) // MS, numbers))
    return found


def test_a_gap_is_asked_for_at_once(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, picture(1), picture(3), after_ns=0)
    assert asked(chromium) == [2]
    stage.send(chromium, picture(4), picture(6), after_ns=0)
    assert asked(chromium) == [5]


def test_numbers_are_packed_and_wrap(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, picture(65_529), picture(65_536), after_ns=0)
    assert asked(chromium) == list(range(65_530, 65_536))
    stage.send(chromium, picture(65_554), after_ns=0)
    [nack] = chromium.rtcp_of(205, 1)
    assert asked(chromium) == list(range(1, 18))
    assert len(nack) == 12 + 4, "one entry of PID and BLP"


def test_the_first_packet_that_is_only_late_is_asked_for_and_the_next_are_not(
    stage: Stage,
) -> None:
    chromium, firefox = two(stage)
    stage.send(chromium, picture(1), picture(3))
    assert asked(chromium) == [2]
    stage.send(chromium, picture(2), picture(4))
    for number in range(5, 40, 2):  # each overtaken by the one behind it
        stage.send(chromium, picture(number + 1), after_ns=0)
        assert asked(chromium) == []
        stage.send(chromium, picture(number))
        assert [each.sequence - 100 for each in firefox.rtp] == [number - 1]
    assert watch(stage, chromium, 200 * MS) == []
    counts = stage.plane.counts()
    assert (counts["losses"], counts["losses_late"], counts["nacks"]) == (19, 19, 1)


def test_tolerance_grows_where_packets_come_late(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, picture(1), picture(3))
    assert asked(chromium) == [2]
    stage.send(chromium, picture(2), after_ns=30 * MS)
    for number in range(5, 50, 3):  # two more, then the one that was overtaken 20 ms ago
        stage.send(chromium, picture(number), picture(number + 1))
        assert asked(chromium) == []
        stage.turn(after_ns=20 * MS)
        assert asked(chromium) == []
        stage.send(chromium, picture(number - 1))


def test_a_gap_that_nothing_follows_is_asked_for_after_the_tolerance(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, picture(1), picture(3))
    stage.send(chromium, picture(2), after_ns=4 * MS)
    stage.send(chromium, picture(5))
    stage.turn(after_ns=4 * MS)
    assert asked(chromium) == []
    stage.turn(after_ns=2 * MS)
    assert asked(chromium) == [4], "the tick is drawn near for it"


def test_tolerance_shrinks_again_with_real_losses(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, picture(1), picture(3))
    stage.turn(after_ns=50 * MS)
    stage.send(chromium, picture(2))
    waited = []
    for index in range(30):
        number = 5 + 2 * index
        stage.send(chromium, picture(number))
        begin = stage.now_ns
        while not asked(chromium):
            stage.turn(after_ns=MS)
        waited.append((stage.now_ns - begin) // MS)
        stage.send(chromium, again(index, number - 1))
    assert waited[0] >= 50
    assert waited[-1] == 2, "a tick, when no packet comes before it"


def test_a_packet_64_late_causes_one_request(stage: Stage) -> None:
    chromium, _ = two(stage)
    requests = 0
    for number in [1, *range(3, 67), 2, *range(67, 200)]:
        stage.send(chromium, picture(number), after_ns=0)
        requests += len(asked(chromium))
    assert requests == 1
    assert watch(stage, chromium, SECOND) == []
    assert stage.plane.counts()["losses_late"] == 1
    assert stage.drops == {}


def test_a_gap_is_asked_for_in_pairs_a_round_trip_and_an_eighth_and_5_ms_apart(
    stage: Stage,
) -> None:
    chromium, _ = two(stage)
    stage.tables.slots[0]["round_trip_ns"] = 80 * MS
    stage.send(chromium, *(picture(each) for each in (1, 3, 4, 5)))
    assert asked(chromium) == [2]
    times = [when for when, _ in watch(stage, chromium, 200 * MS, step_ns=MS)]
    assert times == [30, 95, 125, 190]


def test_nobody_is_asked_while_the_nodes_own_socket_overflows(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, picture(1))
    stage.tables.state[0]["overflow_ns"] = stage.now_ns
    stage.send(chromium, picture(3))
    times = [when for when, _ in watch(stage, chromium, 160 * MS, step_ns=MS)]
    assert times, "it is asked for once that is over"
    assert times[0] >= 98
    assert stage.plane.counts()["nacks_withheld"] == 1, "it is looked at again when that is over"


@pytest.mark.parametrize(("trip_ms", "tries"), [(-1, 17), (4, 20), (2000, 2)])
def test_what_is_not_repaired_in_time_is_given_up_for_a_keyframe(
    stage: Stage, trip_ms: int, tries: int
) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, keyframe(1))
    stage.pass_time(SECOND // 2)  # another may be asked for
    stage.tables.slots[0]["round_trip_ns"] = trip_ms * MS
    requests = keyframes = 0
    stage.send(chromium, *(picture(each) for each in (2, 4, 5, 6)))
    for _ in range(110):
        requests += len(asked(chromium))
        keyframes += plis(chromium)
        stage.turn(after_ns=TICK)
    assert requests == tries
    assert keyframes > 0
    assert stage.plane.counts()["losses_given_up"] == 1
    assert watch(stage, chromium, SECOND) == []


def test_how_long_a_packet_is_asked_for_is_a_setting() -> None:
    with Stage(PlaneSettings(max_participants=4, repair_ns=100 * MS)) as stage:
        chromium, _ = two(stage)
        stage.tables.slots[0]["round_trip_ns"] = 16 * MS
        stage.send(chromium, *(picture(each) for each in (1, 3, 4, 5)))
        assert [when for when, _ in watch(stage, chromium, SECOND)] == [10, 30, 40, 60, 70, 90]


def test_a_tolerance_fades_with_the_seconds(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, picture(1), picture(3))
    stage.send(chromium, picture(2), after_ns=89 * MS)
    stage.send(chromium, picture(5))
    assert [when for when, _ in watch(stage, chromium, 110 * MS)] == [100]
    stage.send(chromium, picture(4))
    for number in range(6, 66):  # a minute of packets that come in their order
        stage.send(chromium, picture(number), after_ns=SECOND)
    stage.send(chromium, picture(67))
    assert asked(chromium) == [66]


def test_a_tolerance_fades_although_others_are_a_little_late(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, picture(1), picture(3))
    stage.send(chromium, picture(2), after_ns=89 * MS)
    for number in range(4, 124, 2):
        stage.send(chromium, picture(number + 1), after_ns=SECOND)
        stage.send(chromium, picture(number), after_ns=4 * MS)
    stage.send(chromium, picture(125))
    assert asked(chromium) == []
    stage.turn(after_ns=6 * MS)
    assert asked(chromium) == [124], "what they take is tolerated still"


def test_a_clock_set_back_keeps_the_tolerance(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, picture(1), picture(3))
    stage.send(chromium, picture(2), after_ns=40 * MS)
    stage.now_ns -= 3600 * SECOND
    stage.send(chromium, picture(5))
    assert [when for when, _ in watch(stage, chromium, 60 * MS)] == [50]


def test_what_is_asked_for_and_comes_as_itself_is_taken_within_the_reach(stage: Stage) -> None:
    chromium = stage.connect(0, WITHOUT_RTX)
    firefox = stage.connect(1, FIREFOX, partner=0)
    wires = {each: chromium.protect(picture(each)) for each in range(1, 514)}
    for first in range(1, 514, 100):
        numbers = [each for each in range(first, min(first + 100, 514)) if each != 2]
        stage.turn([(chromium.address, wires[each]) for each in numbers])
    stage.turn([(chromium.address, wires[2])])
    assert [each.sequence for each in firefox.rtp] == [101]
    assert stage.drops == {}


def test_a_retransmission_ends_the_asking(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, *(picture(each) for each in (1, 3, 5, 6, 7)))
    assert asked(chromium) == [2, 4]
    stage.send(chromium, again(1, 2), after_ns=50 * MS)
    assert {2} not in [set(numbers) for _, numbers in watch(stage, chromium, 300 * MS)]
    stage.send(chromium, again(2, 4), again(3, 4))
    assert watch(stage, chromium, SECOND) == []
    counts = stage.plane.counts()
    assert (counts["losses"], counts["losses_repaired"]) == (2, 2)


def test_a_browser_without_rtx_repairs_by_the_packet_itself(stage: Stage) -> None:
    chromium = stage.connect(0, WITHOUT_RTX)
    firefox = stage.connect(1, FIREFOX, partner=0)
    stage.send(chromium, *(picture(each) for each in (1, 3, 4, 5)))
    assert asked(chromium) == [2]
    stage.send(chromium, picture(2), after_ns=50 * MS)
    assert [each.sequence for each in firefox.rtp] == [101]
    assert stage.plane.counts()["losses_repaired"] == 1


def test_of_a_browser_without_rtx_what_comes_before_an_answer_can_was_late(stage: Stage) -> None:
    chromium = stage.connect(0, WITHOUT_RTX)
    stage.connect(1, FIREFOX, partner=0)
    stage.tables.slots[0]["round_trip_ns"] = 50 * MS
    stage.send(chromium, picture(1), picture(3))
    assert asked(chromium) == [2]
    stage.send(chromium, picture(2), after_ns=10 * MS)
    stage.send(chromium, picture(5))
    assert asked(chromium) == [], "it is tolerated from then on"
    stage.turn(after_ns=13 * MS)
    assert asked(chromium) == [4]
    stage.send(chromium, picture(4), after_ns=50 * MS)
    counts = stage.plane.counts()
    assert (counts["losses_late"], counts["losses_repaired"]) == (1, 1)


def test_a_keyframe_makes_older_gaps_needless(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, *(picture(each) for each in (1, 3, 4, 5)))
    assert asked(chromium) == [2]
    stage.send(chromium, keyframe(7), picture(9), picture(10), picture(11))
    assert asked(chromium) == [8]
    assert all(numbers == [8] for _, numbers in watch(stage, chromium, SECOND))
    assert stage.plane.counts()["losses_overtaken"] == 2


def test_a_keyframe_that_came_by_retransmission_does_so_too(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, *(picture(each) for each in (1, 3, 5, 6, 7)))
    assert asked(chromium) == [2, 4]
    stage.send(chromium, again(1, 4, keyframe(4).payload))
    assert watch(stage, chromium, SECOND) == []


def h264(number: int, payload: bytes) -> Rtp:
    return Rtp(98, number, 3000, 1001, payload + bytes(20))


@pytest.mark.parametrize(
    "picture_of_its_own",
    [
        [b"\x67\x42", b"\x7c\x85", b"\x7c\x05", b"\x7c\x45"],  # the parameters are lost
        [b"\x78\0\2\x67\x42\0\1\x68", b"\x65", b"\x65", b"\x65"],  # and the first of three slices
    ],
    ids=["parameters", "slice"],
)
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_what_is_lost_of_an_h264_keyframe_is_asked_for(
    stage: Stage, picture_of_its_own: list[bytes], lost: int
) -> None:
    chromium = stage.connect(0, H264)
    stage.connect(1, H264, partner=0)
    stage.send(chromium, h264(1, b"\x61"))
    assert plis(chromium) == 1
    packets = [h264(2 + each, payload) for each, payload in enumerate(picture_of_its_own)]
    del packets[lost]
    stage.send(chromium, *packets, h264(6, b"\x61"))
    assert asked(chromium) == [2 + lost]
    counts = stage.plane.counts()
    assert counts["losses_overtaken"] == 0
    assert counts["keyframe_arrived"] == (lost > 0), "it begins with its parameters"


def test_the_parameters_of_an_h264_keyframe_make_older_gaps_needless(stage: Stage) -> None:
    chromium = stage.connect(0, H264)
    stage.connect(1, H264, partner=0)
    stage.send(chromium, h264(1, b"\x61"), h264(3, b"\x61"))
    assert asked(chromium) == [2]
    stage.send(chromium, h264(5, b"\x67\x42"), h264(6, b"\x65"))
    assert watch(stage, chromium, SECOND) == []
    assert stage.plane.counts()["losses_overtaken"] == 2


@pytest.mark.parametrize("jump", [258, 600, 20_000])
def test_a_jump_beyond_the_list_is_given_up_at_once(stage: Stage, jump: int) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, keyframe(1))
    stage.pass_time(SECOND // 2)
    stage.send(chromium, *(picture(each) for each in (3, 4 + jump)))
    assert plis(chromium) == 1
    assert watch(stage, chromium, SECOND) == []
    counts = stage.plane.counts()
    assert counts["losses_beyond_reach"] == 1
    # number 2, and those between 3 and 4 + jump; what is far ahead is a sender that began anew
    lost = jump if jump < 3000 else 0
    assert (counts["losses"], counts["losses_given_up"]) == (1 + lost, 1 + lost)
    assert int(stage.tables.sources["given_up"].sum()) == 1 + lost
    stage.send(chromium, *(picture(each + jump) for each in (6, 7, 8)))
    assert asked(chromium) == [(5 + jump) & 0xFFFF]


def test_what_falls_out_of_reach_is_given_up(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, picture(1), after_ns=0)
    stage.send(chromium, *(picture(each) for each in range(3, 100)), after_ns=0)
    for begin in range(100, 600, 100):
        stage.send(chromium, *(picture(each) for each in range(begin, begin + 100)), after_ns=0)
    stage.turn(after_ns=200 * MS)
    assert asked(chromium) == []
    assert stage.plane.counts()["losses_given_up"] == 1


def test_audio_and_retransmissions_are_not_asked_for(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, *(Rtp(111, each, 0, 1000) for each in (1, 9, 10, 11)))
    stage.send(chromium, picture(1), *(again(each, 1) for each in (1, 9, 10, 11)))
    assert watch(stage, chromium, SECOND) == []


def test_without_a_partner_nothing_is_asked_for(stage: Stage) -> None:
    chromium = stage.connect(0)
    stage.send(chromium, *(picture(each) for each in (1, 3, 4, 5)))
    assert watch(stage, chromium, 200 * MS) == []
    stage.connect(1, FIREFOX, partner=0)
    stage.send(chromium, *(picture(each) for each in (7, 9, 10, 11)))
    assert asked(chromium) == [8], "from the first packet on that the partner gets"


def test_requests_wait_while_the_browser_cannot_be_sent_to(stage: Stage) -> None:
    chromium, _ = two(stage)
    remote = int(stage.tables.slots[0]["remote"])
    stage.send(chromium, picture(1), picture(3))
    stage.tables.slots[0]["remote"] = -1
    assert watch(stage, chromium, 300 * MS) == []
    stage.tables.slots[0]["remote"] = remote
    assert watch(stage, chromium, 200 * MS)[0][1] == [2]


def test_a_clock_set_back_does_not_stop_the_asking(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, *(picture(each) for each in (1, 3, 4, 5)))
    stage.now_ns -= 3600 * SECOND
    assert watch(stage, chromium, 200 * MS)[0][1] == [2]


def test_the_list_is_empty_when_the_place_has_another_source(stage: Stage) -> None:
    chromium, _ = two(stage)
    stage.send(chromium, *(picture(each) for each in (1, 3, 4, 5)))
    stage.plane.close_participant(0)
    stage.turn()
    assert not stage.tables.losses["number"].any()


def test_both_video_sources_are_repaired_apart(stage: Stage) -> None:
    chromium, _ = two(stage)
    screen = [Rtp(96, each, 0, 1003, b"\x10\x01screen") for each in (1, 3, 4, 5)]
    stage.send(chromium, *(picture(each) for each in (1, 2, 3)), *screen)
    assert asked(chromium, 1003) == [2]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 65_535),
    st.lists(st.integers(1, 60), min_size=1, max_size=120),
    st.randoms(use_true_random=False),
)
def test_the_list_holds_what_a_set_would(
    start: int, steps: list[int], chance: random.Random
) -> None:
    """Gaps, late packets and retransmissions in any order, against a set of missing numbers."""
    with Stage() as stage:
        chromium, _ = two(stage)
        number = start
        missing: set[int] = set()
        stage.send(chromium, picture(number), after_ns=0)
        for sequence, step in enumerate(steps):
            if missing and step % 3 == 0:
                found = chance.choice(sorted(missing))
                # libsrtp sends no packet as itself again that is more than 128 behind
                late = step % 2 and number - found < 128
                packet = picture(found) if late else again(sequence, found)
                missing.discard(found)
            else:
                missing |= set(range(number + 1, number + step))
                number += step
                packet = picture(number)
                if len(missing) > 256:
                    missing.clear()
                missing = {each for each in missing if each >= number - 512}
            stage.send(chromium, packet, after_ns=0)
        source = next(each for each in stage.tables.sources if each["ssrc"] == 1001)
        listed = stage.tables.losses["number"]
        assert source["missing"] == len(missing)
        assert sorted(listed[listed > 0] - 65_536) == sorted(missing)


def test_random_loss_is_repaired_within_bounded_requests(stage: Stage) -> None:
    """5 % lost each way, 50 ms there and back, a browser that resends once in that time."""
    chance = random.Random(3)
    chromium, _ = two(stage)
    stage.tables.slots[0]["round_trip_ns"] = 50 * MS
    coming: list[tuple[int, int]] = []
    resent_ns: dict[int, int] = {}
    requests = sequence = 0
    for step in range(6000):  # 12 s of 500 packets a second
        packets = [] if step > 5000 or (step and chance.random() < 0.05) else [picture(step)]
        while coming and coming[0][0] <= stage.now_ns:
            if chance.random() >= 0.05:
                sequence += 1
                packets.append(again(sequence, coming[0][1]))
            coming.pop(0)
        stage.send(chromium, *packets, after_ns=2 * MS)
        numbers = asked(chromium)
        requests += len(numbers)
        for each in numbers if chance.random() >= 0.05 else []:
            if stage.now_ns - resent_ns.get(each, 0) >= 50 * MS:
                resent_ns[each] = stage.now_ns
                coming.append((stage.now_ns + 50 * MS, each))
    counts = stage.plane.counts()
    assert counts["losses"] > 200
    assert counts["losses_given_up"] == 0
    assert counts["losses_repaired"] == counts["losses"]
    assert requests < 2.3 * counts["losses"]
