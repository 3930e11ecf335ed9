"""Messages are sent by channel: who is to hear what, what was sent as one, and how each channel took it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Count messages that went out as routed; those that waited are routed by the next delivery."""
    _create_dispatches()
    _create_deliveries()
    op.add_column("messages", sa.Column("routed_at", INSTANT))
    op.execute("UPDATE messages SET routed_at = sent_at")
    op.drop_index("ix_messages_sent_at", "messages")
    with op.batch_alter_table("messages") as table:
        for name in ("attempts", "last_attempt_at", "last_error", "sent_at"):
            table.drop_column(name)
        table.create_index("ix_messages_routed_at", ["routed_at"])


def downgrade() -> None:
    """Count a message as sent when every channel that was to hear it has taken it or given up."""
    op.add_column("messages", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("messages", sa.Column("last_attempt_at", INSTANT))
    op.add_column("messages", sa.Column("last_error", sa.Text()))
    op.add_column("messages", sa.Column("sent_at", INSTANT))
    op.execute(
        "UPDATE messages SET attempts = 1, sent_at = routed_at, last_attempt_at = routed_at "
        "WHERE routed_at IS NOT NULL AND NOT EXISTS ("
        "SELECT 1 FROM deliveries LEFT JOIN dispatches ON dispatches.id = deliveries.dispatch_id "
        "WHERE deliveries.message_id = messages.id AND dispatches.sent_at IS NULL AND dispatches.dead_at IS NULL)"
    )
    op.drop_table("deliveries")
    op.drop_table("dispatches")
    op.drop_index("ix_messages_routed_at", "messages")
    with op.batch_alter_table("messages") as table:
        table.drop_column("routed_at")
        table.alter_column("attempts", server_default=None)
        table.create_index("ix_messages_sent_at", ["sent_at"])


def _create_dispatches() -> None:
    op.create_table(
        "dispatches",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(128), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_attempt_at", INSTANT),
        sa.Column("next_attempt_at", INSTANT),
        sa.Column("last_error", sa.Text()),
        sa.Column("sent_at", INSTANT),
        sa.Column("dead_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_dispatches"),
        sa.UniqueConstraint("key", name="uq_dispatches_key"),
    )
    op.create_index("ix_dispatches_sent_at", "dispatches", ["sent_at"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("message_id", SERIAL, nullable=False),
        sa.Column("channel", sa.String(128), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("route", sa.String(128), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("not_before", INSTANT, nullable=False),
        sa.Column("dispatch_id", SERIAL),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_deliveries_message_id"),
        sa.ForeignKeyConstraint(["dispatch_id"], ["dispatches.id"], name="fk_deliveries_dispatch_id"),
        sa.UniqueConstraint("message_id", "channel", "purpose", name="uq_deliveries_message_id_channel_purpose"),
    )
    op.create_index("ix_deliveries_dispatch_id", "deliveries", ["dispatch_id"])
