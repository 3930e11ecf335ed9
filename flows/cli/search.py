"""The command `sitewatch search`: the watch over whole regions, for new suspect sites."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from aois.area import Area, AreaKind
from flows.cli.options import (
    AreasOption,
    CatalogOption,
    ClusterOption,
    DayOption,
    EngineOption,
    OutputsOption,
    SourceOption,
    asked_of,
    settings_of,
)
from flows.cli.watch import run_watch
from flows.config.settings import Settings, SettingsError
from flows.pipeline.request import areas_of


def search(
    regions: Annotated[
        Optional[list[str]], typer.Argument(help="The regions to watch; all regions of the list if left out.")  # noqa: UP045
    ] = None,
    areas: AreasOption = None,
    source: SourceOption = None,
    catalog: CatalogOption = None,
    since: DayOption = None,
    until: DayOption = None,
    on: EngineOption = None,
    cluster: ClusterOption = None,
    outputs: OutputsOption = None,
) -> None:
    """Watch whole regions for new suspect sites: `sitewatch watch`, for the regions of the list alone."""
    settings = settings_of(areas, source, catalog, outputs, engine=on, cluster=cluster)
    only = tuple(region.id for region in _regions_of(settings, tuple(regions or ())))
    run_watch(settings, asked_of(since, until), only, from_archive=False)


def _regions_of(settings: Settings, only: tuple[str, ...]) -> list[Area]:
    """The regions asked for; raises `SettingsError` for a site, and where the list holds no region."""
    found = areas_of(settings, only)[0]
    for area in found:
        if only and area.kind is not AreaKind.REGION:
            raise SettingsError(f"area `{area.id}` is a site; `sitewatch watch` watches it, a search is for regions")
    regions = [area for area in found if area.kind is AreaKind.REGION]
    if not regions:
        raise SettingsError("the list holds no region to search; add an area with `kind` region")
    return regions
