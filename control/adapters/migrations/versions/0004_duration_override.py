"""An operator may set the duration of a specialist's sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column."""
    op.add_column("profiles", sa.Column("duration_override_s", sa.Integer()))
