"""What a consultation has had since it has events: extensions, leaving, paid time, interruptions.

Those that were written before have none of it. What happened to them is not on record, so their
events begin with the next one.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_CONSULTATIONS = sa.table(
    "consultations",
    sa.column("id", sa.String),
    sa.column("service_by", sa.Float),
    sa.column("rest", sa.JSON),
)


def upgrade() -> None:
    """Add what is missing."""
    connection = op.get_bind()
    table = _CONSULTATIONS
    written = connection.execute(sa.select(table.c.id, table.c.rest)).all()
    for consultation_id, rest in written:
        if "changed_at" in rest:
            continue
        changed: dict[str, Any] = {"rest": _with_all(rest)}
        if "interrupted_since" not in rest:
            # An interruption whose beginning is unknown: the next start begins one of its own.
            changed["service_by"] = None
        connection.execute(sa.update(table).where(table.c.id == consultation_id).values(changed))


def _with_all(rest: dict[str, Any]) -> dict[str, Any]:
    whole = {
        "extension": None,
        "extensions": [],
        "extension_refused_at": None,
        "leaving": None,
        "interrupted_since": None,
        "paid": [],
        "flowing_since": None,
        "seq": 0,
        "changed_at": 0.0,
        **rest,
    }
    if whole["end"]:
        # It named nobody where it is the service now, and had no words.
        by = whole["end"]["by"] or "service"
        whole["end"] = {"detail": None, **whole["end"], "by": by}
    return whole
