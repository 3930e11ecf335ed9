"""The secret by which alerts are called towards people who may not know the places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table: the secret is made when a reference is first needed."""
    op.create_table(
        "reference_secrets",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reference_secrets"),
    )


def downgrade() -> None:
    """Drop it: references in messages that were sent then lead to nothing."""
    op.drop_table("reference_secrets")
