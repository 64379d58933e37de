"""The SDP of a virtual participant: an offer like a browser's, and what it needs of the answer."""

from dataclasses import dataclass

AUDIO_MID, VIDEO_MID, SCREEN_MID = "0", "1", "2"
OPUS, VP8, RTX = 111, 96, 97

AUDIO_LEVEL_ID, ABS_SEND_TIME_ID, TRANSPORT_WIDE_ID, MID_ID = 1, 2, 3, 4
"""Ids of the header extensions, offered with the same number on every m-line."""


class BadAnswer(Exception):
    """The answer cannot be used; the text says why."""


@dataclass(frozen=True)
class LocalDescription:
    """What a participant says of itself.

    ``video_ssrcs`` and ``screen_ssrcs`` are those of the stream and of its retransmissions.
    """

    ice_ufrag: str
    ice_pwd: str
    fingerprint: str
    audio_ssrc: int
    video_ssrcs: tuple[int, int]
    screen_ssrcs: tuple[int, int]
    cname: str


@dataclass(frozen=True)
class RemoteDescription:
    """The far end's transport: ICE credentials, certificate fingerprints, candidates."""

    ice_ufrag: str
    ice_pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    candidates: tuple[tuple[str, int], ...]


EXTENSIONS = {
    AUDIO_LEVEL_ID: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    ABS_SEND_TIME_ID: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    TRANSPORT_WIDE_ID: (
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    ),
    MID_ID: "urn:ietf:params:rtp-hdrext:sdes:mid",
}


def make_offer(local: LocalDescription) -> str:
    """An offer of audio, camera and screen in one bundle, ``sendrecv`` all."""
    lines = [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {AUDIO_MID} {VIDEO_MID} {SCREEN_MID}",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS",
        f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS}",
        *_transport_lines(local, AUDIO_MID),
        *(f"a=extmap:{id_} {uri}" for id_, uri in EXTENSIONS.items()),
        f"a=rtpmap:{OPUS} opus/48000/2",
        f"a=rtcp-fb:{OPUS} transport-cc",
        f"a=fmtp:{OPUS} minptime=10;useinbandfec=1",
        "a=msid:- microphone",
        f"a=ssrc:{local.audio_ssrc} cname:{local.cname}",
    ]
    for mid, track, ssrcs in (
        (VIDEO_MID, "camera", local.video_ssrcs),
        (SCREEN_MID, "screen", local.screen_ssrcs),
    ):
        lines += [
            f"m=video 9 UDP/TLS/RTP/SAVPF {VP8} {RTX}",
            *_transport_lines(local, mid),
            *(f"a=extmap:{id_} {uri}" for id_, uri in EXTENSIONS.items() if id_ > 1),
            f"a=rtpmap:{VP8} VP8/90000",
            *(
                f"a=rtcp-fb:{VP8} {kind}"
                for kind in ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
            ),
            f"a=rtpmap:{RTX} rtx/90000",
            f"a=fmtp:{RTX} apt={VP8}",
            f"a=msid:- {track}",
            f"a=ssrc-group:FID {ssrcs[0]} {ssrcs[1]}",
            *(f"a=ssrc:{ssrc} cname:{local.cname}" for ssrc in ssrcs),
        ]
    return "\r\n".join(lines) + "\r\n"


def _transport_lines(local: LocalDescription, mid: str) -> list[str]:
    return [
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{local.ice_ufrag}",
        f"a=ice-pwd:{local.ice_pwd}",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        "a=setup:actpass",
        f"a=mid:{mid}",
        "a=sendrecv",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]


def read_answer(sdp: str) -> RemoteDescription:
    """Read the answer to ``make_offer``.

    Raises:
        BadAnswer: it refuses an m-line or an extension, renumbers a payload type, or lacks what
            a connection needs.
    """
    lines = sdp.split("\r\n")
    values: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            values.setdefault(name, []).append(value)
    media = [line.split() for line in lines if line.startswith("m=")]
    if [line[0] for line in media] != ["m=audio", "m=video", "m=video"]:
        raise BadAnswer("the answer does not have the m-lines of the offer")
    if any(line[1] == "0" for line in media):
        raise BadAnswer("an m-line was refused")
    if str(OPUS) not in media[0][3:] or any(str(VP8) not in line[3:] for line in media[1:]):
        raise BadAnswer("Opus or VP8 was refused or renumbered")
    if f"{TRANSPORT_WIDE_ID} {EXTENSIONS[TRANSPORT_WIDE_ID]}" not in values.get("extmap", []):
        raise BadAnswer("transport-wide sequence numbers were refused or renumbered")
    if "passive" not in values.get("setup", []):
        raise BadAnswer("the far end does not wait for our DTLS handshake")
    return read_transport(sdp)


def read_transport(sdp: str) -> RemoteDescription:
    """The transport in any offer or answer: of its first m-line, which the others share.

    Raises:
        BadAnswer: it lacks credentials.
    """
    values: dict[str, list[str]] = {}
    for line in sdp.splitlines():
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            values.setdefault(name, []).append(value)
    candidates = []
    for candidate in values.get("candidate", []):
        fields = candidate.split()
        media = len(fields) >= 8 and fields[1] == "1"  # 2 is RTCP's, where it is apart
        if media and fields[2].lower() == "udp" and fields[7] == "host":
            candidates.append((fields[4], int(fields[5])))
    fingerprints = dict.fromkeys(
        tuple(value.split(" ", 1)) for value in values.get("fingerprint", []) if " " in value
    )
    try:
        return RemoteDescription(
            ice_ufrag=values["ice-ufrag"][0],
            ice_pwd=values["ice-pwd"][0],
            fingerprints=tuple((algorithm, value) for algorithm, value in fingerprints),
            candidates=tuple(dict.fromkeys(candidates)),
        )
    except KeyError as error:
        raise BadAnswer(f"the answer has no {error.args[0]}") from error
