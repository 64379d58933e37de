"""An SDP text taken apart into lines, within bounds, before any of it is understood.

The reader is our own, not aiortc's: that one drops header-extension directions and SSRC groups
it does not know, raises almost any exception on broken input, and has no bounds. aiortc's reader
serves the tests as an independent opinion on the answers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sfu.negotiation.offer import BadOffer

# Chromium's offer of our three m-lines is 10 kB, 330 lines; a gathered one with many addresses 20.
MAX_OFFER_CHARACTERS = 64 * 1024
MAX_LINES = 4096
MAX_MEDIA_SECTIONS = 16
MAX_FORMATS = 128  # payload types are seven bits

SEND_CREATE_OFFER = "Send the SDP of RTCPeerConnection.createOffer() unchanged."

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+")  # RFC 8866 section 9
_MEDIA = re.compile(r"([A-Za-z0-9-]{1,32}) ([0-9]{1,5})(?:/[0-9]{1,3})? ([A-Za-z0-9/]{1,64}) (.+)")
_NUMBER = re.compile(r"[0-9]{1,10}")


def quoted(text: str) -> str:
    """Text of the peer, short and harmless enough for a message or a log line."""
    return ascii(text if len(text) <= 40 else text[:39] + "…")


def is_token(text: str, longest: int) -> bool:
    return len(text) <= longest and _TOKEN.fullmatch(text) is not None


@dataclass(frozen=True)
class Attribute:
    """One ``a=name:value`` line; ``value`` is empty for a flag. ``number`` is its line, from 1."""

    number: int
    name: str
    value: str

    def bad(self, expected: str) -> BadOffer:
        """The error that says this line cannot be understood."""
        shown = quoted(f"a={self.name}:{self.value}" if self.value else f"a={self.name}")
        return BadOffer(
            f"Line {self.number} of the offer, {shown}, cannot be understood: expected "
            f"{expected}. {SEND_CREATE_OFFER}"
        )

    def integer(self, text: str, lowest: int, highest: int, meaning: str) -> int:
        """``text``, a part of this line's value, as a number; ``BadOffer`` when it is not one."""
        if _NUMBER.fullmatch(text) is None or not lowest <= int(text) <= highest:
            raise self.bad(f"{meaning} from {lowest} to {highest}")
        return int(text)


@dataclass
class AttributeBlock:
    """The attributes of the session or of one m-line, in order."""

    attributes: list[Attribute] = field(default_factory=list)

    def all(self, name: str) -> Iterator[Attribute]:
        return (attribute for attribute in self.attributes if attribute.name == name)

    def first(self, name: str) -> Attribute | None:
        return next(self.all(name), None)

    def has(self, name: str) -> bool:
        return self.first(name) is not None


@dataclass
class MediaBlock(AttributeBlock):
    """One m-line and the attributes that follow it."""

    media: str = ""
    port: int = 0
    protocol: str = ""
    formats: tuple[str, ...] = ()
    index: int = 0

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return f"m-line {self.index + 1} ({self.media})"


def split_offer(sdp: str) -> tuple[AttributeBlock, list[MediaBlock]]:
    """The session's attributes and the m-lines. ``BadOffer`` when it is not SDP, or too much."""
    if not sdp.strip():
        raise BadOffer(f"The offer is empty. {SEND_CREATE_OFFER}")
    if len(sdp) > MAX_OFFER_CHARACTERS:
        raise BadOffer(
            f"The offer has {len(sdp)} characters; at most {MAX_OFFER_CHARACTERS} are read. "
            "Offer one audio, one video and one screen m-line only."
        )
    lines = sdp.split("\n")
    if len(lines) > MAX_LINES:
        raise BadOffer(
            f"The offer has {len(lines)} lines; at most {MAX_LINES} are read. "
            "Offer one audio, one video and one screen m-line only."
        )
    if lines[0].rstrip("\r") != "v=0":
        raise BadOffer(
            f"This is not an SDP offer: it begins with {quoted(lines[0])} instead of 'v=0'. "
            f"{SEND_CREATE_OFFER}"
        )

    session = AttributeBlock()
    sections: list[MediaBlock] = []
    block = session
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\r")
        if not line:
            continue
        if len(line) < 2 or line[1] != "=" or not "a" <= line[0] <= "z":
            raise BadOffer(
                f"Line {number} of the offer, {quoted(line)}, is not SDP (a letter, '=', a "
                f"value). {SEND_CREATE_OFFER}"
            )
        if line[0] == "m":
            if len(sections) == MAX_MEDIA_SECTIONS:
                raise BadOffer(
                    f"The offer has more than {MAX_MEDIA_SECTIONS} m-lines. "
                    "Offer one audio, one video and one screen m-line only."
                )
            block = _media_block(number, line, len(sections))
            sections.append(block)
        elif line[0] == "a":
            name, _, value = line[2:].partition(":")
            block.attributes.append(Attribute(number, name, value.strip(" ")))
    if not sections:
        raise BadOffer(
            "The offer has no m-lines, so there is nothing to send or receive. "
            "Add an audio transceiver before createOffer()."
        )
    return session, sections


def _media_block(number: int, line: str, index: int) -> MediaBlock:
    match = _MEDIA.fullmatch(line[2:])
    formats = match[4].split(" ") if match else []
    # A refused m-line goes back verbatim, so nothing but tokens may stand in it.
    if (
        match is None
        or int(match[2]) > 0xFFFF
        or len(formats) > MAX_FORMATS
        or not all(is_token(text, 64) for text in formats)
    ):
        raise BadOffer(
            f"Line {number} of the offer, {quoted(line)}, cannot be understood: expected a media "
            f"type, a port, a protocol and up to {MAX_FORMATS} formats. {SEND_CREATE_OFFER}"
        )
    return MediaBlock(
        media=match[1],
        port=int(match[2]),
        protocol=match[3],
        formats=tuple(formats),
        index=index,
    )
