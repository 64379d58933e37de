"""What the negotiation tests share: the offers, terms for an answer, an answer taken apart."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sfu.negotiation import AnswerTerms, Candidate, Negotiated, answer, read_offer
from sfu.rtp.media import Codec

FOLDER = Path(__file__).parents[2] / "fixtures" / "offers"
NAMES = sorted(path.stem for path in FOLDER.glob("*.sdp"))

TERMS = AnswerTerms(
    video_codec=Codec.VP8,
    max_video_bps=2_500_000,
    ice_ufrag="0a00w7xk",
    ice_pwd="nodenodenodenodenodenode",
    fingerprints=(("sha-256", ":".join(["5A"] * 32)),),
    candidates=(Candidate("203.0.113.7", 40_000), Candidate("2001:db8::7", 40_000)),
    outbound_ssrcs=(1001, 1002, 1003, 1004, 1005),
    cname="node",
)

Change = Callable[[str], str]


def load(name: str) -> str:
    """The text of an offer, line ends included."""
    return (FOLDER / f"{name}.sdp").read_bytes().decode()


def answer_to(name: str, codec: Codec = Codec.VP8) -> Negotiated:
    return answer(read_offer(load(name)), replace(TERMS, video_codec=codec))


def without(*starts: str) -> Change:
    """Take out every line that starts with one of ``starts``."""
    return lambda sdp: "".join(
        line for line in sdp.splitlines(keepends=True) if not line.startswith(starts)
    )


def swap(old: str, new: str, count: int = -1) -> Change:
    """Replace text that must be there."""

    def change(sdp: str) -> str:
        assert old in sdp
        return sdp.replace(old, new, count)

    return change


def blocks_of(sdp: str) -> list[list[str]]:
    """The lines of the session, then those of each m-line."""
    assert sdp.endswith("\r\n")
    blocks: list[list[str]] = [[]]
    for line in sdp.removesuffix("\r\n").split("\r\n"):
        if line.startswith("m="):
            blocks.append([])
        blocks[-1].append(line)
    return blocks
