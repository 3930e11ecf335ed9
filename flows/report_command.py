"""The command `sitewatch report`: a week's pages again, from the record and the archive."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from aois.week import Week, parse_week
from flows.ledger.ledger import Ledger
from flows.reports.layers import WITHOUT_GEOPARQUET, has_geoparquet
from flows.reports.words import LANGUAGES, words_for
from flows.settings import Settings, SettingsError, load_settings
from flows.terminal import OutputsOption, console, existing_ledger


def report(
    week: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--week", help="Such as 2026-W47; the last one on record if left out."),
    ] = None,
    lang: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--lang", help="Only this language: en or fr. Both if left out."),
    ] = None,
    restricted: Annotated[
        bool, typer.Option("--restricted", help="Show where places lie; the page is readable by its owner only.")
    ] = False,
    outputs: OutputsOption = None,
) -> None:
    """Build a week's report again from the record and the archive."""
    from flows.reporting import rebuild_week
    from flows.sources import open_archive

    settings = load_settings(outputs=outputs)
    languages = LANGUAGES if lang is None else (words_for(lang).lang,)
    with existing_ledger(settings) as ledger:
        path = rebuild_week(
            week_on_record(week, ledger, settings),
            ledger=ledger,
            archive=open_archive(settings),
            folder=settings.outputs / "reports",
            languages=languages,
            is_restricted=restricted,
        )
    if not has_geoparquet():
        console.print(WITHOUT_GEOPARQUET, highlight=False, markup=False, soft_wrap=True)
    console.print(f"Report: {path}", highlight=False, soft_wrap=True)


def week_on_record(week: str | None, ledger: Ledger, settings: Settings) -> Week:
    """The week asked for, or the last on record; raises `SettingsError` for one that is not on record."""
    weeks = sorted({o.week for o in ledger.observations()})
    if not weeks:
        raise SettingsError(f"nothing is on record in `{settings.outputs}`; run `sitewatch watch` first")
    chosen = parse_week(week) if week else weeks[-1]
    if chosen not in weeks:
        raise SettingsError(f"week `{chosen}` is not on record; it holds {weeks[0]} to {weeks[-1]}")
    return chosen
