"""The command `sitewatch search`: whole regions, for places that deserve a close look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional, cast

import typer

from flows.cli.options import (
    AreasOption,
    CatalogOption,
    ClusterOption,
    DayOption,
    EngineOption,
    OutputsOption,
    SourceOption,
    console,
    day_of,
    result_of,
    settings_of,
)
from flows.config.credentials import check_account
from flows.config.settings import Settings, SourceName
from flows.jobs.call_check import check_engine
from flows.jobs.search_request import regions_of
from flows.pipeline.record_world import check_world

if TYPE_CHECKING:
    from prefect import State

_SHOWN = 20


def search(
    regions: Annotated[
        Optional[list[str]], typer.Argument(help="The regions to search; all regions of the list if left out.")  # noqa: UP045
    ] = None,
    areas: AreasOption = None,
    source: SourceOption = None,
    catalog: CatalogOption = None,
    since: Annotated[Optional[str], typer.Option(metavar="YYYY-MM-DD", help="The first day of a first search.")] = None,  # noqa: UP045
    until: DayOption = None,
    on: EngineOption = None,
    at_once: Annotated[
        int, typer.Option("--at-once", min=1, help="How many regions are searched at the same time.")
    ] = 1,
    threads: Annotated[int, typer.Option("--threads", min=1, help="How many threads work on one region.")] = 2,
    cluster: ClusterOption = None,
    outputs: OutputsOption = None,
) -> None:
    """Search whole regions for places that a person should look at; uses what is new since the last search."""
    settings = settings_of(areas, source, catalog, outputs, engine=on, cluster=cluster)
    regions_of(settings, tuple(regions or ()))
    check_account(settings)
    check_world(settings)
    asked = (tuple(regions or ()), day_of(since, "--since"), day_of(until, "--until"), threads, at_once)
    check_engine(settings)
    result = _run(settings, asked)
    if settings.source is SourceName.SIMULATED:
        console.print("Simulated: the pictures are made up, and so is every place.", highlight=False)
    for outcome in result.outcomes:
        _tell(outcome)
    for region_id, reason in sorted(result.failures.items()):
        console.print(f"failed: {region_id}: {reason}", highlight=False, markup=False, soft_wrap=True)
    if result.failures:
        raise typer.Exit(1)


def _run(settings: Settings, asked: tuple[Any, ...]) -> Any:
    from flows.jobs.prefect_server import prefect_at_hand

    with prefect_at_hand() as wait:
        # Prefect takes seconds to load: only where it is needed, and while its server starts
        from flows.jobs.search import SearchResult
        from flows.jobs.search import search as flow
        from flows.telemetry.library_logs import quiet_libraries

        quiet_libraries()
        wait()
        settings = settings.model_copy(update={"outputs": settings.outputs.absolute()})
        state = cast("State[Any]", flow(settings, *asked, return_state=True))
        return result_of(state, SearchResult)


def _tell(outcome: Any) -> None:
    seen = (
        f"last acquisition {outcome.last}, {outcome.clear_share:.0%} of it clear"
        if outcome.last
        else "no acquisition yet"
    )
    console.print(
        f"{outcome.region_id}: {outcome.taken} new looks, {seen}; {len(outcome.candidates)} places to check, "
        f"{outcome.too_large} too large to list, {outcome.late} late looks left out.",
        highlight=False,
        soft_wrap=True,
    )
    for candidate in outcome.candidates[:_SHOWN]:
        place = candidate.place
        console.print(
            f"  {candidate.rank:3d}  {candidate.candidate_id}  score {place.score:.2f}  {place.area_px / 100:.2f} ha  "
            f"first seen {place.first_seen}",
            highlight=False,
            soft_wrap=True,
        )
    console.print(f"  {outcome.listed}: each is a physical pattern that a person has to check.", highlight=False)
