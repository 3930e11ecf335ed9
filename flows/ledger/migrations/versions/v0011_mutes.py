"""Mutes of incidents, and the messages that were not sent because of one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables: nothing was muted before."""
    op.create_table(
        "mutes",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("alert_id", sa.String(32), nullable=False),
        sa.Column("until", sa.Date()),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("account_id", SERIAL),
        sa.PrimaryKeyConstraint("id", name="pk_mutes"),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_mutes_alert_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_mutes_account_id"),
    )
    op.create_table(
        "muted_messages",
        sa.Column("message_id", SERIAL, nullable=False),
        sa.Column("mute_id", SERIAL, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_muted_messages"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_muted_messages_message_id"),
        sa.ForeignKeyConstraint(["mute_id"], ["mutes.id"], name="fk_muted_messages_mute_id"),
    )


def downgrade() -> None:
    """Drop them, and with them who muted what."""
    op.drop_table("muted_messages")
    op.drop_table("mutes")
