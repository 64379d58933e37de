"""Of which consultations the measured quality is still to be summed up."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table, with those that were measured and have no sum on record."""
    op.create_table(
        "quality_to_sum_up",
        sa.Column("consultation_id", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"],
            ["consultations.id"],
            name="fk_quality_to_sum_up_consultation_id",
        ),
        sa.PrimaryKeyConstraint("consultation_id", name="pk_quality_to_sum_up"),
    )
    op.execute(
        "INSERT INTO quality_to_sum_up (consultation_id)"
        " SELECT DISTINCT measured.consultation_id FROM quality_periods AS measured"
        " WHERE NOT EXISTS (SELECT 1 FROM events WHERE type = 'quality'"
        " AND events.consultation_id = measured.consultation_id)"
    )
