"""What a webhook says."""


# The events of a consultation's record that the platform hears of, under the names it knows.
TYPES = {
    "accepted": "consultation.accepted",
    "started": "consultation.started",
    "ended": "consultation.ended",
    "rated": "consultation.rated",
    "quality": "consultation.quality",
}


def message_id(consultation_id: str, seq: int) -> str:
    """The same at each attempt and each replay, so that a receiver can drop doubles."""
    return f"{consultation_id}.{seq}"
