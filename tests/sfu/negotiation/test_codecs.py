"""Which payload types are taken for what."""

import pytest

from sfu.negotiation.codecs import known_codecs
from sfu.negotiation.lines import split_offer
from sfu.rtp.media import Codec


def codecs_of(media: str, formats: str, *lines: str) -> dict[Codec, int]:
    """Codec → payload type of an m-line with these attributes."""
    sdp = "\r\n".join(["v=0", f"m={media} 9 UDP/TLS/RTP/SAVPF {formats}", *lines])
    _, (section,) = split_offer(sdp)
    return {codec: offered.payload_type for codec, offered in known_codecs(section).items()}


OPUS = "a=rtpmap:111 opus/48000/2"
RED = "a=rtpmap:63 red/48000/2"
VP8 = "a=rtpmap:96 VP8/90000"


@pytest.mark.parametrize(
    ("parameters", "taken"),
    [
        ("packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1", True),
        ("profile-level-id=42E01F; packetization-mode=1", True),
        ("level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f", False),
        ("level-asymmetry-allowed=1;profile-level-id=42e01f", False),
        ("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f", False),
        ("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f", False),
        ("level-asymmetry-allowed=1;packetization-mode=1", False),
        ("", False),
    ],
)
def test_h264_is_constrained_baseline_in_fragments_only(parameters: str, taken: bool) -> None:
    found = codecs_of("video", "102", "a=rtpmap:102 H264/90000", f"a=fmtp:102 {parameters}")
    assert found == ({Codec.H264: 102} if taken else {})


@pytest.mark.parametrize(
    ("name", "codec", "parameters", "taken"),
    [
        ("VP9", Codec.VP9, "profile-id=0", True),
        ("VP9", Codec.VP9, "max-fs=12288;max-fr=60", True),
        ("VP9", Codec.VP9, "profile-id=2", False),
        ("AV1", Codec.AV1, "level-idx=5;profile=0;tier=0", True),
        ("AV1", Codec.AV1, "level-idx=5;profile=1;tier=0", False),
        ("AV1X", Codec.AV1, "", False),
    ],
)
def test_profile_0_only(name: str, codec: Codec, parameters: str, taken: bool) -> None:
    found = codecs_of("video", "98", f"a=rtpmap:98 {name}/90000", f"a=fmtp:98 {parameters}")
    assert found == ({codec: 98} if taken else {})


def test_first_of_several_payload_types_in_the_order_of_the_m_line() -> None:
    assert codecs_of("video", "100 96", VP8, "a=rtpmap:100 VP8/90000") == {Codec.VP8: 100}


def test_names_are_compared_without_case() -> None:
    assert codecs_of("video", "96", "a=rtpmap:96 vp8/90000") == {Codec.VP8: 96}
    assert codecs_of("audio", "111", "a=rtpmap:111 OPUS/48000/2") == {Codec.OPUS: 111}


def test_codec_of_the_other_medium_or_clock_rate_is_not_taken() -> None:
    assert codecs_of("audio", "96", VP8) == {}
    assert codecs_of("video", "111", OPUS) == {}
    assert codecs_of("audio", "111", "a=rtpmap:111 opus/48000/1") == {}
    assert codecs_of("video", "122", "a=rtpmap:122 red/90000") == {}


def test_payload_type_that_is_not_in_the_m_line_is_not_taken() -> None:
    assert codecs_of("video", "97", VP8) == {}


@pytest.mark.parametrize(
    ("lines", "taken"),
    [
        (["a=fmtp:63 111/111"], True),
        (["a=fmtp:63 111/111/111"], True),
        (["a=fmtp:63 111"], True),
        (["a=fmtp:63 111/0"], False),
        (["a=fmtp:63 0/0"], False),
        ([], False),
    ],
)
def test_red_is_taken_when_all_its_blocks_are_the_opus(lines: list[str], taken: bool) -> None:
    found = codecs_of("audio", "63 111", OPUS, RED, *lines)
    assert found == ({Codec.OPUS: 111, Codec.RED: 63} if taken else {Codec.OPUS: 111})


def test_red_of_opus_under_another_number() -> None:
    opus = "a=rtpmap:96 opus/48000/2"
    assert codecs_of("audio", "96 63", opus, RED, "a=fmtp:63 96/96") == {
        Codec.OPUS: 96,
        Codec.RED: 63,
    }
    assert codecs_of("audio", "96 63", opus, RED, "a=fmtp:63 111/111") == {Codec.OPUS: 96}


def test_red_without_opus_is_not_taken() -> None:
    assert codecs_of("audio", "63", RED, "a=fmtp:63 111/111") == {}


@pytest.mark.parametrize(
    ("parameters", "taken"),
    [("apt=96", True), ("apt=96;rtx-time=3000", True), ("apt=97", False), ("", False)],
)
def test_rtx_belongs_to_the_payload_type_it_repairs(parameters: str, taken: bool) -> None:
    found = codecs_of("video", "97 96", VP8, "a=rtpmap:97 rtx/90000", f"a=fmtp:97 {parameters}")
    assert found == ({Codec.VP8: 96, Codec.RTX_VP8: 97} if taken else {Codec.VP8: 96})


def test_rtx_of_a_codec_that_is_not_taken_is_not_taken() -> None:
    found = codecs_of(
        "video",
        "100 101",
        "a=rtpmap:100 VP9/90000",
        "a=fmtp:100 profile-id=2",
        "a=rtpmap:101 rtx/90000",
        "a=fmtp:101 apt=100",
    )
    assert found == {}


def test_feedback_is_kept_when_offered_for_the_payload_type_or_for_all() -> None:
    sdp = "\r\n".join(
        [
            "v=0",
            "m=video 9 UDP/TLS/RTP/SAVPF 96 98",
            VP8,
            "a=rtpmap:98 VP9/90000",
            "a=rtcp-fb:* nack",
            "a=rtcp-fb:96 nack pli",
            "a=rtcp-fb:96 goog-remb",
            "a=rtcp-fb:96 ccm tmmbr",
            "a=rtcp-fb:98 CCM FIR",
        ]
    )
    _, (section,) = split_offer(sdp)
    found = known_codecs(section)
    assert found[Codec.VP8].feedback == ("goog-remb", "nack", "nack pli")
    assert found[Codec.VP9].feedback == ("ccm fir", "nack")
