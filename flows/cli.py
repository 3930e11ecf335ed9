"""The command line: what a person types, and what it answers with."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, cast

import typer
from rich.console import Console
from rich.text import Text

from aois.area import Kind
from aois.importing import import_areas
from aois.reading import read_areas, to_feature_collection
from aois.week import week_of
from flows.alerts.console import console_table
from flows.call import areas_of, check_call
from flows.ledger.ledger import open_ledger
from flows.mendable import MENDABLE
from flows.plan import Asked
from flows.quiet import quieten
from flows.report_command import ledger_of, report
from flows.settings import Settings, SettingsError, SourceName, load_settings

if TYPE_CHECKING:
    from prefect import State

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Watch flagged compounds with Sentinel-1 and Sentinel-2."
)
alerts_app = typer.Typer(no_args_is_help=True, help="The alerts on record.")
areas_app = typer.Typer(no_args_is_help=True, help="The watch list.")
app.add_typer(alerts_app, name="alerts")
app.add_typer(areas_app, name="areas")
app.command()(report)
console = Console() if sys.stdout.isatty() else Console(width=150)

AreasOption = Annotated[Optional[Path], typer.Option("--areas", help="The watch list, GeoJSON.")]  # noqa: UP045
SourceOption = Annotated[Optional[SourceName], typer.Option("--source", help="Where imagery comes from.")]  # noqa: UP045
CatalogOption = Annotated[
    Optional[str], typer.Option("--catalog", help="A STAC API or catalog, URL or path.")  # noqa: UP045
]
OutputsOption = Annotated[Optional[Path], typer.Option("--outputs", help="Where everything is written.")]  # noqa: UP045
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
    areas: AreasOption = None,
    source: SourceOption = None,
    catalog: CatalogOption = None,
    outputs: OutputsOption = None,
) -> None:
    """Work through the weeks of one area again, from the archive; what is on record stays or is put right."""
    settings = _settings(areas, source, catalog, outputs)
    areas_of(settings, (area,))
    with ledger_of(settings) as ledger:
        last = ledger.last_observed(area)
    if last is None:
        raise SettingsError(f"area `{area}` has no week on record; run `sitewatch watch` first")
    asked = _asked(since, until, replay=True)
    end = min(last.last_day, asked.today)  # not the latest week: what the archive was never given is not unseen
    _run(settings, replace(asked, until=asked.until or end), (area,), from_archive=not refetch)


def _run(settings: Settings, asked: Asked, only: tuple[str, ...], *, from_archive: bool) -> None:
    check_call(settings, asked, only)
    # Prefect takes seconds to load: only where it is needed
    from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

    from flows.watch import WatchResult
    from flows.watch import watch as flow

    quieten()
    runner: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=settings.workers)
    run = flow.with_options(task_runner=runner)
    state = cast(
        "State[Any]", run(settings, asked.since, asked.until, only, from_archive, asked.replay, return_state=True)
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
        for scene_id, reason in outcome.failed_scenes[:5]:
            line = f"scene not fetched: {outcome.area_id} {scene_id}: {reason}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for area_id, reason in sorted(result.failures.items()):
        console.print(f"failed: {area_id}: {reason}", highlight=False, markup=False, soft_wrap=True)
    if waiting and settings.alert_urls:
        console.print(f"{waiting} messages not delivered: `sitewatch alerts deliver` tries again.", highlight=False)
    elif waiting:
        console.print(f"{waiting} messages wait: set SITEWATCH_ALERT_URLS to send them.", highlight=False)
    console.print(f"Report: {result.report}", highlight=False, soft_wrap=True)


@alerts_app.command("list")
def alerts_list(outputs: OutputsOption = None) -> None:
    """Every alert, by place."""
    with ledger_of(load_settings(outputs=outputs)) as ledger:
        features = ledger.alerts()
        last = max((o.week for o in ledger.observations()), default=week_of(datetime.now(UTC).date()))
    console.print(
        console_table(features, last) if features else "No alert on record. No alert is not the same as no change."
    )


@alerts_app.command("show")
def alerts_show(alert_id: str, outputs: OutputsOption = None) -> None:
    """One alert with everything but its coordinates."""
    with ledger_of(load_settings(outputs=outputs)) as ledger:
        record = ledger.alert(alert_id)
        feature = next(f for f in ledger.alerts() if f["properties"]["alert_id"] == alert_id)
        shown = feature["properties"] | {
            "acknowledged_on": str(record.acknowledged_on) if record.acknowledged_on else None,
            "acknowledged_by": record.acknowledged_by,
            "history": [
                f"{step.on} {step.state.value} {step.note}".strip() for step in ledger.history(record.event_id)
            ],
        }
    console.print_json(json.dumps(shown))


@alerts_app.command("acknowledge")
def alerts_acknowledge(
    alert_id: str,
    by: Annotated[str, typer.Option("--by", help="Who takes it up.")],
    outputs: OutputsOption = None,
) -> None:
    """Note who takes an alert up."""
    with ledger_of(load_settings(outputs=outputs)) as ledger:
        ledger.acknowledge(alert_id, by=by, on=datetime.now(UTC).date())
    console.print(f"{alert_id} acknowledged by {by}.", highlight=False, markup=False)


@alerts_app.command("deliver")
def alerts_deliver(outputs: OutputsOption = None) -> None:
    """Send what waits in the outbox."""
    from flows.delivery import deliver_pending

    settings = load_settings(outputs=outputs)
    with ledger_of(settings) as ledger:
        week = max((o.week for o in ledger.observations()), default=week_of(datetime.now(UTC).date()))
        folder = settings.outputs / "reports" / str(week) / "index.html"
        outcome = deliver_pending(ledger, settings, week=week, report=folder, now=datetime.now(UTC))
    if outcome.waiting and not settings.alert_urls:
        raise SettingsError(f"{outcome.waiting} messages wait and no channel is set; set SITEWATCH_ALERT_URLS")
    if outcome.reason:
        console.print(f"not delivered, will be tried again: {outcome.reason}", highlight=False, markup=False)
        raise typer.Exit(1)
    console.print(f"{outcome.waiting} messages delivered.", highlight=False)


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
