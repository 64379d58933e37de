import pytest
from aiortc.sdp import SessionDescription

from loadtest.session_description import (
    OPUS,
    VP8,
    BadAnswer,
    LocalDescription,
    make_offer,
    read_answer,
)
from sfu.negotiation import AnswerTerms, Candidate, answer, read_offer
from sfu.rtp.media import Codec, Extension, TrackKind

LOCAL = LocalDescription("ufra", "p" * 24, "AB:" * 31 + "CD", 10, (11, 12), (13, 14), "name")


def answered() -> str:
    terms = AnswerTerms(
        video_codec=Codec.VP8,
        max_video_bps=2_000_000,
        ice_ufrag="nodeufra",
        ice_pwd="n" * 22,
        fingerprints=(("sha-256", LOCAL.fingerprint),),
        candidates=(Candidate("127.0.0.1", 1234), Candidate("::1", 1234)),
        outbound_ssrcs=(1, 2, 3, 4, 5),
        cname="node",
    )
    return answer(read_offer(make_offer(LOCAL)), terms).sdp


def test_an_independent_reader_understands_the_offer() -> None:
    offer = SessionDescription.parse(make_offer(LOCAL))
    assert [media.kind for media in offer.media] == ["audio", "video", "video"]
    assert {media.direction for media in offer.media} == {"sendrecv"}
    assert [media.rtp.muxId for media in offer.media] == ["0", "1", "2"]
    assert [[each.ssrc for each in media.ssrc] for media in offer.media] == [
        [10],
        [11, 12],
        [13, 14],
    ]
    ice = offer.media[0].ice
    assert ice is not None
    assert ice.usernameFragment == "ufra"


def test_the_node_takes_the_offer_as_it_takes_a_browsers() -> None:
    offer = read_offer(make_offer(LOCAL))
    assert [section.track for section in offer.sections] == list(TrackKind)
    for section, ssrcs in zip(offer.sections, [(10, None), (11, 12), (13, 14)], strict=True):
        assert (section.ssrc, section.rtx_ssrc) == ssrcs
        assert Extension.TRANSPORT_WIDE_CC in section.extensions


def test_the_answer_of_the_node_is_read() -> None:
    remote = read_answer(answered())
    assert (remote.ice_ufrag, remote.ice_pwd) == ("nodeufra", "n" * 22)
    assert remote.fingerprints == (("sha-256", LOCAL.fingerprint),)
    assert remote.candidates == (("127.0.0.1", 1234), ("::1", 1234))


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        ("m=audio ", "m=application ", "m-lines"),
        ("m=video 1234", "m=video 0", "refused"),
        (f"SAVPF {OPUS}", "SAVPF 9", "Opus"),
        (f"SAVPF {VP8}", "SAVPF 120", "VP8"),
        ("a=extmap:3 ", "a=extmap:9 ", "transport-wide"),
        ("a=setup:passive", "a=setup:active", "DTLS"),
        ("a=ice-pwd:", "a=ice-pass:", "ice-pwd"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(old: str, new: str, detail: str) -> None:
    sdp = answered()
    assert old in sdp
    with pytest.raises(BadAnswer, match=detail):
        read_answer(sdp.replace(old, new))
