"""Which world a record is of: the real one, or a simulated one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCENES = sa.table("scenes", sa.column("source", sa.Text()))
RUNS = sa.table("runs", sa.column("settings", sa.JSON()))


def upgrade() -> None:
    """Create the table of worlds; a record of before is of the world its scenes are from, or of both."""
    worlds = op.create_table(
        "worlds",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("world", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worlds"),
    )
    world = world_of_before(op.get_bind())
    if world is not None:
        op.bulk_insert(worlds, [{"id": 1, "world": world}])


def downgrade() -> None:
    """Drop it: earlier versions know of no worlds."""
    op.drop_table("worlds")


def world_of_before(connection: sa.Connection) -> str | None:
    """Find the world by the scenes on record.

    Where there are none, by what the runs that fetch were asked for; None where nothing says it.
    """
    sources = set(connection.scalars(sa.select(SCENES.c.source).distinct()))
    if not sources:
        asked = [settings or {} for settings in connection.scalars(sa.select(RUNS.c.settings))]
        fetching = [one for one in asked if one.get("flow", "watch") in ("watch", "fetch")]
        sources = {str(one["source"]) for one in fetching if one.get("source")}
    if not sources:
        return None
    if "simulated" not in sources:
        return "real"
    return "simulated" if sources == {"simulated"} else "mixed"
