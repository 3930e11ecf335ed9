"""The tables. Their history is in `migrations/`; a test holds the two together."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from aois.week import Week
from flows.ledger.types import JsonColumn, Serial, UtcDateTime, WeekText
from flows.records.ids import AlertId, AreaId, EventId, SceneId
from flows.records.json_object import JsonObject


class Base(DeclarativeBase):
    """What all tables share: named constraints, so that a migration can find them, and the types of the ledger."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        Week: WeekText(),
        datetime: UtcDateTime(),
        str: Text(),
        JsonObject: JsonColumn,
        list[Any]: JsonColumn,
    }


class AreaRow(Base):
    """An area as its file last gave it, with what authorities did there."""

    __tablename__ = "areas"
    id: Mapped[AreaId] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str]
    status: Mapped[str | None] = mapped_column(String(16))
    margin_m: Mapped[float]
    sensitivity: Mapped[str] = mapped_column(String(16))
    geometry: Mapped[JsonObject]
    responses: Mapped[list[Any]]


class SceneRow(Base):
    """A scene of an area."""

    __tablename__ = "scenes"
    area_id: Mapped[AreaId] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    scene_id: Mapped[SceneId] = mapped_column(String(255), primary_key=True)
    sensor: Mapped[str] = mapped_column(String(16))
    acquired: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(String(64))
    source: Mapped[str]
    clear_share: Mapped[float]
    shift_px: Mapped[float | None]
    status: Mapped[str] = mapped_column(String(16))
    note: Mapped[str]


class ObservationRow(Base):
    """How well an area was seen in a week."""

    __tablename__ = "observations"
    area_id: Mapped[AreaId] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    week: Mapped[Week] = mapped_column(primary_key=True)
    scenes: Mapped[list[Any]]
    sensors: Mapped[list[Any]]
    seen_share: Mapped[float]
    last_clear_look: Mapped[date | None]
    chain: Mapped[str] = mapped_column(String(128))
    note: Mapped[str]
    unfamiliar: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)


class EventRow(Base):
    """The present state of an event: that of its version of the latest week."""

    __tablename__ = "events"
    id: Mapped[EventId] = mapped_column(String(32), primary_key=True)
    area_id: Mapped[AreaId] = mapped_column(ForeignKey("areas.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    properties: Mapped[JsonObject]
    geometry: Mapped[JsonObject]


class TransitionRow(Base):
    """One step of an event's life. Rows are added, never changed."""

    __tablename__ = "event_transitions"
    __table_args__ = (UniqueConstraint("event_id", "state", "entered_on"),)
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    event_id: Mapped[EventId] = mapped_column(ForeignKey("events.id"))
    state: Mapped[str] = mapped_column(String(16))
    entered_on: Mapped[date]
    scene_id: Mapped[SceneId] = mapped_column(String(255))
    week: Mapped[Week]
    note: Mapped[str]


class RemarkRow(Base):
    """What was said of an event beside its states: a step, a merger, a kept id. Rows are added, never changed."""

    __tablename__ = "event_remarks"
    __table_args__ = (UniqueConstraint("event_id", "kind", "noted_on", "about"),)
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    event_id: Mapped[EventId] = mapped_column(ForeignKey("events.id"))
    kind: Mapped[str] = mapped_column(String(16))
    noted_on: Mapped[date]
    about: Mapped[str] = mapped_column(String(32))
    week: Mapped[Week]


class VersionRow(Base):
    """An event as some recording of a week had it. Rows are added, never changed.

    The row with the highest id speaks for its week, and for the weeks after it until another row does. Properties and
    geometry are both NULL where a replay no longer knows the event as early as that week.
    """

    __tablename__ = "event_versions"
    __table_args__ = (Index(None, "event_id", "week", "id"),)
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    event_id: Mapped[EventId] = mapped_column(ForeignKey("events.id"))
    week: Mapped[Week]
    properties: Mapped[JsonObject | None]
    geometry: Mapped[JsonObject | None]


class AlertRow(Base):
    """The alert of an event. `issued_on` never changes."""

    __tablename__ = "alerts"
    id: Mapped[AlertId] = mapped_column(String(32), primary_key=True)
    event_id: Mapped[EventId] = mapped_column(ForeignKey("events.id"), unique=True)
    issued_on: Mapped[date] = mapped_column(index=True)
    acknowledged_on: Mapped[date | None]
    acknowledged_by: Mapped[str | None]


class MessageRow(Base):
    """The outbox: what people are to be told, in the order in which it became true.

    `told` is what the message says beside the state, for later ones to differ from: ``steps``, how many, and
    ``merged_into``. NULL in messages of earlier releases.
    """

    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    alert_id: Mapped[AlertId] = mapped_column(ForeignKey("alerts.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    week: Mapped[Week]
    routed_at: Mapped[datetime | None] = mapped_column(index=True)
    news: Mapped[str] = mapped_column(String(16), server_default="state")
    told: Mapped[JsonObject | None]


class DispatchRow(Base):
    """What one channel is sent as one: its content is settled before the first attempt, and so is its key."""

    __tablename__ = "dispatches"
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    channel: Mapped[str] = mapped_column(String(128))
    payload: Mapped[JsonObject]
    made_at: Mapped[datetime]
    attempts: Mapped[int]
    last_attempt_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    sent_at: Mapped[datetime | None] = mapped_column(index=True)
    dead_at: Mapped[datetime | None]


class DeliveryRow(Base):
    """One message to one channel; a channel hears a message once for each purpose, whatever routes lead there."""

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("message_id", "channel", "purpose"),)
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    channel: Mapped[str] = mapped_column(String(128))
    purpose: Mapped[str] = mapped_column(String(16))
    route: Mapped[str] = mapped_column(String(128))
    made_at: Mapped[datetime]
    not_before: Mapped[datetime]
    dispatch_id: Mapped[int | None] = mapped_column(ForeignKey("dispatches.id"), index=True)


class VerdictRow(Base):
    """A reviewer's verdict on an event. Rows are added, never changed; the last one on an event speaks.

    `seen` holds the properties that the reviewer saw, since a later run may know the event better.
    """

    __tablename__ = "verdicts"
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    event_id: Mapped[EventId] = mapped_column(ForeignKey("events.id"), index=True)
    verdict: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    note: Mapped[str]
    judged_by: Mapped[str]
    judged_at: Mapped[datetime]
    seen: Mapped[JsonObject]


class AccountRow(Base):
    """Somebody who may use the review desk; one that is closed stays, since verdicts name it."""

    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    sees_positions: Mapped[bool]
    password_hash: Mapped[str]
    made_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class SessionRow(Base):
    """A browser that is logged in: the hash of its key, and the key that its forms carry."""

    __tablename__ = "sessions"
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(Serial, ForeignKey("accounts.id"), index=True)
    form_key: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class ReviewRow(Base):
    """Which account gave a verdict at the desk. Rows are added, never changed."""

    __tablename__ = "reviews"
    verdict_id: Mapped[int] = mapped_column(Serial, ForeignKey("verdicts.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(Serial, ForeignKey("accounts.id"))


class WithdrawalRow(Base):
    """A verdict that its giver took back: a row beside it, so that both stay on record."""

    __tablename__ = "withdrawals"
    verdict_id: Mapped[int] = mapped_column(Serial, ForeignKey("verdicts.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(Serial, ForeignKey("accounts.id"))
    at: Mapped[datetime]


class QuietPlaceRow(Base):
    """A place of which nothing was told, drawn for people to look at. Rows are added, never changed."""

    __tablename__ = "quiet_places"
    __table_args__ = (UniqueConstraint("week", "key"),)
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    week: Mapped[Week]
    key: Mapped[str] = mapped_column(String(96))
    area_id: Mapped[AreaId] = mapped_column(String(64), ForeignKey("areas.id"))
    kind: Mapped[str] = mapped_column(String(16))
    seen_class: Mapped[str] = mapped_column(String(16))
    seen_share: Mapped[float]
    of: Mapped[int]
    since: Mapped[date]
    until: Mapped[date]
    km2: Mapped[float]
    geometry: Mapped[JsonObject]


class QuietAnswerRow(Base):
    """What somebody said of a quiet place. Rows are added, never changed; the last one of a place counts."""

    __tablename__ = "quiet_answers"
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    place_id: Mapped[int] = mapped_column(Serial, ForeignKey("quiet_places.id"), index=True)
    answer: Mapped[str] = mapped_column(String(16))
    changes: Mapped[int]
    note: Mapped[str]
    account_id: Mapped[int] = mapped_column(Serial, ForeignKey("accounts.id"))
    at: Mapped[datetime]


class ActRow(Base):
    """What somebody did at the desk. Rows are added, never changed; `account_id` is NULL where nobody was logged in."""

    __tablename__ = "acts"
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(Serial, ForeignKey("accounts.id"))
    act: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(index=True)
    detail: Mapped[str]


class ClaimRow(Base):
    """What is claimed about a site, as it was said. Rows are added, never changed."""

    __tablename__ = "claims"
    claim_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    area_id: Mapped[AreaId] = mapped_column(ForeignKey("areas.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    said_on: Mapped[date]
    number: Mapped[int | None]
    area_m2: Mapped[float | None]
    words: Mapped[str]
    source: Mapped[str]
    origin: Mapped[str] = mapped_column(String(16))
    entered_by: Mapped[str]
    entered_at: Mapped[datetime]


class ClaimWithdrawalRow(Base):
    """A claim that was withdrawn: a row beside it, so that both stay on record."""

    __tablename__ = "claim_withdrawals"
    claim_id: Mapped[str] = mapped_column(String(32), ForeignKey("claims.claim_id"), primary_key=True)
    withdrawn_by: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]


class StructureRow(Base):
    """A footprint that an operator imported; the last import of a site counts. Rows are added, never changed."""

    __tablename__ = "structures"
    __table_args__ = (UniqueConstraint("area_id", "import_number", "structure_id"),)
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    structure_id: Mapped[str] = mapped_column(String(32))
    area_id: Mapped[AreaId] = mapped_column(ForeignKey("areas.id"))
    import_number: Mapped[int]
    geometry: Mapped[JsonObject]
    area_m2: Mapped[float]
    source: Mapped[str]
    entered_by: Mapped[str]
    entered_at: Mapped[datetime]


class AnswerRow(Base):
    """What a run measured of a claim by the end of a week. Rows are added, never changed.

    The row with the highest id speaks for its claim and week.
    """

    __tablename__ = "answers"
    __table_args__ = (Index(None, "claim_id", "week", "id"),)
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    claim_id: Mapped[str] = mapped_column(String(32), ForeignKey("claims.claim_id"))
    week: Mapped[Week]
    said: Mapped[JsonObject]


class MuteRow(Base):
    """What somebody decided about the messages of an incident, by one of its alerts. Rows are added, never changed.

    The last row of an incident counts; `until` is NULL where it ends a mute.
    """

    __tablename__ = "mutes"
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    alert_id: Mapped[AlertId] = mapped_column(String(32), ForeignKey("alerts.id"))
    until: Mapped[date | None]
    said_by: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(Serial, ForeignKey("accounts.id"))


class MutedMessageRow(Base):
    """A message that is sent in no channel, and the mute that is why. Rows are added, never changed."""

    __tablename__ = "muted_messages"
    message_id: Mapped[int] = mapped_column(Serial, ForeignKey("messages.id"), primary_key=True, autoincrement=False)
    mute_id: Mapped[int] = mapped_column(Serial, ForeignKey("mutes.id"))
    at: Mapped[datetime]


class WorldRow(Base):
    """Which world the record is of, in one row (`worlds.World`); none as long as nothing was seen."""

    __tablename__ = "worlds"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    world: Mapped[str] = mapped_column(String(16))


class ReferenceSecretRow(Base):
    """The secret of references, in one row (`references`); none as long as no reference was needed."""

    __tablename__ = "reference_secrets"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret: Mapped[str] = mapped_column(String(64))


class RunRow(Base):
    """A run of the watch."""

    __tablename__ = "runs"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    started_at: Mapped[datetime]
    version: Mapped[str] = mapped_column(String(64))
    settings: Mapped[JsonObject]
    status: Mapped[str] = mapped_column(String(16))
    summary: Mapped[JsonObject]
    finished_at: Mapped[datetime | None]


class ChangeRow(Base):
    """The journal: one change of one row, in the order of writing. Rows are added, never changed.

    `row_key` is the row's primary key as JSON, `row_sha256` the hash of what it holds since (NULL: it is gone), and
    `link` the hash of this entry and the link before it, so that no entry can be changed without all that follow.
    """

    __tablename__ = "changes"
    __table_args__ = (Index(None, "table_name", "number"),)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    table_name: Mapped[str] = mapped_column(String(32))
    row_key: Mapped[str]
    row_sha256: Mapped[str | None] = mapped_column(String(64))
    link: Mapped[str] = mapped_column(String(64))
