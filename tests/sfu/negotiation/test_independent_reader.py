"""aiortc's own SDP reader, which shares nothing with ours, understands the answers alike."""

from dataclasses import replace

import pytest
from aiortc.sdp import MediaDescription, SessionDescription

from sfu.negotiation import answer, read_offer
from sfu.negotiation.codecs import VIDEO_CODECS
from sfu.rtp.media import CLOCK_RATE_AUDIO, EXTENSION_URIS, RTX_OFFSET, Codec
from tests.sfu.negotiation.offers import NAMES, TERMS, load

MIME = {
    Codec.OPUS: "audio/opus",
    Codec.RED: "audio/red",
    Codec.VP8: "video/VP8",
    Codec.VP9: "video/VP9",
    Codec.AV1: "video/AV1",
    Codec.H264: "video/H264",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("codec", VIDEO_CODECS)
def test_answer_means_what_the_map_says(name: str, codec: Codec) -> None:
    offer = read_offer(load(name))
    negotiated = answer(offer, replace(TERMS, video_codec=codec))
    described = SessionDescription.parse(negotiated.sdp)
    offered = SessionDescription.parse(load(name))
    assert len(described.media) == len(offered.media)
    assert [group.items for group in described.group] == [list(offer.bundle)]

    payload_types: dict[int, Codec] = {}
    extension_ids = {}
    outbound = []
    for ours, theirs in zip(described.media, offered.media, strict=True):
        assert ours.kind == theirs.kind
        assert ours.rtp.muxId == theirs.rtp.muxId
        if ours.port == 0:
            continue
        check_transport(ours)
        for parameters in ours.rtp.codecs:
            assert parameters.payloadType is not None
            payload_types[parameters.payloadType] = codec_of(ours, parameters.payloadType)
            clock_rate = CLOCK_RATE_AUDIO if ours.kind == "audio" else 90_000
            assert parameters.clockRate == clock_rate
        for extension in ours.rtp.headerExtensions:
            uris = {uri: known for known, uri in EXTENSION_URIS.items()}
            extension_ids[extension.id] = uris[extension.uri]
        outbound += [[source.ssrc for source in ours.ssrc]] if ours.ssrc else []
    assert payload_types == negotiated.media.payload_types
    assert extension_ids == negotiated.media.extension_ids
    assert outbound == [
        [ssrc for ssrc in (track.ssrc, track.rtx_ssrc) if ssrc is not None]
        for track in negotiated.media.outbound
    ]


def check_transport(media: MediaDescription) -> None:
    assert media.dtls is not None
    assert media.dtls.role == "server"
    assert [item.algorithm for item in media.dtls.fingerprints] == ["sha-256"]
    assert media.ice is not None
    assert media.ice.iceLite
    assert media.ice.usernameFragment == TERMS.ice_ufrag
    assert media.ice.password == TERMS.ice_pwd
    assert media.rtcp_mux
    if media.ice_candidates:
        assert media.ice_candidates_complete
        found = [(item.ip, item.port, item.component) for item in media.ice_candidates]
        assert found == [(item.host, item.port, 1) for item in TERMS.candidates]


def codec_of(media: MediaDescription, payload_type: int) -> Codec:
    by_number = {item.payloadType: item for item in media.rtp.codecs}
    found = by_number[payload_type]
    if found.mimeType == "video/rtx":
        repaired = found.parameters["apt"]
        assert isinstance(repaired, int)
        return Codec(codec_of(media, repaired) + RTX_OFFSET)
    return next(codec for codec, mime in MIME.items() if mime == found.mimeType)
