"""The journal: every change of a row, each entry with the hash of the one before it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the journal; `flows.ledger.journal.take_over` enters the rows that are there already."""
    op.create_table(
        "changes",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("table_name", sa.String(32), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("row_sha256", sa.String(64)),
        sa.Column("link", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_changes"),
    )
    op.create_index("ix_changes_table_name_number", "changes", ["table_name", "number"])


def downgrade() -> None:
    """Drop the journal; what manifests say of it can then not be checked."""
    op.drop_index("ix_changes_table_name_number", "changes")
    op.drop_table("changes")
