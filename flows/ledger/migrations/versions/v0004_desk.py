"""The review desk: who may come in, who gave a verdict there, what was taken back, and what was done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables of the desk; verdicts given before stay as they are."""
    _create_accounts()
    _create_reviews()
    op.create_table(
        "acts",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("account_id", SERIAL),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_acts"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_acts_account_id"),
    )
    op.create_index("ix_acts_subject", "acts", ["subject"])


def downgrade() -> None:
    """Drop them, and the accounts with them; verdicts stay, those taken back among them."""
    for name in ("acts", "withdrawals", "reviews", "sessions", "accounts"):
        op.drop_table(name)


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("sees_positions", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    op.create_table(
        "sessions",
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("form_key", sa.String(64), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_sessions"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sessions_account_id"),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])


def _create_reviews() -> None:
    for name, instant in (("reviews", None), ("withdrawals", "at")):
        op.create_table(
            name,
            sa.Column("verdict_id", SERIAL, nullable=False),
            sa.Column("account_id", SERIAL, nullable=False),
            *([sa.Column(instant, INSTANT, nullable=False)] if instant else []),
            sa.PrimaryKeyConstraint("verdict_id", name=f"pk_{name}"),
            sa.ForeignKeyConstraint(["verdict_id"], ["verdicts.id"], name=f"fk_{name}_verdict_id"),
            sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=f"fk_{name}_account_id"),
        )
