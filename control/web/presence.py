"""Which specialists can be asked now, and telling it to those who added them."""

from control.adapters.errands import Errands
from control.adapters.live import LiveConsultations
from control.adapters.people import People, Specialist
from control.consultations.consultation import Consultation
from control.web.hub import Hub, Message
from control.web.schema.specialists import AddedSpecialist, Presence


class PresenceBoard:
    """Puts together what is known: open pages, the online switch, the session that is on."""

    def __init__(self, hub: Hub, live: LiveConsultations, people: People, errands: Errands) -> None:
        self._hub = hub
        self._live = live
        self._people = people
        self._errands = errands
        # The specialists who have a session, as it was told last.
        self._busy: set[str] = set()

    def load(self) -> None:
        """Take up the sessions that were on when control stopped."""
        self._busy = {each.specialist.id for each in self._live.open() if each.is_joinable}

    def of(self, specialist: Specialist) -> Presence:
        """How a specialist stands now."""
        here = self._hub.here(specialist.user.id)
        profile = specialist.profile
        return Presence(
            online=here.online and profile.available,
            camera_ready=here.camera_ready and profile.terms.takes_video,
            busy=self._is_busy(specialist.user.id),
        )

    def message(self, specialist: Specialist) -> Message:
        """The message that carries it."""
        presence = self.of(specialist).model_dump()
        return {"type": "presence", "specialist_id": specialist.user.id, **presence}

    async def tell(self, specialist_id: str) -> None:
        """Those who added this specialist hear how they stand."""
        specialist = await self._people.specialist(specialist_id)
        if specialist is None:
            return
        clients = await self._people.clients_who_added(specialist_id)
        # Looked at last, so that of two changes in a row the later one is told later.
        self._hub.tell(clients, self.message(specialist))

    async def tell_profile(self, specialist_id: str) -> None:
        """Those who added this specialist hear of new terms, a new summary, the online switch."""
        clients = await self._people.clients_who_added(specialist_id)
        specialist = await self._people.specialist(specialist_id)
        if specialist is None:
            return
        told = AddedSpecialist.of(specialist, self.of(specialist)).model_dump(mode="json")
        self._hub.tell(clients, {"type": "specialist", "specialist": told})

    def consultation_changed(self, consultation: Consultation) -> None:
        """A session that began or ended makes its specialist busy or free."""
        specialist_id = consultation.specialist.id
        busy = self._is_busy(specialist_id)
        if busy is not (specialist_id in self._busy):
            (self._busy.add if busy else self._busy.discard)(specialist_id)
            self._errands.send(self.tell(specialist_id))

    def _is_busy(self, specialist_id: str) -> bool:
        return any(
            each.is_joinable and each.specialist.id == specialist_id
            for each in self._live.open_of(specialist_id)
        )
