"""SDP offer in, answer and media map out. Pure: no sockets, no clock, no randomness."""

from sfu.negotiation.answer import AnswerTerms, Candidate, Negotiated, answer
from sfu.negotiation.offer import BadOffer, Direction, MediaSection, Offer
from sfu.negotiation.reader import read_offer

__all__ = [
    "AnswerTerms",
    "BadOffer",
    "Candidate",
    "Direction",
    "MediaSection",
    "Negotiated",
    "Offer",
    "answer",
    "read_offer",
]
