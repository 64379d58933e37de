"""Offers and answers for media servers other than ours: as many m-lines as they want of us.

The participant is the DTLS client always, so it says ``setup:active`` in offers too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.session_description import (
    AUDIO_MID,
    EXTENSIONS,
    OPUS,
    VIDEO_MID,
    VP8,
    BadAnswer,
    LocalDescription,
)

_CODECS = {OPUS: "opus/48000/2", VP8: "VP8/90000"}
_FEEDBACK = {OPUS: ("transport-cc",), VP8: ("transport-cc", "ccm fir", "nack", "nack pli")}


@dataclass(frozen=True)
class Section:
    """One m-line.

    Attributes:
        kind: ``audio`` or ``video``.
        payloads: of our payload types, OPUS and VP8.
        direction: as we see it.
    """

    kind: str
    mid: str
    payloads: tuple[int, ...]
    direction: str


def audio_and_video(direction: str) -> tuple[Section, Section]:
    """A bundle of one m-line a kind, as a browser would offer."""
    return (
        Section("audio", AUDIO_MID, (OPUS,), direction),
        Section("video", VIDEO_MID, (VP8,), direction),
    )


def one_line(direction: str) -> tuple[Section]:
    """Both kinds as two payload types of one m-line, for a server that knows no bundle."""
    return (Section("audio", AUDIO_MID, (OPUS, VP8), direction),)


def describe(local: LocalDescription, sections: Sequence[Section]) -> str:
    """The offer, or the answer, of these m-lines."""
    lines = [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
    ]
    if len(sections) > 1:
        lines.append("a=group:BUNDLE " + " ".join(section.mid for section in sections))
    for section in sections:
        ssrcs = {OPUS: local.audio_ssrc, VP8: local.video_ssrcs[0]}
        lines += [
            f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, section.payloads))}",
            "c=IN IP4 0.0.0.0",
            f"a=ice-ufrag:{local.ice_ufrag}",
            f"a=ice-pwd:{local.ice_pwd}",
            f"a=fingerprint:sha-256 {local.fingerprint}",
            "a=setup:active",
            f"a=mid:{section.mid}",
            f"a={section.direction}",
            "a=rtcp-mux",
            *(f"a=extmap:{id_} {uri}" for id_, uri in EXTENSIONS.items()),
            f"a=msid:{local.cname} {section.kind}",
        ]
        for payload in section.payloads:
            lines.append(f"a=rtpmap:{payload} {_CODECS[payload]}")
            lines += [f"a=rtcp-fb:{payload} {kind}" for kind in _FEEDBACK[payload]]
            if "send" in section.direction:
                lines.append(f"a=ssrc:{ssrcs[payload]} cname:{local.cname}")
    return "\r\n".join(lines) + "\r\n"


def answered(offer: str, direction: str) -> tuple[Section, ...]:
    """The sections of our answer to a server's offer.

    Raises:
        BadAnswer: it numbers payload types otherwise than we read them.
    """
    found: list[Section] = []
    for line in offer.splitlines():
        if line.startswith("m="):
            kind, _, _, *payloads = line[2:].split()
            known = tuple(payload for payload in _CODECS if str(payload) in payloads)
            if not known:
                raise BadAnswer(f"neither Opus nor VP8 as we number them: {line}")
            found.append(Section(kind, str(len(found)), known, direction))
        elif line.startswith("a=mid:") and found:
            last = found.pop()
            mid = line.removeprefix("a=mid:")
            found.append(Section(last.kind, mid, last.payloads, direction))
    return tuple(found)
