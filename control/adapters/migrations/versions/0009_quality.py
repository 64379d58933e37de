"""How the connections of consultations did, five seconds a row."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "quality_periods",
        sa.Column("consultation_id", sa.String(64), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"],
            ["consultations.id"],
            name="fk_quality_periods_consultation_id",
        ),
        sa.PrimaryKeyConstraint("consultation_id", "at", name="pk_quality_periods"),
    )
