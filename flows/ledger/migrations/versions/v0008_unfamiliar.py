"""How much of an area is unlike any ground that the detector was fitted on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: nothing was said of weeks before."""
    op.add_column("observations", sa.Column("unfamiliar", sa.JSON()))


def downgrade() -> None:
    """Drop it: earlier versions say nothing of it."""
    op.drop_column("observations", "unfamiliar")
