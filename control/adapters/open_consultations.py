"""The open consultations, by id and by user; and a draft of what they become."""

from collections.abc import Iterable, Mapping

from control.consultations.consultation import Change, Consultation


class OpenConsultations:
    """As they stand: everything in here is stored."""

    def __init__(self) -> None:
        self._by_id: dict[str, Consultation] = {}
        self._ids_by_user: dict[str, set[str]] = {}

    def all(self) -> list[Consultation]:
        """Every one."""
        return list(self._by_id.values())

    def get(self, consultation_id: str) -> Consultation | None:
        """The one with this id; None when it is not open."""
        return self._by_id.get(consultation_id)

    def of(self, *user_ids: str) -> list[Consultation]:
        """Those with any of these users."""
        ids = set().union(*(self._ids_by_user.get(user_id, ()) for user_id in user_ids))
        return [self._by_id[each] for each in ids]

    def take(self, consultation: Consultation) -> None:
        """A consultation is so now; one that is not open any more leaves."""
        people = (consultation.client.id, consultation.specialist.id)
        if consultation.is_open:
            self._by_id[consultation.id] = consultation
            for user_id in people:
                self._ids_by_user.setdefault(user_id, set()).add(consultation.id)
        elif self._by_id.pop(consultation.id, None) is not None:
            for user_id in people:
                self._ids_by_user[user_id].discard(consultation.id)
                if not self._ids_by_user[user_id]:
                    del self._ids_by_user[user_id]


class Draft:
    """Consultations as they will stand when what was decided so far is stored."""

    def __init__(self, standing: OpenConsultations, closed: Iterable[Consultation]) -> None:
        self._standing = standing
        # What was decided; and closed ones that somebody asked for.
        self._drafted: dict[str, Consultation] = {each.id: each for each in closed}

    def get(self, consultation_id: str) -> Consultation | None:
        """The one with this id, if it is open or was loaded."""
        return self._drafted.get(consultation_id) or self._standing.get(consultation_id)

    def open_of(self, *user_ids: str) -> list[Consultation]:
        """The open ones with any of these users."""
        both: Mapping[str, Consultation] = {
            each.id: each for each in (*self._standing.of(*user_ids), *self._drafted.values())
        }
        return [
            each
            for each in both.values()
            if each.is_open and any(each.role_of(user_id) is not None for user_id in user_ids)
        ]

    def take(self, changes: Iterable[Change]) -> None:
        """These were decided."""
        for change in changes:
            self._drafted[change.consultation.id] = change.consultation
