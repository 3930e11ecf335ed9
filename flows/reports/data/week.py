"""The week's report, put together from the ledger and the archive; any week can be built again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from shapely import STRtree

from aois.area import Area, AreaKind
from aois.grid import Grid, grid_of, perimeter_mask, to_utm
from aois.week import Week
from detectors.footprint import Footprint
from detectors.records import State
from flows.evidence.outlines import pixels_of
from flows.imagery.acquisition_plans import AcquisitionPlan
from flows.imagery.archive.store import Archive
from flows.imagery.plan_files import FOLDER as PLANS
from flows.imagery.plan_files import kept_plans
from flows.imagery.scene import ImageryError
from flows.ledger.ledger import Ledger
from flows.ledger.precision import contradicted_in
from flows.ledger.references import References
from flows.ledger.worlds import world_of
from flows.records.claims import CheckedClaim, StructureRecord
from flows.records.event_json import alert_of
from flows.records.events import Alert, EventRecord, EventsById
from flows.records.ids import EventId
from flows.records.observations import ObservationRecord
from flows.reports.build import build_reports, page_name
from flows.reports.data.acquisitions import with_acquisitions
from flows.reports.data.image_chips import false_colour_pair, overview, picture_pair, radar_pair, timeline
from flows.reports.data.kept_measures import KeptMeasures
from flows.reports.data.monthly_totals import standings_of, steps_of
from flows.reports.data.muted import muted_figures
from flows.reports.data.public_week import OWNER_FOLDER, PUBLIC_FOLDER, public_week
from flows.reports.data.recorded_weeks import is_of_world, source_on_record
from flows.reports.data.releases import released_in
from flows.reports.data.scene_stack import (
    Album,
    Mask,
    Window,
    albums_in_turn,
    overview_window,
    window_around,
)
from flows.reports.data.site_structures import structures_of
from flows.reports.data.time_series import curves
from flows.reports.data.unchanged import digest_of_inputs, is_unchanged, mark_as_built
from flows.reports.data.verdicts import said_in
from flows.reports.data.weekly_counts import counts_of
from flows.reports.data.work_clocks import site_clock
from flows.reports.exports import write_figures, write_public_figures
from flows.reports.figures import forget_pictures
from flows.reports.inputs import AreaView, EventView, Pair, ReportInputs, StateStep, WeekSeen
from flows.reports.missed import missed_figures
from flows.reports.relocation import relocation_figures
from flows.reports.without_folders import without_folders
from flows.translations.catalogs import LANGUAGES

ALBUM_DAYS = 600  # a change of the last months has more than a year before it, enough for a seasonal fit
READERS = 2  # most of the time goes into GDAL and numpy, which let other threads run
QUIET_DAYS = 120  # a place without an event needs a picture of how it looks, no more
OPEN_STATES = (State.PROVISIONAL, State.CONFIRMED)
NEAR_M = 100.0  # as far as the boxes of two changes lie apart where the criteria of one take in the other
ALERTS_IN_FULL = 60  # with more on record, what is finished has one pair of pictures, or the page would grow too large
MOST_PICTURED = 60  # events of one area; the others are in the list of all events alone, or nobody could read the page


def report_week(
    week: Week,
    *,
    areas: Sequence[Area],
    ledger: Ledger,
    archive: Archive,
    source_name: str,
    outputs: Path,
    failures: Mapping[str, str],
    languages: Sequence[str] = LANGUAGES,
    is_restricted: bool = False,
    only_if_changed: bool = False,
) -> Path:
    """A week in some languages for the areas given, in both editions; returns the path of the owner's first page.

    The owner's lies in ``reports/<week>``, the public one in ``public/<week>``. With `is_restricted` the page with
    positions alone is made. With `only_if_changed` pages that would come out as they are on disk are not built again.
    """
    providers = tuple(ledger.provider_weeks(until=week))
    digest = digest_of_inputs(
        areas,
        archive=archive,
        source_name=source_name,
        outputs=outputs,
        failures=failures,
        languages=languages,
        providers=providers,
    )
    if only_if_changed and not is_restricted and is_unchanged(week, digest, ledger=ledger, outputs=outputs):
        return outputs / OWNER_FOLDER / str(week) / page_name(languages[0])
    references = ledger.references()  # before the journal's end is read: a secret made after it would be news
    before = ledger.journal_head()
    observations = ledger.observations(until=week)
    alerts = {alert.event_id: alert for alert in ledger.alerts(as_of=week)}
    is_roomy = len(alerts) <= ALERTS_IN_FULL
    by_area: dict[str, list[ObservationRecord]] = defaultdict(list)
    for one in observations:
        by_area[one.area_id].append(one)
    plans = kept_plans(outputs / PLANS, known_by=week.last_day)
    reader = _WeekReader(
        week,
        ledger,
        archive,
        source_name,
        by_area,
        alerts,
        failures,
        is_roomy=is_roomy,
        plans=plans,
        outputs=outputs,
        references=references,
    )
    with ThreadPoolExecutor(READERS) as pool:
        views = tuple(pool.map(reader.view_of, areas))
    counts = counts_of(week, ledger=ledger, area_ids={area.id for area in areas}, observations=observations)
    reviewed = tuple(ledger.reliability())
    listed = {area.id: area for area in areas}
    claims = tuple(one for one in ledger.claims.checked(as_of=week) if one.claim.area_id in listed)
    inputs = ReportInputs(
        week,
        source_name,
        views,
        counts=counts,
        is_restricted=is_restricted,
        reviewed=reviewed,
        contradicted=contradicted_in(reviewed),
        providers=providers,
        missed=missed_figures(ledger.quiet.places(until=week), ledger.quiet.reviews(), ledger.precision(), week=week),
        muted=muted_figures(ledger, week, area_ids=listed),
        relocation=relocation_figures(
            areas,
            {area.id: ledger.events(area.id, as_of=week) for area in areas},
            {area_id: held[0].week for area_id, held in by_area.items()},
            until=week.last_day,
        ),
        claims=claims,
        structures=_structures(claims, listed, week, ledger),
    )
    folder = outputs / OWNER_FOLDER / str(week)
    write_figures(inputs, folder)
    page = build_reports(inputs, folder, languages=languages)[0]
    if not is_restricted:
        released = released_in(outputs, week)
        public = public_week(inputs, ledger=ledger, observations=observations, released=released, outputs=outputs)
        write_public_figures(public, outputs / PUBLIC_FOLDER / str(week))
        # In every language, whatever was asked for: a page left from before may show what was withdrawn since.
        build_reports(public, outputs / PUBLIC_FOLDER / str(week), languages=LANGUAGES)
        mark_as_built(week, digest, before=before, outputs=outputs)
    forget_pictures()
    return page


def _structures(
    claims: Sequence[CheckedClaim], listed: Mapping[str, Area], week: Week, ledger: Ledger
) -> dict[str, StructureRecord]:
    """The outlines of the structures of all sites with claims, by id."""
    sites = sorted({one.claim.area_id for one in claims})
    return {
        found.structure_id: found
        for site in sites
        for found in structures_of(listed[site], by=week.last_day, until=week, ledger=ledger)
    }


@dataclass(frozen=True)
class _WeekReader:
    """All that the views of one week are made from."""

    week: Week
    ledger: Ledger
    archive: Archive
    source_name: str
    observations: Mapping[str, Sequence[ObservationRecord]]
    """Those of each area, by its id."""
    alerts: Mapping[EventId, Alert]
    failures: Mapping[str, str]
    is_in_full: bool = False
    is_roomy: bool = False
    plans: Sequence[AcquisitionPlan] = ()
    outputs: Path | None = None
    """Where measures of looks are kept; nowhere without it."""
    references: References | None = None
    """What messages call alerts; without them events have no reference."""

    def view_of(self, area: Area) -> AreaView:
        """One area as the report is given it."""
        events = [self.alerts.get(one.event_id, one) for one in self.ledger.events(area.id, as_of=self.week)]
        before = {one.event_id: one for one in self.ledger.events(area.id, as_of=self.week.plus(-1))}
        shown = [one for one in events if self.is_in_full or _is_shown(one, before)]
        grid = grid_of(area)
        grounds = {one.event_id: pixels_of(one.ground, grid) for one in shown}
        pictured = shown if self.is_in_full else _pictured(shown, before, self.week)
        seen, kept = self.observations.get(area.id, ()), KeptMeasures(self.outputs, area.id)
        failed = without_folders(self.failures.get(area.id, ""))
        full = [one.event_id for one in shown if self.is_in_full or (self.is_roomy and one.is_alerted)]
        picked = {one.event_id for one in pictured}
        grounded = [(one, grounds[one.event_id]) for one in shown]
        windows = [overview_window(grid), *(window_around(grounds[one.event_id]) for one in pictured)]

        def view_over(albums: Iterable[Album], failure: str) -> AreaView:
            drawn = zip(windows, albums, strict=True)
            return _area_view(area, drawn, grounded, before, seen, self.week, failure, full=full, pictured=picked)

        try:
            view = view_over(self._albums(area, pictured, windows, kept), failed)
            kept.write()
        except ImageryError as error:  # a damaged file takes this area's pictures, not the others' report
            view = view_over([Album(())] * len(windows), failed or without_folders(str(error)))
        view = with_acquisitions(view, self.ledger.scenes(area.id), self.week, self.plans)
        view = _with_record(view, self.week, self.ledger, is_quiet=not events)
        return view if self.references is None else _with_references(view, self.references)

    def _albums(
        self, area: Area, pictured: Sequence[EventRecord], windows: Sequence[Window], kept: KeptMeasures
    ) -> Iterator[Album]:
        """The looks over each window."""
        return albums_in_turn(
            area,
            grid_of(area),
            self.archive,
            windows,
            source_name=self.source_name,
            until=self.week.last_day,
            days=ALBUM_DAYS if pictured else QUIET_DAYS,
            changes=[one.first_seen for one in pictured],
            kept=kept,
        )


def view_in_full(
    area: Area,
    week: Week,
    *,
    ledger: Ledger,
    archive: Archive,
    source_name: str,
    issued: Mapping[EventId, Alert],
) -> AreaView:
    """One area as of the end of a week with every event in full: all pictures, whatever its state.

    `issued` holds the alert of each event that has one, as it is now.
    """
    alerts = {
        event.event_id: alert_of(event, issued[event.event_id].alert_id, issued[event.event_id].issued_on)
        for event in ledger.events(area.id, as_of=week)
        if event.event_id in issued
    }
    return _WeekReader(week, ledger, archive, source_name, {}, alerts, {}, is_in_full=True).view_of(area)


def rebuild_week(
    week: Week,
    *,
    ledger: Ledger,
    archive: Archive,
    outputs: Path,
    languages: Sequence[str] = LANGUAGES,
    is_restricted: bool = False,
) -> Path:
    """The pages of a recorded week as the latest run that ended with it made them, from the record and the archive.

    For a week in which no run ended, they show the areas that were seen by then. Of a record that holds simulated and
    real places together they show those of the run's own world alone, and count no other.
    """
    runs = ledger.runs()
    run = next((run for run in runs if run.summary.get("week") == str(week)), None)
    seen = sorted({o.area_id for o in ledger.observations(until=week)})
    listed = {area.id: area for area in ledger.areas()}
    source = source_on_record(run or next(iter(runs), None), ledger, seen)
    areas = [listed[area_id] for area_id in (seen if run is None else run.summary["areas"])]
    return report_week(
        week,
        areas=[area for area in areas if is_of_world(area, world_of(source), ledger)],
        ledger=ledger,
        archive=archive,
        source_name=source,
        outputs=outputs,
        failures={} if run is None else run.summary["failures"],
        languages=languages,
        is_restricted=is_restricted,
    )


def _is_shown(event: EventRecord, before: EventsById) -> bool:
    """Everything alerted, and provisional events without an alert; what was retracted only in the week it happened."""
    if event.state is not State.RETRACTED:
        return True
    known = before.get(event.event_id)
    return event.is_alerted and (known is None or known.state is not State.RETRACTED)


def _area_view(
    area: Area,
    albums: Iterator[tuple[Window, Album]],
    events: Sequence[tuple[EventRecord, Footprint]],
    before: EventsById,
    seen: Sequence[ObservationRecord],
    week: Week,
    failure: str,
    *,
    full: Container[str],
    pictured: Container[str],
) -> AreaView:
    grid = grid_of(area)
    perimeter = perimeter_mask(area, grid) if area.kind is AreaKind.SITE else None
    drawn, album = next(albums)
    picture = overview(album)
    outline = np.zeros(grid.shape, bool)
    for _, ground in events:
        outline[ground.box] |= ground.mask
    near = _neighbours([event for event, _ in events], grid)

    def view_of(event: EventRecord, ground: Footprint) -> EventView:
        if event.event_id not in pictured:
            return _listed_view(event, ground, before, week)
        window, cut = next(albums)
        return _event_view(event, ground, cut, window, perimeter, before, week, is_in_full=event.event_id in full)

    views = tuple(replace(view_of(event, ground), near=near[event.event_id]) for event, ground in events)
    return AreaView(
        area=area,
        grid_shape=grid.shape,
        overview=picture,
        overview_outline=None if picture is None else _reduced(outline, drawn),
        overview_perimeter=None if picture is None or perimeter is None else _reduced(perimeter, drawn),
        weeks=tuple(WeekSeen(o.week, o.seen_share, len(o.scenes), o.last_clear_look, o.unfamiliar) for o in seen),
        events=views,
        failure=failure,
    )


def _reduced(mask: Mask, drawn: Window) -> Mask:
    """A mask as an overview draws it: True where any of the pixels is that one stands for."""
    steps = [part.step or 1 for part in drawn]
    if steps == [1, 1]:
        return mask
    rows, columns = (np.arange(0, size, step) for size, step in zip(mask.shape, steps, strict=True))
    return np.logical_or.reduceat(np.logical_or.reduceat(mask, rows, axis=0), columns, axis=1)


def _neighbours(events: Sequence[EventRecord], grid: Grid) -> dict[EventId, frozenset[EventId]]:
    """The ids of the events within `NEAR_M` of each."""
    ids = np.array([event.event_id for event in events])
    ground = np.array([to_utm(event.ground, grid.epsg) for event in events], object)
    ones, others = STRtree(ground).query(ground, predicate="dwithin", distance=NEAR_M)
    return {one: frozenset(ids[others[ids[ones] == one]].tolist()) - {one} for one in ids.tolist()}


def _with_record(view: AreaView, week: Week, ledger: Ledger, *, is_quiet: bool) -> AreaView:
    """The view with what the ledger knows of the time since the watch began."""
    if not view.weeks:
        return view
    said = said_in(ledger, view.area.id) if view.events else {}
    events = tuple(
        replace(event, steps=_steps(event.event, week, ledger), verdicts=said.get(event.event_id, ()))
        for event in view.events
    )
    since = view.weeks[0].week
    standings = standings_of(view.area.id, since=since, week=week, ledger=ledger, is_quiet=is_quiet)
    clock = site_clock(view.area, week, [event.event for event in events], view.weeks)
    return replace(view, events=events, standings=standings, clock=clock)


def _with_references(view: AreaView, references: References) -> AreaView:
    """The view with what messages call its events, also those of which no alert went out."""
    return replace(
        view,
        events=tuple(replace(one, reference=references.of(one.event.alert_id or one.event_id)) for one in view.events),
    )


def _steps(event: EventRecord, week: Week, ledger: Ledger) -> tuple[StateStep, ...]:
    return steps_of(event.event_id, until=week, state=event.state, ledger=ledger)


def _event_view(
    event: EventRecord,
    ground: Footprint,
    cut: Album,
    window: Window,
    perimeter: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None,
    before: EventsById,
    week: Week,
    *,
    is_in_full: bool,
) -> EventView:
    outline = ground.within(window)
    first = event.first_seen
    is_new, changed = _news_of(event, before, week)
    main = picture_pair(cut, first_seen=first)
    is_open = is_in_full or is_new or changed or event.state in OPEN_STATES
    return EventView(
        event=event,
        before=None if main is None else main.before,
        after=None if main is None else main.after,
        outline=outline,
        perimeter=None if perimeter is None else perimeter[window],
        series=curves(cut, outline, first_seen=first),
        new_this_week=is_new,
        changed_this_week=changed and not is_new,
        more=_more_pairs(cut, main, first) if is_open else (),
        thumbs=timeline(cut, first_seen=first) if is_open else (),
    )


def _listed_view(event: EventRecord, ground: Footprint, before: EventsById, week: Week) -> EventView:
    """An event that has no pictures and curves on the page, but its line in the list of all."""
    is_new, changed = _news_of(event, before, week)
    return EventView(
        event=event,
        before=None,
        after=None,
        outline=ground.mask,
        perimeter=None,
        series=(),
        new_this_week=is_new,
        changed_this_week=changed and not is_new,
        is_listed=True,
    )


def _news_of(event: EventRecord, before: EventsById, week: Week) -> tuple[bool, bool]:
    """Whether an event is new this week, and whether it is another than a week before."""
    known = before.get(event.event_id)
    is_new = event.issued_on == week.last_day if event.is_alerted else known is None
    return is_new, known is not None and (known.state, known.change) != (event.state, event.change)


def _pictured(shown: Sequence[EventRecord], before: EventsById, week: Week) -> list[EventRecord]:
    """The events of an area that have pictures, in their order: alerts first, news before the rest, then likeness."""

    def weight(event: EventRecord) -> tuple[bool, bool, float, float, EventId]:
        has_news = any(_news_of(event, before, week))
        return not event.is_alerted, not has_news, -(event.suspect_score or 0.0), -event.area_m2, event.event_id

    picked = {event.event_id for event in sorted(shown, key=weight)[:MOST_PICTURED]}
    return [event for event in shown if event.event_id in picked]


def _more_pairs(cut: Album, main: Pair | None, first_seen: date) -> tuple[Pair, ...]:
    """The same ground in infrared and by radar, where there are such looks and they are not the main pair already."""
    pairs = [false_colour_pair(cut, first_seen=first_seen), radar_pair(cut, first_seen=first_seen)]
    return tuple(pair for pair in pairs if pair is not None and (main is None or pair.kind != main.kind))
