"""The commands `sitewatch watch` and `rerun`, and what they say at their end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from aois.week import Week
from flows.alerts.console import console_table
from flows.alerts.route_settings import words_of_simulated
from flows.cli.options import (
    AreasOption,
    CatalogOption,
    ClusterOption,
    DayOption,
    EngineOption,
    OnlyOption,
    OutputsOption,
    SourceOption,
    asked_of,
    console,
    existing_ledger,
    over_record,
    result_of,
    settings_of,
)
from flows.config.settings import Settings, SourceName
from flows.imagery.acquisition_plans import NO_PLAN, AreaPlan
from flows.imagery.plan_files import plans_over
from flows.imagery.revisit import arrivals_between
from flows.jobs.call_check import check_call, check_engine
from flows.jobs.services import Services
from flows.ledger.ledger import open_ledger
from flows.ledger.precision import contradicted_in
from flows.pipeline.archive_limits import limits_of, words_of_limits
from flows.pipeline.area import passed_over, unused_kinds
from flows.pipeline.clock_check import check_clock
from flows.pipeline.period import RunRequest
from flows.pipeline.request import areas_of, rerun_call
from flows.records.observations import ObservationRecord, SceneRecord
from flows.reports.layers import WITHOUT_GEOPARQUET, has_geoparquet
from flows.reports.words import Words
from flows.telemetry.library_logs import quiet_libraries

if TYPE_CHECKING:
    from prefect import State

    from flows.jobs.watch import WatchResult
    from flows.pipeline.area_replay import AreaOutcome


def watch(
    areas: AreasOption = None,
    source: SourceOption = None,
    catalog: CatalogOption = None,
    since: DayOption = None,
    until: DayOption = None,
    area: OnlyOption = None,
    on: EngineOption = None,
    cluster: ClusterOption = None,
    outputs: OutputsOption = None,
) -> None:
    """Fetch imagery, measure change, and write alerts and the week's report."""
    settings = settings_of(areas, source, catalog, outputs, engine=on, cluster=cluster)
    run_watch(settings, asked_of(since, until), tuple(area or ()), from_archive=False)


def rerun(
    area: Annotated[str, typer.Argument(help="The area to replay.")],
    since: DayOption = None,
    until: DayOption = None,
    refetch: Annotated[
        bool, typer.Option("--refetch", help="Also fetch scenes that the archive does not have.")
    ] = False,
    tell_again: Annotated[
        bool,
        typer.Option("--tell-again", help="Send people the messages about it again; without it nothing is sent again."),
    ] = False,
    areas: AreasOption = None,
    source: SourceOption = None,
    catalog: CatalogOption = None,
    outputs: OutputsOption = None,
) -> None:
    """Work through the weeks of one area again from the archive, and correct the record if a result differs."""
    settings = over_record(settings_of(areas, source, catalog, outputs))
    asked = asked_of(since, until, replay=True)
    with existing_ledger(settings) as ledger:
        settings, asked = rerun_call(settings, area, asked, ledger)
    run_watch(settings, asked, (area,), from_archive=not refetch, again=area if tell_again else None)


def run_watch(
    settings: Settings, asked: RunRequest, only: tuple[str, ...], *, from_archive: bool, again: str | None = None
) -> None:
    """Run the watch on this machine and say what came of it; exit status 1 where an area failed."""
    check_call(settings, asked, only, from_archive=from_archive)
    check_engine(settings)
    with open_ledger(settings.ledger) as ledger:
        check_clock(ledger, now=datetime.now(UTC), today_is=settings.today_is)  # a doubt is told by the flow
    from flows.jobs.prefect_server import prefect_at_hand

    with prefect_at_hand() as wait:
        # Prefect takes seconds to load: only where it is needed, and while its server starts
        from flows.jobs.watch import WatchResult
        from flows.jobs.watch import watch as flow

        quiet_libraries()
        wait()
        state = cast(
            "State[Any]",
            flow(settings, asked.since, asked.until, only, from_archive, asked.replay, again, return_state=True),
        )
        result = result_of(state, WatchResult)
    _tell(settings, result)
    if result.failures:
        raise typer.Exit(1)


def _tell(settings: Settings, result: WatchResult) -> None:
    """What the run did, what it could not see, and where to look next."""
    with open_ledger(settings.ledger) as ledger:
        alerts, contradicted = ledger.alerts(as_of=result.week), contradicted_in(ledger.reliability())
        limits = limits_of(settings.archive_max_days, settings.archive_max_gb, today=datetime.now(UTC).date())
        over = words_of_limits(Services(settings, ledger).stores(), areas_of(settings)[1], limits)
        observations = [o for o in ledger.observations(until=result.week) if o.week == result.week]
        plans = plans_over(areas_of(settings)[1], settings.outputs, known_by=result.week.last_day)
        missing = words_of_missing({o.area_id: ledger.scenes(o.area_id) for o in observations}, result.week, plans)
    fresh = [a for a in alerts if a.alert_id in {*result.issued, *result.changed}]
    if fresh:
        console.print(console_table(fresh, result.week, contradicted=contradicted))
    if settings.source is SourceName.SIMULATED:
        _say("Simulated: the pictures are made up, and so is every alert.")
    fetched = sum(o.fetched for o in result.outcomes)
    weeks = sum(o.weeks for o in result.outcomes)
    _say(
        f"{result.week}: {len(result.outcomes)} areas, {fetched} scenes fetched, {weeks} weeks worked through; "
        f"{len(result.issued)} alerts issued, {len(result.changed)} changed, {len(alerts)} on record."
    )
    for o in (o for o in observations if o.seen_share < 0.5):
        since = f"last clear acquisition {o.last_clear_look}" if o.last_clear_look else "never seen clearly"
        _say(f"not seen: {o.area_id}, {o.seen_share:.0%} of the ground clear this week, {since}")
    for words in (*missing, *words_of_unfamiliar(observations)):
        _say(words)
    for outcome in result.outcomes:
        _tell_area(outcome)
    passed = passed_over(result.outcomes)
    for name, words in list(passed.items())[:5]:
        _say(f"passed over: item {name}: {words}")
    if len(passed) > 5:
        _say(f"passed over: {len(passed) - 5} more items of the catalog, all in the run's summary.")
    for kind, words in unused_kinds(result.outcomes).items():
        _say(f"not used: {kind}: {words}")
    for area_id, reason in sorted(result.failures.items()):
        _say(f"failed: {area_id}: {reason}")
    for reason in result.undelivered:
        _say(f"not delivered: {reason}")
    waiting, simulated = result.waiting, result.simulated
    if simulated:
        _say(words_of_simulated(simulated))
    if waiting > simulated and (settings.alert_urls or settings.alert_routes):
        _say(f"{waiting - simulated} messages not delivered: `sitewatch alerts deliver` tries again.")
    elif waiting > simulated:
        _say(f"{waiting - simulated} messages wait: set SITEWATCH_ALERT_URLS to send them.")
    if result.spent is not None:
        _say(f"used: {result.spent}, {result.minutes:.0f} minutes.")
    for words in filter(None, (over, result.copied, result.stamps)):
        _say(words)
    if not has_geoparquet():
        _say(WITHOUT_GEOPARQUET)
    _say(f"Report: {result.report}")


def words_of_missing(
    scenes: Mapping[str, Sequence[SceneRecord]], week: Week, plans: Mapping[str, AreaPlan] | None = None
) -> list[str]:
    """Say for each area which acquisitions were promised or planned for a week and did not come, if any is missing."""
    said = []
    for area_id, known in scenes.items():
        passes = [(scene.scene_id, scene.acquired) for scene in known if scene.acquired.date() <= week.last_day]
        plan = (plans or {}).get(area_id, NO_PLAN)
        if words := arrivals_between(passes, week.first_day, week.last_day, plan=plan).words:
            said.append(f"not received: {area_id}: {words}")
    return said


def words_of_unfamiliar(observations: Sequence[ObservationRecord]) -> list[str]:
    """Say for each area how much of its ground is unlike any that the watch was fitted on, where much is."""
    words = Words("en")
    return [
        f"unfamiliar ground: {o.area_id}: {words.unfamiliar(o.unfamiliar)}"
        for o in observations
        if o.unfamiliar is not None
    ]


def _tell_area(outcome: AreaOutcome) -> None:
    """What an area could not be seen through, and what became of its scenes."""
    if outcome.not_comparable_reason:
        _say(f"not comparable: {outcome.area_id}: {outcome.not_comparable_reason}")
    told = [("not fetched", *s) for s in outcome.failed_scenes[:5]]
    told += [("completed", *s) for s in outcome.completed_scenes[:5]]
    told += [("revised", *s) for s in outcome.revised_scenes[:5]]
    for what, scene_id, words in told:
        _say(f"scene {what}: {outcome.area_id} {scene_id}: {words}")


def _say(line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
