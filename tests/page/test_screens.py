"""Which screen, notice and words follow from what the server says."""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="package")

NOW = 1_000_000.0
CLIENT = {"id": "maria", "role": "client"}
SPECIALIST = {"id": "ivan", "role": "specialist"}
OPERATOR = {"id": "olga", "role": "operator"}

Json = dict[str, Any]

ONLINE = {"online": True, "camera_ready": True, "busy": False}
OFFLINE = {"online": False, "camera_ready": False, "busy": False}


def consultation(state: str, **changes: Any) -> Json:
    """A snapshot: requested a minute ago by Maria, of Ivan."""
    return {
        "id": "c1",
        "state": state,
        "client": {"id": "maria", "name": "Мария"},
        "specialist": {"id": "ivan", "name": "Иван"},
        "requested_at": NOW - 60,
        "accept_by": NOW + 240,
        "start_by": NOW + 90,
        "ends_at": None,
        "ended_at": None,
        "end": None,
        "withdrawn_by": None,
        "ratings": {"specialist": None, "technical": None},
        "early_end": None,
        "early_end_refused_at": None,
        "reconnecting": None,
        "seq": 1,
        "now": NOW,
    } | changes


ENDED = consultation("ended", end={"reason": "completed", "by": "service"})


def place(name: str, id: str | None = None) -> Json:
    """Where the user wants to be."""
    return {"name": name, "id": id}


async def ask(page: Page, name: str, *arguments: Any) -> Any:
    """Call a function of screens.js; a set is given and returned as a list."""
    return await page.evaluate(
        """async ([name, values]) => {
             const result = (await import("/screens.js"))[name](...values);
             return result instanceof Set ? [...result] : result; }""",
        [name, list(arguments)],
    )


async def screen(
    page: Page, user: Json | None, *consultations: Json, outcomes: tuple[str, ...] = (), **more: Any
) -> str:
    """The name of the screen."""
    name: str = await page.evaluate(
        """async ({ outcomes, ...known }) =>
             (await import("/screens.js")).screenFor({ outcomes: new Set(outcomes), ...known })
               .name""",
        {
            "user": user,
            "consultations": consultations,
            "outcomes": list(outcomes),
            "place": None,
        }
        | more,
    )
    return name


async def recent(
    page: Page, *ended: Json, dismissed: tuple[str, ...] = (), role: str = "client"
) -> list[str]:
    """The ends that are told after a load."""
    ids: list[str] = await page.evaluate(
        """async ([ended, role, dismissed, now]) => [...(await import("/screens.js"))
             .recentOutcomes(ended, role, new Set(dismissed), now)]""",
        [list(ended), role, list(dismissed), NOW],
    )
    return ids


@pytest.mark.parametrize(
    ("state", "client_sees", "specialist_sees"),
    [
        ("requested", "waiting", "incoming"),
        ("accepted", "call", "call"),
        ("active", "call", "call"),
        ("declined", "outcome", "home"),
        ("expired", "outcome", "home"),
        ("cancelled", "home", "home"),
        ("ended", "finish", "finish"),
    ],
)
async def test_each_state_has_a_screen_for_each_side(
    modules: Page, state: str, client_sees: str, specialist_sees: str
) -> None:
    it = consultation(state, ended_at=NOW - 5 if state in {"ended", "declined"} else None)

    for user, sees in ((CLIENT, client_sees), (SPECIALIST, specialist_sees)):
        outcomes = await ask(modules, "isTold", it, user["role"])
        assert await screen(modules, user, it, outcomes=("c1",) if outcomes else ()) == sees


async def test_without_a_user_there_is_the_sign_in(modules: Page) -> None:
    assert await screen(modules, None) == "signin"


async def test_a_live_consultation_comes_before_everything_else(modules: Page) -> None:
    others = [consultation("requested", id="c2"), consultation("ended", id="c3")]

    active, history = consultation("active"), place("history")
    shown = await screen(modules, CLIENT, *others, active, outcomes=("c3",), place=history)
    assert shown == "call"


async def test_an_end_that_was_put_away_is_not_shown(modules: Page) -> None:
    assert await screen(modules, CLIENT, consultation("ended")) == "home"


async def test_the_oldest_request_is_shown_to_the_specialist(modules: Page) -> None:
    older = consultation("requested", id="older", requested_at=NOW - 100)
    shown = await modules.evaluate(
        """async (known) => (await import("/screens.js"))
             .screenFor({ ...known, outcomes: new Set() }).consultation.id""",
        {"user": SPECIALIST, "consultations": [consultation("requested"), older]},
    )

    assert shown == "older"


async def test_a_request_comes_before_an_end_for_the_specialist_and_not_for_the_client(
    modules: Page,
) -> None:
    asked = consultation("requested", id="c2")
    assert await screen(modules, SPECIALIST, ENDED, asked, outcomes=("c1",)) == "incoming"
    assert await screen(modules, CLIENT, ENDED, asked, outcomes=("c1",)) == "finish"
    for state in ("declined", "expired", "cancelled"):
        answered = asked | {"state": state}
        assert await screen(modules, SPECIALIST, ENDED, answered, outcomes=("c1",)) == "finish"


async def test_the_device_check_when_asked_for(modules: Page) -> None:
    devices = place("devices")
    assert await screen(modules, SPECIALIST, place=devices) == "devices"
    assert await screen(modules, SPECIALIST, consultation("requested"), place=devices) == (
        "incoming"
    )


@pytest.mark.parametrize(
    ("user", "name", "shown"),
    [
        (None, "help", "help"),
        (None, "history", "signin"),
        (CLIENT, "help", "help"),
        (CLIENT, "history", "history"),
        (CLIENT, "ratings", "home"),
        (SPECIALIST, "ratings", "ratings"),
        (SPECIALIST, "request", "home"),
        (OPERATOR, "history", "home"),
        (OPERATOR, "help", "help"),
    ],
)
async def test_a_place_is_for_those_who_may_be_there(
    modules: Page, user: Json | None, name: str, shown: str
) -> None:
    assert await screen(modules, user, place=place(name)) == shown


async def test_an_end_that_is_still_to_be_told_comes_before_any_place(modules: Page) -> None:
    ended = consultation("ended")
    shown = await screen(modules, CLIENT, ended, outcomes=("c1",), place=place("help"))
    assert shown == "finish"


async def test_whoever_waits_may_look_around_and_come_back(modules: Page) -> None:
    first = consultation("requested", id="first", requested_at=NOW - 100)
    second = consultation("requested", id="second")

    async def shown(at: Json | None) -> list[str | None]:
        found: list[str | None] = await modules.evaluate(
            """async ([user, consultations, place]) => {
                 const { name, consultation } = (await import("/screens.js"))
                   .screenFor({ user, consultations, place, outcomes: new Set() });
                 return [name, consultation?.id ?? null]; }""",
            [CLIENT, [second, first], at],
        )
        return found

    assert await shown(None) == ["waiting", "second"]
    assert await shown(place("home")) == ["home", None]
    assert await shown(place("request", "first")) == ["waiting", "first"]
    assert await shown(place("request", "gone")) == ["waiting", "second"]


async def test_a_record_is_of_one_consultation_known_or_not_yet(modules: Page) -> None:
    async def shown(consultation_id: str) -> Json:
        found: Json = await modules.evaluate(
            """async ([user, consultations, place]) => (await import("/screens.js"))
                 .screenFor({ user, consultations, place, outcomes: new Set() })""",
            [SPECIALIST, [ENDED], place("consultation", consultation_id)],
        )
        return found

    assert await shown("c1") == {"name": "record", "id": "c1", "consultation": ENDED}
    assert await shown("c2") == {"name": "record", "id": "c2", "consultation": None}


@pytest.mark.parametrize(("age_s", "told"), [(5, ["c1"]), (299, ["c1"]), (301, [])])
async def test_after_a_load_only_recent_ends_are_told(
    modules: Page, age_s: float, told: list[str]
) -> None:
    assert await recent(modules, consultation("ended", ended_at=NOW - age_s)) == told


async def test_after_a_load_an_end_that_was_read_or_rated_is_not_told(modules: Page) -> None:
    stars = {"stars": 5, "comment": ""}
    ended = consultation("ended", ended_at=NOW - 5)
    rated = ended | {"ratings": {"specialist": stars, "technical": stars}}
    half = ended | {"ratings": {"specialist": stars, "technical": None}}

    assert await recent(modules, ended, dismissed=("c1",)) == []
    assert await recent(modules, rated) == []
    assert await recent(modules, rated, role="specialist") == ["c1"]
    assert await recent(modules, half) == ["c1"]


async def test_after_a_load_only_the_last_end_is_told(modules: Page) -> None:
    ended = consultation("ended", ended_at=NOW - 5)
    before = consultation("ended", id="c0", requested_at=NOW - 200, ended_at=NOW - 100)

    assert await recent(modules, ended, before) == ["c1"]
    assert await recent(modules, ended, before, dismissed=("c1",)) == []


@pytest.mark.parametrize(
    ("role", "call", "changes", "notice"),
    [
        ("client", "connected", {}, None),
        ("client", "connecting", {}, {"name": "connecting", "seconds": None}),
        ("client", "reconnecting", {}, {"name": "self-reconnecting", "seconds": None}),
        ("client", "replaced", {}, {"name": "replaced", "seconds": None}),
        (
            "client",
            "connected",
            {"state": "accepted"},
            {"name": "partner-expected", "seconds": 90},
        ),
        (
            "client",
            "connected",
            {"reconnecting": {"role": "specialist", "since": NOW - 4, "drop_at": NOW + 11}},
            {"name": "specialist-reconnecting", "seconds": 11},
        ),
        (
            "specialist",
            "connected",
            {"reconnecting": {"role": "client", "since": NOW - 4, "drop_at": None}},
            {"name": "client-reconnecting", "seconds": None},
        ),
        # Told of one's own silence by the server while the browser still believes in it.
        (
            "specialist",
            "connected",
            {"reconnecting": {"role": "specialist", "since": NOW - 4, "drop_at": NOW + 11}},
            None,
        ),
    ],
)
async def test_what_stands_over_the_picture(
    modules: Page, role: str, call: str, changes: Json, notice: Json | None
) -> None:
    it = consultation("active") | changes

    assert await ask(modules, "callNotice", it, role, call, NOW) == notice


@pytest.mark.parametrize(
    ("role", "before", "after", "names"),
    [
        ("specialist", consultation("requested"), consultation("expired"), ["request-expired"]),
        (
            "specialist",
            consultation("requested"),
            consultation("cancelled"),
            ["request-cancelled"],
        ),
        ("client", consultation("requested"), consultation("cancelled"), []),
        (
            "client",
            consultation("requested"),
            consultation("cancelled", withdrawn_by="service"),
            ["request-withdrawn"],
        ),
        (
            "specialist",
            consultation("requested"),
            consultation("cancelled", withdrawn_by="operator"),
            ["request-withdrawn-by-operator"],
        ),
        ("client", None, consultation("active"), []),
    ],
)
async def test_a_change_is_told_once_to_whom_it_concerns(
    modules: Page, role: str, before: Json | None, after: Json, names: list[str]
) -> None:
    assert await ask(modules, "noticesBetween", before, after, role) == names


@pytest.mark.parametrize(
    ("changes", "consultations", "reason"),
    [
        ({}, [], None),
        ({"presence": OFFLINE}, [], "offline"),
        ({"presence": ONLINE | {"busy": True}}, [], "busy"),
        ({"presence": OFFLINE | {"busy": True}}, [], "offline"),
        ({"presence": ONLINE | {"camera_ready": False}}, [], "camera"),
        ({"takes_video": False}, [], "no-video"),
        ({"takes_video": False, "presence": OFFLINE}, [], "no-video"),
        ({}, [consultation("requested")], "open"),
        ({}, [consultation("ended")], None),
        ({"id": "other"}, [consultation("requested")], None),
    ],
)
async def test_why_a_request_is_not_possible(
    modules: Page, changes: Json, consultations: list[Json], reason: str | None
) -> None:
    specialist = {"id": "ivan", "takes_video": True, "presence": ONLINE} | changes

    assert await ask(modules, "reasonAgainst", specialist, consultations, True) == reason
    unheard = await ask(modules, "reasonAgainst", specialist, consultations, False)
    assert unheard == ("open" if reason == "open" else "lost")
    for each in filter(None, (reason, unheard)):
        assert await modules.evaluate(
            "async (key) => (await import('/language.js')).hasText(`against.${key}`)", each
        )


@pytest.mark.parametrize(
    ("snapshot", "role", "key"),
    [
        (consultation("requested"), "client", "requested"),
        (consultation("expired"), "specialist", "expired"),
        (ENDED, "client", "completed"),
        (
            consultation("ended", end={"reason": "client_left", "by": "client"}),
            "client",
            "you_left",
        ),
        (consultation("ended", end={"reason": "operator", "by": "operator"}), "client", "operator"),
    ],
)
async def test_what_became_of_a_consultation(
    modules: Page, snapshot: Json, role: str, key: str
) -> None:
    assert await ask(modules, "stateKey", snapshot, role) == key
    assert await modules.evaluate(
        "async (key) => (await import('/language.js')).hasText(`state.${key}`)", key
    )


async def test_a_rating_is_open_until_its_time(modules: Page) -> None:
    assert await ask(modules, "ratingOpen", None, NOW) is True
    given = {"stars": 5, "comment": "", "changeable_until": NOW + 1}
    assert await ask(modules, "ratingOpen", given, NOW) is True
    assert await ask(modules, "ratingOpen", given, NOW + 1) is False


@pytest.mark.parametrize(
    ("reason", "role", "key"),
    [
        ("did_not_start by client", "specialist", "left_before_start"),
        ("did_not_start by operator", "client", "operator"),
        ("completed", "client", "completed"),
        ("specialist_left", "client", "specialist_left"),
        ("specialist_left", "specialist", "you_left"),
        ("client_left", "client", "you_left"),
        ("client_left", "specialist", "client_left"),
        ("specialist_connection_lost", "client", "specialist_connection_lost"),
        ("specialist_connection_lost", "specialist", "own_connection_lost"),
        ("client_connection_lost", "specialist", "client_connection_lost"),
        ("client_connection_lost", "client", "own_connection_lost"),
        ("operator", "client", "operator"),
        ("did_not_start", "client", "did_not_start"),
        ("service", "specialist", "service"),
        ("early_end_agreed", "client", "early_end_agreed"),
    ],
)
async def test_an_end_is_told_from_the_readers_side(
    modules: Page, reason: str, role: str, key: str
) -> None:
    reason, _, by = reason.partition(" by ")
    started_at = None if reason == "did_not_start" else NOW - 50
    ended = consultation(
        "ended", end={"reason": reason, "by": by or "service"}, started_at=started_at
    )

    assert await ask(modules, "endKey", ended, role) == key
    assert await ask(modules, "canRate", ended, role) is (
        role == "client" and reason != "did_not_start"
    )
    has_text = await modules.evaluate(
        """async (key) => (await import("/language.js")).hasText(`finish.${key}.title`)""", key
    )
    assert has_text


async def test_time_left_is_known_from_the_start_on(modules: Page) -> None:
    assert await ask(modules, "timeLeft", consultation("accepted"), NOW) is None
    assert await ask(modules, "timeLeft", consultation("active", ends_at=NOW + 60), NOW) == 60
    assert await ask(modules, "timeLeft", consultation("active", ends_at=NOW - 1), NOW) == 0


@pytest.mark.parametrize(
    ("paused", "sending", "notice"),
    [
        ({}, True, None),
        ({"client": {"camera": False, "screen": False}}, True, None),
        ({"client": {"camera": True, "screen": True}}, False, "video-paused"),
        ({"client": {"camera": True, "screen": False}}, True, "camera-paused"),
        ({"specialist": {"camera": True, "screen": True}}, True, "own-video-paused"),
        ({"specialist": {"camera": True, "screen": False}}, True, "own-camera-paused"),
        # Who sends nothing need not hear that it does not arrive.
        ({"specialist": {"camera": True, "screen": True}}, False, None),
    ],
)
async def test_what_a_client_hears_of_pictures_that_are_not_carried(
    modules: Page, paused: Json, sending: bool, notice: str | None
) -> None:
    assert await ask(modules, "pauseNotice", paused, "client", sending) == notice


async def test_with_both_connections_slow_ones_own_is_told(modules: Page) -> None:
    both = {"camera": True, "screen": True}
    paused = {"client": both, "specialist": both}
    for role in ("client", "specialist"):
        assert await ask(modules, "pauseNotice", paused, role, True) == "video-paused"
