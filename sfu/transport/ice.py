"""The ICE-lite agent of one connection (RFC 8445 section 2.5): it answers checks and sends none.

Pure: a datagram and the time go in, a list of outputs comes out, in the order in which they are
to be carried out (an address is validated before the response that lets its owner go on).

What is not authenticated gets no answer at all, where RFC 8489 section 9.1.3 would allow 400 and
401: browsers do nothing useful with them, and silence cannot be aimed at a third party.
"""

from dataclasses import dataclass

from sfu.transport.stun import Address, Check, StunDrop, read_check, role_conflict, success

MAX_ADDRESSES = 8
"""Addresses that one connection may have validated; the one unheard for longest leaves."""

STALE_AFTER_S = 10.0
"""Beyond this silence a selected address yields to a nominated one of lower priority.

Firefox's consent checks come every 5 s (RFC 7675), Chromium's every 2.7 s.
"""

TRANSACTION_S = 40.0
"""How long a request may be retransmitted: 79 times the 500 ms of RTO (RFC 8489 section 6.2.1)."""

TRANSACTIONS = 1024
"""So many are remembered, the latest: half an hour and more of a browser's checks."""

REFRESH_S = 1.0
"""At most this often the validity of a known address is said again."""


@dataclass(frozen=True)
class Credentials:
    """What an agent is addressed by and signs with (RFC 8839 section 5.4)."""

    ufrag: str
    pwd: str


@dataclass(frozen=True)
class SendResponse:
    """Send ``data`` to ``address``."""

    address: Address
    data: bytes


@dataclass(frozen=True)
class AddressValidated:
    """An authenticated check came from ``address``: it may be listened to."""

    address: Address


@dataclass(frozen=True)
class AddressSelected:
    """From now on ``address`` is where to send."""

    address: Address


@dataclass(frozen=True)
class CheckDropped:
    """The datagram was dropped, without an answer."""

    reason: StunDrop


IceOutput = SendResponse | AddressValidated | AddressSelected | CheckDropped


@dataclass
class _Path:
    """One address of the peer that has been validated."""

    checked_at: float
    announced_at: float
    priority: int
    nominated: bool = False


class IceAgent:
    """The node's end of one ICE session.

    Args:
        credentials: ours, which the peer addresses us by.
        remote_ufrag: the peer's username fragment, from its offer.
    """

    def __init__(self, credentials: Credentials, remote_ufrag: str) -> None:
        self.credentials = credentials
        self.remote_ufrag = remote_ufrag
        # Time of the last authenticated check, Unix seconds; None before the first.
        self.heard_at: float | None = None
        # Where to send; None before the first authenticated check.
        self.selected: Address | None = None
        # Those before an ICE restart, good until the first check with the new ones.
        self._previous: Credentials | None = None
        self._previous_remote_ufrag = remote_ufrag
        self._paths: dict[Address, _Path] = {}
        # By transaction: where its request came from, and when it came first.
        self._transactions: dict[bytes, tuple[Address, float]] = {}

    def restart(self, credentials: Credentials, remote_ufrag: str) -> None:
        """Take new credentials (RFC 8445 section 9); the media path stays until they are used."""
        self._previous = self.credentials
        self._previous_remote_ufrag = self.remote_ufrag
        self.credentials = credentials
        self.remote_ufrag = remote_ufrag

    def receive(self, data: bytes, address: Address, now: float) -> list[IceOutput]:
        """Handle one datagram. ``now`` is when it arrived, in seconds of one clock."""
        check = read_check(data)
        if isinstance(check, StunDrop):
            return [CheckDropped(check)]
        credentials = self._addressed(check)
        if credentials is None:
            return [CheckDropped(StunDrop.WRONG_USERNAME)]
        if not check.signed_with(credentials.pwd):
            return [CheckDropped(StunDrop.WRONG_INTEGRITY)]
        if self._is_replay(check.message.transaction_id, address, now):
            return [CheckDropped(StunDrop.REPLAYED)]
        # From here on the sender is known to have read our answer.
        self.heard_at = now
        if check.controlled:  # a lite agent is always the controlled one
            return [SendResponse(address, role_conflict(check, credentials.pwd))]
        if self._previous is not None and credentials is self.credentials:
            self._finish_restart()
        outputs: list[IceOutput] = []
        if self._validate(check, address, now):
            outputs.append(AddressValidated(address))
        if self._select(check, address, now):
            outputs.append(AddressSelected(address))
        outputs.append(SendResponse(address, success(check, credentials.pwd, address)))
        return outputs

    def _is_replay(self, transaction: bytes, address: Address, now: float) -> bool:
        """Whether someone who overheard a check sends it: it would move the media to them.

        Its own sender repeats it only from the same address, and for a while.
        """
        known = self._transactions.get(transaction)
        if known is not None:
            return known[0] != address or now - known[1] > TRANSACTION_S
        if len(self._transactions) == TRANSACTIONS:
            del self._transactions[next(iter(self._transactions))]
        self._transactions[transaction] = (address, now)
        return False

    def _addressed(self, check: Check) -> Credentials | None:
        """Ours that the check names. During a restart a browser's new ports may still use our
        old fragment with its new one, so the halves are looked at each for itself."""
        if check.remote_ufrag not in (self.remote_ufrag, self._previous_remote_ufrag):
            return None
        for credentials in (self.credentials, self._previous):
            if credentials is not None and credentials.ufrag == check.local_ufrag:
                return credentials
        return None

    def _finish_restart(self) -> None:
        """The peer uses the new credentials: the old ones and their nominations are history."""
        self._previous = None
        self._previous_remote_ufrag = self.remote_ufrag
        for path in self._paths.values():
            path.nominated = False

    def _validate(self, check: Check, address: Address, now: float) -> bool:
        path = self._paths.get(address)
        if path is None:
            if len(self._paths) == MAX_ADDRESSES:
                del self._paths[self._longest_unheard()]
            self._paths[address] = _Path(now, now, check.priority)
            return True
        path.checked_at = now
        path.priority = check.priority
        if now - path.announced_at < REFRESH_S:
            return False
        path.announced_at = now
        return True

    def _longest_unheard(self) -> Address:
        others = (address for address in self._paths if address != self.selected)
        return min(others, key=lambda address: self._paths[address].checked_at)

    def _select(self, check: Check, address: Address, now: float) -> bool:
        """Whether ``address`` takes over: the nominated path of highest PRIORITY is the one.

        Before any nomination the first validated path serves. Of equals the one nominated last
        wins: a NAT that forgot its mapping makes a new address out of the same candidate.
        """
        path = self._paths[address]
        newly_nominated = check.use_candidate and not path.nominated
        path.nominated |= check.use_candidate
        if self.selected is None:
            self.selected = address
            return True
        current = self._paths[self.selected]
        if not path.nominated or path is current:
            return False
        if (
            not current.nominated
            or path.priority > current.priority
            or (newly_nominated and path.priority == current.priority)
            or now - current.checked_at > STALE_AFTER_S
        ):
            self.selected = address
            return True
        return False
