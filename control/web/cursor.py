"""Where a list goes on: what the header Link says, and the next request brings back."""

import base64
import binascii
import math

from control.consultations.consultation import Consultation
from control.errors import BadInput

# A time and an id.
MAX_CHARACTERS = 200


def cursor(last: Consultation) -> str:
    """What comes after ``last`` in a list that begins with the newest."""
    text = f"{last.requested_at!r} {last.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[float, str]:
    """When the last one was requested, and its id; raises BadInput for anything but ours."""
    try:
        padded = text + "=" * (-len(text) % 4)
        decoded = base64.b64decode(padded, b"-_", validate=True).decode()
        at, _, consultation_id = decoded.partition(" ")
        requested_at = float(at)
        if not math.isfinite(requested_at) or not consultation_id.isalnum():
            raise ValueError("neither a time nor an id")
    except (ValueError, binascii.Error) as error:
        raise BadInput("before: take it from the header Link of the page before.") from error
    return requested_at, consultation_id
