"""Places of which nothing was told and at which people are asked to look, and what they answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create both tables, empty: nobody has looked yet."""
    op.create_table(
        "quiet_places",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("week", sa.String(8), nullable=False),
        sa.Column("key", sa.String(96), nullable=False),
        sa.Column("area_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("seen_class", sa.String(16), nullable=False),
        sa.Column("seen_share", sa.Float(), nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("km2", sa.Float(), nullable=False),
        sa.Column("geometry", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quiet_places"),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_quiet_places_area_id"),
        sa.UniqueConstraint("week", "key", name="uq_quiet_places_week_key"),
    )
    op.create_table(
        "quiet_answers",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("place_id", SERIAL, nullable=False),
        sa.Column("answer", sa.String(16), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quiet_answers"),
        sa.ForeignKeyConstraint(["place_id"], ["quiet_places.id"], name="fk_quiet_answers_place_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_quiet_answers_account_id"),
    )
    op.create_index("ix_quiet_answers_place_id", "quiet_answers", ["place_id"])


def downgrade() -> None:
    """Drop them; earlier versions ask nobody."""
    op.drop_table("quiet_answers")
    op.drop_table("quiet_places")
