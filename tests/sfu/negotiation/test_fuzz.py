"""Mutated real offers: an answer comes out, or ``BadOffer``, and nothing else."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.negotiation import BadOffer, Offer, answer, read_offer
from sfu.negotiation.codecs import VIDEO_CODECS
from tests.sfu.negotiation.offers import NAMES, TERMS, blocks_of, load

OFFERS = {name: load(name) for name in NAMES}
LINES = sorted({line for sdp in OFFERS.values() for line in sdp.split("\r\n")})
NASTY = [
    "",
    "a=",
    "m=",
    "a=:",
    "a=mid:",
    "a=group:",
    "a=group:BUNDLE",
    "a=ssrc:",
    "a=ssrc-group: ",
    "a=ssrc-group:FID",
    "a=extmap:/ ",
    "a=extmap:1/",
    "a=fmtp:97 apt=",
    "a=fmtp:97 ;;=;apt",
    "a=fmtp:63 /",
    "a=rtpmap:96",
    "a=rtcp-fb:*",
    "a=fingerprint:",
    "a=fingerprint:sha-256",
    "a=setup",
    "a=ice-lite",
    "a=bundle-only",
    "a=sendrecv:x",
    "m=video 9 UDP/TLS/RTP/SAVPF ",
    "m=audio 0/0 UDP/TLS/RTP/SAVPF x",
    "a=mid:\ud800",
    "a=rtpmap:² VP8/90000",
]

Mutation = tuple[str, int, int, str]
mutations = st.tuples(
    st.sampled_from(["delete", "double", "swap", "replace", "insert", "cut", "number"]),
    st.integers(0, 100_000),
    st.integers(0, 100_000),
    st.one_of(
        st.sampled_from(LINES),
        st.sampled_from(NASTY),
        st.text(max_size=20),
        st.integers(-1, 2**70).map(str),
    ),
)


def mutate(sdp: str, mutation: Mutation) -> str:
    how, first, second, text = mutation
    lines = sdp.split("\r\n")
    at, other = first % len(lines), second % len(lines)
    match how:
        case "delete":
            del lines[at]
        case "double":
            lines.insert(other, lines[at])
        case "swap":
            lines[at], lines[other] = lines[other], lines[at]
        case "replace":
            lines[at] = text
        case "insert":
            lines.insert(at, text)
        case "number":
            words = lines[at].split(" ")
            words[second % len(words)] = text
            lines[at] = " ".join(words)
        case "cut":
            position = first % (len(sdp) + 1)
            return sdp[:position] + text + sdp[position + second % 20 :]
    return "\r\n".join(lines)


def outcome(sdp: str) -> Offer | BadOffer:
    try:
        return read_offer(sdp)
    except BadOffer as error:
        return error


def check(sdp: str) -> None:
    offer = outcome(sdp)
    if isinstance(offer, BadOffer):
        assert offer.__cause__ is None, "only the last resort stopped it"
        assert offer.detail.isascii()
        assert offer.detail.isprintable()
        return
    for codec in VIDEO_CODECS:
        negotiated = answer(offer, replace(TERMS, video_codec=codec))
        assert negotiated.sdp.isascii()
        session, *sections = blocks_of(negotiated.sdp)
        # Nothing of the offer can grow a line of its own.
        assert len(sections) == len(offer.sections)
        assert len(session) == 7
        for block in sections:
            assert all(line[1] == "=" and line.isprintable() for line in block)
        media = negotiated.media
        codecs = list(media.payload_types.values())
        assert len(codecs) == len(set(codecs))
        assert all(0 <= number <= 127 for number in media.payload_types)
        extensions = list(media.extension_ids.values())
        assert len(extensions) == len(set(extensions))
        assert all(1 <= number <= 14 for number in media.extension_ids)
        kinds = [track.kind for track in media.inbound]
        assert len(kinds) == len(set(kinds))
        ssrcs = [ssrc for track in media.inbound for ssrc in (track.ssrc, track.rtx_ssrc) if ssrc]
        assert len(ssrcs) == len(set(ssrcs))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES), st.lists(mutations, min_size=1, max_size=6))
def test_mutated_offer(name: str, changes: list[Mutation]) -> None:
    sdp = OFFERS[name]
    for change in changes:
        sdp = mutate(sdp, change)
    check(sdp)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(LINES), st.sampled_from(NASTY)), max_size=60))
def test_lines_of_real_offers_in_any_order(lines: list[str]) -> None:
    check("v=0\r\n" + "\r\n".join(lines))


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text(text: str) -> None:
    check(text)
    check("v=0\n" + text)
