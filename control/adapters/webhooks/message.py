"""What a webhook says."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

# The events of a consultation's record that the platform hears of, and their names there.
TYPES = {
    "accepted": "consultation.accepted",
    "started": "consultation.started",
    "ended": "consultation.ended",
    "rated": "consultation.rated",
    "quality": "consultation.quality",
}


def body(type_: str, at: float, data: Mapping[str, Any]) -> str:
    """The JSON of an event of the record's ``type_``, in the form of Standard Webhooks."""
    timestamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return json.dumps({"type": TYPES[type_], "timestamp": timestamp, "data": dict(data)})
