"""An SDP offer as the node understands it, and the error for one it cannot take.

Directions in an offer are the browser's, as on the wire; ``Direction.mirrored`` is ours.
"""

from dataclasses import dataclass
from enum import StrEnum

from sfu.rtp.media import Codec, Extension, TrackKind


class BadOffer(Exception):
    """The browser's offer cannot be answered.

    Attributes:
        detail: what is wrong and what to do about it, in English, fit to show to a user. Text
            of the offer appears in it only shortened and escaped.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Direction(StrEnum):
    """Which way media of an m-line, or a header extension, may go (RFC 8866 section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def mirrored(self) -> "Direction":
        """The same thing seen from the other end (RFC 3264 section 6.1)."""
        return _MIRRORED[self]

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)


_MIRRORED = {
    Direction.SENDRECV: Direction.SENDRECV,
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.RECVONLY: Direction.SENDONLY,
    Direction.INACTIVE: Direction.INACTIVE,
}


@dataclass(frozen=True)
class OfferedCodec:
    """A payload type of the offer that stands for a codec the node can forward.

    ``feedback`` holds the RTCP feedback offered for it, of the kinds that the node handles.
    """

    payload_type: int
    feedback: tuple[str, ...]


@dataclass(frozen=True)
class OfferedExtension:
    """A header extension of the offer that the node understands."""

    id: int
    direction: Direction


@dataclass(frozen=True)
class MediaSection:
    """One m-line of the offer, with what the node can use of it.

    Attributes:
        media: "audio", "video", "application"…
        protocol, formats: as offered; they go back verbatim when the m-line is refused.
        mid: its identification (RFC 5888); None only on an m-line that will be refused.
        track: what it carries; None = it will be refused (port 0 in the answer).
        codecs: what the node can forward, each with its payload type. Opus is in every audio
            m-line that has a track, VP8 in every video m-line that has one.
        extensions: header extensions that the node understands.
        ssrc, rtx_ssrc: what the browser says it will send with; None when it does not say.
    """

    media: str
    protocol: str
    formats: tuple[str, ...]
    mid: str | None
    track: TrackKind | None
    direction: Direction
    codecs: dict[Codec, OfferedCodec]
    extensions: dict[Extension, OfferedExtension]
    ssrc: int | None
    rtx_ssrc: int | None
    rtcp_rsize: bool


@dataclass(frozen=True)
class Offer:
    """A browser's offer that the node can answer.

    Attributes:
        ice_ufrag, ice_pwd, ice_options: of the one bundled transport (RFC 8839).
        fingerprints: (hash, value) of the browser's certificate; the hash in lower case and one
            of sha-256, sha-384, sha-512, the value in upper case with colons (RFC 8122). The
            certificate must match one of them.
        setup: "actpass" or "active" (RFC 5763 section 5); the node is the DTLS server.
        sections: all m-lines in the order of the offer, those to be refused included.
        bundle: mids of the m-lines that have a track, in the order of the offer's BUNDLE group.
    """

    ice_ufrag: str
    ice_pwd: str
    ice_options: tuple[str, ...]
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    sections: tuple[MediaSection, ...]
    bundle: tuple[str, ...]

    @property
    def ssrcs(self) -> frozenset[int]:
        """The SSRCs that the browser declares for its tracks: outbound ones must differ."""
        declared = (ssrc for section in self.sections for ssrc in (section.ssrc, section.rtx_ssrc))
        return frozenset(ssrc for ssrc in declared if ssrc is not None)
