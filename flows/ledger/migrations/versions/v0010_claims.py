"""Claims about sites, the structures that they are checked on, and the answers of each week."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables: nothing was claimed in them before."""
    _create_claims()
    _create_structures()
    op.create_table(
        "answers",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("claim_id", sa.String(32), nullable=False),
        sa.Column("week", sa.String(8), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.claim_id"], name="fk_answers_claim_id"),
    )
    op.create_index("ix_answers_claim_id_week_id", "answers", ["claim_id", "week", "id"])


def downgrade() -> None:
    """Drop them, and what was claimed and answered with them."""
    for name in ("answers", "structures", "claim_withdrawals", "claims"):
        op.drop_table(name)


def _create_claims() -> None:
    op.create_table(
        "claims",
        sa.Column("claim_id", sa.String(32), nullable=False),
        sa.Column("area_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("said_on", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer()),
        sa.Column("area_m2", sa.Float()),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("claim_id", name="pk_claims"),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_claims_area_id"),
    )
    op.create_index("ix_claims_area_id", "claims", ["area_id"])
    op.create_table(
        "claim_withdrawals",
        sa.Column("claim_id", sa.String(32), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("claim_id", name="pk_claim_withdrawals"),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.claim_id"], name="fk_claim_withdrawals_claim_id"),
    )


def _create_structures() -> None:
    op.create_table(
        "structures",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("structure_id", sa.String(32), nullable=False),
        sa.Column("area_id", sa.String(64), nullable=False),
        sa.Column("import_number", sa.Integer(), nullable=False),
        sa.Column("geometry", sa.JSON(), nullable=False),
        sa.Column("area_m2", sa.Float(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_structures"),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_structures_area_id"),
        sa.UniqueConstraint(
            "area_id", "import_number", "structure_id", name="uq_structures_area_id_import_number_structure_id"
        ),
    )
