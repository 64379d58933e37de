"""From an offer and the node's terms to the answer and the map of what was agreed."""

from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address

from sfu.negotiation.codecs import VIDEO_CODECS, codec_lines
from sfu.negotiation.offer import MediaSection, Offer, OfferedCodec
from sfu.rtp.media import (
    EXTENSION_URIS,
    RTX_OFFSET,
    Codec,
    Extension,
    InboundTrack,
    MediaMap,
    OutboundTrack,
    TrackKind,
)


@dataclass(frozen=True)
class Candidate:
    """An address at which the node listens: an IP address as text, and a UDP port."""

    host: str
    port: int

    def __post_init__(self) -> None:
        ip_address(self.host)
        if not 0 < self.port <= 0xFFFF:
            raise ValueError(f"not a UDP port: {self.port}")


@dataclass(frozen=True)
class AnswerTerms:
    """What the node brings to an answer.

    Attributes:
        video_codec: the codec of the room; VP8 is always answered after it.
        max_video_bps: cap of each video m-line, in bits per second.
        ice_ufrag, ice_pwd: the node's, for this connection (RFC 8839).
        fingerprints: (hash, value) of the node's certificate.
        candidates: best first; the first is also the default address.
        outbound_ssrcs: audio, video, video RTX, screen, screen RTX; those of the slot.
        cname: RTCP canonical name, one for all outbound streams (they share a clock).
        stream_id: of the partner's audio and camera; ``screen_stream_id``: of the screen.
        version: of the session description; must rise with each answer on one connection.
    """

    video_codec: Codec
    max_video_bps: int
    ice_ufrag: str
    ice_pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    candidates: tuple[Candidate, ...]
    outbound_ssrcs: tuple[int, int, int, int, int]
    cname: str
    stream_id: str = "camera"
    screen_stream_id: str = "screen"
    version: int = 1

    def __post_init__(self) -> None:
        if self.video_codec not in VIDEO_CODECS:
            raise ValueError(f"not a video codec: {self.video_codec!r}")
        if not self.candidates:
            raise ValueError("an answer needs at least one candidate")
        if len(set(self.outbound_ssrcs)) != 5 or not all(
            0 < ssrc <= 0xFFFF_FFFF for ssrc in self.outbound_ssrcs
        ):
            raise ValueError(f"not five different SSRCs: {self.outbound_ssrcs}")
        if self.max_video_bps <= 0:
            raise ValueError(f"not a bit rate: {self.max_video_bps}")


@dataclass(frozen=True)
class Negotiated:
    """An answer and what it agrees on.

    ``video_codec_supported`` is False when the browser lacks the room's codec on a video m-line;
    then VP8 alone is answered. It is True for an offer without video.
    """

    sdp: str
    media: MediaMap
    video_codec_supported: bool


def answer(offer: Offer, terms: AnswerTerms) -> Negotiated:
    """Answer ``offer``. Never raises for what the browser offered."""
    taken = [section for section in offer.sections if section.track is not None]
    video = [section for section in taken if section.track != TrackKind.AUDIO]
    supported = all(terms.video_codec in section.codecs for section in video)
    room_codec = terms.video_codec if supported else Codec.VP8

    lines = [
        "v=0",
        # One id as long as the slot's streams live, a rising version (RFC 3264 section 8).
        f"o=- {terms.outbound_ssrcs[0]} {terms.version} IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        f"a=group:BUNDLE {' '.join(offer.bundle)}",
        "a=msid-semantic:WMS *",
    ]
    payload_types: dict[int, Codec] = {}
    extension_ids: dict[int, Extension] = {}
    inbound: list[InboundTrack] = []
    outbound: list[OutboundTrack] = []
    for section in offer.sections:
        if section.track is None or section.mid is None:
            lines += _refused_section(section)
            continue
        codecs = _agreed_codecs(section, room_codec)
        payload_types |= {offered.payload_type: codec for codec, offered in codecs.items()}
        extension_ids |= {offered.id: name for name, offered in section.extensions.items()}
        lines += _section(section, section.mid, codecs, terms)
        if section.direction.sends:
            inbound.append(InboundTrack(section.track, section.mid, section.ssrc, section.rtx_ssrc))
        if section.direction.receives:
            track = _outbound_track(section.track, section.mid, codecs, terms)
            lines += _stream(track, terms)
            outbound.append(track)
        if section.mid == offer.bundle[0]:
            lines += _candidates(terms)
    return Negotiated(
        sdp="\r\n".join(lines) + "\r\n",
        media=MediaMap(payload_types, extension_ids, tuple(inbound), tuple(outbound)),
        video_codec_supported=supported,
    )


def _agreed_codecs(section: MediaSection, room_codec: Codec) -> dict[Codec, OfferedCodec]:
    """What is answered on an m-line, best first: a browser sends the first."""
    if section.track == TrackKind.AUDIO:
        # RED stands after Opus, so that a browser uses it only when its page asks for it
        # (RTCRtpEncodingParameters.codec). Partners who lack it get what the plane unwraps.
        wanted = [Codec.OPUS, Codec.RED]
    else:
        # Retransmissions after all codecs would do too; next to their codec they read better.
        wanted = [
            codec
            for primary in dict.fromkeys((room_codec, Codec.VP8))
            for codec in (primary, Codec(primary + RTX_OFFSET))
        ]
    return {codec: section.codecs[codec] for codec in wanted if codec in section.codecs}


def _refused_section(section: MediaSection) -> list[str]:
    """Port 0, and out of the bundle (RFC 3264 section 6, RFC 8843 section 7.3.3)."""
    lines = [
        f"m={section.media} 0 {section.protocol} {' '.join(section.formats)}",
        "c=IN IP4 0.0.0.0",
    ]
    if section.mid is not None:
        lines.append(f"a=mid:{section.mid}")
    return [*lines, "a=inactive"]


def _section(
    section: MediaSection, mid: str, codecs: dict[Codec, OfferedCodec], terms: AnswerTerms
) -> list[str]:
    default = terms.candidates[0]
    formats = " ".join(str(offered.payload_type) for offered in codecs.values())
    lines = [
        f"m={section.media} {default.port} {section.protocol} {formats}",
        f"c=IN {_address_type(default.host)} {default.host}",
    ]
    if section.track != TrackKind.AUDIO:
        # Chromium reads either; WebKit of old only AS (kbit/s), Firefox only TIAS (bit/s).
        lines.append(f"b=AS:{-(-terms.max_video_bps // 1000)}")
        lines.append(f"b=TIAS:{terms.max_video_bps}")
    lines += [
        f"a=mid:{mid}",
        f"a={section.direction.mirrored}",
        # On every m-line, as browsers do; RFC 8843 asks for them on the first only.
        f"a=ice-ufrag:{terms.ice_ufrag}",
        f"a=ice-pwd:{terms.ice_pwd}",
        *(f"a=fingerprint:{algorithm} {value}" for algorithm, value in terms.fingerprints),
        "a=setup:passive",
        "a=rtcp-mux",
    ]
    if section.rtcp_rsize:
        lines.append("a=rtcp-rsize")
    for extension, offered in section.extensions.items():
        way = offered.direction.mirrored
        suffix = "" if way == "sendrecv" else f"/{way}"
        lines.append(f"a=extmap:{offered.id}{suffix} {EXTENSION_URIS[extension]}")
    for codec in codecs:
        lines += codec_lines(codec, codecs)
    return lines


def _outbound_track(
    kind: TrackKind, mid: str, codecs: dict[Codec, OfferedCodec], terms: AnswerTerms
) -> OutboundTrack:
    audio, video, video_rtx, screen, screen_rtx = terms.outbound_ssrcs
    if kind == TrackKind.AUDIO:
        return OutboundTrack(kind, mid, audio, None)
    ssrc, rtx_ssrc = (video, video_rtx) if kind == TrackKind.VIDEO else (screen, screen_rtx)
    has_rtx = any(codec > RTX_OFFSET for codec in codecs)
    return OutboundTrack(kind, mid, ssrc, rtx_ssrc if has_rtx else None)


def _stream(track: OutboundTrack, terms: AnswerTerms) -> list[str]:
    """What an outbound track is called (RFC 8830) and which SSRCs it has (RFC 5576)."""
    stream = terms.screen_stream_id if track.kind == TrackKind.SCREEN else terms.stream_id
    msid = f"{stream} {track.kind.name.lower()}"
    lines = [f"a=msid:{msid}"]
    ssrcs = [track.ssrc]
    if track.rtx_ssrc is not None:
        ssrcs.append(track.rtx_ssrc)
        lines.append(f"a=ssrc-group:FID {track.ssrc} {track.rtx_ssrc}")
    for ssrc in ssrcs:
        lines += [f"a=ssrc:{ssrc} cname:{terms.cname}", f"a=ssrc:{ssrc} msid:{msid}"]
    return lines


def _candidates(terms: AnswerTerms) -> list[str]:
    """Host candidates of component 1 (RFC 8839 section 5.1), all that there will be."""
    lines = []
    for index, candidate in enumerate(terms.candidates):
        # RFC 8445 section 5.1.2.1: type preference 126 for host, then local preference.
        priority = (126 << 24) | ((0xFFFF - index) << 8) | (256 - 1)
        lines.append(
            f"a=candidate:{index + 1} 1 udp {priority} {candidate.host} {candidate.port} typ host"
        )
    return [*lines, "a=end-of-candidates"]


def _address_type(host: str) -> str:
    return "IP4" if isinstance(ip_address(host), IPv4Address) else "IP6"
