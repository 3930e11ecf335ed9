"""The command `sitewatch report`: a week's pages again, from the record and the archive."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Optional

import typer

from aois.week import Week
from flows.cli.options import OutputsOption, console, existing_ledger, record_settings
from flows.config.settings import Settings, SettingsError
from flows.imagery.network.url import without_secrets
from flows.ledger.ledger import Ledger
from flows.reports.data.recorded_weeks import week_on_record
from flows.reports.data.releases import WARNING, read_releases, write_releases
from flows.reports.inputs import Edition
from flows.reports.layers import WITHOUT_GEOPARQUET, has_geoparquet
from flows.reports.words import words_for
from flows.translations.catalogs import LANGUAGES


def report(
    week: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--week", help="The week, such as 2026-W47; the last week on record if left out."),
    ] = None,
    year: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--year", help="The page of a year instead, such as 2026: what grew, was claimed, was missed."),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="With --year: print it as PDF too; needs Chromium.")] = False,
    lang: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--lang", help=f"Only this language: {' or '.join(LANGUAGES)}. All of them if left out."),
    ] = None,
    restricted: Annotated[
        bool, typer.Option("--restricted", help="Show where places lie; the page is readable by its owner only.")
    ] = False,
    public_pictures: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--public-pictures",
            metavar="AREA",
            help="Show this area with its pictures in the week's public edition; whoever sees them can find the place. "
            "May be repeated.",
        ),
    ] = None,
    later_weeks_too: Annotated[
        bool, typer.Option("--later-weeks-too", help="With --public-pictures: in every later week as well.")
    ] = False,
    no_public_pictures: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--no-public-pictures",
            metavar="AREA",
            help="Withdraw its pictures from every week; this week is built without them.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before pictures go into the public edition.")] = False,
    outputs: OutputsOption = None,
) -> None:
    """Build the report of a week or a year again from the record and the archive, in both editions."""
    from flows.jobs.services import Services
    from flows.pipeline.outputs_mirror import copy_outputs
    from flows.reports.data.public_week import PUBLIC_FOLDER
    from flows.reports.data.week import rebuild_week

    if year is not None and (week or restricted or public_pictures or no_public_pictures or later_weeks_too):
        raise SettingsError("--year goes with --lang, --pdf and --outputs only; leave the other options out")
    if pdf and year is None:
        raise SettingsError("--pdf prints the page of a year; name one, such as --year 2026")
    if restricted and (public_pictures or no_public_pictures):
        raise SettingsError("--restricted builds no public edition; leave it out to release or withdraw pictures")
    if both := sorted({*(public_pictures or ())} & {*(no_public_pictures or ())}):
        raise SettingsError(
            f"pictures of area `{both[0]}` cannot be both released and withdrawn; leave one of them out"
        )
    settings = record_settings(outputs)
    languages = LANGUAGES if lang is None else (words_for(lang).lang,)
    if year is not None:
        _report_year(year, languages, settings, as_pdf=pdf)
        return
    with existing_ledger(settings) as ledger:
        services = Services(settings, ledger)
        chosen = week_on_record(week, ledger, settings.outputs)
        if public_pictures:
            _ask(public_pictures, chosen, ledger, later_too=later_weeks_too, is_agreed=yes)
        if no_public_pictures:
            _withdraw(no_public_pictures, ledger, settings)
        with _released(public_pictures or (), chosen, ledger, settings, later_too=later_weeks_too):
            path = rebuild_week(
                chosen,
                ledger=ledger,
                archive=services.archive,
                outputs=settings.outputs,
                languages=languages,
                is_restricted=restricted,
            )
    if not has_geoparquet():
        console.print(WITHOUT_GEOPARQUET, highlight=False, markup=False, soft_wrap=True)
    console.print(f"Report: {path}", highlight=False, soft_wrap=True)
    if not restricted:
        public = settings.outputs / PUBLIC_FOLDER / str(chosen) / path.name
        console.print(f"Public edition: {public}", highlight=False, soft_wrap=True)
        if copied := copy_outputs(services.mirror):
            console.print(copied, highlight=False, markup=False, soft_wrap=True)


def _report_year(year: int, languages: Sequence[str], settings: Settings, *, as_pdf: bool) -> None:
    """Build the page of a year, print it if asked, and say where all of it is."""
    from flows.jobs.services import Services
    from flows.pipeline.outputs_mirror import copy_outputs
    from flows.reports.data.year import report_year
    from flows.reports.year_pdf import print_pdf

    with existing_ledger(settings) as ledger:
        built = report_year(year, ledger=ledger, outputs=settings.outputs, languages=languages)
        mirror = Services(settings, ledger).mirror
    console.print(f"Report: {built.pages[0]}", highlight=False, soft_wrap=True)
    console.print(f"Public edition: {built.public[0]}", highlight=False, soft_wrap=True)
    for edition, pages in ((Edition.OWNER, built.pages), (Edition.PUBLIC, built.public)):
        for page in pages if as_pdf else ():
            path = print_pdf(page, at=built.until.end, edition=edition)
            console.print(f"PDF: {path}", highlight=False, soft_wrap=True)
    if copied := copy_outputs(mirror):
        console.print(copied, highlight=False, markup=False, soft_wrap=True)


def _ask(area_ids: Sequence[str], week: Week, ledger: Ledger, *, later_too: bool, is_agreed: bool) -> None:
    """Tell the person what pictures in the public edition give away, and go on only if they agree."""
    _check_areas(area_ids, ledger)
    names, when = ", ".join(area_ids), _when(week, later_too)
    console.print(f"Pictures of {names} go into the public edition of {when}.", markup=False)
    console.print(WARNING, markup=False)
    if not is_agreed:
        if not sys.stdin.isatty():
            raise SettingsError("there is no terminal to ask on; add --yes if the pictures may be seen by everybody")
        typer.confirm("Release them?", abort=True)


@contextmanager
def _released(
    area_ids: Sequence[str], week: Week, ledger: Ledger, settings: Settings, *, later_too: bool
) -> Iterator[None]:
    """Areas' pictures are released while the page is built, and stay so only if it was."""
    if not area_ids:
        yield
        return
    before = read_releases(settings.outputs)
    write_releases(settings.outputs, before.released(area_ids, week, later_too=later_too))
    try:
        yield
    except BaseException:
        write_releases(settings.outputs, before)
        raise
    for area_id in area_ids:
        _note(ledger, area_id, f"released for {_when(week, later_too)}")


def _when(week: Week, later_too: bool) -> str:
    return f"{week} and every later week" if later_too else str(week)


def _withdraw(area_ids: Sequence[str], ledger: Ledger, settings: Settings) -> None:
    """Take pictures out of the public edition, and say which weeks' pages still hold them."""
    from flows.reports.data.public_week import PUBLIC_FOLDER

    before = read_releases(settings.outputs)
    unknown = sorted(set(area_ids) - {*before.weeks, *before.since})
    if unknown:
        raise SettingsError(f"pictures of area `{unknown[0]}` are not released; nothing was changed")
    write_releases(settings.outputs, before.withdrawn(area_ids))
    recorded = {o.week for o in ledger.observations()}
    held = sorted(w for w in recorded if before.in_week(w) & set(area_ids) and _is_published(w, settings))
    for area_id in area_ids:
        _note(ledger, area_id, "withdrawn")
    if held:
        weeks = ", ".join(map(str, held))
        copy = "" if settings.public_store is None else without_secrets(settings.public_store)
        store = f", and so did its copy in `{copy}`" if copy else ""
        console.print(
            f"The public edition held them in {weeks}{store}. Build each again: sitewatch report --week WEEK",
            markup=False,
            soft_wrap=True,
        )
    years = sorted({w.last_day.year for w in recorded if before.in_week(w) & set(area_ids)})
    for year in years:
        if (settings.outputs / PUBLIC_FOLDER / str(year)).exists():
            console.print(f"Build the page of the year again too: sitewatch report --year {year}", markup=False)


def _is_published(week: Week, settings: Settings) -> bool:
    from flows.reports.data.public_week import PUBLIC_FOLDER

    return (settings.outputs / PUBLIC_FOLDER / str(week)).exists()


def _check_areas(area_ids: Collection[str], ledger: Ledger) -> None:
    known = {area.id for area in ledger.areas()}
    unknown = sorted(set(area_ids) - known)
    if unknown:
        raise SettingsError(f"area `{unknown[0]}` is not on record; it holds {', '.join(sorted(known)) or 'none'}")


def _note(ledger: Ledger, area_id: str, what: str) -> None:
    ledger.accounts.note("public-pictures", by=None, subject=area_id, detail=what, at=datetime.now(UTC))
