"""The command line: what a person types, and what it answers with."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, cast

import typer
from rich.console import Console
from rich.text import Text

from aois.area import Kind
from aois.importing import import_areas
from aois.reading import read_areas, to_feature_collection
from flows.alerts.console import console_table
from flows.call import areas_of, check_call, rerun_call
from flows.cli_alerts import alerts_app
from flows.cli_archive import archive_app
from flows.cli_estimate import estimate
from flows.cli_ledger import ledger_app
from flows.desk_command import desk_app
from flows.detectability_command import detectability
from flows.doctor_command import doctor
from flows.ledger.ledger import open_ledger
from flows.mendable import MENDABLE
from flows.plan import Asked
from flows.prune import words_of_limits
from flows.quiet import quieten
from flows.report_command import report
from flows.search_command import search
from flows.serve_command import deploy, serve
from flows.settings import Settings, SettingsError, SourceName, load_settings
from flows.terminal import OutputsOption, console, existing_ledger
from flows.verify_command import verify

if TYPE_CHECKING:
    from prefect import State

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Watch flagged compounds with Sentinel-1 and Sentinel-2."
)
areas_app = typer.Typer(no_args_is_help=True, help="The watch list.")
app.add_typer(alerts_app, name="alerts")
app.add_typer(areas_app, name="areas")
app.add_typer(ledger_app, name="ledger")
app.add_typer(desk_app, name="desk")
app.command()(report)
app.command()(verify)
app.command()(search)
app.command()(serve)
app.command()(deploy)
app.command()(doctor)

AreasOption = Annotated[Optional[Path], typer.Option("--areas", help="The watch list, GeoJSON.")]  # noqa: UP045
SourceOption = Annotated[Optional[SourceName], typer.Option("--source", help="Where imagery comes from.")]  # noqa: UP045
CatalogOption = Annotated[
    Optional[str], typer.Option("--catalog", help="A STAC API or catalog, URL or path.")  # noqa: UP045
]
DayOption = Annotated[Optional[str], typer.Option(metavar="YYYY-MM-DD")]  # noqa: UP045


def main() -> None:
    """Run the command line; an error that has a mend is one message on standard error and exit status 2."""
    try:
        app()
    except MENDABLE as error:
        message = Text.assemble(("error:", "red"), " ", str(error))
        Console(stderr=True).print(message, highlight=False, soft_wrap=True)
        sys.exit(2)


def _asked(since: str | None, until: str | None, *, replay: bool = False) -> Asked:
    return Asked(_day(since, "--since"), _day(until, "--until"), datetime.now(UTC).date(), replay)


def _day(text: str | None, option: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{option} `{text}` is not a date; write it as 2026-11-22") from None


def _settings(areas: Path | None, source: SourceName | None, catalog: str | None, outputs: Path | None) -> Settings:
    settings = load_settings(areas=areas, source=source, catalog=catalog, outputs=outputs)
    if catalog is not None and settings.source is not SourceName.STAC:
        raise SettingsError(
            f"catalog `{catalog}` is read by the source `stac` alone; add --source stac, or leave it out"
        )
    return settings


@app.command()
def watch(
    areas: AreasOption = None,
    source: SourceOption = None,
    catalog: CatalogOption = None,
    since: DayOption = None,
    until: DayOption = None,
    area: Annotated[Optional[list[str]], typer.Option("--area", help="Only this area; may be repeated.")] = None,  # noqa: UP045
    outputs: OutputsOption = None,
) -> None:
    """Fetch imagery, measure change, and write alerts and the week's report."""
    settings = _settings(areas, source, catalog, outputs)
    _run(settings, _asked(since, until), tuple(area or ()), from_archive=False)


@app.command()
def rerun(
    area: Annotated[str, typer.Argument(help="The area to replay.")],
    since: DayOption = None,
    until: DayOption = None,
    refetch: Annotated[
        bool, typer.Option("--refetch", help="Ask the source again for what the archive lacks.")
    ] = False,
    tell_again: Annotated[
        bool, typer.Option("--tell-again", help="Send people again what they were told of it; else nobody hears again.")
    ] = False,
    areas: AreasOption = None,
    source: SourceOption = None,
    catalog: CatalogOption = None,
    outputs: OutputsOption = None,
) -> None:
    """Work through the weeks of one area again, from the archive; what is on record stays or is put right."""
    settings = _settings(areas, source, catalog, outputs)
    asked = _asked(since, until, replay=True)
    with existing_ledger(settings) as ledger:
        settings, asked = rerun_call(settings, area, asked, ledger)
    _run(settings, asked, (area,), from_archive=not refetch, again=area if tell_again else None)


def _run(
    settings: Settings, asked: Asked, only: tuple[str, ...], *, from_archive: bool, again: str | None = None
) -> None:
    check_call(settings, asked, only, from_archive=from_archive)
    # Prefect takes seconds to load: only where it is needed
    from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

    from flows.watch import WatchResult
    from flows.watch import watch as flow

    quieten()
    runner: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=settings.workers)
    run = flow.with_options(task_runner=runner)
    state = cast(
        "State[Any]",
        run(settings, asked.since, asked.until, only, from_archive, asked.replay, again, return_state=True),
    )
    result = state.result(raise_on_failure=False)
    if not isinstance(result, WatchResult):
        raise (
            result
            if isinstance(result, Exception)
            else SettingsError(f"the run ended as {state.name}: {state.message}")
        )
    _tell(settings, result)
    if result.failures:
        raise typer.Exit(1)


def _tell(settings: Settings, result: Any) -> None:
    """What the run did, what it could not see, and where to look next."""
    with open_ledger(settings.ledger) as ledger:
        alerts = ledger.alerts(as_of=result.week)
        waiting = len(ledger.pending_messages())
        over = words_of_limits(settings, ledger, areas_of(settings)[1], today=datetime.now(UTC).date())
        unseen = [o for o in ledger.observations(until=result.week) if o.week == result.week and o.seen_share < 0.5]
    fresh = [a for a in alerts if a["properties"]["alert_id"] in {*result.issued, *result.changed}]
    if fresh:
        console.print(console_table(fresh, result.week))
    fetched = sum(o.fetched for o in result.outcomes)
    weeks = sum(o.weeks for o in result.outcomes)
    console.print(
        f"{result.week}: {len(result.outcomes)} areas, {fetched} scenes fetched, {weeks} weeks worked through; "
        f"{len(result.issued)} alerts issued, {len(result.changed)} changed, {len(alerts)} on record.",
        highlight=False,
    )
    for o in unseen:
        since = f"last clear look {o.last_clear_look}" if o.last_clear_look else "never seen clearly"
        console.print(
            f"not seen: {o.area_id}, {o.seen_share:.0%} of the ground clear this week, {since}", highlight=False
        )
    for outcome in result.outcomes:
        if outcome.blind:
            console.print(f"blind: {outcome.area_id}: {outcome.blind}", highlight=False, markup=False, soft_wrap=True)
        for scene_id, reason in outcome.failed_scenes[:5]:
            line = f"scene not fetched: {outcome.area_id} {scene_id}: {reason}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        told = [("completed", *s) for s in outcome.completed_scenes[:5]]
        told += [("revised", *s) for s in outcome.revised_scenes[:5]]
        for what, scene_id, words in told:
            line = f"scene {what}: {outcome.area_id} {scene_id}: {words}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for area_id, reason in sorted(result.failures.items()):
        console.print(f"failed: {area_id}: {reason}", highlight=False, markup=False, soft_wrap=True)
    if waiting and (settings.alert_urls or settings.alert_routes):
        console.print(f"{waiting} messages not delivered: `sitewatch alerts deliver` tries again.", highlight=False)
    elif waiting:
        console.print(f"{waiting} messages wait: set SITEWATCH_ALERT_URLS to send them.", highlight=False)
    if result.spent is not None:
        console.print(f"used: {result.spent}, {result.minutes:.0f} minutes.", highlight=False)
    if over:
        console.print(over, highlight=False, soft_wrap=True)
    console.print(f"Report: {result.report}", highlight=False, soft_wrap=True)


app.command("estimate")(estimate)
app.command("detectability")(detectability)
app.add_typer(archive_app, name="archive")


@areas_app.command("check")
def areas_check(file: Path) -> None:
    """Check a watch list; every problem is named with its mend."""
    areas = read_areas(file)
    sites = sum(a.kind is Kind.SITE for a in areas)
    console.print(f"{file}: {sites} sites and {len(areas) - sites} regions, nothing to mend.", highlight=False)


@areas_app.command("import")
def areas_import(
    file: Path,
    to: Annotated[Optional[Path], typer.Option("--to", help="Where to write; beside the file if left out.")] = None,  # noqa: UP045
    kind: Annotated[Kind, typer.Option("--kind", help="What the entries are.")] = Kind.SITE,
) -> None:
    """Turn a CSV, KML, GeoPackage or GeoJSON list into a watch list."""
    areas, notes = import_areas(file, kind=kind)
    target = to or file.with_suffix(".sitewatch.geojson")
    if target.exists():
        raise SettingsError(f"`{target}` exists and is not overwritten; name another with --to, or move it away")
    try:
        target.touch(mode=0o600)
        target.write_text(json.dumps(to_feature_collection(areas), indent=2, sort_keys=True) + "\n")
    except OSError as error:
        raise SettingsError(f"`{target}` cannot be written: {error.strerror}; name another file with --to") from None
    for note in notes:
        console.print(note, highlight=False, markup=False)
    console.print(f"{len(areas)} areas written to {target}", highlight=False)


@areas_app.command("list")
def areas_list(areas: AreasOption = None) -> None:
    """The areas of the watch list, without their coordinates."""
    from aois.demonstration import demonstration

    settings = load_settings(areas=areas)
    for area in demonstration() if settings.areas is None else read_areas(settings.areas):
        status = f" {area.status.value}" if area.status else ""
        console.print(f"{area.id}  {area.kind.value}{status}  {area.name}", highlight=False, markup=False)
