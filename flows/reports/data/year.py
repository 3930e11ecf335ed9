"""The page of a year, put together from the ledger; any year on record can be built again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from aois.area import Sensitivity
from aois.week import Week
from flows.config.settings import SettingsError
from flows.ledger.ledger import Ledger
from flows.ledger.references import References
from flows.ledger.worlds import world_of
from flows.records.observations import ObservationRecord
from flows.records.runs import RunRecord
from flows.reports.build_year import build_year
from flows.reports.data.monthly_totals import standings_of
from flows.reports.data.public_crowd import settled_crowd
from flows.reports.data.public_week import OWNER_FOLDER, PUBLIC_FOLDER
from flows.reports.data.recorded_weeks import is_of_world, source_on_record
from flows.reports.data.releases import released_in
from flows.reports.inputs import WeekSeen
from flows.reports.missed import missed_figures
from flows.reports.year_inputs import AreaYear, DetectorSpan, YearAlert, YearInputs, public_year
from flows.translations.catalogs import LANGUAGES


def is_last_of_year(week: Week) -> bool:
    """Tell whether no later week ends in the same year."""
    return week.plus(1).last_day.year != week.last_day.year


@dataclass(frozen=True)
class BuiltYear:
    """The pages of a year up to the end of a week: the owner's, and those of the public edition."""

    until: Week
    pages: tuple[Path, ...]
    public: tuple[Path, ...]


def report_year(year: int, *, ledger: Ledger, outputs: Path, languages: Sequence[str] = LANGUAGES) -> BuiltYear:
    """Build the page of a year in some languages, in both editions; return where they lie.

    The owner's lies in ``reports/<year>``, the public one, in every language, in ``public/<year>``. Raises
    `SettingsError` for a year of which nothing is on record.
    """
    observations = ledger.observations()
    until = _last_week(year, observations)
    observations = [one for one in observations if one.week <= until]
    inputs = year_inputs(year, until, ledger=ledger, observations=observations)
    released = released_in(outputs, until)
    areas = [one.area for one in inputs.areas]
    shown = {area.id for area in areas if area.sensitivity is Sensitivity.PUBLIC or area.id in released}
    hidden = [area for area in areas if area.id not in shown]
    crowd = settled_crowd(hidden, until, ledger=ledger, observations=observations, outputs=outputs)
    recorded = [event for area_id in shown for event in ledger.events(area_id, as_of=until)]
    public = public_year(inputs, shown=shown, crowd=crowd, recorded=recorded)
    return BuiltYear(
        until,
        build_year(inputs, outputs / OWNER_FOLDER / str(year), languages=languages),
        # In every language, whatever was asked for: a page left from before may show what was withdrawn since.
        build_year(public, outputs / PUBLIC_FOLDER / str(year), languages=LANGUAGES),
    )


def year_inputs(year: int, until: Week, *, ledger: Ledger, observations: Sequence[ObservationRecord]) -> YearInputs:
    """Read all that the owner's page of a year is made from, over the areas that were watched in it."""
    by_area: dict[str, list[ObservationRecord]] = defaultdict(list)
    for one in observations:
        by_area[one.area_id].append(one)
    runs = list(ledger.runs())
    seen = sorted({one.area_id for one in observations if one.week.last_day.year == year})
    source = source_on_record(next(iter(runs), None), ledger, seen)
    listed = {area.id: area for area in ledger.areas()}
    areas = [listed[area_id] for area_id in seen if is_of_world(listed[area_id], world_of(source), ledger)]
    held, references = {area.id for area in areas}, ledger.references()
    return YearInputs(
        year=year,
        until=until,
        source=source,
        areas=tuple(_area_year(area.id, year, until, by_area[area.id], ledger, references) for area in areas),
        claims=tuple(one for one in ledger.claims.checked(as_of=until) if one.claim.area_id in held),
        missed=missed_figures(ledger.quiet.places(until=until), ledger.quiet.reviews(), ledger.precision(), week=until),
        versions=versions_in(year, runs),
    )


def _area_year(
    area_id: str,
    year: int,
    until: Week,
    observations: Sequence[ObservationRecord],
    ledger: Ledger,
    references: References,
) -> AreaYear:
    (area,) = (area for area in ledger.areas() if area.id == area_id)
    events = ledger.events(area_id, as_of=until)
    verdicts = {record.event_id: record.judgement.verdict.value for record in ledger.verdicts(area_id=area_id)}
    alerts = [alert for alert in ledger.alerts(as_of=until, area_id=area_id) if alert.issued_on.year == year]
    return AreaYear(
        area=area,
        totals=standings_of(area_id, since=observations[0].week, week=until, ledger=ledger, is_quiet=not events),
        weeks=tuple(
            WeekSeen(one.week, one.seen_share, len(one.scenes), one.last_clear_look)
            for one in observations
            if one.week.last_day.year == year
        ),
        alerts=tuple(
            YearAlert(alert, verdicts.get(alert.event_id, ""), references.of(alert.alert_id)) for alert in alerts
        ),
    )


def versions_in(year: int, runs: Iterable[RunRecord]) -> tuple[DetectorSpan, ...]:
    """List the versions of the detectors that the runs of a year name, in the order of their first day."""
    days: dict[str, list[date]] = defaultdict(list)
    for run in runs:
        if run.started_at.year == year and "detectors" in run.settings:
            days[str(run.settings["detectors"])].append(run.started_at.date())
    spans = [DetectorSpan(version, min(used), max(used)) for version, used in days.items()]
    return tuple(sorted(spans, key=lambda span: (span.first, span.version)))


def _last_week(year: int, observations: Sequence[ObservationRecord]) -> Week:
    known = sorted({one.week for one in observations if one.week.last_day.year == year})
    if not known:
        years = sorted({one.week.last_day.year for one in observations})
        held = f"it holds {', '.join(map(str, years))}" if years else "run `sitewatch watch` first"
        raise SettingsError(f"nothing of the year {year} is on record; {held}")
    return known[-1]
