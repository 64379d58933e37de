"""The specialist's online switch; on for everybody who has a profile."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "profiles", sa.Column("available", sa.Boolean(), nullable=False, server_default=sa.true())
    )
