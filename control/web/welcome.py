"""What a page is told first: where things stand, and what it missed."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from control.accounts import AccountRole
from control.adapters.people import User
from control.errors import NotFound
from control.web.hub import Message
from control.web.service import Service

# Of so many consultations a page may ask what it missed.
MAX_SEEN = 40
MAX_ID_CHARACTERS = 64
MAX_SEQ = 2**31 - 1


def read_seen(content: Mapping[str, Any]) -> dict[str, int] | None:
    """The last event that a page saw of each consultation; None: it does not say.

    Raises ValueError for anything but ids with numbers.
    """
    seen = content.get("seen")
    if seen is None:
        return None
    if not isinstance(seen, dict) or len(seen) > MAX_SEEN:
        raise ValueError(f"seen holds at most {MAX_SEEN} consultations")
    for consultation_id, seq in seen.items():
        if len(consultation_id) > MAX_ID_CHARACTERS or not consultation_id.isalnum():
            raise ValueError("no consultation has such an id")
        if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq <= MAX_SEQ:
            raise ValueError("no event has such a number")
    return seen


async def welcome(
    service: Service,
    user: User,
    seen: Mapping[str, int] | None,
    send: Callable[[Message], Awaitable[None]],
) -> dict[str, int]:
    """Tell a page of ``user`` what it does not know; the last event's number by consultation.

    The page is among those that are told of what happens already, and holds that back.
    """
    await send({"type": "ready", "now": service.steady_clock()})
    told = {}
    for consultation_id in {each.id: None for each in service.live.open_of(user.id)} | dict(
        seen or {}
    ):
        try:
            consultation, role = await service.live.of(user.id, consultation_id)
        except NotFound:
            continue
        after = consultation.seq if seen is None else seen.get(consultation_id, 0)
        if after < consultation.seq:
            missed = consultation.seq - after
            for event in await service.store.events_after(consultation_id, after, missed):
                await send(service.hub.event_message(event, role))
        await send(service.hub.consultation_message(consultation, role))
        told[consultation_id] = consultation.seq
        for receiver, paused in service.rooms.paused(consultation_id).items():
            await send(service.hub.pause_message(consultation, receiver, paused))
    if user.role is AccountRole.CLIENT:
        for each in await service.people.added_specialists(user.id):
            await send(service.presence.message(each))
    return told
