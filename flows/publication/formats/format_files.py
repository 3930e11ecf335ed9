"""The files of a pack in the formats that people open: KMZ, GeoPackage, GeoParquet, a QGIS project and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from flows.ledger.precision import contradicted_in
from flows.publication.formats.balloons import DAY, PICTURES, Balloons, pictures_by_event
from flows.publication.formats.kml_document import kml_document
from flows.publication.formats.monthly_table import monthly_table
from flows.publication.formats.qgis_project import SITES, legend_names, qgis_project
from flows.publication.formats.stored_zip import stored_zip
from flows.publication.pack_subject import PackFile, PackStores, PackSubject, Sharing
from flows.records.ids import scene_name
from flows.reports.exports import EVENT_COLUMNS, GEOPARQUET, Row, event_row
from flows.reports.geopackage_layer import GeopackageLayer, geopackage_with
from flows.reports.inputs import SIMULATED
from flows.reports.layers import event_layer, geoparquet, has_geoparquet, outline_layer
from flows.reports.qgis_style import event_style, site_style
from flows.reports.words import Words, words_for

MONTHLY = "hectares_by_month.csv"
KMZ = "events.kmz"
GEOPACKAGE = "events.gpkg"
PROJECT = "sitewatch.qgz"
FORMAT_NAMES = (MONTHLY, KMZ, GEOPACKAGE, GEOPARQUET, PROJECT)
"""Every file that `format_files` may make, at the top of a pack."""
SITE_COLUMNS = ("area_id", "area_name", "area_kind", "status", "margin_m", "responses", "simulated")


def format_files(
    subjects: Sequence[PackSubject],
    stores: PackStores,
    *,
    sharing: Sharing,
    language: str,
    pictures: Mapping[str, bytes],
) -> Iterator[PackFile]:
    """Make the files one by one; the same inputs give the same bytes.

    Parameters
    ----------
    subjects
        The places with the events that are shown; several of one area are taken together.
    stores
        The record that the months are read from.
    sharing
        For `Sharing.PUBLIC` there is the table of months alone: every other format holds positions.
    language
        Of names and balloons; columns are in English in every language.
    pictures
        Files of the pack by their paths, which begin with the id of an area. PNGs are shown in the balloon of the event
        whose id is in their path, or of the area; GeoTIFFs are layers of the QGIS project.

    Yields
    ------
    PackFile
        In the order of `FORMAT_NAMES`; without GeoParquet where pyarrow is not installed (`has_geoparquet`).

    Raises
    ------
    ReportError
        When there is no catalog of the language.
    """
    words, together = words_for(language), _by_area(subjects)
    yield PackFile(MONTHLY, monthly_table(together, stores, sharing=sharing))
    if sharing is Sharing.PUBLIC:
        return
    attribution = _attribution(together, stores, words, pictures)
    yield PackFile(KMZ, _kmz(together, stores, words, attribution, pictures))
    rows = [event_row(subject.area, event) for subject in together for event in subject.events]
    events = [event for subject in together for event in subject.events]
    style = event_style(legend_names(words))
    layers = [event_layer(rows, events, EVENT_COLUMNS, style=style), _sites(together, stores)]
    yield PackFile(GEOPACKAGE, geopackage_with(layers))
    if has_geoparquet():
        yield PackFile(GEOPARQUET, geoparquet(rows, events, EVENT_COLUMNS))
    project = qgis_project(together, geopackage=GEOPACKAGE, words=words, attribution=attribution, pictures=pictures)
    yield PackFile(PROJECT, project)


def _by_area(subjects: Sequence[PackSubject]) -> list[PackSubject]:
    """One subject for each area, with all of its events in the order of lists."""
    ordered = sorted(subjects, key=lambda subject: subject.area.id)
    together = []
    for _, group in groupby(ordered, key=lambda subject: subject.area.id):
        parts = list(group)
        events = {event.event_id: event for part in parts for event in part.events}
        first, until = min(part.first for part in parts), max(part.until for part in parts)
        listed = tuple(sorted(events.values(), key=lambda event: event.order))
        together.append(PackSubject(parts[0].area, listed, first, until))
    return together


def _kmz(
    subjects: Sequence[PackSubject],
    stores: PackStores,
    words: Words,
    attribution: str,
    pictures: Mapping[str, bytes],
) -> bytes:
    balloons = Balloons(words, attribution=attribution, contradicted=contradicted_in(stores.ledger.reliability()))
    document = kml_document(subjects, words=words, balloons=balloons, pictures=pictures, attribution=attribution)
    shown = [path for one in subjects for paths in pictures_by_event(one, pictures).values() for path in paths]
    return stored_zip({"doc.kml": document} | {f"{PICTURES}/{path}": pictures[path] for path in sorted(shown)})


def _sites(subjects: Sequence[PackSubject], stores: PackStores) -> GeopackageLayer:
    rows: list[Row] = [
        {
            "area_id": subject.area.id,
            "area_name": subject.area.name,
            "area_kind": subject.area.kind,
            "status": subject.area.status,
            "margin_m": subject.area.margin_m,
            "responses": " ".join(f"{one.date} {one.action}" for one in subject.area.responses),
            "simulated": stores.source_name == SIMULATED,
        }
        for subject in subjects
    ]
    outlines = [subject.area.geometry for subject in subjects]
    return outline_layer(SITES, rows, outlines, SITE_COLUMNS, style=site_style())


def _attribution(
    subjects: Sequence[PackSubject], stores: PackStores, words: Words, pictures: Mapping[str, bytes]
) -> str:
    """Say whose data the pictures and figures are made from, with the years of the pack, its scenes and pictures."""
    if stores.source_name == SIMULATED:
        return words("reading.source_simulated")
    scenes = [scene_name(scene).day for one in subjects for event in one.events for scene in event.scenes]
    years = {day.year for day in scenes if day is not None}
    years |= {day.year for one in subjects for day in (one.first, one.until)}
    years |= {int(found[0][:4]) for found in map(DAY.search, pictures) if found is not None}
    first, last = min(years), max(years)
    return words("reading.source", years=str(last) if first == last else f"{first}–{last}")
