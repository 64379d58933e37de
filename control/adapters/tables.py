"""The tables of the store. Times are Unix seconds; migrations/ builds what stands here."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
    true,
)

from control.accounts import SYNTHETIC_PREFIX

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
)

profiles = Table(
    "profiles",
    metadata,
    Column("specialist_id", ForeignKey("users.id"), primary_key=True),
    Column("summary", Text, nullable=False),
    Column("duration_s", Integer, nullable=False),
    # As text, for SQLite has no decimals.
    Column("price", String(20), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("takes_video", Boolean, nullable=False),
    # The online switch.
    Column("available", Boolean, nullable=False, server_default=true()),
    # An operator's, in place of duration_s.
    Column("duration_override_s", Integer),
)

added_specialists = Table(
    "added_specialists",
    metadata,
    Column("client_id", ForeignKey("users.id"), nullable=False),
    Column("specialist_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("added_at", Float, nullable=False),
    PrimaryKeyConstraint("client_id", "specialist_id"),
)

consultations = Table(
    "consultations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("client_id", ForeignKey("users.id"), nullable=False),
    Column("specialist_id", ForeignKey("users.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("requested_at", Float, nullable=False),
    # The deadlines.
    Column("accept_by", Float, nullable=False),
    Column("start_by", Float),
    Column("ends_at", Float),
    Column("lapses_at", Float),
    Column("service_by", Float),
    # Everything that no query asks for.
    Column("rest", JSON, nullable=False),
)

Index(
    "ix_consultations_client_id_requested_at",
    consultations.c.client_id,
    consultations.c.requested_at,
)
Index(
    "ix_consultations_specialist_id_requested_at",
    consultations.c.specialist_id,
    consultations.c.requested_at,
)
Index("ix_consultations_state", consultations.c.state)

# The rules refuse these before the database has to; it keeps them even if two controls race.
_requested = text("state = 'requested'")
_busy = text("state IN ('accepted', 'active')")
Index(
    "uq_consultations_one_request",
    consultations.c.client_id,
    consultations.c.specialist_id,
    unique=True,
    sqlite_where=_requested,
    postgresql_where=_requested,
)
for _column in (consultations.c.client_id, consultations.c.specialist_id):
    Index(
        f"uq_consultations_one_session_{_column.name}",
        _column,
        unique=True,
        sqlite_where=_busy,
        postgresql_where=_busy,
    )

ratings = Table(
    "ratings",
    metadata,
    Column("consultation_id", ForeignKey("consultations.id"), nullable=False),
    Column("subject", String(20), nullable=False),
    Column("stars", Integer, nullable=False),
    Column("comment", Text, nullable=False),
    Column("given_at", Float, nullable=False),
    PrimaryKeyConstraint("consultation_id", "subject"),
)

# What happened to consultations: written with the state that it led to. The database itself refuses
# to change or remove rows of it. `id` gives them one order over all consultations.
events = Table(
    "events",
    metadata,
    # SQLite counts by itself in a column of this type only.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("consultation_id", ForeignKey("consultations.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("type", String(40), nullable=False),
    Column("by", String(20), nullable=False),
    Column("data", JSON, nullable=False),
    UniqueConstraint("consultation_id", "seq"),
    # No number is ever given twice.
    sqlite_autoincrement=True,
)

# How the connections of consultations did, five seconds a row.
quality_periods = Table(
    "quality_periods",
    metadata,
    Column("consultation_id", ForeignKey("consultations.id"), nullable=False),
    Column("at", Float, nullable=False),
    Column("data", JSON, nullable=False),
    PrimaryKeyConstraint("consultation_id", "at"),
)

# Those that were measured, until the sum of it is in their record.
quality_to_sum_up = Table(
    "quality_to_sum_up",
    metadata,
    Column("consultation_id", ForeignKey("consultations.id"), primary_key=True),
)

# The answers to commands that came with an Idempotency-Key; `answered_at` is when they were given.
answers = Table(
    "answers",
    metadata,
    Column("user_id", String(200), nullable=False),
    Column("key", String(255), nullable=False),
    # Of what was asked (SHA-256).
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("answered_at", Float, nullable=False, index=True),
    PrimaryKeyConstraint("user_id", "key"),
)

# One row: when control was last alive.
heartbeat = Table(
    "heartbeat",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("alive_at", Float, nullable=False),
)

used_join_tokens = Table(
    "used_join_tokens",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("expires_at", Float, nullable=False, index=True),
)

# To whom operators have closed the platform; why is in the audit log.
blocked_accounts = Table(
    "blocked_accounts",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("blocked_at", Float, nullable=False),
)

# What operators did. The database itself refuses to change or remove rows of it.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("operator_id", String(200), nullable=False),
    Column("operator_name", String(200), nullable=False),
    # Where the command came from, as the HTTP server saw it.
    Column("address", String(64), nullable=False),
    Column("action", String(40), nullable=False),
    # The id of what it was done to.
    Column("subject", String(200), nullable=False),
    Column("details", JSON, nullable=False),
    # The code of the problem, when the command was refused.
    Column("refused", String(60)),
)

# Webhooks that are not delivered (yet). Of each consultation, only the first that waits has a time.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("consultation_id", String(64), nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    # When it is tried (again); null: after those before it, or never, when it was given up.
    Column("next_at", Float, index=True),
    Column("given_up_at", Float, index=True),
    # What the last attempt came to.
    Column("error", Text),
)

Index(
    "ix_webhook_deliveries_consultation_id_event_id",
    webhook_deliveries.c.consultation_id,
    webhook_deliveries.c.event_id,
)

# One row: up to which event deliveries were made of.
webhook_cursor = Table(
    "webhook_cursor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("event_id", BigInteger, nullable=False),
)


def is_synthetic(user_id: ColumnElement[str]) -> ColumnElement[bool]:
    """``control.accounts.is_synthetic`` of a column. (LIKE does not tell case apart in SQLite.)"""
    return func.substr(user_id, 1, len(SYNTHETIC_PREFIX)) == SYNTHETIC_PREFIX
