"""What is said of events beside their states, and told: steps, mergers, kept ids."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table of remarks, and mark the messages so far as being about states."""
    op.create_table(
        "event_remarks",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("noted_on", sa.Date(), nullable=False),
        sa.Column("about", sa.String(32), nullable=False),
        sa.Column("week", sa.String(8), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_remarks"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_event_remarks_event_id"),
        sa.UniqueConstraint(
            "event_id", "kind", "noted_on", "about", name="uq_event_remarks_event_id_kind_noted_on_about"
        ),
    )
    op.add_column("messages", sa.Column("news", sa.String(16), nullable=False, server_default="state"))
    op.add_column("messages", sa.Column("told", sa.JSON()))


def downgrade() -> None:
    """Turn messages about steps into messages about the state that they named."""
    op.drop_column("messages", "told")
    op.drop_column("messages", "news")
    op.drop_table("event_remarks")
