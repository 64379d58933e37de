"""What a load test does: the built-in scenarios, and those of a TOML file."""

import math
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

SCENARIOS = Path(__file__).parent / "scenarios"
KINDS = ("steady", "churn", "rush", "ramp", "drops", "rejoin", "soak", "hostile")
ATTACKS = ("garbage", "replays", "checks", "api")
HOUR_S = 3600.0
MAX_SESSION_S = 8 * HOUR_S  # what a specialist's profile may offer
MAX_LIFETIME_S = 72 * HOUR_S  # of the users of a load test


class BadScenario(Exception):
    """There is no such scenario, or its file cannot be used; the text says why."""


@dataclass(frozen=True)
class Scenario:
    """A plan.

    Attributes:
        kind: which of the built-in ones it is like.
        calls: calls at one time, at most.
        duration_s: how long media is measured, once all calls are up (``steady``, ``soak``,
            ``rush``, ``rejoin``, ``hostile``), or new ones are made (``churn``); the whole of a
            ``ramp`` at most.
        starts_per_s: so many calls begin a second.
        session_s: ``steady``, ``soak``: a call that has lasted so long is ended and another begun
            in its place, for sessions do not last for ever.
        call_s: ``churn``: how long one lasts.
        within_s: ``rush``: all join within so long.
        first, step, hold_s: ``ramp``: begin with so many, add so many, look for so long.
        limits: ``ramp``: what breaks at the knee, as with ``--fail-on``.
        cuts_s: ``drops``: for how long the specialists' lines are cut, in turn.
        rejoin_every_s: ``rejoin``: how often one side of each call comes back anew.
        attacks: ``hostile``: which of ``ATTACKS``.
        attack_pps: ``hostile``: datagrams a second, of each kind.
        video_pps: video packets a second of one participant; audio is always 50.
        dtx: the two of a call speak by turns, and who is silent sends hardly any audio. Not in
            ``drops``: a cut is measured by the packets around it.
        spread: packets evenly in time, and not as a browser bunches them.
    """

    name: str
    kind: str
    calls: int = 20
    duration_s: float = 30.0
    starts_per_s: float = 4.0
    session_s: float = 7.5 * HOUR_S
    call_s: float = 8.0
    within_s: float = 10.0
    first: int = 10
    step: int = 10
    hold_s: float = 6.0
    limits: tuple[str, ...] = ("loss_pct>0.1", "latency_ms.p99>50", "failed>0")
    cuts_s: tuple[float, ...] = (10.0, 14.0, 14.9, 15.1, 20.0)
    rejoin_every_s: float = 5.0
    attacks: tuple[str, ...] = ATTACKS
    attack_pps: int = 2000
    video_pps: float = 190.0
    dtx: bool = True
    spread: bool = False
    fail_on: tuple[str, ...] = field(default=())

    @property
    def longest_s(self) -> float:
        """How long all of it may take, to bound the lives of tokens and sessions."""
        starting = self.calls / self.starts_per_s
        return starting + self.duration_s + max(self.cuts_s) + self.call_s + self.within_s + 120


BUILT_IN = {
    each.name: each
    for each in (
        Scenario("steady", "steady"),
        Scenario("churn", "churn", calls=10, duration_s=60.0),
        Scenario("rush", "rush", calls=60, duration_s=10.0, starts_per_s=20.0),
        Scenario("ramp", "ramp", calls=255, duration_s=450.0, starts_per_s=5.0),
        Scenario("drops", "drops", calls=20, starts_per_s=5.0, dtx=False),
        Scenario("rejoin", "rejoin", calls=10, duration_s=30.0),
        Scenario("soak", "soak", calls=10, duration_s=3600.0, starts_per_s=1.0),
        Scenario("hostile", "hostile", calls=5, duration_s=20.0),
    )
}


def find_scenario(name: str) -> Scenario:
    """A built-in scenario, or that of the TOML file of this name.

    Raises:
        BadScenario: neither is there, or the file cannot be used.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    path = Path(name)
    if path.suffix != ".toml":
        path = SCENARIOS / f"{name}.toml"
        if path not in SCENARIOS.iterdir():
            files = sorted(each.stem for each in SCENARIOS.iterdir())
            raise BadScenario(
                f"there is no scenario {name!r}. Built in are {', '.join((*BUILT_IN, *files))};"
                " or name a file that ends with .toml."
            )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadScenario(f"cannot read {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadScenario(f"{path} is no TOML: {error}.") from None
    kind = content.pop("scenario", None)
    if kind not in KINDS:
        raise BadScenario(f"{path}: 'scenario' must be one of {', '.join(KINDS)}, not {kind!r}.")
    return _changed(replace(BUILT_IN[kind], name=path.stem), content, str(path))


def with_options(scenario: Scenario, calls: int | None, duration_s: float | None) -> Scenario:
    """The scenario with what was said on the command line; raises BadScenario."""
    given = {"calls": calls, "duration_s": duration_s}
    chosen = {name: value for name, value in given.items() if value is not None}
    return _changed(scenario, chosen, "command line")


def _changed(scenario: Scenario, content: dict[str, Any], where: str) -> Scenario:
    known = {each.name: each for each in fields(Scenario)}
    for name, value in content.items():
        if name not in known or name in ("name", "kind"):
            choices = ", ".join(sorted(set(known) - {"name", "kind"}))
            raise BadScenario(f"{where}: there is no {name!r}; there are scenario, {choices}.")
        default = known[name].default  # of the type; a built-in one may say 60 where 60.5 fits
        content[name] = _typed(value, default, f"{where}: {name}")
    if scenario.kind == "drops" and "duration_s" in content:
        raise BadScenario(f"{where}: drops last as long as cuts_s say; duration_s changes nothing.")
    changed = replace(scenario, **content)
    _check(changed, where)
    return changed


def _check(scenario: Scenario, where: str) -> None:
    """Refuse what fits its types and still cannot be played."""
    for name in ("limits", "cuts_s", "attacks"):
        if not getattr(scenario, name):
            raise BadScenario(f"{where}: {name} must not be empty.")
    for attack in scenario.attacks:
        if attack not in ATTACKS:
            raise BadScenario(
                f"{where}: there is no attack {attack!r}; there are {', '.join(ATTACKS)}."
            )
    # half an hour less, for whatever calls wait for before and after
    if max(scenario.session_s, scenario.call_s) > MAX_SESSION_S - HOUR_S / 2:
        raise BadScenario(f"{where}: session_s and call_s must be 7.5 hours at most.")
    if scenario.longest_s > MAX_LIFETIME_S:
        raise BadScenario(
            f"{where}: this would take {scenario.longest_s / HOUR_S:.0f} hours; the users of a load"
            f" test live for {MAX_LIFETIME_S / HOUR_S:.0f}."
        )
    if scenario.longest_s > MAX_SESSION_S and scenario.kind not in ("steady", "soak", "churn"):
        raise BadScenario(
            f"{where}: a call of {scenario.kind!r} is one session, and those last"
            f" {MAX_SESSION_S / HOUR_S:.0f} hours at most; 'soak' begins new ones."
        )


def _typed(value: Any, default: Any, where: str) -> Any:
    match default:
        case bool():
            fits = isinstance(value, bool)
        case int():
            fits = isinstance(value, int) and not isinstance(value, bool) and value > 0
        case float():
            fits = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
            fits = fits and math.isfinite(value)
        case tuple():
            fits = isinstance(value, list)
            like = default[0] if default else ""
            return tuple(_typed(each, like, where) for each in value) if fits else _misfit(where)
        case _:
            fits = isinstance(value, str)
    if not fits:
        _misfit(where, default)
    return float(value) if isinstance(default, float) else value


def _misfit(where: str, default: Any = ()) -> None:
    wanted = {bool: "true or false", int: "a whole number above 0", float: "a number above 0"}
    kind = wanted.get(type(default), "a text" if isinstance(default, str) else "a list")
    raise BadScenario(f"{where} must be {kind}.")
