"""What people may think of: mostly fitting, sometimes not."""

import random
from decimal import Decimal

from control.consultations import commands
from control.consultations.consultation import Consultation
from control.consultations.parties import Role
from control.consultations.ratings import Subject
from control.consultations.states import State
from tests.simulation.shell import Make

STRANGER = "stranger"


def order_of(chance: random.Random, it: Consultation, role: Role) -> Make | None:
    """A command that fits the state, or None: nothing this time."""
    specialist = role is Role.SPECIALIST
    draw = chance.random()
    if it.state is State.REQUESTED:
        if not specialist:
            return commands.Cancel if draw < 0.05 else None
        if draw < 0.55:
            return commands.Accept
        return (lambda by: commands.Decline(by, "Зает")) if draw < 0.62 else None
    if it.state is State.ACCEPTED:
        return commands.Leave if draw < 0.015 else None
    if it.early_end is not None and draw < 0.3:
        if it.early_end.by is role:
            return commands.WithdrawEarlyEnd
        accepted = draw < 0.08
        return lambda by: commands.AnswerEarlyEnd(by, accepted)
    if it.extension is not None and draw < 0.4:
        if specialist:
            return commands.WithdrawExtension if draw < 0.1 else None
        accepted = draw < 0.25
        return lambda by: commands.AnswerExtension(by, accepted)
    if draw > 0.93:
        return commands.ProposeEarlyEnd
    if draw > 0.915:
        return commands.Leave
    if specialist and draw > 0.83:
        longer = chance.choice((10, 10, 20, 60, 5))
        return lambda by: commands.ProposeExtension(by, longer, Decimal("10.00"))
    return None


def hostile(chance: random.Random, it: Consultation) -> tuple[str, Make]:
    """Any command, from anybody: a user and their command."""
    accepted = chance.random() < 0.5
    longer = chance.choice((-60, 0, 60, 10**6))
    price = Decimal(chance.choice(("-1", "5.00", "1e9")))
    subject = chance.choice(list(Subject))
    stars = chance.randrange(-1, 8)
    makes: list[Make] = [
        commands.Accept,
        commands.Decline,
        commands.Cancel,
        commands.Leave if chance.random() < 0.1 else commands.Accept,
        commands.ProposeEarlyEnd,
        commands.WithdrawEarlyEnd,
        lambda by: commands.AnswerEarlyEnd(by, accepted),
        lambda by: commands.ProposeExtension(by, longer, price),
        lambda by: commands.AnswerExtension(by, accepted),
        commands.WithdrawExtension,
        lambda by: commands.Rate(by, subject, stars, ""),
    ]
    users = (it.client.id, it.specialist.id, STRANGER)
    return chance.choice(users), chance.choice(makes)


def rate(chance: random.Random) -> Make:
    """A rating."""
    subject = chance.choice(list(Subject))
    stars = chance.randrange(1, 6)
    return lambda by: commands.Rate(by, subject, stars, "Благодаря")
