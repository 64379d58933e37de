"""What happened in a load test, as it happened."""

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from loadtest.percentiles import Percentiles
from loadtest.virtual_consultation import CallFailed, Phases


@dataclass(frozen=True)
class Tick:
    """One second of it; ``t`` seconds after the beginning. What nobody measured is None or empty.

    ``lag_ms``: how late the generator's own timers were.
    """

    t: float
    calls: int
    failed: int
    sent: int
    received: int
    recovered: int
    latency_ms: Percentiles
    jitter_ms: Percentiles
    api_ms: Percentiles
    generator_cpu_pct: float
    lag_ms: float
    cpu_pct: float | None
    memory_mib: float | None

    @property
    def loss_pct(self) -> float:
        """Of what was to come in that second; what is under way at its end blurs it a little."""
        return 100.0 * max(0, self.sent - self.received) / max(1, self.sent)


@dataclass(frozen=True)
class Verdict:
    """What became of a session whose specialist's line was cut.

    Attributes:
        silence_s: between the last packet before and the first after.
        ended, should_end: whether the session was ended for it, and whether the rule wants that.
        error_ms: from when the rule ends it to when the client was told; of a session that went
            on, from the first packet to when the client was told that the line is back.
    """

    silence_s: float
    ended: bool
    should_end: bool
    error_ms: float | None
    reason: str = ""

    @property
    def is_right(self) -> bool:
        """The rule was followed, and the client told."""
        return self.ended == self.should_end and self.error_ms is not None


@dataclass(frozen=True)
class Step:
    """One step of a ramp.

    Attributes:
        broken: the limit that it broke, if any.
        bottleneck: why the generator did not keep up, if so; then nothing is said of limits.
    """

    calls: int
    loss_pct: float
    latency_ms: Percentiles
    cpu_pct: float | None
    broken: str | None
    bottleneck: str | None = None

    @property
    def is_held(self) -> bool:
        """The server carried it, as far as this generator can tell."""
        return self.broken is None and self.bottleneck is None


def losses_pct(ticks: Sequence[Tick]) -> list[float]:
    """The loss of each second, without what was only under way at its end.

    What is missing after a second is lost as far as it never comes: as far as it is missing after
    all later ones too.
    """
    sent = list(accumulate(each.sent for each in ticks))
    received = list(accumulate(each.received for each in ticks))
    missing = [max(0, one - other) for one, other in zip(sent, received, strict=True)]
    lost = list(accumulate(reversed(missing), min))[::-1]
    before = [0, *lost]
    return [
        round(100.0 * (lost[place] - before[place]) / max(1, each.sent), 3)
        for place, each in enumerate(ticks)
    ]


@dataclass
class Record:
    """All of it.

    Attributes:
        stopped: why it ended before its time.
    """

    begun: float = field(default_factory=time.monotonic)
    begun_wall: float = field(default_factory=time.time)
    setups: list[Phases] = field(default_factory=list)
    started: int = 0
    ended: int = 0
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    verdicts: list[Verdict] = field(default_factory=list)
    rejoins_ms: list[float] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    attacks: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    ticks: list[Tick] = field(default_factory=list)
    stopped: str | None = None

    @property
    def failed(self) -> int:
        """How many calls failed."""
        return self.failures.total()

    def fail(self, failure: CallFailed) -> None:
        """Count a call that failed."""
        self.failures[failure.stage, failure.reason] += 1
