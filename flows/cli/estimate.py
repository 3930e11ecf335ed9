"""`sitewatch estimate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

from flows.cli.options import AreasOption, CatalogOption, DayOption, OnlyOption, SourceOption, asked_of, settings_of
from flows.config.settings import SettingsError, SourceName


def estimate(
    areas: AreasOption = None,
    source: SourceOption = None,
    catalog: CatalogOption = None,
    since: DayOption = None,
    until: DayOption = None,
    area: OnlyOption = None,
    outputs: Annotated[
        Optional[Path], typer.Option("--outputs", help="The folder of the outputs, which holds the archive.")  # noqa: UP045
    ] = None,
) -> None:
    """Say what a watch would fetch and spend; no imagery is fetched."""
    from flows.pipeline.cost_estimate import AreaEstimate, estimate_run

    settings = settings_of(areas, source, catalog, outputs)
    if settings.source is SourceName.SIMULATED:
        raise SettingsError("source `simulated` costs nothing; name --source stac or --source sentinelhub")
    console = Console(width=150, soft_wrap=True, highlight=False, markup=False)

    def tell(found: AreaEstimate) -> None:
        if found.problem:
            console.print(f"failed: {found.area_id}: {found.problem}")
        else:
            console.print(f"{found.area_id}: {found.to_fetch} of {found.scenes} scenes to fetch, up to {found.cost}")

    whole = estimate_run(settings, asked_of(since, until), tuple(area or ()), on_area=tell)
    to_fetch = sum(found.to_fetch for found in whole.areas)
    console.print(
        f"in all: {len(whole.areas)} areas, {to_fetch} scenes, up to {whole.cost}, about {whole.minutes:.0f} minutes"
    )
    if whole.asking is not None:
        console.print(f"spent on this estimate: {whole.asking}")
    if settings.budget_units is not None:
        is_within = whole.cost.units <= settings.budget_units
        words = "within" if is_within else "OVER, the run would stop there:"
        console.print(f"{words} the budget of {settings.budget_units:g} processing units")
    if any(found.problem for found in whole.areas):
        raise typer.Exit(1)
