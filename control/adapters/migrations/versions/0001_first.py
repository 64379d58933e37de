"""Users, specialists, consultations, ratings, used join tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "users",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_table(
        "profiles",
        sa.Column("specialist_id", sa.String(200), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("duration_s", sa.Integer(), nullable=False),
        sa.Column("price", sa.String(20), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("takes_video", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["specialist_id"], ["users.id"], name="fk_profiles_specialist_id"),
        sa.PrimaryKeyConstraint("specialist_id", name="pk_profiles"),
    )
    op.create_table(
        "added_specialists",
        sa.Column("client_id", sa.String(200), nullable=False),
        sa.Column("specialist_id", sa.String(200), nullable=False),
        sa.Column("added_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["users.id"], name="fk_added_specialists_client_id"),
        sa.ForeignKeyConstraint(
            ["specialist_id"], ["users.id"], name="fk_added_specialists_specialist_id"
        ),
        sa.PrimaryKeyConstraint("client_id", "specialist_id", name="pk_added_specialists"),
    )
    op.create_index("ix_added_specialists_specialist_id", "added_specialists", ["specialist_id"])
    op.create_table(
        "consultations",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("client_id", sa.String(200), nullable=False),
        sa.Column("specialist_id", sa.String(200), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("requested_at", sa.Float(), nullable=False),
        sa.Column("accept_by", sa.Float(), nullable=False),
        sa.Column("start_by", sa.Float()),
        sa.Column("ends_at", sa.Float()),
        sa.Column("lapses_at", sa.Float()),
        sa.Column("service_by", sa.Float()),
        sa.Column("rest", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["users.id"], name="fk_consultations_client_id"),
        sa.ForeignKeyConstraint(
            ["specialist_id"], ["users.id"], name="fk_consultations_specialist_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consultations"),
    )
    op.create_index(
        "ix_consultations_client_id_requested_at", "consultations", ["client_id", "requested_at"]
    )
    op.create_index(
        "ix_consultations_specialist_id_requested_at",
        "consultations",
        ["specialist_id", "requested_at"],
    )
    op.create_index("ix_consultations_state", "consultations", ["state"])
    _unique("one_request", ["client_id", "specialist_id"], "state = 'requested'")
    for column in ("client_id", "specialist_id"):
        _unique(f"one_session_{column}", [column], "state IN ('accepted', 'active')")
    op.create_table(
        "ratings",
        sa.Column("consultation_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(20), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("given_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultations.id"], name="fk_ratings_consultation_id"
        ),
        sa.PrimaryKeyConstraint("consultation_id", "subject", name="pk_ratings"),
    )
    op.create_table(
        "used_join_tokens",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_used_join_tokens"),
    )
    op.create_index("ix_used_join_tokens_expires_at", "used_join_tokens", ["expires_at"])


def _unique(name: str, columns: list[str], where: str) -> None:
    op.create_index(
        f"uq_consultations_{name}",
        "consultations",
        columns,
        unique=True,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )
