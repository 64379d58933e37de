"""What is read from offers that can be answered."""

import pytest

from sfu.negotiation import BadOffer, Direction, MediaSection, read_offer
from sfu.rtp.media import Codec, Extension, TrackKind
from tests.sfu.negotiation.offers import NAMES, load, swap, without


def track(sdp: str, kind: TrackKind) -> MediaSection:
    return next(section for section in read_offer(sdp).sections if section.track == kind)


@pytest.mark.parametrize("name", NAMES)
def test_every_real_offer_is_read(name: str) -> None:
    offer = read_offer(load(name))
    assert len(offer.ice_ufrag) >= 4
    assert len(offer.ice_pwd) >= 22
    assert offer.setup == "actpass"
    assert offer.fingerprints[0][0] == "sha-256"
    assert len(offer.fingerprints[0][1]) == 95
    taken = [section for section in offer.sections if section.track is not None]
    assert offer.bundle == tuple(section.mid for section in taken)
    assert [section.track for section in taken] == [0, 1, 2][: len(taken)]


def test_chromium_camera() -> None:
    offer = read_offer(load("chromium-camera"))
    audio, video, screen = offer.sections
    assert (audio.track, video.track, screen.track) == tuple(TrackKind)
    assert offer.ice_options == ("trickle",)
    assert {codec: offered.payload_type for codec, offered in audio.codecs.items()} == {
        Codec.OPUS: 111,
        Codec.RED: 63,
    }
    assert {codec: offered.payload_type for codec, offered in video.codecs.items()} == {
        Codec.VP8: 96,
        Codec.RTX_VP8: 97,
        Codec.H264: 108,  # of six: the one with 42e01f and packetization-mode=1
        Codec.RTX_H264: 109,
        Codec.AV1: 45,
        Codec.RTX_AV1: 46,
        Codec.VP9: 98,
        Codec.RTX_VP9: 99,
    }
    assert {name: offered.id for name, offered in video.extensions.items()} == {
        Extension.MID: 4,
        Extension.ABS_SEND_TIME: 2,
        Extension.TRANSPORT_WIDE_CC: 3,
        Extension.VIDEO_ORIENTATION: 13,
        Extension.PLAYOUT_DELAY: 5,
    }
    assert set(audio.extensions) == {
        Extension.MID,
        Extension.ABS_SEND_TIME,
        Extension.TRANSPORT_WIDE_CC,
        Extension.AUDIO_LEVEL,
    }
    assert len(offer.ssrcs) == 5
    assert video.rtx_ssrc is not None
    assert audio.rtx_ssrc is None
    assert video.ssrc != screen.ssrc


def test_firefox_bundle_only_lines_are_on_though_their_port_is_0() -> None:
    offer = read_offer(load("firefox-camera"))
    assert [section.track for section in offer.sections] == list(TrackKind)
    video = offer.sections[1]
    assert video.codecs[Codec.VP8].payload_type == 120
    assert video.codecs[Codec.RTX_VP8].payload_type == 124
    assert Codec.H264 not in video.codecs
    assert video.extensions[Extension.PLAYOUT_DELAY].direction == Direction.RECVONLY


def test_red_and_rtx_of_firefox_video_are_not_taken_for_audio_red() -> None:
    for section in read_offer(load("firefox-camera")).sections:
        assert Codec.RED not in section.codecs


def test_safari_h264_before_vp8() -> None:
    video = track(load("safari-camera"), TrackKind.VIDEO)
    assert video.codecs[Codec.H264].payload_type == 98
    assert video.codecs[Codec.VP8].payload_type == 106
    assert video.codecs[Codec.RTX_VP8].payload_type == 107


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_ice_restart_has_new_credentials_and_all_else_the_same(browser: str) -> None:
    before = read_offer(load(f"{browser}-camera"))
    after = read_offer(load(f"{browser}-camera-restart"))
    assert before.ice_ufrag != after.ice_ufrag
    assert before.ice_pwd != after.ice_pwd
    assert before.fingerprints == after.fingerprints
    assert before.bundle == after.bundle
    assert before.ssrcs == after.ssrcs
    for old, new in zip(before.sections, after.sections, strict=True):
        assert old.codecs == new.codecs
        assert old.extensions == new.extensions


def test_directions_are_the_browsers() -> None:
    for browser in ("chromium", "firefox"):
        sections = read_offer(load(f"{browser}-mixed-directions")).sections
        assert [str(section.direction) for section in sections] == [
            "sendonly",
            "recvonly",
            "inactive",
        ]


def test_direction_falls_back_on_the_sessions_and_then_on_sendrecv() -> None:
    bare = without("a=sendrecv")(load("firefox-camera"))
    assert read_offer(bare).sections[0].direction == Direction.SENDRECV
    session = swap("a=msid-semantic:", "a=recvonly\r\na=msid-semantic:")(bare)
    assert read_offer(session).sections[0].direction == Direction.RECVONLY


def test_session_level_credentials_serve_m_lines_without_their_own() -> None:
    sdp = load("chromium-camera")
    lines = sdp.split("\r\n")
    moved = [
        line for line in dict.fromkeys(lines) if line.startswith(("a=ice-", "a=fing", "a=set"))
    ]
    bare = without("a=ice-", "a=fingerprint", "a=setup")(sdp)
    session = swap("t=0 0\r\n", "t=0 0\r\n" + "".join(f"{line}\r\n" for line in moved))(bare)
    assert read_offer(session) == read_offer(sdp)


def test_credentials_are_those_of_the_first_bundled_m_line() -> None:
    sdp = load("chromium-camera")
    ufrag = read_offer(sdp).ice_ufrag
    first, *rest = sdp.split(f"a=ice-ufrag:{ufrag}\r\n")
    sdp = first + "a=ice-ufrag:FIRST\r\n" + "a=ice-ufrag:OTHER\r\n".join(rest)
    assert read_offer(sdp).ice_ufrag == "FIRST"
    swapped = swap("BUNDLE 0 1 2", "BUNDLE 2 1 0")(sdp)
    assert read_offer(swapped).ice_ufrag == "OTHER"
    assert read_offer(swapped).bundle == ("2", "1", "0")


def test_an_m_lines_own_attribute_comes_before_the_sessions() -> None:
    sdp = load("chromium-camera")
    both = swap("t=0 0\r\n", "t=0 0\r\na=ice-ufrag:SESSION\r\na=setup:passive\r\n")(sdp)
    assert read_offer(both) == read_offer(sdp)


def test_missing_setup_means_active() -> None:
    assert read_offer(without("a=setup")(load("chromium-camera"))).setup == "active"


def test_sha1_fingerprint_beside_a_good_one_is_passed_over() -> None:
    sha1 = "a=fingerprint:sha-1 " + ":".join(["AA"] * 20) + "\r\n"
    sdp = swap("a=fingerprint:", sha1 + "a=fingerprint:")(load("chromium-camera"))
    assert read_offer(sdp).fingerprints == read_offer(load("chromium-camera")).fingerprints


def test_fingerprints_are_in_one_spelling() -> None:
    sdp = load("aiortc-camera")
    algorithms = [algorithm for algorithm, _ in read_offer(sdp).fingerprints]
    assert algorithms == ["sha-256", "sha-384", "sha-512"]
    offer = read_offer(swap("sha-256 BC:54", "SHA-256 bc:54")(sdp))
    assert offer.fingerprints == read_offer(sdp).fingerprints


def test_line_ends_may_be_bare_and_blank_lines_are_skipped() -> None:
    sdp = load("firefox-camera")
    assert read_offer(sdp.replace("\r\n", "\n")) == read_offer(sdp)
    assert read_offer(sdp.replace("\r\n", "\r\n\r\n")) == read_offer(sdp)


def test_data_channel_extra_and_disabled_m_lines_carry_no_track() -> None:
    assert read_offer(load("chromium-data-channel")).sections[3].track is None
    assert read_offer(load("firefox-data-channel-restart")).sections[3].track is None
    stopped = swap("m=video 9 ", "m=video 0 ", 1)(load("chromium-camera"))
    tracks = [section.track for section in read_offer(stopped).sections]
    # The screen stays the screen when the camera's m-line is stopped.
    assert tracks == [TrackKind.AUDIO, None, TrackKind.SCREEN]
    third = load("chromium-camera").replace("BUNDLE 0 1 2", "BUNDLE 0 1 2 9")
    third += third[third.rindex("m=video") :].replace("a=mid:2", "a=mid:9")
    assert [section.track for section in read_offer(third).sections][3] is None


# SSRCs


def with_sources(*lines: str) -> MediaSection:
    """The video section of an offer that declares its sources like this."""
    sdp = without("a=ssrc")(load("chromium-no-screen"))
    return track(sdp + "".join(f"{line}\r\n" for line in lines), TrackKind.VIDEO)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], (None, None)),
        (["a=ssrc:7 cname:x"], (7, None)),
        (["a=ssrc:7"], (7, None)),
        (["a=ssrc-group:FID 7 8", "a=ssrc:7 cname:x", "a=ssrc:8 cname:x"], (7, 8)),
        # plan B: several streams in one m-line; the first counts, with its own pair
        (["a=ssrc:5 cname:x", "a=ssrc-group:FID 7 8", "a=ssrc:7 cname:x"], (5, None)),
        (["a=ssrc-group:FID 5 6", "a=ssrc-group:FID 7 8"], (5, 6)),
        # simulcast by SSRC
        (["a=ssrc-group:SIM 1 2 3", "a=ssrc-group:FID 1 4", "a=ssrc-group:FID 2 5"], (1, 4)),
        (["a=ssrc-group:FEC-FR 7 8", "a=ssrc:7 cname:x", "a=ssrc:8 cname:x"], (7, None)),
        (["a=ssrc-group:FID 7 7", "a=ssrc:7 cname:x"], (7, None)),
        (["a=ssrc-group:FID 7 8 9", "a=ssrc:7 cname:x"], (7, None)),
        (["a=ssrc-group:", "a=ssrc:4294967295 cname:x"], (4294967295, None)),
    ],
)
def test_sources(lines: list[str], expected: tuple[int | None, int | None]) -> None:
    section = with_sources(*lines)
    assert (section.ssrc, section.rtx_ssrc) == expected


def test_audio_has_no_retransmissions() -> None:
    sdp = load("chromium-audio-only") + "a=ssrc-group:FID 7 8\r\n"
    sdp = swap("a=ssrc:", "a=ssrc:7\r\na=ssrc:", 1)(sdp)
    section = track(sdp, TrackKind.AUDIO)
    assert (section.ssrc, section.rtx_ssrc) == (7, None)


def test_too_many_sources_are_refused() -> None:
    with_sources(*(f"a=ssrc:{ssrc} cname:x" for ssrc in range(1, 33)))
    with pytest.raises(BadOffer, match=r"33 SSRCs in m-line 2 \(video\); at most 32"):
        with_sources(*(f"a=ssrc:{ssrc} cname:x" for ssrc in range(1, 34)))
    with pytest.raises(BadOffer, match="at most 32"):
        with_sources("a=ssrc-group:SIM " + " ".join(map(str, range(1, 400))))


def test_chromium_simulcast_declares_no_sources() -> None:
    section = track(load("chromium-simulcast"), TrackKind.VIDEO)
    assert (section.ssrc, section.rtx_ssrc) == (None, None)
    assert Extension.MID in section.extensions


# Header extensions


def with_extension(line: str) -> MediaSection:
    sdp = without("a=extmap")(load("chromium-audio-only"))
    return track(sdp + line + "\r\n", TrackKind.AUDIO)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid", (4, "sendrecv")),
        ("a=extmap:14/sendonly urn:ietf:params:rtp-hdrext:sdes:mid", (14, "sendonly")),
        (
            "a=extmap:1/recvonly urn:ietf:params:rtp-hdrext:sdes:mid some attributes",
            (1, "recvonly"),
        ),
        ("a=extmap:4/inactive urn:ietf:params:rtp-hdrext:sdes:mid", None),
        ("a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid", None),
        ("a=extmap:4096 urn:ietf:params:rtp-hdrext:sdes:mid", None),
    ],
)
def test_extension(line: str, expected: tuple[int, str] | None) -> None:
    offered = with_extension(line).extensions.get(Extension.MID)
    assert (offered and (offered.id, str(offered.direction))) == expected


def test_transport_wide_numbers_and_feedback_come_together_or_not_at_all() -> None:
    sdp = load("chromium-no-screen")
    no_feedback = without("a=rtcp-fb:96 transport-cc")(sdp)
    for name in (*range(97, 128), 45, 39):
        no_feedback = without(f"a=rtcp-fb:{name} transport-cc")(no_feedback)
    sections = read_offer(no_feedback).sections
    assert Extension.TRANSPORT_WIDE_CC not in sections[0].extensions
    assert Extension.TRANSPORT_WIDE_CC not in sections[1].extensions
    no_numbers = without("a=extmap:3")(sdp)
    for section in read_offer(no_numbers).sections:
        for offered in section.codecs.values():
            assert "transport-cc" not in offered.feedback
