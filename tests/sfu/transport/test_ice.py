"""The ICE-lite agent, in simulated time."""

import random

import pytest
from aioice import stun

from sfu.transport.ice import (
    MAX_ADDRESSES,
    TRANSACTIONS,
    AddressSelected,
    AddressValidated,
    CheckDropped,
    Credentials,
    IceAgent,
    IceOutput,
    SendResponse,
)
from sfu.transport.stun import Address, StunDrop
from tests.sfu.checks import binding_request

OURS = Credentials("0000abcd", "p" * 24)
NEW = Credentials("0000efgh", "q" * 24)
PHONE: Address = ("203.0.113.5", 40_000)
CELL: Address = ("198.51.100.7", 50_000)
HIGH, LOW = 2_000, 1_000


def make_agent() -> IceAgent:
    return IceAgent(OURS, "peer")


def check(
    priority: int = HIGH,
    *,
    use_candidate: bool = False,
    credentials: Credentials = OURS,
    remote_ufrag: str = "peer",
    pwd: str | None = None,
) -> bytes:
    return binding_request(
        username=f"{credentials.ufrag}:{remote_ufrag}",
        pwd=pwd or credentials.pwd,
        priority=priority,
        use_candidate=use_candidate,
    )


def response(outputs: list[IceOutput]) -> stun.Message:
    (sent,) = [output for output in outputs if isinstance(output, SendResponse)]
    return stun.parse_message(sent.data)


def test_an_authenticated_check_validates_and_is_answered_in_that_order() -> None:
    outputs = make_agent().receive(check(), PHONE, 1.0)
    assert [type(output) for output in outputs] == [AddressValidated, AddressSelected, SendResponse]


def test_an_overheard_check_moves_nothing_and_is_no_sign_of_life() -> None:
    agent = make_agent()
    overheard = check(use_candidate=True)
    agent.receive(overheard, PHONE, 1.0)
    assert agent.receive(overheard, CELL, 1.1) == [CheckDropped(StunDrop.REPLAYED)]
    assert (agent.selected, agent.heard_at) == (PHONE, 1.0)


def test_a_check_may_be_retransmitted_for_40_seconds() -> None:
    agent = make_agent()
    repeated = check()
    agent.receive(repeated, PHONE, 1.0)
    assert CheckDropped(StunDrop.REPLAYED) not in agent.receive(repeated, PHONE, 40.9)
    assert agent.heard_at == 40.9
    assert agent.receive(repeated, PHONE, 41.1) == [CheckDropped(StunDrop.REPLAYED)]


def test_the_latest_checks_are_remembered_and_no_more() -> None:
    agent = make_agent()
    oldest, *later = [check() for _ in range(TRANSACTIONS + 1)]
    for each in (oldest, *later):
        agent.receive(each, PHONE, 1.0)
    for each in later:
        assert agent.receive(each, CELL, 2.0) == [CheckDropped(StunDrop.REPLAYED)]
    assert len(agent._transactions) == TRANSACTIONS


@pytest.mark.parametrize("address", [PHONE, ("2001:db8::7", 1234)])
def test_the_response_tells_the_sender_its_address_signed_with_our_password(
    address: Address,
) -> None:
    request = check()
    answer = response(make_agent().receive(request, address, 1.0))
    assert answer.message_class is stun.Class.RESPONSE
    assert answer.transaction_id == stun.parse_message(request).transaction_id
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == address
    assert answer.check_message_integrity(OURS.pwd.encode())
    assert "FINGERPRINT" in answer.attributes


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", StunDrop.MALFORMED, id="nothing"),
        pytest.param(b"\0", StunDrop.MALFORMED, id="an-octet"),
        pytest.param(check()[:-1], StunDrop.MALFORMED, id="cut"),
        pytest.param(check()[:-1] + b"\0", StunDrop.MALFORMED, id="broken-fingerprint"),
        pytest.param(b"\0\1" + b"\xff" * 4000, StunDrop.MALFORMED, id="overlong"),
        pytest.param(
            bytes(stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST)),
            StunDrop.NOT_A_CHECK,
            id="allocate",
        ),
        pytest.param(
            bytes(stun.Message(stun.Method.BINDING, stun.Class.INDICATION)),
            StunDrop.NOT_A_CHECK,
            id="indication",
        ),
        pytest.param(
            bytes(stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)),
            StunDrop.NOT_A_CHECK,
            id="response",
        ),
        pytest.param(
            binding_request(username="0000abcd:peer", pwd=None),
            StunDrop.NO_INTEGRITY,
            id="no-integrity",
        ),
        pytest.param(
            binding_request(username=None, pwd=OURS.pwd), StunDrop.WRONG_USERNAME, id="no-username"
        ),
        pytest.param(
            binding_request(username="0000abcd", pwd=OURS.pwd),
            StunDrop.WRONG_USERNAME,
            id="half-a-username",
        ),
        pytest.param(
            binding_request(username="0000abcx:peer", pwd=OURS.pwd),
            StunDrop.WRONG_USERNAME,
            id="wrong-ufrag",
        ),
        pytest.param(
            binding_request(username="0000abcd:other", pwd=OURS.pwd),
            StunDrop.WRONG_USERNAME,
            id="wrong-peer",
        ),
        pytest.param(check(pwd="wrong"), StunDrop.WRONG_INTEGRITY, id="wrong-password"),
    ],
)
def test_what_is_not_authenticated_is_counted_and_never_answered(
    data: bytes, reason: StunDrop
) -> None:
    agent = make_agent()
    assert agent.receive(data, PHONE, 1.0) == [CheckDropped(reason)]
    assert agent.heard_at is None
    assert agent.selected is None


def test_no_bytes_whatever_raise_or_are_answered() -> None:
    agent, source = make_agent(), random.Random(2)
    good = check()
    for _ in range(5_000):
        data = bytearray(good)
        for _ in range(source.randrange(1, 6)):
            data[source.randrange(len(data))] = source.randrange(256)
        data = data[: source.randrange(len(data) + 1)]
        if bytes(data) != good:
            (output,) = agent.receive(bytes(data), PHONE, 1.0)
            assert isinstance(output, CheckDropped)


def test_attributes_behind_the_integrity_are_not_believed() -> None:
    message = stun.parse_message(check())
    message.attributes["USE-CANDIDATE"] = None  # packed behind MESSAGE-INTEGRITY
    message.add_fingerprint()
    agent = make_agent()
    agent.receive(check(LOW, use_candidate=True), CELL, 1.0)
    outputs = agent.receive(bytes(message), PHONE, 1.0)
    assert AddressSelected(PHONE) not in outputs


def test_a_sender_that_takes_itself_for_controlled_is_told_to_take_control() -> None:
    data = binding_request(username="0000abcd:peer", pwd=OURS.pwd, role="ICE-CONTROLLED")
    outputs = make_agent().receive(data, PHONE, 1.0)
    answer = response(outputs)
    assert answer.error_code == 487
    assert answer.check_message_integrity(OURS.pwd.encode())
    assert AddressValidated(PHONE) not in outputs


def test_the_first_validated_address_serves_until_one_is_nominated() -> None:
    agent = make_agent()
    agent.receive(check(HIGH), PHONE, 1.0)
    assert agent.selected == PHONE
    outputs = agent.receive(check(LOW, use_candidate=True), CELL, 1.1)
    assert AddressSelected(CELL) in outputs
    assert agent.selected == CELL


@pytest.mark.parametrize("first", [PHONE, CELL])
def test_of_all_nominated_addresses_the_one_of_highest_priority_is_selected(
    first: Address,
) -> None:
    agent = make_agent()
    priorities = {PHONE: HIGH, CELL: LOW}
    for address in sorted(priorities, key=lambda each: each != first):
        agent.receive(check(priorities[address], use_candidate=True), address, 1.0)
    assert agent.selected == PHONE


def test_one_nomination_is_enough_and_plain_checks_do_not_undo_it() -> None:
    agent = make_agent()
    agent.receive(check(LOW), CELL, 1.0)
    agent.receive(check(LOW, use_candidate=True), PHONE, 1.0)
    for now in range(2, 60, 5):
        agent.receive(check(HIGH), CELL, float(now))
        agent.receive(check(LOW), PHONE, float(now))
        assert agent.selected == PHONE


def test_of_equal_priorities_the_latest_nomination_wins_once() -> None:
    """A NAT made a new mapping for the same candidate of the peer."""
    agent = make_agent()
    agent.receive(check(use_candidate=True), PHONE, 1.0)
    assert AddressSelected(CELL) in agent.receive(check(use_candidate=True), CELL, 2.0)
    agent.receive(check(use_candidate=True), PHONE, 3.0)
    assert agent.selected == CELL


def test_a_selected_address_gone_silent_yields_to_a_nominated_one_of_lower_priority() -> None:
    agent = make_agent()
    agent.receive(check(HIGH, use_candidate=True), PHONE, 1.0)
    agent.receive(check(LOW, use_candidate=True), CELL, 1.0)
    agent.receive(check(LOW), CELL, 11.0)
    assert agent.selected == PHONE
    agent.receive(check(LOW), CELL, 11.1)
    assert agent.selected == CELL


def test_a_known_address_is_said_to_be_valid_again_at_most_once_a_second() -> None:
    agent = make_agent()
    said = [
        AddressValidated(PHONE) in agent.receive(check(), PHONE, now)
        for now in (1.0, 1.5, 2.0, 2.9, 3.0)
    ]
    assert said == [True, False, True, False, True]


def test_addresses_are_bounded_and_the_selected_one_stays() -> None:
    agent = make_agent()
    agent.receive(check(use_candidate=True), PHONE, 0.0)
    for number in range(3 * MAX_ADDRESSES):
        agent.receive(check(LOW), ("192.0.2.1", 1000 + number), 1.0 + number)
    assert agent.selected == PHONE
    # It was not forgotten: a new address would be announced as valid.
    assert AddressValidated(PHONE) not in agent.receive(check(use_candidate=True), PHONE, 0.5)
    newest = ("192.0.2.1", 1000 + 3 * MAX_ADDRESSES - 1)
    oldest = ("192.0.2.1", 1000)
    assert AddressValidated(newest) not in agent.receive(check(LOW), newest, 24.0)
    assert AddressValidated(oldest) in agent.receive(check(LOW), oldest, 24.0)


def test_after_a_restart_the_old_credentials_hold_until_the_new_are_used() -> None:
    agent = make_agent()
    agent.receive(check(use_candidate=True), PHONE, 1.0)
    agent.restart(NEW, "fresh")
    old = agent.receive(check(), PHONE, 2.0)
    assert response(old).check_message_integrity(OURS.pwd.encode())
    new = agent.receive(check(credentials=NEW, remote_ufrag="fresh"), CELL, 3.0)
    assert response(new).check_message_integrity(NEW.pwd.encode())
    for remote_ufrag in ("peer", "fresh"):
        late = agent.receive(check(remote_ufrag=remote_ufrag), PHONE, 4.0)
        assert late == [CheckDropped(StunDrop.WRONG_USERNAME)]
    assert agent.heard_at == 3.0


def test_a_restart_keeps_the_path_until_another_is_nominated_whatever_its_priority() -> None:
    agent = make_agent()
    agent.receive(check(HIGH, use_candidate=True), PHONE, 1.0)
    agent.restart(NEW, "fresh")
    assert agent.selected == PHONE
    agent.receive(check(LOW, credentials=NEW, remote_ufrag="fresh"), CELL, 2.0)
    assert agent.selected == PHONE
    agent.receive(check(LOW, use_candidate=True, credentials=NEW, remote_ufrag="fresh"), CELL, 2.1)
    assert agent.selected == CELL


def test_in_a_restart_new_ports_may_still_name_our_old_fragment() -> None:
    agent = make_agent()
    agent.restart(NEW, "fresh")
    outputs = agent.receive(check(credentials=OURS, remote_ufrag="fresh"), CELL, 1.0)
    assert AddressValidated(CELL) in outputs


def test_the_new_password_does_not_open_the_old_name() -> None:
    agent = make_agent()
    agent.restart(NEW, "fresh")
    data = binding_request(username=f"{OURS.ufrag}:fresh", pwd=NEW.pwd)
    assert agent.receive(data, PHONE, 1.0) == [CheckDropped(StunDrop.WRONG_INTEGRITY)]
