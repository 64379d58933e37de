"""Rooms: who is in, who sees whom, and in which codec."""

from sfu.api import CodecUnsupported, ConnectionReplaced, VideoCodec
from sfu.plane_commands import CloseSlot, PairSlots
from sfu.room import Room

MB = 1_000_000


def make_room(codec: VideoCodec = VideoCodec.VP8) -> Room:
    return Room("room", codec, 2 * MB)


def test_two_are_paired_when_the_second_is_connected() -> None:
    room = make_room()
    assert room.join("client", "c1", 0, None) == []
    assert room.connected("client") == []
    assert room.join("specialist", "s1", 1, None) == []
    assert room.connected("specialist") == [PairSlots(1, 0)]


def test_a_partner_who_is_still_joining_is_not_paired_with() -> None:
    room = make_room()
    room.join("client", "c1", 0, None)
    room.join("specialist", "s1", 1, None)
    assert room.connected("specialist") == []
    assert room.connected("client") == [PairSlots(0, 1)]


def test_a_third_participant_is_not_admitted_and_the_two_always_are() -> None:
    room = make_room()
    room.join("client", "c1", 0, None)
    assert room.admits("specialist")
    room.join("specialist", "s1", 1, None)
    assert not room.admits("stranger")
    assert room.admits("client")
    assert room.admits("specialist")


def test_a_newer_join_closes_the_earlier_and_is_paired_when_connected() -> None:
    room = make_room()
    room.join("client", "c1", 0, None)
    room.join("specialist", "s1", 1, None)
    room.connected("client")
    room.connected("specialist")
    assert room.join("client", "c2", 2, None) == [
        CloseSlot(0),
        ConnectionReplaced("room", "client", "c1"),
    ]
    assert room.connected("client") == [PairSlots(2, 1)]


def test_who_leaves_makes_room() -> None:
    room = make_room()
    room.join("client", "c1", 0, None)
    room.join("specialist", "s1", 1, None)
    assert room.leave("client") == [CloseSlot(0)]
    assert room.leave("client") == []
    assert room.admits("another")


def test_closing_ends_every_connection() -> None:
    room = make_room()
    room.join("client", "c1", 0, None)
    room.join("specialist", "s1", 1, None)
    assert room.close() == [CloseSlot(0), CloseSlot(1)]
    assert room.members == ()


def test_who_lacks_the_codec_is_named_with_the_fallback() -> None:
    room = make_room(VideoCodec.AV1)
    room.join("client", "c1", 0, None)
    assert room.join("specialist", "s1", 1, VideoCodec.AV1) == [
        CodecUnsupported("room", "specialist", VideoCodec.VP8)
    ]


def test_after_one_who_lacks_the_codec_the_other_joins_with_the_fallback() -> None:
    room = make_room(VideoCodec.AV1)
    room.join("specialist", "s1", 1, VideoCodec.AV1)
    assert room.codec_for("client") is VideoCodec.VP8
    # Its own next join may be from a browser that has it.
    assert room.codec_for("specialist") is VideoCodec.AV1


def test_a_new_codec_is_for_later_joins_and_forgets_who_lacked_the_old() -> None:
    room = make_room(VideoCodec.AV1)
    room.join("specialist", "s1", 1, VideoCodec.AV1)
    room.set(VideoCodec.VP9, MB)
    assert room.codec_for("client") is VideoCodec.VP9
    assert room.max_video_bps == MB
