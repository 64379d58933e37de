"""Which payload types of an m-line the node can forward, and how it writes them in an answer.

The node decodes nothing: a payload type is taken when both browsers mean the same bitstream by
it, so each codec is pinned to the one profile that all of them share.
"""

from collections.abc import Mapping

from sfu.negotiation.lines import Attribute, MediaBlock
from sfu.negotiation.offer import OfferedCodec
from sfu.rtp.media import CLOCK_RATE_VIDEO, RTX_OFFSET, Codec

MAX_PARAMETERS = 32  # of one a=fmtp line; those of browsers have three

VIDEO_CODECS = (Codec.VP8, Codec.VP9, Codec.AV1, Codec.H264)

TRANSPORT_CC = "transport-cc"
REMB = "goog-remb"

# Feedback that the node carries, in the order of the answer. goog-remb is taken only where
# transport-cc is not: with both, the plane swallows REMB. rrtr (RFC 3611, in the words of
# libwebrtc) is not in a browser's offer unless its page asks for it. Audio is repaired by its own
# FEC.
_AUDIO_FEEDBACK = (TRANSPORT_CC, "rrtr")
_VIDEO_FEEDBACK = (TRANSPORT_CC, REMB, "ccm fir", "nack", "nack pli", "rrtr")

_ENCODING_NAMES = {
    Codec.OPUS: "opus/48000/2",
    Codec.RED: "red/48000/2",
    Codec.VP8: "VP8/90000",
    Codec.VP9: "VP9/90000",
    Codec.AV1: "AV1/90000",
    Codec.H264: "H264/90000",
}
_CODEC_OF_NAME = {name.lower(): codec for codec, name in _ENCODING_NAMES.items()}
_RTX_NAME = f"rtx/{CLOCK_RATE_VIDEO}"

# Ours, not echoes of the offer. Opus for speech: in-band FEC on, mono (stereo would take bits
# from the voice), no DTX: steady packets carry the measurement of loss and the 15-second rule.
# AV1 has none: its defaults are meant, and Firefox 153 takes a written level for the profile.
_OUR_PARAMETERS = {
    Codec.OPUS: "minptime=10;useinbandfec=1",
    Codec.VP9: "profile-id=0",
    Codec.H264: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
}


def is_rtx(codec: Codec) -> bool:
    return codec >= RTX_OFFSET


def known_codecs(section: MediaBlock) -> dict[Codec, OfferedCodec]:
    """The payload types of an audio or video m-line that the node can forward.

    The first payload type of several for one codec is taken, in the order of the m-line.
    Raises ``BadOffer`` for ``a=rtpmap``, ``a=fmtp`` and ``a=rtcp-fb`` lines that make no sense.
    """
    names = _by_payload_type(section, "rtpmap")
    parameters = _by_payload_type(section, "fmtp")
    feedback = _feedback(section)
    order = [int(text) for text in section.formats if text.isascii() and text.isdecimal()]

    codecs: dict[Codec, OfferedCodec] = {}
    for payload_type in order:
        codec = _CODEC_OF_NAME.get(names.get(payload_type, "").lower(), Codec.UNKNOWN)
        if codec in codecs or (codec in VIDEO_CODECS) != (section.media == "video"):
            continue
        if _has_our_profile(codec, _parse(parameters.get(payload_type, ""))):
            kinds = _VIDEO_FEEDBACK if section.media == "video" else _AUDIO_FEEDBACK
            offered = feedback.get(str(payload_type), set()) | feedback.get("*", set())
            codecs[codec] = OfferedCodec(
                payload_type, tuple(kind for kind in kinds if kind in offered)
            )
    _check_red(codecs, parameters)
    for payload_type in order:
        if names.get(payload_type, "").lower() == _RTX_NAME:
            repaired = _parse(parameters.get(payload_type, "")).get("apt")
            for codec in VIDEO_CODECS:
                if codec in codecs and str(codecs[codec].payload_type) == repaired:
                    # RFC 4588 section 8.1: feedback is that of the repaired stream.
                    codecs.setdefault(Codec(codec + RTX_OFFSET), OfferedCodec(payload_type, ()))
    return codecs


def codec_lines(codec: Codec, codecs: Mapping[Codec, OfferedCodec]) -> list[str]:
    """The attributes that describe ``codec``, one of ``codecs``, in an answer."""
    payload_type = codecs[codec].payload_type
    if is_rtx(codec):
        repaired = codecs[Codec(codec - RTX_OFFSET)].payload_type
        return [f"a=rtpmap:{payload_type} {_RTX_NAME}", f"a=fmtp:{payload_type} apt={repaired}"]
    lines = [f"a=rtpmap:{payload_type} {_ENCODING_NAMES[codec]}"]
    lines += [f"a=rtcp-fb:{payload_type} {kind}" for kind in codecs[codec].feedback]
    if codec == Codec.RED:
        opus = codecs[Codec.OPUS].payload_type
        lines.append(f"a=fmtp:{payload_type} {opus}/{opus}")
    elif codec in _OUR_PARAMETERS:
        lines.append(f"a=fmtp:{payload_type} {_OUR_PARAMETERS[codec]}")
    return lines


def _by_payload_type(section: MediaBlock, name: str) -> dict[int, str]:
    """The values of ``a=rtpmap`` or ``a=fmtp`` lines by payload type; the first one counts."""
    values: dict[int, str] = {}
    for attribute in section.all(name):
        number, _, value = attribute.value.partition(" ")
        values.setdefault(_payload_type(attribute, number), value.strip())
    return values


def _feedback(section: MediaBlock) -> dict[str, set[str]]:
    """RTCP feedback by payload type as text, "*" for those that apply to all (RFC 4585)."""
    kinds: dict[str, set[str]] = {}
    for attribute in section.all("rtcp-fb"):
        number, _, kind = attribute.value.partition(" ")
        key = "*" if number == "*" else str(_payload_type(attribute, number))
        kinds.setdefault(key, set()).add(kind.strip().lower())
    return kinds


def _payload_type(attribute: Attribute, text: str) -> int:
    return attribute.integer(text, 0, 127, "a payload type")


def _parse(parameters: str) -> dict[str, str]:
    """``key=value;…`` of an ``a=fmtp`` line; keys and values in lower case."""
    pairs = (pair.partition("=") for pair in parameters.lower().split(";", MAX_PARAMETERS))
    return {key.strip(): value.strip() for key, _, value in pairs}


def _has_our_profile(codec: Codec, parameters: Mapping[str, str]) -> bool:
    match codec:
        case Codec.OPUS | Codec.RED | Codec.VP8:
            return True
        case Codec.VP9:
            return parameters.get("profile-id", "0") == "0"
        case Codec.AV1:
            return parameters.get("profile", "0") == "0"
        case Codec.H264:
            # RFC 6184 section 8.1: without the parameter the mode is 0, single NAL units.
            return (
                parameters.get("profile-level-id") == "42e01f"
                and parameters.get("packetization-mode", "0") == "1"
            )
        case _:
            return False


def _check_red(codecs: dict[Codec, OfferedCodec], parameters: Mapping[int, str]) -> None:
    """Leave RED out unless every block in it is the Opus that is answered (RFC 2198)."""
    red, opus = codecs.get(Codec.RED), codecs.get(Codec.OPUS)
    if red is not None and (
        opus is None
        or set(parameters.get(red.payload_type, "").split("/")) != {str(opus.payload_type)}
    ):
        del codecs[Codec.RED]
