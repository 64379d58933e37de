"""From the text of an offer to ``Offer``: what is needed is checked, the rest is passed over."""

import re

from sfu.negotiation.codecs import REMB, TRANSPORT_CC, known_codecs
from sfu.negotiation.lines import (
    SEND_CREATE_OFFER,
    Attribute,
    AttributeBlock,
    MediaBlock,
    is_token,
    quoted,
    split_offer,
)
from sfu.negotiation.offer import (
    BadOffer,
    Direction,
    MediaSection,
    Offer,
    OfferedCodec,
    OfferedExtension,
)
from sfu.rtp.media import EXTENSION_URIS, Codec, Extension, TrackKind

MAX_MID_CHARACTERS = 16  # what a one-byte header extension can hold (RFC 8285 section 4.2)
MAX_SSRCS = 32  # a section; plan-b and simulcast list several
MAX_FINGERPRINTS = 8

# What RTCDtlsTransport compares with; SHA-1 and MD5 no longer prove anything.
_HASH_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_MEDIA_PROTOCOLS = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP")
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839 section 5.4
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_DIRECTIONS = {str(direction): direction for direction in Direction}
_EXTENSION_OF_URI = {uri: extension for extension, uri in EXTENSION_URIS.items()}
_USE_ONE_TRANSPORT = (
    "Create the RTCPeerConnection with bundlePolicy 'max-bundle' and send its offer unchanged."
)


def read_offer(sdp: str) -> Offer:
    """Read a browser's offer.

    Raises ``BadOffer``, and nothing else, for text that is no SDP or that cannot be answered.
    """
    try:
        return _read(sdp)
    except BadOffer:
        raise
    except Exception as error:  # nothing a peer sends may raise: the fuzz tests look for this
        raise BadOffer(f"The offer could not be read. {SEND_CREATE_OFFER}") from error


def _read(sdp: str) -> Offer:
    session, blocks = split_offer(sdp)
    if session.has("ice-lite") or any(block.has("ice-lite") for block in blocks):
        raise BadOffer(
            "The offer says a=ice-lite, and this server is ICE-lite too, so neither side would "
            "check the path. Connect with a full ICE agent, such as a browser."
        )
    tracks = _assign_tracks(blocks)
    mids = _read_mids(blocks, tracks)
    sections = tuple(
        _read_section(session, block, track, mid)
        for block, track, mid in zip(blocks, tracks, mids, strict=True)
    )
    _check_agreement(sections)
    bundle = _read_bundle(session, blocks, sections)
    tagged = next(block for block, mid in zip(blocks, mids, strict=True) if mid == bundle[0])
    ufrag, password = _read_credentials(session, tagged)
    ice_options = _either(session, tagged, "ice-options")
    return Offer(
        ice_ufrag=ufrag,
        ice_pwd=password,
        ice_options=tuple(ice_options.value.split()) if ice_options else (),
        fingerprints=_read_fingerprints(session, tagged),
        setup=_read_setup(session, tagged),
        sections=sections,
        bundle=bundle,
    )


def _either(session: AttributeBlock, section: MediaBlock, name: str) -> Attribute | None:
    """An attribute of the m-line, or else the session's, which is the default for all."""
    return section.first(name) or session.first(name)


def _assign_tracks(blocks: list[MediaBlock]) -> list[TrackKind | None]:
    """What each m-line carries, by its place: audio; the first video; the second, the screen.

    An m-line that is off (port 0 without a=bundle-only) keeps its place, so that the screen does
    not become the camera when the camera's m-line is stopped.
    """
    free = {"audio": [TrackKind.AUDIO], "video": [TrackKind.VIDEO, TrackKind.SCREEN]}
    tracks: list[TrackKind | None] = []
    for block in blocks:
        kinds = free.get(block.media, [])
        track = kinds.pop(0) if kinds else None
        off = block.port == 0 and not block.has("bundle-only")
        tracks.append(None if off else track)
    if all(track is None for track in tracks):
        raise BadOffer(
            "The offer has no audio or video m-line that is on, so there is nothing to forward. "
            "Add an audio transceiver before createOffer()."
        )
    return tracks


def _read_mids(blocks: list[MediaBlock], tracks: list[TrackKind | None]) -> list[str | None]:
    mids: list[str | None] = []
    for block, track in zip(blocks, tracks, strict=True):
        attribute = block.first("mid")
        mid = attribute.value if attribute else None
        if mid is None and track is not None:
            raise BadOffer(f"There is no a=mid in {block.name}. {SEND_CREATE_OFFER}")
        if mid is not None and not is_token(mid, MAX_MID_CHARACTERS):
            raise BadOffer(
                f"The a=mid of {block.name}, {quoted(mid)}, is not a token of 1 to "
                f"{MAX_MID_CHARACTERS} characters. {SEND_CREATE_OFFER}"
            )
        if mid is not None and mid in mids:
            raise BadOffer(
                f"Two m-lines of the offer have the same a=mid, {quoted(mid)}. {SEND_CREATE_OFFER}"
            )
        mids.append(mid)
    return mids


def _read_section(
    session: AttributeBlock, block: MediaBlock, track: TrackKind | None, mid: str | None
) -> MediaSection:
    codecs: dict[Codec, OfferedCodec] = {}
    extensions: dict[Extension, OfferedExtension] = {}
    ssrc = rtx_ssrc = None
    if track is not None:
        if block.protocol not in _MEDIA_PROTOCOLS:
            raise BadOffer(
                f"The protocol of {block.name} is {quoted(block.protocol)}, but media is taken "
                f"as {_MEDIA_PROTOCOLS[0]} only. Use a browser's RTCPeerConnection."
            )
        if not block.has("rtcp-mux"):
            raise BadOffer(
                f"There is no a=rtcp-mux in {block.name}, but RTP and RTCP share one port here. "
                f"{_USE_ONE_TRANSPORT}"
            )
        codecs = known_codecs(block)
        needed = Codec.OPUS if track == TrackKind.AUDIO else Codec.VP8
        if needed not in codecs:
            raise BadOffer(
                f"There is no {needed.name.capitalize() if needed == Codec.OPUS else needed.name} "
                f"in {block.name}, and every participant must be able to fall back on it. "
                "Do not take it out with setCodecPreferences()."
            )
        extensions = _read_extensions(block)
        _pair_transport_cc(codecs, extensions)
        ssrc, rtx_ssrc = _read_ssrcs(block)
    return MediaSection(
        media=block.media,
        protocol=block.protocol,
        formats=block.formats,
        mid=mid,
        track=track,
        direction=_read_direction(session, block),
        codecs=codecs,
        extensions=extensions,
        ssrc=ssrc,
        rtx_ssrc=rtx_ssrc if track != TrackKind.AUDIO else None,
        rtcp_rsize=block.has("rtcp-rsize"),
    )


def _read_direction(session: AttributeBlock, block: MediaBlock) -> Direction:
    for attributes in (block.attributes, session.attributes):
        for attribute in attributes:
            if attribute.name in _DIRECTIONS and not attribute.value:
                return _DIRECTIONS[attribute.name]
    return Direction.SENDRECV  # the default of RFC 8866 section 6.7


def _read_extensions(block: MediaBlock) -> dict[Extension, OfferedExtension]:
    """RFC 8285 section 5: ``a=extmap:<id>["/"<direction>] <URI> <attributes>``."""
    extensions: dict[Extension, OfferedExtension] = {}
    for attribute in block.all("extmap"):
        label, _, rest = attribute.value.partition(" ")
        number, slash, way = label.partition("/")
        direction = _DIRECTIONS.get(way) if slash else Direction.SENDRECV
        if direction is None:
            raise attribute.bad("sendrecv, sendonly, recvonly or inactive after the '/'")
        identifier = attribute.integer(number, 1, 4351, "a header-extension id")
        extension = _EXTENSION_OF_URI.get(rest.strip().split(" ")[0])
        # 15 and above would need two-byte elements, which are not answered.
        if extension is not None and identifier <= 14 and direction != Direction.INACTIVE:
            extensions.setdefault(extension, OfferedExtension(identifier, direction))
    return extensions


def _pair_transport_cc(
    codecs: dict[Codec, OfferedCodec], extensions: dict[Extension, OfferedExtension]
) -> None:
    """Take transport-wide numbers and their feedback together or not at all, and REMB then.

    Numbers without feedback would be counted by nobody, feedback without numbers be empty.
    """
    has_feedback = any(TRANSPORT_CC in codec.feedback for codec in codecs.values())
    has_both = has_feedback and Extension.TRANSPORT_WIDE_CC in extensions
    if not has_feedback:
        extensions.pop(Extension.TRANSPORT_WIDE_CC, None)
    left_out = REMB if has_both else TRANSPORT_CC
    for codec, offered in codecs.items():
        kept = tuple(kind for kind in offered.feedback if kind != left_out)
        codecs[codec] = OfferedCodec(offered.payload_type, kept)


def _read_ssrcs(block: MediaBlock) -> tuple[int | None, int | None]:
    """The stream's SSRC and that of its retransmissions (RFC 5576, RFC 4588 section 8.5).

    Of several streams in one m-line (plan B, simulcast) the first counts.
    """
    declared: dict[int, None] = {}
    for attribute in block.all("ssrc"):
        declared[_ssrc(attribute, attribute.value.partition(" ")[0])] = None
    pairs: list[tuple[int, int]] = []
    for attribute in block.all("ssrc-group"):
        semantics, *members = attribute.value.split()[: MAX_SSRCS + 2] or [""]
        numbers = [_ssrc(attribute, member) for member in members]
        if semantics == "FID" and len(numbers) == 2 and numbers[0] != numbers[1]:
            pairs.append((numbers[0], numbers[1]))
        declared.update(dict.fromkeys(numbers))
    if len(declared) > MAX_SSRCS:
        raise BadOffer(
            f"There are {len(declared)} SSRCs in {block.name}; at most {MAX_SSRCS} are taken. "
            "Send one stream on each m-line, without simulcast."
        )
    if not declared:
        return None, None
    first = next(iter(declared))
    for primary, retransmission in pairs:
        if primary == first:
            return primary, retransmission
    return first, None


def _ssrc(attribute: Attribute, text: str) -> int:
    return attribute.integer(text, 1, 0xFFFF_FFFF, "an SSRC")


def _check_agreement(sections: tuple[MediaSection, ...]) -> None:
    """In one bundle a number means one thing on every m-line (RFC 8843 sections 9 and 15)."""
    codec_numbers: dict[int, Codec] = {}
    codecs: dict[Codec, int] = {}
    extension_numbers: dict[int, Extension] = {}
    extensions: dict[Extension, int] = {}
    ssrcs: set[int] = set()
    for section in sections:
        for codec, offered in section.codecs.items():
            number = offered.payload_type
            if codec_numbers.setdefault(number, codec) != codec or (
                codecs.setdefault(codec, number) != number
            ):
                raise BadOffer(
                    f"The m-lines of the offer disagree on payload type {number} "
                    f"({codec.name}). {SEND_CREATE_OFFER}"
                )
        for extension, element in section.extensions.items():
            if extension_numbers.setdefault(element.id, extension) != extension or (
                extensions.setdefault(extension, element.id) != element.id
            ):
                raise BadOffer(
                    f"The m-lines of the offer disagree on header extension {element.id} "
                    f"({EXTENSION_URIS[extension]}). {SEND_CREATE_OFFER}"
                )
        for ssrc in (section.ssrc, section.rtx_ssrc):
            if ssrc is not None and ssrc in ssrcs:
                raise BadOffer(
                    f"Two m-lines of the offer send with the same SSRC, {ssrc}. "
                    "Create a new RTCPeerConnection and offer again."
                )
            if ssrc is not None:
                ssrcs.add(ssrc)


def _read_bundle(
    session: AttributeBlock, blocks: list[MediaBlock], sections: tuple[MediaSection, ...]
) -> tuple[str, ...]:
    names = {
        section.mid: block.name
        for section, block in zip(sections, blocks, strict=True)
        if section.track is not None and section.mid is not None
    }
    groups = [attribute.value.split() for attribute in session.all("group")]
    bundles = [mids for semantics, *mids in filter(None, groups) if semantics == "BUNDLE"]
    bundle = next((mids for mids in bundles if not names.keys().isdisjoint(mids)), [])
    for mid, name in names.items():
        if mid not in bundle:
            raise BadOffer(
                f"The mid of {name}, {quoted(mid)}, is not in the offer's a=group:BUNDLE, but "
                f"all media shares one transport here. {_USE_ONE_TRANSPORT}"
            )
    return tuple(mid for mid in dict.fromkeys(bundle) if mid in names)


def _read_credentials(session: AttributeBlock, tagged: MediaBlock) -> tuple[str, str]:
    ufrag, password = (_either(session, tagged, name) for name in ("ice-ufrag", "ice-pwd"))
    if ufrag is None or password is None:
        missing = "ice-ufrag" if ufrag is None else "ice-pwd"
        raise BadOffer(f"There is no a={missing} for {tagged.name}. {SEND_CREATE_OFFER}")
    if _UFRAG.fullmatch(ufrag.value) is None:
        raise ufrag.bad("4 to 256 letters, digits, '+' or '/'")
    if _PASSWORD.fullmatch(password.value) is None:
        # The value stays out of the message: it is a secret, and messages are logged.
        raise BadOffer(
            f"The a=ice-pwd in line {password.number} of the offer is not 22 to 256 letters, "
            f"digits, '+' or '/'. {SEND_CREATE_OFFER}"
        )
    return ufrag.value, password.value


def _read_fingerprints(session: AttributeBlock, tagged: MediaBlock) -> tuple[tuple[str, str], ...]:
    offered = list(tagged.all("fingerprint")) or list(session.all("fingerprint"))
    if not offered:
        raise BadOffer(
            f"There is no a=fingerprint for {tagged.name}, so the browser's certificate could "
            f"not be checked. {SEND_CREATE_OFFER}"
        )
    if len(offered) > MAX_FINGERPRINTS:
        raise BadOffer(
            f"The offer has {len(offered)} fingerprints for {tagged.name}; at most "
            f"{MAX_FINGERPRINTS} are taken. {SEND_CREATE_OFFER}"
        )
    fingerprints: list[tuple[str, str]] = []
    for attribute in offered:
        algorithm, _, value = attribute.value.partition(" ")
        length = _HASH_BYTES.get(algorithm.lower())
        if length is None:
            continue
        value = value.strip().upper()
        if re.fullmatch(rf"[0-9A-F]{{2}}(:[0-9A-F]{{2}}){{{length - 1}}}", value) is None:
            raise attribute.bad(f"{length} bytes in hexadecimal, with colons,")
        fingerprints.append((algorithm.lower(), value))
    if not fingerprints:
        raise BadOffer(
            f"The fingerprint of {tagged.name} is not by one of {', '.join(_HASH_BYTES)}. "
            "Use a certificate signed with SHA-256, as RTCPeerConnection makes by itself."
        )
    return tuple(fingerprints)


def _read_setup(session: AttributeBlock, tagged: MediaBlock) -> str:
    attribute = _either(session, tagged, "setup")
    setup = attribute.value if attribute else "active"  # the default of RFC 4145 section 4
    if setup not in ("actpass", "active"):
        raise BadOffer(
            f"The offer says a=setup:{quoted(setup)}, but the browser must be the DTLS client "
            f"(actpass or active). {SEND_CREATE_OFFER}"
        )
    return setup
