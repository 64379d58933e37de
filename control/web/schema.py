"""The JSON of the API, as types. /openapi.json is made from these."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from control.accounts import AccountRole
from control.adapters.people import Profile, Specialist
from control.adapters.records import Recorded
from control.consultations.consultation import Consultation, End
from control.consultations.early_end import EarlyEnd
from control.consultations.extension import (
    MAX_EXTENSION_S,
    MIN_EXTENSION_S,
    AcceptedExtension,
    Extension,
)
from control.consultations.leaving import Leaving
from control.consultations.parties import Actor, Role, Terms
from control.consultations.policy import Policy
from control.consultations.ratings import MAX_COMMENT_CHARACTERS, Subject
from control.consultations.ratings import Rating as GivenRating
from control.consultations.requests import MAX_PURPOSE_CHARACTERS
from control.consultations.states import EndReason, State
from sfu.api import VideoCodec

PRICE_PATTERN = r"^[0-9]{1,7}(\.[0-9]{1,2})?$"
Price = Annotated[str, Field(pattern=PRICE_PATTERN, description="for the whole session")]


# No control characters but line feed, tab and carriage return: what the rules take for text.
_NOT_TEXT = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
TEXT_PATTERN = f"^[^{_NOT_TEXT}]*$"
# The same, and not only blanks.
SOME_TEXT_PATTERN = f"^[^{_NOT_TEXT}]*[^\\s{_NOT_TEXT}][^{_NOT_TEXT}]*$"


def text(most_characters: int) -> Any:
    """The field of a text that the rules check in full."""
    return Field(max_length=most_characters, json_schema_extra={"pattern": TEXT_PATTERN})


class Input(BaseModel):
    """What the API takes: no unknown members, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _is_whole(cls, value: object) -> object:
        """To JSON Schema 4.0 is an integer (section 6.1.1 of its validation)."""
        return int(value) if isinstance(value, float) and value.is_integer() else value

    @field_validator("*")
    @classmethod
    def _is_text(cls, value: object) -> object:
        """JSON can spell halves of surrogate pairs, which are no text (RFC 8259, section 8.2)."""
        if isinstance(value, str):
            # UnicodeEncodeError is a ValueError, which pydantic reports.
            value.encode()
        return value


class Output(BaseModel):
    """What the API gives."""

    model_config = ConfigDict(frozen=True)


class Problem(Output):
    """Every error (RFC 9457). ``code`` is stable and meant for programs."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list["InputError"] | None = Field(
        default=None, description="with invalid-input: each thing that is wrong"
    )


class InputError(Output):
    """One thing that is wrong with the input."""

    where: Literal["body", "headers", "path", "query string"]
    member: str
    message: str


class DemoAccount(Output):
    """An account that anyone can sign in to."""

    account: str
    name: str
    role: AccountRole


class DemoSignIn(Input):
    """Which demo account to sign in to."""

    account: str


class SignedInUser(Output):
    """Who signed in."""

    id: str
    name: str
    role: AccountRole


class SignedIn(Output):
    """A demo sign-in."""

    access_token: str
    user: SignedInUser


class ProfileOut(Output):
    """A specialist's terms and summary. ``price`` has two decimals, ``currency`` is ISO 4217."""

    summary: str
    duration_s: int
    price: str
    currency: str
    takes_video: bool

    @classmethod
    def of(cls, profile: Profile) -> "ProfileOut":
        """From the store's form."""
        return cls(summary=profile.summary, **_terms(profile.terms))


class ProfileIn(Input):
    """What a specialist sets; a change applies to later requests."""

    summary: Annotated[str, text(1000)]
    duration_s: Annotated[int, Field(ge=10, le=8 * 3600, description="of a session, in seconds")]
    price: Price
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")]
    takes_video: bool

    def terms(self) -> Terms:
        """The terms among it."""
        price = Decimal(self.price).quantize(Decimal("0.01"))
        return Terms(self.duration_s, price, self.currency, self.takes_video)


class Me(Output):
    """The signed-in user. ``profile`` is null for all but specialists, and for new ones."""

    id: str
    name: str
    role: AccountRole
    profile: ProfileOut | None
    available: bool = Field(description="a specialist's online switch; true without a profile")
    duration_override_s: int | None = Field(
        description="set by an operator, in place of the profile's duration"
    )


class Availability(Output):
    """A specialist's online switch."""

    available: bool


class AvailabilityIn(Input):
    """How to turn a specialist's online switch."""

    available: bool


class Presence(Output):
    """Whether a specialist can be asked now."""

    online: bool = Field(description="a page is open, and the online switch is on")
    camera_ready: bool = Field(description="takes video, and an open page passed its device check")
    busy: bool = Field(description="a consultation of theirs is accepted or under way")


class FoundSpecialist(Output):
    """A specialist who can be added."""

    id: str
    name: str
    summary: str
    duration_s: int
    price: str
    currency: str
    takes_video: bool
    added: bool

    @classmethod
    def of(cls, specialist: Specialist, added: bool) -> "FoundSpecialist":
        """From the store's form."""
        return cls(**_specialist(specialist), added=added)


class AddedSpecialist(Output):
    """A specialist on the client's list."""

    id: str
    name: str
    summary: str
    duration_s: int
    price: str
    currency: str
    takes_video: bool
    presence: Presence

    @classmethod
    def of(cls, specialist: Specialist, presence: Presence) -> "AddedSpecialist":
        """From the store's form."""
        return cls(**_specialist(specialist), presence=presence)


class RequestIn(Input):
    """A request for a consultation. ``purpose``: 1 to 500 characters after trimming."""

    specialist_id: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]+$")]
    # The rules have the last word on it, and a problem of its own.
    purpose: Annotated[
        str,
        Field(
            json_schema_extra={
                "minLength": 1,
                "maxLength": MAX_PURPOSE_CHARACTERS,
                "pattern": SOME_TEXT_PATTERN,
            }
        ),
    ]


class DeclineIn(Input):
    """The specialist's answer."""

    reason: Annotated[str, text(500)] | None = None


class PartyOut(Output):
    """One side of a consultation."""

    id: str
    name: str


class TermsOut(Output):
    """The terms under which the request was made."""

    duration_s: int
    price: str
    currency: str
    takes_video: bool


class EndOut(Output):
    """Why it ended; ``by`` is who caused it, null for nobody. ``detail``: an operator's words."""

    reason: EndReason
    by: Actor | None
    detail: str | None

    @classmethod
    def of(cls, end: End) -> "EndOut":
        """From the rules' form."""
        by = None if end.by is Actor.SERVICE else end.by
        return cls(reason=end.reason, by=by, detail=end.detail)


class EarlyEndOut(Output):
    """An open proposal to end early."""

    by: Role
    proposed_at: float
    lapses_at: float

    @classmethod
    def of(cls, proposal: EarlyEnd) -> "EarlyEndOut":
        """From the rules' form."""
        return cls(by=proposal.by, proposed_at=proposal.proposed_at, lapses_at=proposal.lapses_at)


class ExtensionIn(Input):
    """What the specialist offers: so much longer, for so much more in the terms' currency."""

    duration_s: Annotated[
        int, Field(ge=MIN_EXTENSION_S, le=MAX_EXTENSION_S, description="additional seconds")
    ]
    price: Annotated[str, Field(pattern=PRICE_PATTERN, description="for the additional time")]


class ExtensionOut(Output):
    """The specialist's open offer of an extension, in the terms' currency."""

    duration_s: int
    price: str
    proposed_at: float
    lapses_at: float

    @classmethod
    def of(cls, offer: Extension) -> "ExtensionOut":
        """From the rules' form."""
        return cls(
            duration_s=offer.duration_s,
            price=f"{offer.price:.2f}",
            proposed_at=offer.proposed_at,
            lapses_at=offer.lapses_at,
        )


class AcceptedExtensionOut(Output):
    """An extension that was agreed on, in the terms' currency."""

    duration_s: int
    price: str
    accepted_at: float

    @classmethod
    def of(cls, agreed: AcceptedExtension) -> "AcceptedExtensionOut":
        """From the rules' form."""
        return cls(
            duration_s=agreed.duration_s,
            price=f"{agreed.price:.2f}",
            accepted_at=agreed.accepted_at,
        )


class LeavingOut(Output):
    """The specialist leaves; at ``ends_at`` the session ends."""

    by: Role
    at: float
    ends_at: float

    @classmethod
    def of(cls, leaving: Leaving) -> "LeavingOut":
        """From the rules' form."""
        return cls(by=leaving.by, at=leaving.at, ends_at=leaving.ends_at)


class InterruptionOut(Output):
    """The service was interrupted; unless someone is back by ``ends_by``, the session ends."""

    since: float
    ends_by: float


class ReconnectingOut(Output):
    """A participant is silent. ``drop_at``: the session ends then; null: it goes on."""

    role: Role
    since: float
    drop_at: float | None


class RatingOut(Output):
    """1 to 5 stars and a comment."""

    stars: int
    comment: str


class ChangeableRatingOut(RatingOut):
    """One that the client can change until ``changeable_until``."""

    changeable_until: float


class RatingsOut(Output):
    """The client's ratings."""

    specialist: ChangeableRatingOut | None
    technical: ChangeableRatingOut | None


class RatingIn(Input):
    """1 to 5 stars and a comment."""

    stars: Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str, text(MAX_COMMENT_CHARACTERS)] = ""


class Snapshot(Output):
    """A consultation as it stands at ``now``. Times are Unix seconds; null: not (yet)."""

    id: str
    state: State
    client: PartyOut
    specialist: PartyOut
    purpose: str
    terms: TermsOut
    requested_at: float
    accept_by: float
    accepted_at: float | None
    start_by: float | None
    started_at: float | None
    ends_at: float | None
    ended_at: float | None
    end: EndOut | None
    decline_reason: str | None
    withdrawn: bool = Field(
        description="cancelled because another request of one side was accepted"
    )
    early_end: EarlyEndOut | None
    early_end_refused_at: float | None
    extension: ExtensionOut | None
    extensions: list[AcceptedExtensionOut] = Field(description="those agreed on, oldest first")
    extension_refused_at: float | None
    leaving: LeavingOut | None
    reconnecting: ReconnectingOut | None
    interrupted: InterruptionOut | None
    paid_s: float = Field(description="seconds until `now` in which both sides were connected")
    paid_since: float | None = Field(description="paid time runs since then; null: not now")
    ratings: RatingsOut
    seq: int = Field(description="the number of the last event")
    now: float

    @classmethod
    def of(cls, consultation: Consultation, now: float, policy: Policy) -> "Snapshot":
        """The consultation at ``now``."""
        end, early_end = consultation.end, consultation.early_end
        offer, leaving = consultation.extension, consultation.leaving
        return cls(
            id=consultation.id,
            state=consultation.state,
            client=PartyOut(id=consultation.client.id, name=consultation.client.name),
            specialist=PartyOut(id=consultation.specialist.id, name=consultation.specialist.name),
            purpose=consultation.purpose,
            terms=TermsOut(**_terms(consultation.terms)),
            requested_at=consultation.requested_at,
            accept_by=consultation.accept_by,
            accepted_at=consultation.accepted_at,
            start_by=consultation.start_by,
            started_at=consultation.started_at,
            ends_at=consultation.ends_at,
            ended_at=consultation.ended_at,
            end=EndOut.of(end) if end else None,
            decline_reason=consultation.decline_reason,
            withdrawn=consultation.withdrawn,
            early_end=EarlyEndOut.of(early_end) if early_end else None,
            early_end_refused_at=consultation.early_end_refused_at,
            extension=ExtensionOut.of(offer) if offer else None,
            extensions=[AcceptedExtensionOut.of(each) for each in consultation.extensions],
            extension_refused_at=consultation.extension_refused_at,
            leaving=LeavingOut.of(leaving) if leaving else None,
            reconnecting=_reconnecting(consultation, policy),
            interrupted=_interruption(consultation),
            paid_s=consultation.paid_s(now),
            paid_since=consultation.flowing_since,
            ratings=RatingsOut(
                specialist=_rating(consultation.ratings.get(Subject.SPECIALIST), policy),
                technical=_rating(consultation.ratings.get(Subject.TECHNICAL), policy),
            ),
            seq=consultation.seq,
            now=now,
        )


class EventOut(Output):
    """Something that happened to a consultation. The numbers of its events have no gaps."""

    consultation_id: str
    seq: int
    at: float
    type: str
    by: Actor
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Recorded, seen_by: Role | None) -> "EventOut":
        """The event as a participant or (None) an operator may see it.

        A rating is told to the specialist added up.
        """
        entry = event.entry
        hides = entry.type == "rated" and seen_by is Role.SPECIALIST
        return cls(
            consultation_id=event.consultation_id,
            seq=event.seq,
            at=entry.at,
            type=entry.type,
            by=entry.by,
            data={"subject": entry.data["subject"]} if hides else dict(entry.data),
        )


class EventsOut(Output):
    """Events of one consultation. ``seq`` is the number of its last one so far."""

    events: list[EventOut]
    seq: int


class JoinTokenOut(Output):
    """A credential for one join, by one participant, into one room."""

    token: str
    expires_at: float


class JoinIn(Input):
    """The join token is the credential; ``offer`` is the browser's SDP."""

    token: Annotated[str, Field(max_length=2000)]
    offer: str


class OfferIn(Input):
    """A browser's SDP offer."""

    offer: str


class AnswerOut(Output):
    """The node's SDP answer. ``connection_id`` names the new connection in events."""

    answer: str
    connection_id: str
    video_codec: VideoCodec


def _terms(terms: Terms) -> dict[str, Any]:
    return {
        "duration_s": terms.duration_s,
        "price": f"{terms.price:.2f}",
        "currency": terms.currency,
        "takes_video": terms.takes_video,
    }


def _specialist(specialist: Specialist) -> dict[str, Any]:
    return {
        "id": specialist.user.id,
        "name": specialist.user.name,
        "summary": specialist.profile.summary,
        **_terms(specialist.terms),
    }


def _rating(rating: GivenRating | None, policy: Policy) -> ChangeableRatingOut | None:
    if rating is None:
        return None
    until = rating.given_at + policy.rating_change_within_s
    return ChangeableRatingOut(stars=rating.stars, comment=rating.comment, changeable_until=until)


def _reconnecting(consultation: Consultation, policy: Policy) -> ReconnectingOut | None:
    role = consultation.reconnecting
    if role is None or not consultation.is_joinable:
        return None
    link = consultation.links[role]
    assert link.silent_from is not None
    # Who has said that they leave is not waited for.
    drop_at = None if consultation.leaving else link.drop_at(policy.link(role))
    return ReconnectingOut(role=role, since=link.silent_from, drop_at=drop_at)


def _interruption(consultation: Consultation) -> InterruptionOut | None:
    since, ends_by = consultation.interrupted_since, consultation.service_by
    if since is None or ends_by is None:
        return None
    return InterruptionOut(since=since, ends_by=ends_by)
