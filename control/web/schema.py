"""The JSON of the API, as types. /openapi.json is made from these."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from control.accounts import AccountRole
from control.adapters.people import Profile, Specialist
from control.consultations.consultation import Consultation
from control.consultations.parties import Role, Terms
from control.consultations.policy import Policy
from control.consultations.ratings import MAX_COMMENT_CHARACTERS, Subject
from control.consultations.ratings import Rating as GivenRating
from control.consultations.requests import MAX_PURPOSE_CHARACTERS
from control.consultations.states import EndReason, State
from sfu.api import VideoCodec

Price = Annotated[
    str, Field(pattern=r"^[0-9]{1,7}(\.[0-9]{1,2})?$", description="for the whole session")
]


class Input(BaseModel):
    """What the API takes: no unknown members, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True)

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

    summary: Annotated[str, Field(max_length=1000)]
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


class SpecialistPage(Output):
    """A specialist, as their own page shows them. ``added``: on the reader's list."""

    id: str
    name: str
    summary: str
    duration_s: int
    price: str
    currency: str
    takes_video: bool
    presence: Presence
    added: bool

    @classmethod
    def of(cls, specialist: Specialist, presence: Presence, added: bool) -> "SpecialistPage":
        """From the store's form."""
        return cls(**_specialist(specialist), presence=presence, added=added)


class RequestIn(Input):
    """A request for a consultation. ``purpose``: 1 to 500 characters after trimming."""

    specialist_id: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]+$")]
    # The rules have the last word on it, and a problem of its own.
    purpose: Annotated[
        str, Field(json_schema_extra={"minLength": 1, "maxLength": MAX_PURPOSE_CHARACTERS})
    ]


class DeclineIn(Input):
    """The specialist's answer."""

    reason: Annotated[str, Field(max_length=500)] | None = None


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
    """Why it ended; ``by`` is who caused it, null for nobody."""

    reason: EndReason
    by: Role | None


class EarlyEndOut(Output):
    """An open proposal to end early."""

    by: Role
    proposed_at: float
    lapses_at: float


class ReconnectingOut(Output):
    """A participant is silent. ``drop_at``: the session ends then; null: it goes on."""

    role: Role
    since: float
    drop_at: float | None


class RatingOut(Output):
    """1 to 5 stars and a comment."""

    stars: int
    comment: str


class RatingsOut(Output):
    """The client's ratings."""

    specialist: RatingOut | None
    technical: RatingOut | None


class RatingIn(Input):
    """1 to 5 stars and a comment."""

    stars: Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str, Field(max_length=MAX_COMMENT_CHARACTERS)] = ""


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
    reconnecting: ReconnectingOut | None
    ratings: RatingsOut
    now: float

    @classmethod
    def of(cls, consultation: Consultation, now: float, policy: Policy) -> "Snapshot":
        """The consultation at ``now``."""
        end, early_end = consultation.end, consultation.early_end
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
            end=EndOut(reason=end.reason, by=end.by) if end else None,
            decline_reason=consultation.decline_reason,
            withdrawn=consultation.withdrawn,
            early_end=(
                EarlyEndOut(
                    by=early_end.by,
                    proposed_at=early_end.proposed_at,
                    lapses_at=early_end.lapses_at,
                )
                if early_end
                else None
            ),
            early_end_refused_at=consultation.early_end_refused_at,
            reconnecting=_reconnecting(consultation, policy),
            ratings=RatingsOut(
                specialist=_rating(consultation.ratings.get(Subject.SPECIALIST)),
                technical=_rating(consultation.ratings.get(Subject.TECHNICAL)),
            ),
            now=now,
        )


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


def _rating(rating: GivenRating | None) -> RatingOut | None:
    return RatingOut(stars=rating.stars, comment=rating.comment) if rating else None


def _reconnecting(consultation: Consultation, policy: Policy) -> ReconnectingOut | None:
    role = consultation.reconnecting
    if role is None or not consultation.is_joinable:
        return None
    link = consultation.links[role]
    assert link.last_heard_at is not None
    return ReconnectingOut(
        role=role, since=link.last_heard_at, drop_at=link.drop_at(policy.link(role))
    )
