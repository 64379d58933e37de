"""Operators may block accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "blocked_accounts",
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("blocked_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_blocked_accounts_user_id"),
        sa.PrimaryKeyConstraint("user_id", name="pk_blocked_accounts"),
    )
