"""Reading and adding versions of events: what each week knew."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from aois.week import Week
from flows.ledger.tables import EventRow, ObservationRow, RemarkRow, TransitionRow, VersionRow
from flows.ledger.week_rules import Settled
from flows.records.event_json import event_of, geometry_of, stored_properties
from flows.records.events import EventRecord, EventsById
from flows.records.ids import EventId

LAST = Week(9999, 1)
"""Later than any week."""


def known(session: Session, *, area_id: str | None = None, as_of: Week) -> dict[EventId, EventRecord]:
    """Read the events of an area (of all if None) as the newest recordings up to a week have them, by id."""
    spoken = (
        select(VersionRow.id)
        .where(VersionRow.event_id == EventRow.id, VersionRow.week <= as_of)
        .order_by(VersionRow.week.desc(), VersionRow.id.desc())
        .limit(1)
        .correlate(EventRow)
        .scalar_subquery()
    )
    columns = select(VersionRow.event_id, VersionRow.properties, VersionRow.geometry)
    query = columns.join(EventRow, VersionRow.id == spoken).order_by(VersionRow.event_id)
    rows = session.execute(query if area_id is None else query.where(EventRow.area_id == area_id))
    return {
        row.event_id: event_of(row.properties, row.geometry, is_simulated=False)
        for row in rows
        if row.properties is not None and row.geometry is not None
    }


def next_recorded(session: Session, area_id: str, week: Week) -> Week | None:
    """Find the first week after `week` that was recorded for an area; None where there is none."""
    later = (ObservationRow.area_id == area_id, ObservationRow.week > week)
    return session.scalar(select(ObservationRow.week).where(*later).order_by(ObservationRow.week).limit(1))


def write(
    session: Session,
    area_id: str,
    week: Week,
    settled: Collection[Settled],
    *,
    current: EventsById,
    following: Week | None,
) -> None:
    """Add what a recording changed: versions, transitions, remarks, and the present state they lead to.

    `following` is the next recorded week. Its own recording said what `current` holds, unless it has a version of its
    own, so that is written down there before this week's version would speak for it.
    """
    changed = [one for one in settled if one.event != current.get(one.event_id)]
    if changed:
        _add_versions(session, area_id, week, changed, current=current, following=following)
    _add_transitions(session, area_id, week, settled)
    _add_remarks(session, area_id, week, settled)


def _add_versions(
    session: Session,
    area_id: str,
    week: Week,
    changed: Collection[Settled],
    *,
    current: EventsById,
    following: Week | None,
) -> None:
    _add_events(session, area_id, [one for one in changed if one.event_id not in current])
    if following is not None:
        spoken = _spoken_in(session, area_id, following)
        earlier = {one.event_id: current[one.event_id] for one in changed if one.event_id in current.keys() - spoken}
        session.add_all(_version(name, following, event) for name, event in earlier.items())
    session.add_all(_version(one.event_id, week, one.event) for one in changed)
    session.flush()
    _refresh(session, area_id, {one.event_id for one in changed})


def _version(event_id: str, week: Week, event: EventRecord | None) -> VersionRow:
    if event is None:
        return VersionRow(event_id=event_id, week=week, properties=None, geometry=None)
    return VersionRow(
        event_id=event_id, week=week, properties=stored_properties(event), geometry=geometry_of(event.ground)
    )


def _spoken_in(session: Session, area_id: str, week: Week) -> set[str]:
    """The events of an area that have a version of exactly that week."""
    query = select(VersionRow.event_id).join(EventRow).where(EventRow.area_id == area_id, VersionRow.week == week)
    return set(session.scalars(query))


def _add_events(session: Session, area_id: str, settled: Iterable[Settled]) -> None:
    """Make the rows of events that the ledger never met."""
    met = set(session.scalars(select(EventRow.id).where(EventRow.area_id == area_id)))
    session.add_all(
        EventRow(
            id=one.event_id,
            area_id=area_id,
            state=one.event.state.value,
            properties=stored_properties(one.event),
            geometry=geometry_of(one.event.ground),
        )
        for one in settled
        if one.event is not None and one.event_id not in met
    )
    session.flush()


def _refresh(session: Session, area_id: str, event_ids: Collection[str]) -> None:
    """Set the present state of events to that of their latest week.

    There always is one: only a week with a later one is emptied, and the later one then has a version of its own.
    """
    present = known(session, area_id=area_id, as_of=LAST)
    for row in session.scalars(select(EventRow).where(EventRow.area_id == area_id)):
        if row.id in event_ids:
            event = present[row.id]
            row.state, row.properties = event.state.value, stored_properties(event)
            row.geometry = geometry_of(event.ground)
    session.flush()


def _add_transitions(session: Session, area_id: str, week: Week, settled: Iterable[Settled]) -> None:
    """Add the steps that the history does not hold yet."""
    steps = [(one, step) for one in settled for step in one.transitions]
    if not steps:
        return
    query = select(TransitionRow.event_id, TransitionRow.state, TransitionRow.entered_on).join(EventRow)
    rows = session.execute(query.where(EventRow.area_id == area_id))
    held = {(row.event_id, row.state, row.entered_on) for row in rows}
    session.add_all(
        TransitionRow(
            event_id=one.event_id,
            state=step.state.value,
            entered_on=step.on,
            scene_id=step.scene_id,
            week=week,
            note=one.note,
        )
        for one, step in steps
        if (one.event_id, step.state.value, step.on) not in held
    )
    session.flush()


def _add_remarks(session: Session, area_id: str, week: Week, settled: Iterable[Settled]) -> None:
    """Add the remarks that the story does not hold yet."""
    said = [(one.event_id, remark) for one in settled for remark in one.remarks]
    if not said:
        return
    query = select(RemarkRow.event_id, RemarkRow.kind, RemarkRow.noted_on, RemarkRow.about).join(EventRow)
    held = {tuple(row) for row in session.execute(query.where(EventRow.area_id == area_id))}
    session.add_all(
        RemarkRow(event_id=name, kind=one.kind.value, noted_on=one.on, about=one.about, week=week)
        for name, one in said
        if (name, one.kind.value, one.on, one.about) not in held
    )
    session.flush()
