from collections.abc import Iterator

import numpy as np
import pytest
from aiortc import RTCCertificate

from loadtest.arrival_profile import PROFILES, ArrivalProfile, fitted, read_profile, spread
from loadtest.crowd import NOBODY
from loadtest.generator import Generator, Traffic
from loadtest.participant import SRTP_PROFILES, Participant

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def load() -> ArrivalProfile:
    return fitted(read_profile(PROFILES / "chromium-vp8.json"))


@pytest.fixture(scope="module")
def certificate() -> RTCCertificate:
    return RTCCertificate.generateCertificate()


@pytest.fixture
def pairs(
    certificate: RTCCertificate, request: pytest.FixtureRequest
) -> Iterator[list[Participant]]:
    """Four participants who send to their partners directly."""
    people = [Participant(HOST, certificate, request.param) for _ in range(4)]
    for one, other in (people[:2], people[2:]):
        keys = one.make_key(), other.make_key()
        one.expect(other.socket.getsockname(), keys[0], keys[1])
        other.expect(one.socket.getsockname(), keys[1], keys[0])
    yield people
    for person in people:
        person.close()


def traffic(**changed: object) -> Traffic:
    values: dict[str, object] = {
        "seconds": 1.0,
        "sent": 100,
        "received": 100,
        "latency_ms": {"p50": 0.1, "p99": 0.2},
        "late_ms": {"p50": 0.1, "p99": 0.2},
        "cpu_pct": 20.0,
        "overflow": 0,
        "faults": {},
        "control_packets": 0,
    }
    return Traffic(**(values | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize("pairs", sorted(SRTP_PROFILES), indirect=True)
def test_what_is_sent_is_received_by_the_partner(
    pairs: list[Participant], load: ArrivalProfile
) -> None:
    generator = Generator(pairs, load)
    for _ in range(2):  # the second run goes on with the same SRTP sessions
        result = generator.start(0.4, warm_up_s=0.1).finish()
        assert result.sent > 0
        assert result.received == result.sent
        assert result.loss_pct == 0
        assert not any(result.faults.values())
        assert 0 <= result.latency_ms["p50"] <= result.latency_ms["p99"]


@pytest.mark.parametrize("pairs", ["aes-128-gcm"], indirect=True)
def test_the_load_is_that_of_the_profile(pairs: list[Participant], load: ArrivalProfile) -> None:
    result = Generator(pairs, load).start(1.0, warm_up_s=0.0).finish()
    # frames come as they were captured, so a second has a few more or less
    assert result.sent == pytest.approx(4 * 240, rel=0.15)


@pytest.mark.parametrize("pairs", ["aes-128-gcm"], indirect=True)
def test_a_profile_begins_again_when_it_is_over(pairs: list[Participant]) -> None:
    kinds = np.array([0, 1, 1, 1])
    sizes, ends = np.where(kinds, 1000, 120), np.array([0, 0, 0, 1])
    short = ArrivalProfile("by hand", np.arange(4) * 1000, sizes, kinds, ends, period_us=10_000)
    result = Generator(pairs, short).start(0.5, warm_up_s=0.0).finish()
    assert result.sent == pytest.approx(4 * 50 * 4, rel=0.1)
    assert result.received == result.sent


@pytest.mark.parametrize("pairs", ["aes-128-gcm"], indirect=True)
def test_more_participants_join_between_runs(
    pairs: list[Participant], load: ArrivalProfile
) -> None:
    generator = Generator(pairs[:2], load)
    one = generator.start(0.4, warm_up_s=0.0).finish()
    generator.add(pairs[2:])
    two = generator.start(0.4, warm_up_s=0.0, profile=spread(load)).finish()
    assert (one.received, two.received) == (one.sent, two.sent)
    assert two.sent > one.sent > 0
    assert not any(two.faults.values())


@pytest.mark.parametrize("pairs", ["aes-128-gcm"], indirect=True)
def test_one_may_only_send_and_another_only_listen(
    pairs: list[Participant], load: ArrivalProfile
) -> None:
    generator = Generator(pairs[:2], load, hears=[NOBODY, 0])
    result = generator.start(0.4, warm_up_s=0.0).finish()
    assert 0 < result.sent < 1.5 * 240 * 0.4  # one of the two
    assert result.received == result.sent
    assert not any(result.faults.values())


@pytest.mark.parametrize("pairs", ["aes-128-gcm"], indirect=True)
def test_loss_is_seen(pairs: list[Participant], load: ArrivalProfile) -> None:
    nowhere = Participant(HOST, RTCCertificate.generateCertificate(), "aes-128-gcm")
    pairs[0].remote = nowhere.socket.getsockname()
    result = Generator(pairs, load).start(0.3, warm_up_s=0.0).finish()
    nowhere.close()
    assert 10 < result.loss_pct < 40  # one of the four senders is not heard
    assert not any(result.faults.values())


@pytest.mark.parametrize("pairs", ["aes-128-gcm"], indirect=True)
def test_packets_under_another_key_or_of_another_pair_are_faults(
    pairs: list[Participant], load: ArrivalProfile
) -> None:
    key = pairs[0].make_key()
    assert pairs[1].remote is not None
    pairs[1].expect(pairs[1].remote, pairs[0].make_key(), key)
    keys = pairs[0].make_key(), pairs[0].make_key()
    # the third hears the second pair's fourth as before; the fourth hears the first
    pairs[0].expect(pairs[3].socket.getsockname(), keys[0], key)
    pairs[3].expect(pairs[2].socket.getsockname(), keys[1], keys[0])
    pairs[2].expect(pairs[1].socket.getsockname(), key, keys[1])
    result = Generator(pairs, load).start(0.3, warm_up_s=0.0).finish()
    assert result.faults["mixed_up"] > 0
    assert result.faults["unprotect_failed"] > 0


def test_a_generator_wants_pairs_that_are_connected(
    certificate: RTCCertificate, load: ArrivalProfile
) -> None:
    people = [Participant(HOST, certificate, "aes-128-gcm") for _ in range(2)]
    with pytest.raises(ValueError, match="pairs"):
        Generator(people[:1], load)
    with pytest.raises(ValueError, match="participant 0 is not connected"):
        Generator(people, load)
    for person in people:
        person.close()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"overflow": 3}, "3 packets"),
        ({"faults": {"send_failed": 2, "mixed_up": 1}}, "2 packets could not be sent"),
        ({"faults": {"mixed_up": 1}}, None),
        ({"late_ms": {"p50": 0.1, "p99": 6.0}}, "6.0 ms late"),
        ({"late_ms": {"p50": 0.7, "p99": 1.0}}, "more than 0.70 ms late"),
        ({"cpu_pct": 96.0}, None),
        ({"cpu_pct": 98.0}, "98 % of its core"),
    ],
)
def test_a_generator_that_was_the_bottleneck_says_so(
    changed: dict[str, object], reason: str | None
) -> None:
    said = traffic(**changed).bottleneck
    assert said == reason if reason is None else reason in str(said)
