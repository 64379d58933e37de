"""Alembic's entry: runs the steps on the connection that the store hands over."""

from alembic import context

from control.adapters import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    # SQLite alters a table by copying it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
