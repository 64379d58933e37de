"""Every refusal of control, as one tree.

    ControlError
    ├── BadInput                422  what was sent cannot be used
    │   ├── IdempotencyKeyReused
    │   ├── PurposeInvalid
    │   ├── RatingInvalid
    │   ├── ExtensionInvalid
    │   └── BadOffer
    ├── NotAuthenticated        401  nobody we know
    │   ├── TokenInvalid
    │   ├── TokenExpired
    │   ├── JoinTokenInvalid
    │   └── JoinTokenExpired
    ├── NotPermitted            403  known, but not theirs to do
    │   └── AccountBlocked
    ├── NotFound                404  absent, or someone else's
    │   └── ConnectionUnknown
    ├── Conflict                409  not now
    │   ├── IdempotencyKeyInUse
    │   ├── NotInThisState
    │   ├── RequestAlreadyOpen
    │   ├── SpecialistOffline
    │   ├── SpecialistBusy
    │   ├── ClientBusy
    │   ├── VideoNotTaken
    │   ├── ProfileMissing
    │   ├── EarlyEndAlreadyProposed
    │   ├── NoEarlyEndProposed
    │   ├── OwnEarlyEnd
    │   ├── ExtensionAlreadyProposed
    │   ├── NoExtensionProposed
    │   ├── AlreadyLeaving
    │   ├── NotRatable
    │   ├── JoinTokenUsed
    │   ├── RoomFull
    │   └── WebhooksOff
    ├── TooManyRequests         429  too often
    └── Unavailable             503  our side cannot just now
        ├── DatabaseUnavailable
        ├── NodeFull
        └── NodeUnavailable

``code`` is stable and meant for programs, ``title`` says the same to a person, ``detail`` tells
of the one occurrence. ``status`` is the HTTP status of the problem document (RFC 9457).
"""

from typing import ClassVar


class ControlError(Exception):
    """A command or request that is refused; nothing has changed."""

    code: ClassVar[str]
    title: ClassVar[str]
    status: ClassVar[int]

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BadInput(ControlError):
    """What was sent cannot be used."""

    code = "invalid-input"
    title = "The request is not valid"
    status = 422


class IdempotencyKeyReused(BadInput):
    """An Idempotency-Key came with another command before."""

    code = "idempotency-key-reused"
    title = "The Idempotency-Key belongs to another command"


class PurposeInvalid(BadInput):
    """The purpose is empty, too long, or holds characters that are not text."""

    code = "purpose-invalid"
    title = "The purpose is not valid"


class RatingInvalid(BadInput):
    """The stars or the comment of a rating are out of bounds."""

    code = "rating-invalid"
    title = "The rating is not valid"


class ExtensionInvalid(BadInput):
    """The duration or the price of an extension is out of bounds."""

    code = "extension-invalid"
    title = "The extension is not valid"


class BadOffer(BadInput):
    """The media node cannot use the SDP offer."""

    code = "bad-offer"
    title = "The SDP offer cannot be used"


class NotAuthenticated(ControlError):
    """No credential came with the request."""

    code = "not-authenticated"
    title = "Sign-in is needed"
    status = 401


class TokenInvalid(NotAuthenticated):
    """The bearer token is malformed, foreign, wrongly signed or lacks a claim."""

    code = "token-invalid"
    title = "The access token is not valid"


class TokenExpired(NotAuthenticated):
    """The bearer token was good once."""

    code = "token-expired"
    title = "The access token has expired"


class JoinTokenInvalid(NotAuthenticated):
    """The join token is malformed, foreign or wrongly signed."""

    code = "join-token-invalid"
    title = "The join token is not valid"


class JoinTokenExpired(NotAuthenticated):
    """The join token was good once."""

    code = "join-token-expired"
    title = "The join token has expired"


class NotPermitted(ControlError):
    """The role of this user does not allow it."""

    code = "not-permitted"
    title = "Not permitted"
    status = 403


class AccountBlocked(NotPermitted):
    """An operator has closed the platform to this user."""

    code = "account-blocked"
    title = "The account is blocked"


class NotFound(ControlError):
    """There is no such thing, or it is someone else's, which reads the same."""

    code = "not-found"
    title = "Not found"
    status = 404


class ConnectionUnknown(NotFound):
    """The connection is not the user's current one; a new join is needed."""

    code = "connection-unknown"
    title = "The connection is not known"


class Conflict(ControlError):
    """Not possible as things stand."""

    code = "conflict"
    title = "Not possible now"
    status = 409


class IdempotencyKeyInUse(Conflict):
    """The first command with this Idempotency-Key is not answered yet."""

    code = "idempotency-key-in-use"
    title = "A command with this Idempotency-Key is under way"


class NotInThisState(Conflict):
    """The consultation's state does not know this step."""

    code = "not-in-this-state"
    title = "The consultation does not allow this now"


class RequestAlreadyOpen(Conflict):
    """The client already waits for an answer of this specialist."""

    code = "request-already-open"
    title = "A request to this specialist is already open"


class SpecialistOffline(Conflict):
    """The specialist has no open page."""

    code = "specialist-offline"
    title = "The specialist is offline"


class SpecialistBusy(Conflict):
    """The specialist has an accepted or active consultation."""

    code = "specialist-busy"
    title = "The specialist is in another consultation"


class ClientBusy(Conflict):
    """The client has an accepted or active consultation."""

    code = "client-busy"
    title = "The client is in another consultation"


class VideoNotTaken(Conflict):
    """The specialist takes no video consultations."""

    code = "video-not-taken"
    title = "The specialist does not take video consultations"


class ProfileMissing(Conflict):
    """A specialist who has set no terms yet is on line for nobody."""

    code = "profile-missing"
    title = "No terms have been set yet"


class EarlyEndAlreadyProposed(Conflict):
    """One early-end proposal at a time."""

    code = "early-end-already-proposed"
    title = "An early end has already been proposed"


class NoEarlyEndProposed(Conflict):
    """There is no proposal to answer; it may have lapsed."""

    code = "no-early-end-proposed"
    title = "No early end is proposed"


class OwnEarlyEnd(Conflict):
    """A proposal is answered by the other side."""

    code = "own-early-end"
    title = "One's own proposal is answered by the other side"


class ExtensionAlreadyProposed(Conflict):
    """One offer of an extension at a time."""

    code = "extension-already-proposed"
    title = "An extension has already been offered"


class NoExtensionProposed(Conflict):
    """There is no offer to answer; it may have lapsed."""

    code = "no-extension-proposed"
    title = "No extension is offered"


class AlreadyLeaving(Conflict):
    """The specialist leaves; the session ends in a few seconds."""

    code = "already-leaving"
    title = "The specialist is leaving"


class NotRatable(Conflict):
    """Not ended, never started, or rated too long ago."""

    code = "not-ratable"
    title = "The consultation cannot be rated now"


class JoinTokenUsed(Conflict):
    """A join token works once."""

    code = "join-token-used"
    title = "The join token has already been used"


class RoomFull(Conflict):
    """The room already has its two participants."""

    code = "room-full"
    title = "The room is full"


class TooManyRequests(ControlError):
    """The user, or the address, asks more often than the limits allow."""

    code = "too-many-requests"
    title = "Too many requests"
    status = 429

    def __init__(self, detail: str, wait_s: float) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class WebhooksOff(Conflict):
    """There is no target that webhooks could be sent to."""

    code = "webhooks-off"
    title = "Webhooks are not set up"


class Unavailable(ControlError):
    """A part of the service cannot do its work just now."""

    code = "unavailable"
    title = "Temporarily unavailable"
    status = 503


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or not in time."""

    code = "database-unavailable"
    title = "The database does not answer"


class NodeFull(Unavailable):
    """The media node has no place left."""

    code = "node-full"
    title = "The media node is full"


class NodeUnavailable(Unavailable):
    """The media node did not answer in time, or did not know what we told it."""

    code = "node-unavailable"
    title = "The media node does not answer"
