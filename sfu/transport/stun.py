"""STUN connectivity checks as the node reads and answers them (RFC 8489, RFC 8445 section 7).

The one boundary around aioice's parser: whatever bytes arrive, a ``Check`` or a ``StunDrop``
comes back and nothing is raised.
"""

from dataclasses import dataclass
from enum import StrEnum

from aioice import stun

Address = tuple[str, int]
"""Host and port of a peer; IPv4 is written as such also on a dual-stack socket."""

ROLE_CONFLICT = (487, "Role Conflict")


class StunDrop(StrEnum):
    """Why a STUN datagram was dropped without an answer."""

    MALFORMED = "stun_malformed"
    NOT_A_CHECK = "stun_not_a_check"
    NO_INTEGRITY = "stun_no_integrity"
    WRONG_USERNAME = "stun_wrong_username"
    WRONG_INTEGRITY = "stun_wrong_integrity"
    REPLAYED = "stun_replayed"


@dataclass(frozen=True)
class Check:
    """A binding request that claims to be a connectivity check; not authenticated yet.

    Attributes:
        local_ufrag: the receiver's username fragment, first half of USERNAME.
        remote_ufrag: the sender's, the second half.
        priority: of the sender's candidate; 0 when it does not say.
        use_candidate: the sender nominates this pair.
        controlled: the sender takes itself for the controlled agent.
    """

    message: stun.Message
    local_ufrag: str
    remote_ufrag: str
    priority: int
    use_candidate: bool
    controlled: bool

    def signed_with(self, pwd: str) -> bool:
        """Whether MESSAGE-INTEGRITY is that of ``pwd`` (short-term, RFC 8489 section 9.1)."""
        return self.message.check_message_integrity(pwd.encode())


def read_check(data: bytes) -> Check | StunDrop:
    """Read a binding request; a FINGERPRINT, when there, has been verified."""
    try:
        message = stun.parse_message(data)
    except Exception:  # the parser raises nearly anything; what it was does not matter
        return StunDrop.MALFORMED
    if (message.message_method, message.message_class) != (
        stun.Method.BINDING,
        stun.Class.REQUEST,
    ):
        return StunDrop.NOT_A_CHECK
    attributes = message.attributes
    if "MESSAGE-INTEGRITY" not in attributes:
        return StunDrop.NO_INTEGRITY
    local_ufrag, colon, remote_ufrag = attributes.get("USERNAME", "").partition(":")
    if not colon:
        return StunDrop.WRONG_USERNAME
    return Check(
        message=message,
        local_ufrag=local_ufrag,
        remote_ufrag=remote_ufrag,
        priority=attributes.get("PRIORITY", 0),
        use_candidate="USE-CANDIDATE" in attributes,
        controlled="ICE-CONTROLLED" in attributes,
    )


def success(check: Check, pwd: str, mapped: Address) -> bytes:
    """The success response, saying from where the check was seen to come."""
    return _response(check, stun.Class.RESPONSE, {"XOR-MAPPED-ADDRESS": mapped}, pwd)


def role_conflict(check: Check, pwd: str) -> bytes:
    """The 487 that makes the sender take the controlling role (RFC 8445 section 7.3.1.1)."""
    return _response(check, stun.Class.ERROR, {"ERROR-CODE": ROLE_CONFLICT}, pwd)


def _response(check: Check, kind: stun.Class, attributes: dict[str, object], pwd: str) -> bytes:
    message = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=kind,
        transaction_id=check.message.transaction_id,
        attributes=attributes,
    )
    message.add_message_integrity(pwd.encode())
    return bytes(message)
