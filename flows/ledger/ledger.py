"""The ledger: the one record of what was watched, seen, found, told and done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from aois.area import Area
from aois.week import Week
from detectors.records import State
from flows.ledger import alert_issue as outbox
from flows.ledger import history_digests as rows
from flows.ledger import observations as watched
from flows.ledger import outbox_rows as dispatches
from flows.ledger import runs, verdicts, versions
from flows.ledger.accounts import Accounts
from flows.ledger.audit import JournalMark, known_marks
from flows.ledger.backup import back_up
from flows.ledger.claim_rows import Claims
from flows.ledger.database import connect, reading, reason, writing
from flows.ledger.errors import UNREADABLE, LedgerError, LedgerUnavailableError
from flows.ledger.history_digests import TableDigest
from flows.ledger.ids import alert_id as id_of_alert
from flows.ledger.journal import Head, RecordedSession, has_changed_since, read_head
from flows.ledger.locks import exclusively
from flows.ledger.mutes import Mutes
from flows.ledger.outbox import Outbox
from flows.ledger.precision import Precision, Split, StatedBand, precision_of, reliability_of
from flows.ledger.quiet_places import QuietPlaces
from flows.ledger.references import References, read_secret, settle_secret
from flows.ledger.restoring import restore
from flows.ledger.reviews import Reviews
from flows.ledger.tables import AlertRow, ObservationRow, RemarkRow, TransitionRow
from flows.ledger.week_rules import Known, settle
from flows.ledger.worlds import World, claim, read_world, simulated_areas
from flows.records.event_json import alert_of
from flows.records.events import (
    Alert,
    AlertRecord,
    DetectedEvent,
    EventRecord,
    HistoryStep,
    RemarkKind,
    RemarkRecord,
    WeekOutcome,
)
from flows.records.ids import EventId
from flows.records.incidents import IncidentRule, Incidents, incidents_of
from flows.records.messages import MessageRecord, ProvisionalOutcomes
from flows.records.observations import ObservationRecord, SceneRecord
from flows.records.provider_weeks import ProviderWeek, provider_weeks
from flows.records.reviews import Judgement, VerdictRecord
from flows.records.runs import RunRecord


def open_ledger(url: str) -> Ledger:
    """Open the ledger at an SQLAlchemy URL, made or brought up to date; raises `LedgerError` if that fails."""
    return Ledger(connect(url))


PROVIDER_RUNS = 3000  # the latest two months


class Ledger:
    """The record, by whole transactions: each method happens or does not. Close it, or use it in a ``with``.

    It reads no clock: dates and times are those that callers pass. Every method raises `LedgerError` when the database
    cannot do its part.
    """

    def __init__(self, engine: Engine) -> None:
        """Work on a database whose schema is up to date; `open_ledger` sees to that."""
        self._engine = engine

    def __enter__(self) -> Ledger:
        """The ledger itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def record_areas(self, areas: Sequence[Area]) -> None:
        """Record areas and their responses as given; those no longer in the list are kept."""
        with self._writing() as session:
            watched.write_areas(session, areas)

    def areas(self) -> list[Area]:
        """List every area ever recorded, by id."""
        with self._reading() as session:
            return watched.read_areas(session)

    def record_scenes(self, area_id: str, scenes: Sequence[SceneRecord]) -> None:
        """Record scenes of an area as given; the same call again changes nothing.

        Raises `LedgerError` for those of another world.
        """
        with self._writing() as session:
            claim(session, {scene.source for scene in scenes})
            watched.write_scenes(session, area_id, scenes)

    def scenes(self, area_id: str) -> list[SceneRecord]:
        """List the scenes of an area in the order of time."""
        with self._reading() as session:
            return watched.read_scenes(session, area_id)

    def record_week(
        self, observation: ObservationRecord, events: Sequence[DetectedEvent], *, most_suspects: int | None = None
    ) -> WeekOutcome:
        """Record how an area was seen in a week and all its events as of that week, in one transaction.

        Versions, transitions, alerts and messages follow from them. The same call again changes nothing; replaying the
        same weeks in order changes nothing. Events of the area that are not listed are retracted (see `week_rules`).
        At most so many new suspect sites are alerted a week; the note of the observation says how many wait.
        """
        area_id, week = observation.area_id, observation.week
        _check_list(area_id, events)
        with self._writing() as session:
            watched.require_area(session, area_id)
            before = versions.known(session, area_id=area_id, as_of=week.plus(-1))
            current = versions.known(session, area_id=area_id, as_of=week)
            following = versions.next_recorded(session, area_id, week)
            latest = following is None
            later = current if latest else versions.known(session, area_id=area_id, as_of=versions.LAST)
            settled = settle(events, Known(before, current, later), week=week, is_latest=latest)
            watched.write_observation(session, observation)
            versions.write(session, area_id, week, settled, current=current, following=following)
            outcome = outbox.issue(
                session,
                area_id,
                week,
                settled,
                current=current,
                is_latest=latest,
                most_suspects=most_suspects,
            )
            if outcome.waiting:
                waits = f"{outcome.waiting} more wait: at most {most_suspects} new suspect sites are alerted a week"
                note = "; ".join(filter(None, (observation.note, waits)))
                watched.write_observation(session, replace(observation, note=note))
            return outcome

    def chains(self, area_id: str) -> dict[Week, str]:
        """Return the digest of each recorded week of an area, in order."""
        query = select(ObservationRow.week, ObservationRow.chain).where(ObservationRow.area_id == area_id)
        with self._reading() as session:
            return {row.week: row.chain for row in session.execute(query.order_by(ObservationRow.week))}

    def observations(self, *, until: Week | None = None, area_id: str | None = None) -> list[ObservationRecord]:
        """List observations up to a week (all if None) of an area (of all if None), by week, then area."""
        with self._reading() as session:
            return watched.read_observations(session, until=until, area_id=area_id)

    def last_observed(self, area_id: str) -> Week | None:
        """Return the latest week recorded for an area, None before the first."""
        with self._reading() as session:
            return session.scalar(select(func.max(ObservationRow.week)).where(ObservationRow.area_id == area_id))

    def events(self, area_id: str, *, as_of: Week | None = None) -> list[EventRecord]:
        """List an area's events by their order, at present or as the newest recording of a week has them."""
        week = versions.LAST if as_of is None else as_of
        with self._reading() as session:
            found, is_simulated = versions.known(session, area_id=area_id, as_of=week), simulated_areas(session)
        events = (replace(event, is_simulated=is_simulated(event.area_id)) for event in found.values())
        return sorted(events, key=attrgetter("order"))

    def alerts(self, *, as_of: Week | None = None, area_id: str | None = None) -> list[Alert]:
        """List every alert issued (in an area) by its order.

        At present, or by a week's end as its newest recording has it.
        """
        week = versions.LAST if as_of is None else as_of
        query = select(AlertRow).where(AlertRow.issued_on <= week.last_day)
        with self._reading() as session:
            issued = {row.event_id: row.issued_on for row in session.scalars(query)}
            found, is_simulated = versions.known(session, area_id=area_id, as_of=week), simulated_areas(session)
        alerts = [
            alert_of(replace(found[one], is_simulated=is_simulated(found[one].area_id)), id_of_alert(one), day)
            for one, day in issued.items()
            if one in found
        ]
        return sorted(alerts, key=attrgetter("order"))

    def alert(self, alert_id: str) -> AlertRecord:
        """Return when an alert went out and who acknowledged it."""
        with self._reading() as session:
            return outbox.read_alert(session, alert_id)

    def alert_records(self) -> list[AlertRecord]:
        """List when each alert went out and who acknowledged it, by id."""
        with self._reading() as session:
            return outbox.read_alerts(session)

    def history(self, event_id: str) -> list[HistoryStep]:
        """List every transition an event ever went through, in the order in which it was recorded."""
        query = select(TransitionRow).where(TransitionRow.event_id == event_id).order_by(TransitionRow.id)
        with self._reading() as session:
            return [_step(row) for row in session.scalars(query)]

    def remarks(self, event_id: str) -> list[RemarkRecord]:
        """List everything ever said of an event beside its states, in the order in which it was recorded."""
        query = select(RemarkRow).where(RemarkRow.event_id == event_id).order_by(RemarkRow.id)
        with self._reading() as session:
            return [
                RemarkRecord(r.event_id, RemarkKind(r.kind), r.noted_on, r.about, r.week)
                for r in session.scalars(query)
            ]

    def pending_messages(self) -> list[MessageRecord]:
        """List the messages that somebody is still to hear, in the order in which they became true."""
        with self._reading() as session:
            return dispatches.pending(session)

    def provisional_outcomes(self) -> ProvisionalOutcomes:
        """Count what became of the alerts that were provisional when people first heard of them."""
        with self._reading() as session:
            return outbox.provisional_outcomes(session)

    @property
    def outbox(self) -> Outbox:
        """Return what is on its way to people, channel by channel."""
        return Outbox(self._reading, self._writing)

    @property
    def mutes(self) -> Mutes:
        """Return who muted which incident until when, and the messages that were not sent because of it."""
        return Mutes(self._reading, self._writing)

    def incidents(self, rule: IncidentRule | None = None) -> Incidents:
        """Return every incident on record by a rule, with what people decided about it."""
        return Incidents(incidents_of(self.alerts(), rule), tuple(self.mutes.all()), tuple(self.mutes.messages()))

    @property
    def accounts(self) -> Accounts:
        """Return who may use the review desk, who is logged in, and what was done there."""
        return Accounts(self._reading, self._writing)

    @property
    def reviews(self) -> Reviews:
        """Return cases and verdicts as the review desk goes through them."""
        return Reviews(self._reading, self._writing)

    @property
    def quiet(self) -> QuietPlaces:
        """Return the places of which nothing was told and at which people look, with their answers."""
        return QuietPlaces(self._reading, self._writing)

    @property
    def claims(self) -> Claims:
        """Return what is claimed about sites, and what was measured of it."""
        return Claims(self._reading, self._writing)

    def references(self) -> References:
        """Return what alerts are called towards people who may not know the places.

        The secret behind it is made at random when it is first needed, and stays.
        """
        with self._reading() as session:
            secret = read_secret(session)
        if secret is None:
            with self._writing() as session:
                secret = settle_secret(session)
        return References(secret)

    @contextmanager
    def exclusively(self, name: str, *, complaint: str, patience_s: float = 0.0) -> Iterator[None]:
        """Keep other processes from doing the same on this ledger as long as the ``with`` lasts.

        Raises `LedgerError` with `complaint` where one is at it and does not end within `patience_s`.
        """
        with exclusively(self._engine, name, patience_s=patience_s, complaint=complaint):
            yield

    def acknowledge(self, alert_id: str, *, by: str, on: date) -> None:
        """Record who took an alert up; the first acknowledgement stays."""
        with self._writing() as session:
            outbox.acknowledge(session, alert_id, by=by, on=on)

    def acknowledge_all(self, alert_ids: Collection[str], *, by: str, on: date) -> None:
        """Record who took several alerts up, all or none."""
        with self._writing() as session:
            for alert_id in sorted(set(alert_ids)):
                outbox.acknowledge(session, alert_id, by=by, on=on)

    def judge_all(self, event_ids: Collection[str], judgement: Judgement, *, at: datetime) -> int:
        """Record the same verdict on several events, all or none, and return on how many it is new."""
        with self._writing() as session:
            found = [VerdictRecord(EventId(one), judgement, at) for one in dict.fromkeys(event_ids)]
            return sum(verdicts.write(session, one) for one in found)

    def judge(self, event_id: str, judgement: Judgement, *, at: datetime) -> bool:
        """Record a reviewer's verdict on an event; return True if it is new.

        Verdicts are added, never changed.
        """
        with self._writing() as session:
            return verdicts.write(session, VerdictRecord(EventId(event_id), judgement, at))

    def verdicts(self, event_id: str | None = None, *, area_id: str | None = None) -> list[VerdictRecord]:
        """List the verdicts that stand, in the order in which they were given.

        On an event or in an area, on all if None.

        The last one speaks; one that was taken back does not.
        """
        with self._reading() as session:
            return verdicts.read(session, event_id, area_id)

    def precision(self, *, by: Split = Split.NOTHING) -> list[Precision]:
        """Compute how often alerts held when a person looked, by group."""
        with self._reading() as session:
            return precision_of(verdicts.judged(session), by=by)

    def reliability(self) -> list[StatedBand]:
        """Set the confidences that alerts stated against verdicts, by band, lowest first."""
        with self._reading() as session:
            return reliability_of(verdicts.judged(session))

    @property
    def world(self) -> World | None:
        """Return the world that the record is of; None as long as nothing was seen."""
        with self._reading() as session:
            return read_world(session)

    def claim(self, source: str) -> None:
        """Claim the record for the world of this source; raises `LedgerError` where it is of another one.

        Raises `LedgerError` where it is of another one.
        """
        with self._writing() as session:
            claim(session, [source])

    def start_run(self, run: RunRecord, *, source: str | None = None) -> None:
        """Record that a run began, and the `source` of pictures that it brings, if any: see `claim`."""
        with self._writing() as session:
            claim(session, [source] if source else [])
            settle_secret(session)  # so that every backup with an alert has the secret behind its reference
            runs.start(session, run)

    def finish_run(self, run_id: str, *, status: str, summary: Mapping[str, Any], at: datetime) -> None:
        """Record how a run ended."""
        with self._writing() as session:
            runs.finish(session, run_id, status=status, summary=summary, at=at)

    def runs(self, *, limit: int | None = None) -> list[RunRecord]:
        """List the latest runs, newest first."""
        with self._reading() as session:
            return runs.read(session, limit=limit)

    def provider_weeks(self, *, until: Week | None = None) -> list[ProviderWeek]:
        """List how each provider answered, week by week, up to a week (all if None)."""
        with self._reading() as session:
            found = provider_weeks(runs.read(session, limit=PROVIDER_RUNS), watched.count_refused(session))
        return [one for one in found if until is None or one.week <= until]

    def has_run(self, run_id: str) -> bool:
        """Tell whether a run was started on this ledger."""
        with self._reading() as session:
            return runs.is_there(session, run_id)

    def history_digests(self, *, limits: Mapping[str, int] | None = None) -> dict[str, TableDigest]:
        """Compute hashes of the tables that only grow, of as many rows of each as `limits` says."""
        with self._reading() as session:
            return rows.digests(session, limits=limits)

    def journal_head(self) -> Head:
        """Return the end of the journal."""
        with self._reading() as session:
            return read_head(session.connection())

    def known_marks(self, marks: Sequence[JournalMark]) -> set[int]:
        """Return the manifests whose end of the journal is in it."""
        with self._reading() as session:
            return known_marks(session.connection(), marks)

    def has_changed_since(self, head: Head, *, but: Collection[str] = ()) -> bool:
        """Tell whether anything follows an end of the journal, `but` of some tables, or it is not in the journal."""
        with self._reading() as session:
            return has_changed_since(session.connection(), head, but=but)

    def back_up(self, path: Path) -> int:
        """Write a backup of the whole ledger as of this moment, and return how many rows it holds."""
        return back_up(self._engine, path)

    def restore(
        self,
        path: Path,
        *,
        replace: bool = False,
        without_checksum: bool = False,
        tell: Callable[[str], None] = lambda _: None,
    ) -> int:
        """Replace the ledger by a backup, and return how many rows it holds.

        `tell` hears what is replaced by what, before it is.
        """
        unproven = (lambda engine: Ledger(engine).read_through()) if without_checksum else None
        return restore(path, self._engine, replace=replace, tell=tell, unproven=unproven)

    def read_through(self) -> None:
        """Read all that is on record; raises `LedgerError` for rows that no later run could read."""
        for area in self.areas():
            self.scenes(area.id)
            for one in self.events(area.id):
                self.history(one.event_id)
                self.remarks(one.event_id)
            self.outbox.told(area.id)
            self.claims.structures(area.id)
        for one_claim in self.claims.all():
            self.claims.answers(one_claim.claim_id)
        for read in (
            self.alerts,
            self.observations,
            self.alert_records,
            self.runs,
            self.pending_messages,
            self.outbox.unrouted,
            self.outbox.waiting,
            self.outbox.unsent,
            self.verdicts,
            self.precision,
            self.reliability,
            self.provisional_outcomes,
            self.reviews.cases,
            self.reviews.opinions,
            self.accounts.all,
            self.accounts.acts,
            self.quiet.places,
            self.quiet.reviews,
            self.mutes.all,
            self.mutes.messages,
        ):
            read()

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with self._explained(), Session(reading(self._engine)) as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """A session whose changes are all made when it ends, or none."""
        with self._explained(), RecordedSession(writing(self._engine)) as session, session.begin():
            yield session

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what a database says, and what cannot be read of a row, into a `LedgerError`."""
        try:
            yield
        except StatementError as error:
            if isinstance(error.orig, LedgerError):  # a value that its column type refused
                raise error.orig from None
            raise LedgerUnavailableError(
                f"the ledger could not do it: {reason(error, self._engine.url)}; nothing was changed, so correct that "
                "and run the same again"
            ) from error
        except PoolTimeoutError as error:
            raise LedgerUnavailableError(
                "the ledger is busy: too many ask it at once; nothing was changed, so run the same again"
            ) from error
        except UNREADABLE as error:
            raise LedgerError(
                f"the ledger holds data that it did not write ({type(error).__name__}): the file is damaged; "
                "`sitewatch verify` says where, and `sitewatch ledger restore` takes a backup"
            ) from error


def _check_list(area_id: str, events: Sequence[DetectedEvent]) -> None:
    """Raise `LedgerError` for an event of another area or one that is listed twice."""
    seen: set[str] = set()
    for event in (one.event for one in events):
        if event.area_id != area_id:
            raise LedgerError(
                f"event `{event.event_id}` is of area `{event.area_id}`, not `{area_id}`; record it there"
            )
        if event.event_id in seen:
            raise LedgerError(f"event `{event.event_id}` is listed twice; give each event of a week once")
        seen.add(event.event_id)


def _step(row: TransitionRow) -> HistoryStep:
    return HistoryStep(row.event_id, State(row.state), row.entered_on, row.scene_id, row.week, row.note)
