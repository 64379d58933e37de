"""Broken offers, and what the user is told."""

import pytest

from sfu.negotiation import BadOffer, read_offer
from tests.sfu.negotiation.offers import Change, load, swap, without

CHROMIUM = "chromium-camera"
FINGERPRINT = "a=fingerprint:sha-256 "


def with_fingerprint(value: str) -> Change:
    def change(sdp: str) -> str:
        return without("a=fingerprint")(sdp).replace("a=setup", f"a=fingerprint:{value}\r\na=setup")

    return change


def add(line: str) -> Change:
    """Put a line at the end, that is on the last m-line."""
    return lambda sdp: f"{sdp}{line}\r\n"


SEND_UNCHANGED = "Send the SDP of RTCPeerConnection.createOffer() unchanged."
MAX_BUNDLE = (
    "Create the RTCPeerConnection with bundlePolicy 'max-bundle' and send its offer unchanged."
)

BROKEN: dict[str, tuple[str, Change, str]] = {
    "nothing": (CHROMIUM, lambda _: "", f"The offer is empty. {SEND_UNCHANGED}"),
    "blank": (CHROMIUM, lambda _: " \r\n \n", f"The offer is empty. {SEND_UNCHANGED}"),
    "json": (
        CHROMIUM,
        lambda _: '{"type": "offer"}',
        "This is not an SDP offer: it begins with '{\"type\": \"offer\"}' instead of 'v=0'. "
        + SEND_UNCHANGED,
    ),
    "too long": (
        CHROMIUM,
        lambda sdp: sdp + "a=x" * 30_000,
        "The offer has {length} characters; at most 65536 are read. "
        "Offer one audio, one video and one screen m-line only.",
    ),
    "too many lines": (
        "chromium-audio-only",
        lambda sdp: sdp + "a=x\r\n" * 5_000,
        "lines; at most 4096 are read.",
    ),
    "a line that is not SDP": (
        CHROMIUM,
        swap("t=0 0", "tango"),
        "Line 4 of the offer, 'tango', is not SDP (a letter, '=', a value). ",
    ),
    "control characters": (
        CHROMIUM,
        swap("t=0 0", "\x1b[31m\u202e" + "x" * 99),
        r"Line 4 of the offer, '\x1b[31m\u202exxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026', is not",
    ),
    "seventeen m-lines": (
        CHROMIUM,
        lambda sdp: sdp + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 14,
        "The offer has more than 16 m-lines. Offer one audio, one video and one screen m-line",
    ),
    "no m-lines": (
        CHROMIUM,
        lambda sdp: sdp[: sdp.index("m=")],
        "The offer has no m-lines, so there is nothing to send or receive. "
        "Add an audio transceiver before createOffer().",
    ),
    "cut in the m-line": (
        CHROMIUM,
        lambda sdp: sdp[: sdp.index("m=video") + 12],
        "of the offer, 'm=video 9 UD', cannot be understood: expected a media type, a port, a "
        "protocol and up to 128 formats.",
    ),
    "port": (CHROMIUM, swap("m=audio 9 ", "m=audio 70000 "), "'m=audio 70000 UDP/TLS/RTP/SAVPF"),
    "formats": (
        CHROMIUM,
        swap("SAVPF 111", "SAVPF" + " 1" * 130),
        "expected a media type, a port, a protocol and up to 128 formats.",
    ),
    "a format that could break out of its line": (
        "chromium-data-channel",
        swap("webrtc-datachannel", "web\ra=x"),
        "expected a media type, a port, a protocol and up to 128 formats.",
    ),
    "only a data channel": (
        "chromium-data-channel",
        lambda sdp: sdp.replace("m=audio 9", "m=audio 0").replace("m=video 9", "m=video 0"),
        "The offer has no audio or video m-line that is on, so there is nothing to forward. "
        "Add an audio transceiver before createOffer().",
    ),
    "plain RTP": (
        CHROMIUM,
        swap("UDP/TLS/RTP/SAVPF 111", "RTP/AVP 111"),
        "The protocol of m-line 1 (audio) is 'RTP/AVP', but media is taken as UDP/TLS/RTP/SAVPF "
        "only. Use a browser's RTCPeerConnection.",
    ),
    "no mid": (CHROMIUM, without("a=mid:1"), "There is no a=mid in m-line 2 (video)."),
    "mid twice": (
        CHROMIUM,
        swap("a=mid:2", "a=mid:1"),
        "Two m-lines of the offer have the same a=mid, '1'.",
    ),
    "mid too long": (
        CHROMIUM,
        swap("a=mid:1", "a=mid:12345678901234567"),
        "The a=mid of m-line 2 (video), '12345678901234567', is not a token of 1 to 16 characters.",
    ),
    "mid with a space": (
        CHROMIUM,
        swap("a=mid:1", "a=mid:1 2"),
        "The a=mid of m-line 2 (video), '1 2', is not a token",
    ),
    "empty mid": (CHROMIUM, swap("a=mid:1", "a=mid:"), "The a=mid of m-line 2 (video), '', is not"),
    "not bundled": (
        CHROMIUM,
        without("a=group"),
        "The mid of m-line 1 (audio), '0', is not in the offer's a=group:BUNDLE, but all media "
        f"shares one transport here. {MAX_BUNDLE}",
    ),
    "partly bundled": (
        CHROMIUM,
        swap("BUNDLE 0 1 2", "BUNDLE 0 2"),
        "The mid of m-line 2 (video), '1', is not in the offer's a=group:BUNDLE",
    ),
    "two bundles": (
        CHROMIUM,
        swap("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0\r\na=group:BUNDLE 1 2"),
        "The mid of m-line 2 (video), '1', is not in the offer's a=group:BUNDLE",
    ),
    "no rtcp-mux": (
        CHROMIUM,
        without("a=rtcp-mux"),
        "There is no a=rtcp-mux in m-line 1 (audio), but RTP and RTCP share one port here. "
        + MAX_BUNDLE,
    ),
    "ICE-lite": (
        CHROMIUM,
        swap("t=0 0", "t=0 0\r\na=ice-lite"),
        "The offer says a=ice-lite, and this server is ICE-lite too, so neither side would check "
        "the path. Connect with a full ICE agent, such as a browser.",
    ),
    "no ufrag": (
        CHROMIUM,
        without("a=ice-ufrag"),
        f"There is no a=ice-ufrag for m-line 1 (audio). {SEND_UNCHANGED}",
    ),
    "no password": (CHROMIUM, without("a=ice-pwd"), "There is no a=ice-pwd for m-line 1 (audio)."),
    "short ufrag": (
        CHROMIUM,
        lambda sdp: without("a=ice-ufrag")(sdp).replace(
            "a=ice-pwd", "a=ice-ufrag:abc\r\na=ice-pwd"
        ),
        "'a=ice-ufrag:abc', cannot be understood: expected 4 to 256 letters, digits, '+' or '/'.",
    ),
    "short password": (
        CHROMIUM,
        lambda sdp: without("a=ice-pwd")(sdp).replace("a=ice-ufrag", "a=ice-pwd:se\r\na=ice-ufrag"),
        "of the offer is not 22 to 256 letters, digits, '+' or '/'.",
    ),
    "no fingerprint": (
        CHROMIUM,
        without("a=fingerprint"),
        "There is no a=fingerprint for m-line 1 (audio), so the browser's certificate could not "
        "be checked.",
    ),
    "old hash": (
        CHROMIUM,
        with_fingerprint("sha-1 " + ":".join(["AB"] * 20)),
        "The fingerprint of m-line 1 (audio) is not by one of sha-256, sha-384, sha-512. Use a "
        "certificate signed with SHA-256, as RTCPeerConnection makes by itself.",
    ),
    "short hash": (
        CHROMIUM,
        with_fingerprint("sha-256 " + ":".join(["AB"] * 31)),
        "cannot be understood: expected 32 bytes in hexadecimal, with colons",
    ),
    "too many hashes": (
        CHROMIUM,
        swap("a=setup", "a=fingerprint:sha-256 00\r\n" * 9 + "a=setup", 1),
        "The offer has 10 fingerprints for m-line 1 (audio); at most 8 are taken.",
    ),
    "passive": (
        CHROMIUM,
        swap("a=setup:actpass", "a=setup:passive"),
        "The offer says a=setup:'passive', but the browser must be the DTLS client (actpass or "
        "active).",
    ),
    "no Opus": (
        CHROMIUM,
        swap("opus/48000/2", "upos/48000/2"),
        "There is no Opus in m-line 1 (audio), and every participant must be able to fall back "
        "on it. Do not take it out with setCodecPreferences().",
    ),
    "no VP8": (
        CHROMIUM,
        swap("VP8/90000", "VP7/90000"),
        "There is no VP8 in m-line 2 (video), and every participant must be able to fall back",
    ),
    "payload types disagree": (
        CHROMIUM,
        lambda sdp: swap(
            "m=video 9 UDP/TLS/RTP/SAVPF 96 ", "m=video 9 UDP/TLS/RTP/SAVPF 95 96 ", 1
        )(sdp).replace("a=mid:1", "a=mid:1\r\na=rtpmap:95 VP8/90000"),
        "The m-lines of the offer disagree on payload type 96 (VP8).",
    ),
    "payload type for two codecs": (
        CHROMIUM,
        lambda sdp: sdp.replace("111", "96"),
        "The m-lines of the offer disagree on payload type 96 (VP8).",
    ),
    "extensions disagree": (
        CHROMIUM,
        swap("a=extmap:4 urn", "a=extmap:9 urn", 1),
        "The m-lines of the offer disagree on header extension 4 "
        "(urn:ietf:params:rtp-hdrext:sdes:mid).",
    ),
    "extension number for two": (
        CHROMIUM,
        swap("a=extmap:1 urn", "a=extmap:13 urn"),
        "The m-lines of the offer disagree on header extension 13 (urn:3gpp:video-orientation).",
    ),
    "SSRC twice": (
        CHROMIUM,
        lambda sdp: (
            without("a=ssrc")(sdp[: sdp.rindex("m=video")])
            + "a=ssrc:77 cname:x\r\n"
            + without("a=ssrc")(sdp[sdp.rindex("m=video") :])
            + "a=ssrc:77 cname:x\r\n"
        ),
        "Two m-lines of the offer send with the same SSRC, 77. "
        "Create a new RTCPeerConnection and offer again.",
    ),
    "payload type that is none": (
        CHROMIUM,
        add("a=rtpmap:128 VP8/90000"),
        "'a=rtpmap:128 VP8/90000', cannot be understood: expected a payload type from 0 to 127. ",
    ),
    "other digits": (CHROMIUM, add("a=fmtp:٩٦ apt=1"), "expected a payload type from 0 to 127."),
    "rtcp-fb": (
        CHROMIUM,
        add("a=rtcp-fb"),
        "'a=rtcp-fb', cannot be understood: expected a payload",
    ),
    "extension id": (CHROMIUM, add("a=extmap:0 urn:x"), "a header-extension id from 1 to 4351."),
    "extension direction": (
        CHROMIUM,
        add("a=extmap:4/up urn:x"),
        "expected sendrecv, sendonly, recvonly or inactive after the '/'.",
    ),
    "SSRC too large": (
        CHROMIUM,
        add("a=ssrc:4294967296 cname:x"),
        "expected an SSRC from 1 to 4294967295.",
    ),
    "SSRC 0": (CHROMIUM, add("a=ssrc-group:FID 0 1"), "expected an SSRC from 1 to 4294967295."),
    "huge number": (
        CHROMIUM,
        add("a=ssrc:" + "9" * 5000),
        "expected an SSRC from 1 to 4294967295.",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_offer(case: str) -> None:
    name, change, message = BROKEN[case]
    sdp = change(load(name))
    with pytest.raises(BadOffer) as caught:
        read_offer(sdp)
    detail = caught.value.detail
    assert message.replace("{length}", str(len(sdp))) in detail
    assert str(caught.value) == detail
    assert caught.value.__cause__ is None  # understood, not merely survived
    # Fit for a log and a page: one line, printable, short, and it says what to do.
    assert detail.isascii()
    assert detail.isprintable()
    assert len(detail) < 320
    assert detail.endswith(".")


def test_a_secret_is_not_repeated() -> None:
    sdp = load(CHROMIUM)
    password = read_offer(sdp).ice_pwd
    with pytest.raises(BadOffer) as caught:
        read_offer(sdp.replace(password, password + "!"))
    assert password not in caught.value.detail
