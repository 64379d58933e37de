"""When an undelivered webhook is tried again."""

GIVE_UP_AFTER_S = 24 * 3600.0
FIRST_DELAY_S = 5.0
LONGEST_DELAY_S = 3600.0
# Each delay is up to this share shorter or longer: a receiver that is back is not met by all at
# once.
JITTER = 0.2


def next_attempt(
    queued_at: float,
    attempts: int,
    now: float,
    spread: float,
    retry_after_s: float | None = None,
) -> float | None:
    """The time of the next attempt after ``attempts`` (≥ 1) failed ones, the last at ``now``.

    ``spread`` is random in [0, 1). ``retry_after_s`` is the receiver's own wish, heeded up to the
    longest delay. The last attempt is 24 h after ``queued_at``; None: that was it. Times are Unix
    seconds.
    """
    give_up_at = queued_at + GIVE_UP_AFTER_S
    if now >= give_up_at:
        return None
    # The exponent is bounded, or a float would overflow some day.
    delay_s = min(FIRST_DELAY_S * 2.0 ** min(attempts - 1, 30), LONGEST_DELAY_S)
    delay_s *= 1 - JITTER + 2 * JITTER * spread
    if retry_after_s is not None:
        delay_s = max(delay_s, min(retry_after_s, LONGEST_DELAY_S))
    return min(now + delay_s, give_up_at)
