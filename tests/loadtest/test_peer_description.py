from collections.abc import Iterator

import pytest
from aiortc import RTCCertificate
from aiortc.sdp import SessionDescription

from loadtest.participant import Participant
from loadtest.peer_description import answered, audio_and_video, describe, one_line
from loadtest.session_description import BadAnswer, read_transport


@pytest.fixture(scope="module")
def person() -> Iterator[Participant]:
    someone = Participant("127.0.0.1", RTCCertificate.generateCertificate(), "aes-128-gcm")
    yield someone
    someone.close()


def test_an_offer_is_read_by_an_independent_parser(person: Participant) -> None:
    read = SessionDescription.parse(describe(person.local, audio_and_video("sendonly")))
    assert [(media.kind, media.direction, media.fmt) for media in read.media] == [
        ("audio", "sendonly", [111]),
        ("video", "sendonly", [96]),
    ]
    assert [media.ssrc[0].ssrc for media in read.media] == [
        person.local.audio_ssrc,
        person.local.video_ssrcs[0],
    ]
    assert read.group[0].items == ["0", "1"]
    assert read.media[0].dtls is not None
    assert read.media[0].dtls.role == "client"


def test_both_kinds_on_one_line(person: Participant) -> None:
    (media,) = SessionDescription.parse(describe(person.local, one_line("sendrecv"))).media
    assert media.fmt == [111, 96]
    assert [each.ssrc for each in media.ssrc] == [
        person.local.audio_ssrc,
        person.local.video_ssrcs[0],
    ]


def test_a_servers_offer_is_answered_line_by_line(person: Participant) -> None:
    offer = (
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:a\r\n"
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:b\r\n"
    )
    read = SessionDescription.parse(describe(person.local, answered(offer, "recvonly")))
    assert [media.rtp.muxId for media in read.media] == ["a", "b"]
    assert [media.direction for media in read.media] == ["recvonly", "recvonly"]
    assert not any(media.ssrc for media in read.media)


def test_payload_types_that_we_do_not_read_are_refused() -> None:
    with pytest.raises(BadAnswer, match="neither Opus nor VP8"):
        answered("m=video 9 UDP/TLS/RTP/SAVPF 100\r\n", "recvonly")


def test_the_transport_of_any_description(person: Participant) -> None:
    sdp = describe(person.local, one_line("sendrecv")) + (
        "a=candidate:1 1 udp 2130706431 198.51.100.1 5000 typ host\r\n"
        "a=candidate:1 2 udp 2130706430 198.51.100.1 5001 typ host\r\n"
        "a=candidate:2 1 tcp 1 198.51.100.1 5002 typ host\r\n"
    )
    read = read_transport(sdp)
    assert read.candidates == (("198.51.100.1", 5000),)
    assert read.ice_pwd == person.local.ice_pwd
    with pytest.raises(BadAnswer, match="no ice-ufrag"):
        read_transport("v=0\r\n")
