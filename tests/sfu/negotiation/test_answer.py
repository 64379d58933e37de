"""What the answers say, and the media maps that go with them."""

from dataclasses import replace

import pytest

from sfu.negotiation import Candidate, answer, read_offer
from sfu.rtp.media import Codec, Extension, InboundTrack, OutboundTrack, TrackKind
from tests.sfu.negotiation.offers import NAMES, TERMS, answer_to, blocks_of, load, swap, without

ROOM_CODECS = (Codec.VP8, Codec.VP9, Codec.AV1, Codec.H264)


def formats_of(block: list[str]) -> list[str]:
    return block[0].split(" ")[3:]


def codec_lines_of(block: list[str]) -> list[str]:
    return [line for line in block if line.startswith(("a=rtpmap", "a=fmtp", "a=rtcp-fb"))]


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_one_ice_lite_bundle_for_a_dtls_client(name: str) -> None:
    offer = read_offer(load(name))
    session, *sections = blocks_of(answer(offer, TERMS).sdp)
    assert session == [
        "v=0",
        "o=- 1001 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=group:BUNDLE " + " ".join(offer.bundle),
        "a=msid-semantic:WMS *",
    ]
    assert len(sections) == len(offer.sections)
    for offered, block in zip(offer.sections, sections, strict=True):
        if offered.track is None:
            continue
        assert block[0].startswith(f"m={offered.media} 40000 UDP/TLS/RTP/SAVPF ")
        assert block[1] == "c=IN IP4 203.0.113.7"
        for line in (
            f"a=mid:{offered.mid}",
            "a=ice-ufrag:0a00w7xk",
            "a=ice-pwd:nodenodenodenodenodenode",
            "a=fingerprint:sha-256 " + ":".join(["5A"] * 32),
            "a=setup:passive",
            "a=rtcp-mux",
        ):
            assert block.count(line) == 1
        assert ("a=rtcp-rsize" in block) == offered.rtcp_rsize


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("codec", ROOM_CODECS)
def test_nothing_is_answered_that_was_not_offered(name: str, codec: Codec) -> None:
    sections = blocks_of(load(name))[1:]
    for offered, answered in zip(sections, blocks_of(answer_to(name, codec).sdp)[1:], strict=True):
        assert set(formats_of(answered)) <= set(formats_of(offered))
        names = [line.lower() for line in offered if line.startswith("a=rtpmap")]
        for line in answered:
            assert "simulcast" not in line
            assert "a=rid" not in line
            assert "extmap-allow-mixed" not in line
            if "goog-remb" in line:
                assert not any("transport-cc" in each for each in answered)
            if line.startswith("a=rtcp-fb"):
                assert line in offered
            if line.startswith("a=rtpmap"):
                assert line.lower() in names
            if line.startswith("a=extmap") and "/" not in line.split(" ")[0]:
                assert line in offered


def test_remb_is_answered_where_transport_wide_feedback_is_not_offered() -> None:
    for text in ("a=extmap:3 ", "a=rtcp-fb"):  # the numbers, or the feedback about them
        sdp = load("chromium-no-screen")
        for line in sdp.splitlines():
            if line.startswith(text) and (text != "a=rtcp-fb" or "transport-cc" in line):
                sdp = without(line)(sdp)
        negotiated = answer(read_offer(sdp), TERMS)
        _, audio, video = blocks_of(negotiated.sdp)
        assert not any("transport-" in line for line in (*audio, *video))
        assert "a=rtcp-fb:96 goog-remb" in video
        assert any("abs-send-time" in line for line in video), "the estimate is made of it"
        assert not any("goog-remb" in line for line in audio)
    _, audio, video = blocks_of(answer_to("chromium-no-screen").sdp)
    assert not any("goog-remb" in line for line in video)


def test_reference_times_are_answered_to_a_page_that_asks_for_them() -> None:
    sdp = load("chromium-no-screen")
    for number in (111, 96):
        line = f"a=rtcp-fb:{number} transport-cc\r\n"
        sdp = swap(line, f"{line}a=rtcp-fb:{number} rrtr\r\n")(sdp)
    _, audio, video = blocks_of(answer(read_offer(sdp), TERMS).sdp)
    assert "a=rtcp-fb:111 rrtr" in audio
    assert "a=rtcp-fb:96 rrtr" in video


def test_candidates_stand_on_the_first_bundled_m_line_only() -> None:
    _, audio, video, screen = blocks_of(answer_to("firefox-camera").sdp)
    assert audio[-3:] == [
        "a=candidate:1 1 udp 2130706431 203.0.113.7 40000 typ host",
        "a=candidate:2 1 udp 2130706175 2001:db8::7 40000 typ host",
        "a=end-of-candidates",
    ]
    assert not [line for line in video + screen if "candidate" in line]


def test_ipv6_may_be_the_default_address() -> None:
    terms = replace(TERMS, candidates=(Candidate("::1", 5004),))
    _, audio, *_ = blocks_of(answer(read_offer(load("firefox-camera")), terms).sdp)
    assert "c=IN IP6 ::1" in audio


def test_candidates_of_a_bundle_that_begins_elsewhere() -> None:
    sdp = swap("BUNDLE 0 1 2", "BUNDLE 2 0 1")(load("chromium-camera"))
    session, audio, video, screen = blocks_of(answer(read_offer(sdp), TERMS).sdp)
    assert "a=group:BUNDLE 2 0 1" in session
    assert "a=end-of-candidates" in screen
    assert "a=end-of-candidates" not in audio + video


# Audio


def test_opus_has_our_parameters_and_no_echo() -> None:
    _, audio, *_ = blocks_of(answer_to("firefox-camera").sdp)
    assert codec_lines_of(audio) == [
        "a=rtpmap:109 opus/48000/2",
        "a=rtcp-fb:109 transport-cc",
        "a=fmtp:109 minptime=10;useinbandfec=1",
    ]


@pytest.mark.parametrize("name", ["chromium-camera", "chromium-red-first"])
def test_red_stands_after_opus_with_its_blocks(name: str) -> None:
    _, audio, *_ = blocks_of(answer_to(name).sdp)
    assert formats_of(audio) == ["111", "63"]
    assert codec_lines_of(audio)[-2:] == ["a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111"]
    assert answer_to(name).media.payload_types[63] == Codec.RED


def test_red_is_left_out_when_it_is_not_offered() -> None:
    sdp = load("chromium-camera").replace(" red/48000/2", " reb/48000/2")
    negotiated = answer(read_offer(sdp), TERMS)
    _, audio, *_ = blocks_of(negotiated.sdp)
    assert formats_of(audio) == ["111"]
    assert 63 not in negotiated.media.payload_types


# Video


@pytest.mark.parametrize(
    ("codec", "chromium", "firefox", "safari"),
    [
        (Codec.VP8, "96 97", "120 124", "106 107"),
        (Codec.VP9, "98 99 96 97", "121 125 120 124", "108 109 106 107"),
        (Codec.AV1, "45 46 96 97", "99 100 120 124", "106 107"),
        (Codec.H264, "108 109 96 97", "120 124", "98 99 106 107"),
    ],
)
def test_room_codec_first_and_always_vp8(
    codec: Codec, chromium: str, firefox: str, safari: str
) -> None:
    for browser, formats in (("chromium", chromium), ("firefox", firefox), ("safari", safari)):
        negotiated = answer_to(f"{browser}-camera", codec)
        _, _, video, screen = blocks_of(negotiated.sdp)
        assert formats_of(video) == formats_of(screen) == formats.split(" ")
        supported = codec == Codec.VP8 or len(formats.split(" ")) == 4
        assert negotiated.video_codec_supported == supported


def test_room_codec_must_be_on_every_video_m_line() -> None:
    sdp = load("chromium-camera")
    at = sdp.rindex("m=video")
    sdp = sdp[:at] + swap("profile-id=0", "profile-id=1")(sdp[at:])
    negotiated = answer(read_offer(sdp), replace(TERMS, video_codec=Codec.VP9))
    assert not negotiated.video_codec_supported
    _, _, video, screen = blocks_of(negotiated.sdp)
    assert formats_of(video) == formats_of(screen) == ["96", "97"]


def test_offer_without_video_lacks_no_codec() -> None:
    assert answer_to("firefox-audio-only", Codec.H264).video_codec_supported


def test_video_codecs_in_full() -> None:
    _, _, video, _ = blocks_of(answer_to("chromium-camera", Codec.H264).sdp)
    assert codec_lines_of(video) == [
        "a=rtpmap:108 H264/90000",
        "a=rtcp-fb:108 transport-cc",
        "a=rtcp-fb:108 ccm fir",
        "a=rtcp-fb:108 nack",
        "a=rtcp-fb:108 nack pli",
        "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "a=rtpmap:109 rtx/90000",
        "a=fmtp:109 apt=108",
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 transport-cc",
        "a=rtcp-fb:96 ccm fir",
        "a=rtcp-fb:96 nack",
        "a=rtcp-fb:96 nack pli",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
    ]


def test_bit_rate_is_capped_on_video_m_lines_only() -> None:
    negotiated = answer(read_offer(load("chromium-camera")), replace(TERMS, max_video_bps=999_001))
    _, audio, video, screen = blocks_of(negotiated.sdp)
    # bandwidth lines stand between c= and a= (RFC 8866 section 5)
    assert video[2:4] == screen[2:4] == ["b=AS:1000", "b=TIAS:999001"]
    assert not [line for line in audio if line.startswith("b=")]


def test_without_rtx_there_is_no_second_ssrc() -> None:
    sdp = load("chromium-camera").replace(" rtx/90000", " rty/90000")
    negotiated = answer(read_offer(sdp), TERMS)
    assert formats_of(blocks_of(negotiated.sdp)[2]) == ["96"]
    assert "FID" not in negotiated.sdp
    assert "1003" not in negotiated.sdp
    assert negotiated.media.outbound[1] == OutboundTrack(TrackKind.VIDEO, "1", 1002, None)


# Header extensions


def test_extensions_have_the_offers_numbers_and_mirrored_directions() -> None:
    _, audio, video, _ = blocks_of(answer_to("firefox-camera").sdp)
    tcc = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    assert [line for line in audio if line.startswith("a=extmap")] == [
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid",
        f"a=extmap:7 {tcc}",
    ]
    assert [line for line in video if line.startswith("a=extmap")] == [
        "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "a=extmap:6/sendonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
        f"a=extmap:7 {tcc}",
    ]
    assert answer_to("firefox-camera").media.extension_ids == {
        1: Extension.AUDIO_LEVEL,
        3: Extension.MID,
        4: Extension.ABS_SEND_TIME,
        6: Extension.PLAYOUT_DELAY,
        7: Extension.TRANSPORT_WIDE_CC,
    }


# Tracks


def test_streams_of_the_partner() -> None:
    terms = replace(TERMS, stream_id="ivan", screen_stream_id="ivan-screen")
    _, audio, video, screen = blocks_of(answer(read_offer(load("chromium-camera")), terms).sdp)

    def sources(block: list[str]) -> list[str]:
        return [line for line in block if line.startswith(("a=msid", "a=ssrc"))]

    assert sources(audio) == [
        "a=msid:ivan audio",
        "a=ssrc:1001 cname:node",
        "a=ssrc:1001 msid:ivan audio",
    ]
    assert sources(video) == [
        "a=msid:ivan video",
        "a=ssrc-group:FID 1002 1003",
        "a=ssrc:1002 cname:node",
        "a=ssrc:1002 msid:ivan video",
        "a=ssrc:1003 cname:node",
        "a=ssrc:1003 msid:ivan video",
    ]
    assert sources(screen)[:2] == ["a=msid:ivan-screen screen", "a=ssrc-group:FID 1004 1005"]


def test_map_of_a_chromium_call() -> None:
    media = answer_to("chromium-camera", Codec.VP9).media
    offer = read_offer(load("chromium-camera"))
    assert media.payload_types == {
        111: Codec.OPUS,
        63: Codec.RED,
        98: Codec.VP9,
        99: Codec.RTX_VP9,
        96: Codec.VP8,
        97: Codec.RTX_VP8,
    }
    assert media.inbound == tuple(
        InboundTrack(kind, str(int(kind)), section.ssrc, section.rtx_ssrc)
        for kind, section in zip(TrackKind, offer.sections, strict=True)
    )
    assert media.outbound == (
        OutboundTrack(TrackKind.AUDIO, "0", 1001, None),
        OutboundTrack(TrackKind.VIDEO, "1", 1002, 1003),
        OutboundTrack(TrackKind.SCREEN, "2", 1004, 1005),
    )


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_one_way_m_lines_are_mirrored(browser: str) -> None:
    negotiated = answer_to(f"{browser}-mixed-directions")
    _, audio, video, screen = blocks_of(negotiated.sdp)
    assert "a=recvonly" in audio
    assert "a=sendonly" in video
    assert "a=inactive" in screen
    for silent in (audio, screen):
        assert not [line for line in silent if line.startswith(("a=ssrc", "a=msid"))]
    assert [track.kind for track in negotiated.media.inbound] == [TrackKind.AUDIO]
    assert [track.kind for track in negotiated.media.outbound] == [TrackKind.VIDEO]
    assert "m=video 40000" in screen[0]  # inactive, not refused


@pytest.mark.parametrize(("name", "count"), [("audio-only", 1), ("no-screen", 2)])
def test_fewer_m_lines(name: str, count: int) -> None:
    for browser in ("chromium", "firefox"):
        media = answer_to(f"{browser}-{name}").media
        assert [track.kind for track in media.inbound] == list(TrackKind)[:count]
        assert [track.kind for track in media.outbound] == list(TrackKind)[:count]


@pytest.mark.parametrize(
    "name", ["chromium-data-channel", "firefox-data-channel", "firefox-data-channel-restart"]
)
def test_data_channel_is_refused_and_left_out_of_the_bundle(name: str) -> None:
    session, *_, data = blocks_of(answer_to(name).sdp)
    assert "a=group:BUNDLE 0 1 2" in session
    assert data == [
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=mid:3",
        "a=inactive",
    ]


def test_refused_m_line_without_a_mid() -> None:
    sdp = without("a=mid:3")(load("chromium-data-channel"))
    *_, data = blocks_of(answer(read_offer(sdp), TERMS).sdp)
    assert data[1:] == ["c=IN IP4 0.0.0.0", "a=inactive"]


def test_second_audio_m_line_is_refused() -> None:
    sdp = load("chromium-audio-only").replace("BUNDLE 0", "BUNDLE 0 7")
    sdp += sdp[sdp.index("m=audio") :].replace("a=mid:0", "a=mid:7")
    session, audio, extra = blocks_of(answer(read_offer(sdp), TERMS).sdp)
    assert "a=group:BUNDLE 0" in session
    assert audio[0] == "m=audio 40000 UDP/TLS/RTP/SAVPF 111 63"
    assert extra[0] == "m=audio 0 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126"


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_ice_restart_changes_credentials_and_version_only(browser: str) -> None:
    before = answer_to(f"{browser}-camera")
    terms = replace(TERMS, ice_ufrag="0a00next", ice_pwd="x" * 24, version=2)
    after = answer(read_offer(load(f"{browser}-camera-restart")), terms)
    assert after.media == before.media
    expected = before.sdp.replace("0a00w7xk", "0a00next").replace(TERMS.ice_pwd, "x" * 24)
    expected = expected.replace("o=- 1001 1 ", "o=- 1001 2 ")
    # Chromium lists its extensions in another order the second time.
    assert sorted(after.sdp.split("\r\n")) == sorted(expected.split("\r\n"))


# Misuse of ours raises


@pytest.mark.parametrize(
    "change",
    [
        {"video_codec": Codec.OPUS},
        {"candidates": ()},
        {"outbound_ssrcs": (1, 2, 3, 4, 4)},
        {"outbound_ssrcs": (0, 2, 3, 4, 5)},
        {"max_video_bps": 0},
    ],
)
def test_terms_that_make_no_answer(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not |needs"):
        replace(TERMS, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(("host", "port"), [("localhost", 1), ("127.0.0.1", 0), ("::1", 65536)])
def test_candidate_is_an_ip_address_and_a_port(host: str, port: int) -> None:
    with pytest.raises(ValueError, match=r"does not appear|not a UDP port"):
        Candidate(host, port)
