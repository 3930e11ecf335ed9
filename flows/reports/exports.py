"""The week's figures as files: tables without positions, and layers with them for their owner alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from aois.area import Area
from aois.week import Week
from detectors.claims.work_phases import SMART_PHASES
from detectors.inference.exact_intervals import IntervalEstimate
from flows.files import private_folder
from flows.records.event_json import properties_of
from flows.records.events import EventRecord
from flows.records.quiet_places import QuietKind
from flows.reports.accountability import SiteFollowUp, account_of, ordered
from flows.reports.files import edition_folder, replace_file
from flows.reports.inputs import AreaView, Edition, ReportInputs
from flows.reports.layers import (
    geojson,
    geopackage,
    geoparquet,
    has_geoparquet,
    outlines_geojson,
    outlines_geopackage,
)
from flows.reports.missed import MissedFigures
from flows.reports.qgis_style import event_style
from flows.reports.restricted_totals import RestrictedTotals
from flows.reports.week_summary import look_at

EVENT_COLUMNS = (
    "area_id", "area_name", "alert_id", "event_id", "kind", "change", "state", "first_seen", "confirmed_on",
    "issued_on", "area_m2", "area_m2_low", "area_m2_high", "length_m", "closure", "confidence", "suspect_score",
    "sensors", "scenes", "simulated",
)  # fmt: skip
OWNER_EVENT_COLUMNS = (*EVENT_COLUMNS[:2], "reference", *EVENT_COLUMNS[2:])
SITE_COLUMNS = (
    "area_id", "area_name", "status", "response", "response_date", "claim", "source", "outcome_since",
    "since_from", "since_weeks", "since_weeks_seen", "built_since_m2", "built_since_m2_low", "built_since_m2_high",
    "demolished_since_m2", "demolished_since_m2_low", "demolished_since_m2_high", "line_since_m", "undated_since",
    "built_before_m2", "demolished_before_m2", "last_clear_look", "simulated",
)  # fmt: skip
CLAIM_COLUMNS = (
    "claim_id", "area_id", "area_name", "kind", "said_on", "number", "claimed_area_m2", "words", "source", "answer",
    "rule", "week", "low", "high", "area_m2_low", "area_m2_high", "known", "gone", "changed", "not_seen", "standing",
    "works_from", "works_to", "weeks", "weeks_seen", "last_look", "simulated",
)  # fmt: skip
PHASE_COLUMNS = (
    "area_id", "area_name", "phase", "smart_phase", "earliest", "latest", "paused_since", "resumed_earliest",
    "resumed_latest", "never_stopped_after", "simulated",
)  # fmt: skip
STRUCTURE_COLUMNS = (
    "structure_id", "area_id", "claim_id", "state", "earliest", "latest", "looks", "last_look", "reason", "area_m2",
    "source", "simulated",
)  # fmt: skip
MISSED_COLUMNS = (
    "kind", "seen", "looked_at", "missed", "unsure", "waiting", "missed_per_year", "missed_per_year_low",
    "missed_per_year_high", "unit",
)  # fmt: skip
TOTAL_COLUMNS = ("until", "figure", "what", "class", "low", "high", "places_at_least")
GEOPARQUET = "events.parquet"
Row: TypeAlias = dict[str, object]
"""The cells of a row by their columns."""
FORMULA_STARTS = "=+-@\t\r"


def write_figures(inputs: ReportInputs, folder: Path) -> tuple[Path, ...]:
    """The owner's figures lie beside the report; the paths written.

    ``events.csv``, ``sites.csv``, ``claims.csv``, ``phases.csv`` and ``missed.csv`` hold no position; scene ids in them
    lead to one. ``restricted/events`` as GeoJSON, GeoPackage and, if pyarrow is installed, GeoParquet, with a style for
    QGIS (``.qml``, which it takes up by its name), and ``restricted/structures`` hold the outlines. Folders and files
    are their owner's alone. The same inputs give the same bytes, and a file that would not change is not touched.
    """
    rows = [
        event_row(view.area, event.event) | {"reference": event.reference}
        for view in inputs.areas
        for event in view.events
    ]
    events = [event.event for view in inputs.areas for event in view.events]
    tables = {
        "events.csv": csv_of(OWNER_EVENT_COLUMNS, rows),
        "sites.csv": csv_of(SITE_COLUMNS, _site_rows(inputs)),
        "claims.csv": csv_of(CLAIM_COLUMNS, _claim_rows(inputs)),
        "phases.csv": csv_of(PHASE_COLUMNS, _phase_rows(inputs)),
    }
    if inputs.missed is not None:
        tables["missed.csv"] = csv_of(MISSED_COLUMNS, _missed_rows(inputs.missed))
    results = _structure_rows(inputs)
    outlines = [inputs.structures[str(row["structure_id"])].geometry for row in results]
    layers = {
        "events.geojson": geojson(events),
        "events.gpkg": geopackage(rows, events, OWNER_EVENT_COLUMNS),
        "events.qml": event_style(),
    }
    if results:
        layers["structures.geojson"] = outlines_geojson(results, outlines, STRUCTURE_COLUMNS)
        layers["structures.gpkg"] = outlines_geopackage("structures", results, outlines, STRUCTURE_COLUMNS)
    if has_geoparquet():
        layers[GEOPARQUET] = geoparquet(rows, events, OWNER_EVENT_COLUMNS)
    edition_folder(folder, Edition.OWNER)
    restricted = private_folder(folder / "restricted")
    for name in (GEOPARQUET, "structures.geojson", "structures.gpkg"):
        if name not in layers:
            (restricted / name).unlink(missing_ok=True)  # one of an earlier run would hold others
    for name, content in tables.items():
        replace_file(folder / name, content, edition=Edition.OWNER)
    for name, content in layers.items():
        replace_file(restricted / name, content, edition=Edition.OWNER)
    return (*(folder / name for name in tables), *(restricted / name for name in layers))


def _missed_rows(missed: MissedFigures) -> list[Row]:
    """A row for each class of how well the ground was seen, and one for all of a kind; rates are empty until known."""
    rows: list[Row] = []
    for part in missed.parts:
        unit = "site-year" if part.kind is QuietKind.SITE else "km2-year"
        known = {} if part.estimate is None else part.estimate.by_class
        for one in part.strata:
            said: Row = {"kind": part.kind, "seen": one.seen_class, "looked_at": one.answered, "missed": one.missed}
            rows.append(said | {"unsure": one.unsure, "waiting": one.waiting, "unit": unit})
            rows[-1] |= _rate_cells(known.get(one.seen_class))
        waiting = sum(one.waiting for one in part.strata)
        said = {"kind": part.kind, "seen": "all", "looked_at": part.answered, "missed": part.missed, "unit": unit}
        total = None if part.estimate is None else part.estimate.total
        rows.append(said | {"unsure": part.unsure, "waiting": waiting} | _rate_cells(total))
    return rows


def _rate_cells(rate: IntervalEstimate | None) -> Row:
    if rate is None:
        return {}
    name = "missed_per_year"
    return {name: round(rate.value, 4), f"{name}_low": round(rate.low, 4), f"{name}_high": round(rate.high, 4)}


def write_public_figures(inputs: ReportInputs, folder: Path) -> tuple[Path, ...]:
    """The public edition's figures lie beside its page; the paths written.

    ``events.csv`` and ``sites.csv`` hold the areas that are shown, with days and without scenes; ``totals.csv`` what is
    said of all the others together. Everybody may read them, and they bear the time of the week's end.
    """
    rows = [event_row(view.area, event.event) for view in inputs.areas for event in view.events]
    tables = {
        "events.csv": csv_of([name for name in EVENT_COLUMNS if name != "scenes"], rows),
        "sites.csv": csv_of(SITE_COLUMNS, _site_rows(inputs)),
        "totals.csv": csv_of(TOTAL_COLUMNS, [] if inputs.crowd is None else _total_rows(inputs.crowd)),
    }
    edition_folder(folder, Edition.PUBLIC)
    for name, content in tables.items():
        replace_file(folder / name, content, edition=Edition.PUBLIC, at=inputs.week.end)
    return tuple(folder / name for name in tables)


def _total_rows(crowd: RestrictedTotals) -> list[Row]:
    """Groups, quarters and responses, one a row; a count that is told is at least so many places."""
    until: Row = {"until": crowd.until}
    rows: list[Row] = [
        until | {"figure": "group", "what": g.change, "class": g.size, "low": g.low, "high": g.high} | _places(g.places)
        for g in crowd.groups
    ]
    for quarter in crowd.quarters:
        name = f"{quarter.year}-Q{quarter.number}"
        rows += [
            until | {"figure": "first seen", "what": change, "class": name} | _places(places)
            for change, places in quarter.places.items()
        ]
    for told in crowd.answered:
        rows += [
            until | {"figure": "response", "what": told.answer, "class": outcome} | _places(places)
            for outcome, places in told.outcomes.items()
        ]
    return rows


def _places(places: int) -> Row:
    return {"places_at_least": places or None}


def event_row(area: Area, event: EventRecord) -> Row:
    """What the tables and the layers say of an event, by `EVENT_COLUMNS`."""
    found = {**properties_of(event), "area_id": area.id, "area_name": area.name}
    return {
        name: " ".join(map(str, value)) if isinstance(value := found.get(name), list | tuple) else value
        for name in EVENT_COLUMNS
    }


def _site_rows(inputs: ReportInputs) -> list[Row]:
    """Sites in the order of the report."""
    looks = {view.area.id: look_at(view, inputs.week).last_clear_look for view in inputs.areas}
    accounts = [_account(view, inputs.week) for view in inputs.areas]
    said = {"simulated": inputs.is_simulated}
    return [
        _site_row(account) | {"last_clear_look": looks[account.area.id], **said}
        for account in ordered(account for account in accounts if account is not None)
    ]


def _claim_rows(inputs: ReportInputs) -> list[Row]:
    """Claims with their answers of the week; those without an answer have none of its cells."""
    names = {view.area.id: view.area.name for view in inputs.areas}
    return [
        {
            **(vars(one.answer) if one.answer is not None else {}),
            **vars(one.claim),
            "area_name": names.get(one.claim.area_id, ""),
            "claimed_area_m2": one.claim.area_m2,
            "simulated": inputs.is_simulated,
        }
        for one in inputs.claims
    ]


def _phase_rows(inputs: ReportInputs) -> list[Row]:
    """The phases of each site in order of time; pauses beside the last."""
    rows: list[Row] = []
    for view in inputs.areas:
        if view.clock is None:
            continue
        clock, resumed = view.clock.clock, view.clock.clock.resumed_on
        for span in clock.spans:
            row: Row = {"area_id": view.area.id, "area_name": view.area.name, "simulated": inputs.is_simulated}
            row |= {"phase": span.phase, "smart_phase": SMART_PHASES.get(span.phase, "")}
            rows.append(row | {"earliest": span.earliest, "latest": span.latest})
        rows[-1] |= {"paused_since": clock.paused_since, "never_stopped_after": view.clock.went_on_after}
        if resumed is not None:
            rows[-1] |= {"resumed_earliest": resumed.earliest, "resumed_latest": resumed.latest}
    return rows


def _structure_rows(inputs: ReportInputs) -> list[Row]:
    """What became of each structure, a row for each claim that it was checked for."""
    return [
        {
            **vars(found),
            "area_id": one.claim.area_id,
            "claim_id": one.claim.claim_id,
            "simulated": inputs.is_simulated,
        }
        for one in inputs.claims
        if one.answer is not None
        for found in one.answer.structures
        if found.structure_id in inputs.structures
    ]


def _account(view: AreaView, week: Week) -> SiteFollowUp | None:
    return account_of(view.area, [event.event for event in view.events], view.weeks, week)


def _site_row(account: SiteFollowUp) -> Row:
    row: Row = {
        "area_id": account.area.id,
        "area_name": account.area.name,
        "status": account.area.status,
        "response": account.answer,
        "outcome_since": account.outcome,
    }
    if account.response is not None:
        row |= {
            "response_date": account.response.date,
            "claim": account.response.claim,
            "source": account.response.source,
        }
    if account.before is not None:
        row |= {"built_before_m2": account.before.built.value, "demolished_before_m2": account.before.demolished.value}
    if (since := account.since) is not None:
        row |= {"since_from": since.first, "since_weeks": since.weeks, "since_weeks_seen": since.weeks_seen}
        row |= {"line_since_m": since.line_m, "undated_since": since.undated}
        for name, extent in (("built", since.built), ("demolished", since.demolished)):
            row[f"{name}_since_m2"] = extent.value
            row[f"{name}_since_m2_low"], row[f"{name}_since_m2_high"] = extent.low, extent.high
    return row


def csv_of(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """Write a table for spreadsheets: UTF-8 with its mark, and nothing in it that they would run."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return held.getvalue().encode("utf-8-sig")  # the mark tells spreadsheets that it is UTF-8


def _cell(value: object) -> object:
    """A value as a spreadsheet may hold it: text that it would run as a formula begins with an apostrophe."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    return f"'{value}" if value.startswith(tuple(FORMULA_STARTS)) else value
