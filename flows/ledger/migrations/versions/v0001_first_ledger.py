"""The first ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Spelled out, not imported: a migration says what was true on its day, whatever the types become later.
JSON = sa.JSON()
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
WEEK = sa.String(8)


def upgrade() -> None:
    """Create every table."""
    _create_areas()
    _create_scenes()
    _create_observations()
    _create_events()
    _create_history()
    _create_alerts()
    _create_messages()
    _create_runs()


def downgrade() -> None:
    """Drop every table, those that refer to others first."""
    for table in (
        "runs",
        "messages",
        "alerts",
        "event_versions",
        "event_transitions",
        "events",
        "observations",
        "scenes",
        "areas",
    ):
        op.drop_table(table)


def _create_areas() -> None:
    op.create_table(
        "areas",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16)),
        sa.Column("margin_m", sa.Float(), nullable=False),
        sa.Column("sensitivity", sa.String(16), nullable=False),
        sa.Column("geometry", JSON, nullable=False),
        sa.Column("responses", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_areas"),
    )


def _create_scenes() -> None:
    op.create_table(
        "scenes",
        sa.Column("area_id", sa.String(64), nullable=False),
        sa.Column("scene_id", sa.String(255), nullable=False),
        sa.Column("sensor", sa.String(16), nullable=False),
        sa.Column("acquired", INSTANT, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("clear_share", sa.Float(), nullable=False),
        sa.Column("shift_px", sa.Float()),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("area_id", "scene_id", name="pk_scenes"),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_scenes_area_id"),
    )


def _create_observations() -> None:
    op.create_table(
        "observations",
        sa.Column("area_id", sa.String(64), nullable=False),
        sa.Column("week", WEEK, nullable=False),
        sa.Column("scenes", JSON, nullable=False),
        sa.Column("sensors", JSON, nullable=False),
        sa.Column("seen_share", sa.Float(), nullable=False),
        sa.Column("last_clear_look", sa.Date()),
        sa.Column("chain", sa.String(128), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("area_id", "week", name="pk_observations"),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_observations_area_id"),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("area_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("properties", JSON, nullable=False),
        sa.Column("geometry", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_events_area_id"),
    )
    op.create_index("ix_events_area_id", "events", ["area_id"])
    op.create_index("ix_events_state", "events", ["state"])


def _create_history() -> None:
    op.create_table(
        "event_transitions",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("scene_id", sa.String(255), nullable=False),
        sa.Column("week", WEEK, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_transitions"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_event_transitions_event_id"),
        sa.UniqueConstraint("event_id", "state", "entered_on", name="uq_event_transitions_event_id_state_entered_on"),
    )
    op.create_table(
        "event_versions",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("week", WEEK, nullable=False),
        sa.Column("properties", JSON),
        sa.Column("geometry", JSON),
        sa.PrimaryKeyConstraint("id", name="pk_event_versions"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_event_versions_event_id"),
    )
    op.create_index("ix_event_versions_event_id_week_id", "event_versions", ["event_id", "week", "id"])


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("acknowledged_on", sa.Date()),
        sa.Column("acknowledged_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_alerts_event_id"),
        sa.UniqueConstraint("event_id", name="uq_alerts_event_id"),
    )
    op.create_index("ix_alerts_issued_on", "alerts", ["issued_on"])


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("alert_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("week", WEEK, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_attempt_at", INSTANT),
        sa.Column("last_error", sa.Text()),
        sa.Column("sent_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_messages_alert_id"),
        sa.UniqueConstraint("key", name="uq_messages_key"),
    )
    op.create_index("ix_messages_alert_id", "messages", ["alert_id"])
    op.create_index("ix_messages_sent_at", "messages", ["sent_at"])


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("summary", JSON, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
