"""Run by Alembic: migrate over the connection that `flows.ledger.database` hands in, within its transaction."""

from __future__ import annotations

from alembic import context

from flows.ledger.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
