"""What the handlers work with."""

from dataclasses import dataclass

from aiohttp import web

from control.adapters.answers import Answers
from control.adapters.audit import AuditLog
from control.adapters.blocked_accounts import BlockedAccounts
from control.adapters.consultation_search import ConsultationSearch
from control.adapters.database import Database
from control.adapters.errands import Errands
from control.adapters.join_tokens import JoinTokens
from control.adapters.live import LiveConsultations
from control.adapters.people import People, User
from control.adapters.probes import Probes
from control.adapters.quality_records import QualityRecords
from control.adapters.quality_watch import QualityWatch
from control.adapters.ratings import Ratings
from control.adapters.receipt_keys import ReceiptKeys
from control.adapters.rooms import Rooms
from control.adapters.scheduler import Clock
from control.adapters.steady_clock import SteadyClock
from control.adapters.store import Store
from control.adapters.webhooks.dispatcher import Webhooks
from control.errors import AccountBlocked, TokenInvalid
from control.settings import Settings
from control.web.authentication import AccessTokens
from control.web.hub import Hub
from control.web.presence import PresenceBoard
from control.web.rates import Rates
from control.web.synthetic_tokens import SyntheticTokens


@dataclass(frozen=True)
class Service:
    """The parts of one running control."""

    settings: Settings
    # The wall clock, for what we share with others: access tokens, signatures, logs.
    clock: Clock
    # What consultations live by, all times of theirs, and the tokens that open their rooms.
    steady_clock: SteadyClock
    database: Database
    people: People
    store: Store
    answers: Answers
    consultation_search: ConsultationSearch
    ratings: Ratings
    quality_records: QualityRecords
    quality_watch: QualityWatch
    audit_log: AuditLog
    blocked_accounts: BlockedAccounts
    receipt_keys: ReceiptKeys
    # None where nobody is to be told.
    webhooks: Webhooks | None
    live: LiveConsultations
    rooms: Rooms
    probes: Probes
    hub: Hub
    presence: PresenceBoard
    errands: Errands
    access_tokens: AccessTokens
    join_tokens: JoinTokens
    synthetic_tokens: SyntheticTokens
    user_rates: Rates
    probe_rates: Rates
    address_rates: Rates
    # One bucket, under the key "".
    synthetic_rates: Rates

    async def sign_in(self, token: str) -> tuple[User, float]:
        """The user of an access token, and when it ends. We know them from then on.

        Raises NotAuthenticated, TooManyRequests, AccountBlocked, and Unavailable.
        """
        now = self.clock()
        synthetic = await self.synthetic_tokens.check(token, now)
        if synthetic is not None:
            user, expires_at = synthetic
        else:
            user, expires_at = await self.access_tokens.check(token, now)
            if user.synthetic:
                raise TokenInvalid("This id is one of a load test's; the platform has others.")
            self.user_rates.take(user.id, self.steady_clock())
        self.refuse_blocked(user.id)
        await self.people.meet(user)
        return user, expires_at

    def refuse_blocked(self, user_id: str) -> None:
        """Raise AccountBlocked for whom operators have shut out."""
        if user_id in self.blocked_accounts:
            raise AccountBlocked("Ask the platform why.")


SERVICE = web.AppKey("service", Service)
