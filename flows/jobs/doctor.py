"""What stands in the way of next week's run: every check says what it found, and what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from aois.errors import UserError
from aois.week import Week, week_of
from flows.alerts.channel_check import faults_of
from flows.alerts.operator_notices import conditions_of, last_looks
from flows.alerts.route_settings import doubts_about, routes_of
from flows.config.credentials import check_account
from flows.config.deployment import Operating
from flows.config.settings import Settings, SourceName
from flows.evidence.authorities import read_authorities
from flows.evidence.stamping import pending_stamps
from flows.imagery.acquisition_plans import AcquisitionPlan, latest, plan_over
from flows.imagery.plan_files import FOLDER as PLANS
from flows.imagery.plan_files import kept_plans
from flows.imagery.revisit import arrivals_between, next_due, silences
from flows.jobs.file_modes import loose_paths
from flows.jobs.setting_names import OF_ANOTHER, unknown_names
from flows.ledger.database import level_of
from flows.ledger.errors import LedgerError
from flows.ledger.ledger import Ledger, open_ledger
from flows.ledger.worlds import World, world_at, world_of
from flows.pipeline.clock_check import check_clock
from flows.pipeline.request import areas_of
from flows.records.provider_weeks import ProviderWeek, is_worse

LEAST_FREE_BYTES = 2e9  # a first run over a few areas with two years of history; chosen on 2026-11-24
LEAST_FREE_SHARE = 0.05
PROVIDER_WEEKS = 4  # of which the answers are shown
AHEAD = timedelta(minutes=5)  # clocks of two machines, or one before and after a start, differ by less


class _NoLedgerError(LedgerError):
    """Nothing has run yet."""


class CheckResult(StrEnum):
    """How a check came out."""

    FINE = "fine"
    LOOK = "look"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One check: what it found, and what to do where it is not fine."""

    check: str
    verdict: CheckResult
    found: str
    mend: str = ""


def examine(settings: Settings, operating: Operating, *, now: datetime) -> list[Finding]:
    """All checks in order; one that cannot be done says so and stops no other. Nothing is changed."""
    checks: dict[str, Callable[[Settings, Operating, datetime], Iterator[Finding]]] = {
        "settings": _settings,
        "credentials": _credentials,
        "modes": _modes,
        "disk": _disk,
        "database": _database,
        "clock": _clock,
        "schedule": _schedule,
        "areas": _areas,
        "acquisitions": _acquisitions,
        "provider": _provider,
        "imagery": _imagery,
        "messages": _messages,
        "time stamps": _stamps,
    }
    found: list[Finding] = []
    for name, check in checks.items():
        try:
            found += check(settings, operating, now)
        except _NoLedgerError:
            continue  # the check of the database has said so
        except UserError as error:
            found.append(Finding(name, CheckResult.BAD, str(error), "see the message"))
    return found


def _settings(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    _, known = areas_of(settings)
    which = "the demonstration" if settings.areas is None else str(settings.areas)
    words = f"{len(known)} areas of {which}, source {settings.source}, time zone {operating.timezone}"
    yield Finding("settings", CheckResult.FINE, words)
    for one in unknown_names():
        yield Finding("settings", CheckResult.LOOK if one.meant is None else CheckResult.BAD, one.words, OF_ANOTHER)
    if settings.source is SourceName.SIMULATED:
        yield Finding(
            "settings",
            CheckResult.LOOK,
            "the pictures are made up",
            "name a source for real ones: SITEWATCH_SOURCE=stac",
        )


def _credentials(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    """Whether they are there; they are neither shown nor tried."""
    check_account(settings)
    routes = routes_of(settings)
    for name, fault in faults_of(routes.channels).items():
        yield Finding("credentials", CheckResult.BAD, f"channel `{name}`: {fault}", "mend its routes or its setting")
    for doubt in doubts_about(routes, [area.id for area in areas_of(settings)[1]]):
        yield Finding("credentials", CheckResult.LOOK, doubt, "mend it where it is not meant so")
    needed = "an account is set" if settings.source is SourceName.SENTINELHUB else "the source needs no account"
    yield Finding("credentials", CheckResult.FINE, f"{needed}; {len(routes.channels)} channels")
    if not routes.routes:
        yield Finding(
            "credentials",
            CheckResult.LOOK,
            "nobody hears of alerts",
            "set SITEWATCH_ALERT_URLS or SITEWATCH_ALERT_ROUTES",
        )
    if not routes.operator:
        mend = "set SITEWATCH_OPERATOR_URLS, or `operator` in the routes"
        yield Finding("credentials", CheckResult.LOOK, "nobody hears when the watch itself fails", mend)


def _modes(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    """Whether what holds secrets or coordinates is for its owner alone."""
    loose = loose_paths(settings, folder=Path.cwd())
    for one in loose:
        yield Finding("modes", CheckResult.BAD, one.words, one.mend)
    if not loose:
        yield Finding("modes", CheckResult.FINE, "settings, keys, lists and outputs are for their owner alone")


def _disk(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    place = next(p for p in (settings.outputs.absolute(), *settings.outputs.absolute().parents) if p.exists())
    usage = shutil.disk_usage(place)
    words = f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB free at {settings.outputs}"
    if usage.free < max(LEAST_FREE_BYTES, LEAST_FREE_SHARE * usage.total):
        mend = "make room: `sitewatch archive prune`, SITEWATCH_KEEP_DAYS for the upkeep, or another disk"
        yield Finding("disk", CheckResult.BAD, words, mend)
    else:
        yield Finding("disk", CheckResult.FINE, words)


def _database(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    level, kind = level_of(settings.ledger), settings.ledger.split(":")[0]
    if level.current is None:
        yield Finding("database", CheckResult.LOOK, f"{kind}: no ledger yet", "run `sitewatch watch`, which makes it")
    elif level.current == level.newest:
        yield Finding("database", CheckResult.FINE, f"{kind}: reachable, schema {level.current}")
    else:
        mend = "any run brings an older one up to date; for a newer one upgrade Sitewatch"
        yield Finding("database", CheckResult.LOOK, f"{kind}: schema {level.current}, not {level.newest}", mend)
    yield from _world(settings)


def _world(settings: Settings) -> Iterator[Finding]:
    """Whether what is on record is real, and the next run's pictures are of the same world."""
    world, source = world_at(settings.ledger), settings.source
    if world is World.MIXED:
        mend = "name other outputs for each of the two: SITEWATCH_OUTPUTS; no run goes on with this record"
        yield Finding("record", CheckResult.BAD, "it holds simulated and real places together", mend)
    elif world is not None and world is not world_of(source):
        mend = "set SITEWATCH_SOURCE to that of the record, or other SITEWATCH_OUTPUTS; no run mixes the two"
        verdict = CheckResult.BAD if "source" in settings.model_fields_set else CheckResult.LOOK
        yield Finding("record", verdict, f"it is {world}, and source `{source}` is {world_of(source)}", mend)
    elif world is not None:
        yield Finding("record", CheckResult.FINE, f"all of it is {world}")


def _clock(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    """Whether anything on record lies in the future, and what the Prefect server's clock says."""
    mend = "set the clock by NTP (`timedatectl set-ntp true`): weeks and messages depend on it"
    last, doubt = None, ""
    with suppress(_NoLedgerError), _ledger(settings) as ledger:
        doubt = check_clock(ledger, now=now, today_is=settings.today_is)
        last = max((run.finished_at or run.started_at for run in ledger.runs(limit=20)), default=None)
    if last is not None and last > now + AHEAD:
        yield Finding(
            "clock", CheckResult.BAD, f"it is {now:%Y-%m-%d %H:%M} UTC, and a run ended {last:%Y-%m-%d %H:%M}", mend
        )
        return
    from flows.jobs.schedules import server_time

    server = server_time(operating)
    if server is not None and abs(server - now) > AHEAD:
        yield Finding("clock", CheckResult.BAD, f"it differs from the Prefect server's by {abs(server - now)}", mend)
        return
    if doubt:
        yield Finding("clock", CheckResult.LOOK, doubt, mend)
        return
    yield Finding("clock", CheckResult.FINE, f"{now:%Y-%m-%d %H:%M} UTC, nothing on record lies in the future")


def _schedule(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    from flows.jobs.schedules import NoServerError, scheduled

    try:
        rows = scheduled(operating)
    except NoServerError as error:
        yield Finding(
            "schedule", CheckResult.BAD, str(error), "start `sitewatch serve`, or name its server in PREFECT_API_URL"
        )
        return
    for row in rows:
        words = f"{row.name}: {row.words}"
        yield Finding("schedule", CheckResult.BAD if row.mend else CheckResult.FINE, words, row.mend)


def _areas(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    _, known = areas_of(settings)
    with _ledger(settings) as ledger:
        observations, ran = ledger.observations(), {area.id for area in ledger.areas()}
        failed = _failures(ledger)
    last, looks = {o.area_id: o.week for o in sorted(observations, key=lambda o: o.week)}, last_looks(observations)
    listed = {area.id for area in known}
    conditions = conditions_of(observations, listed & ran, operating, now=now)
    troubled = {line.split(":")[0] for condition in conditions for line in condition.lines}
    due = week_of(now.date() - timedelta(days=7))
    for area_id in sorted(listed):
        words = _area_words(area_id, last.get(area_id), looks.get(area_id))
        if area_id in failed:
            yield Finding("areas", CheckResult.BAD, f"{words}; its last run failed", failed[area_id])
        elif area_id in troubled:
            yield Finding(
                "areas", CheckResult.BAD, words, f"no run has brought it to {due}, or nothing was seen: try a run"
            )
        elif area_id not in last:
            yield Finding("areas", CheckResult.LOOK, words, "the next run begins with it")
        else:
            yield Finding("areas", CheckResult.FINE, words)


def _acquisitions(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    """When each area is seen next, what its last week lacked, and which series have stopped coming."""
    _, known = areas_of(settings)
    with _ledger(settings) as ledger:
        last = {o.area_id: o.week for o in sorted(ledger.observations(), key=lambda o: o.week)}
        scenes = {area.id: ledger.scenes(area.id) for area in known if area.id in last}
    plans = kept_plans(settings.outputs / PLANS, known_by=now.date())
    if settings.acquisition_plans:
        yield _plans(plans, now)
    places = {area.id: area for area in known}
    for area_id, found in sorted(scenes.items()):
        passes, week = [(scene.scene_id, scene.acquired) for scene in found], last[area_id]
        due = next_due(passes, now.date(), plan=plan_over(places[area_id], plans, known_by=now.date()))
        words = f"{area_id}: " + ("no acquisition is due by its rhythm" if due is None else f"next due: {due}")
        silent = silences(passes, week.last_day)
        plan = plan_over(places[area_id], plans, known_by=week.last_day)
        missing = arrivals_between(passes, week.first_day, week.last_day, plan=plan).words
        if silent:
            told = "; ".join(f"{one.name} last came on {one.last}, {len(one.missed)} missed since" for one in silent)
            mend = "look at what the provider says of its service, or name another source"
            yield Finding("acquisitions", CheckResult.BAD, f"{words}; {told}", mend)
        elif missing:
            mend = "nothing, if it comes within days: the next run works it in"
            yield Finding("acquisitions", CheckResult.LOOK, f"{words}; {week}: {missing}", mend)
        else:
            yield Finding("acquisitions", CheckResult.FINE, words)


def _plans(plans: Sequence[AcquisitionPlan], now: datetime) -> Finding:
    """Until when the acquisition plans that are kept reach."""
    ends = latest(plans)
    said = "; ".join(f"{platform} until {until:%Y-%m-%d}" for platform, until in ends.items())
    if not any(until > now for until in ends.values()):
        mend = "run a watch, which reads the plans; look at SITEWATCH_ACQUISITION_PLANS and at what the run logged"
        return Finding("plans", CheckResult.LOOK, f"no acquisition plan reaches beyond today; {said or 'none'}", mend)
    return Finding("plans", CheckResult.FINE, f"acquisitions are planned: {said}")


def _provider(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    """How each provider answered in its last weeks, whether that gets worse, and whether its clock is another."""
    with _ledger(settings) as ledger:
        weeks, ahead_s = ledger.provider_weeks(), _clock_ahead_s(ledger)
    by_provider: dict[str, list[ProviderWeek]] = {}
    for one in weeks:
        by_provider.setdefault(one.provider, []).append(one)
    for name, all_weeks in by_provider.items():
        shown = all_weeks[-PROVIDER_WEEKS:]
        words = f"{name}: " + "; ".join(map(_provider_words, shown))
        if is_worse(shown):
            mend = "look at what the provider says of its service; the log of the runs names each error"
            yield Finding("provider", CheckResult.LOOK, f"{words}; it gets worse", mend)
        else:
            yield Finding("provider", CheckResult.FINE, words)
    if abs(ahead_s) > AHEAD.total_seconds():
        which = "ahead of" if ahead_s > 0 else "behind"
        words = f"this machine's clock is {abs(ahead_s) / 60:.0f} minutes {which} the provider's"
        yield Finding("provider", CheckResult.BAD, words, "set the clock by NTP (`timedatectl set-ntp true`)")


def _provider_words(week: ProviderWeek) -> str:
    scenes = f"{week.fetched} scenes, {week.failed} failed, {week.refused} refused"
    return f"{week.week}: {week.faults} of {week.asked} requests went wrong, {scenes}"


def _clock_ahead_s(ledger: Ledger) -> float:
    """By how much this machine's clock was ahead of the provider's in the last run that asked one, seconds."""
    for run in ledger.runs(limit=200):
        if answers := (run.summary.get("provider") or {}).get("answers"):
            return float(answers.get("clock_ahead_s", 0.0))
    return 0.0


def _imagery(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    """What the catalog held in the last watch that was not used."""
    with _ledger(settings) as ledger:
        summary = _last_watch(ledger)
    unused: Mapping[str, str] = summary.get("unused") or {}
    for kind, words in unused.items():
        mend = "nothing, if it is not meant to be used; else name another catalog or collection"
        yield Finding("imagery", CheckResult.LOOK, f"not used: {kind}: {words}", mend)
    passed: Mapping[str, str] = summary.get("passed_over") or {}
    if passed:
        name, words = next(iter(passed.items()))
        mend = "ask the owner of the catalog to correct it"
        found = f"{len(passed)} items passed over, such as {name}: {words}"
        yield Finding("imagery", CheckResult.LOOK, found, mend)
    if not unused and not passed:
        yield Finding("imagery", CheckResult.FINE, "every item that the last watch was offered could be used")


def _messages(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    with _ledger(settings) as ledger:
        unsent, dead = ledger.outbox.unsent(), ledger.outbox.unsent(dead=True)
    stuck = [one for one in unsent if one.attempts]
    if dead or stuck:
        words = f"{len(stuck)} parcels could not be sent yet, {len(dead)} were given up"
        yield Finding(
            "messages",
            CheckResult.BAD,
            words,
            "`sitewatch alerts outbox` says why; `alerts deliver --dead` tries again",
        )
    else:
        yield Finding("messages", CheckResult.FINE, "nothing is stuck")


def _stamps(settings: Settings, operating: Operating, now: datetime) -> Iterator[Finding]:
    """How many time stamps are pending; nothing where no authority is named and none is."""
    authorities, pending = read_authorities(settings.timestamp_authorities), pending_stamps(settings.outputs)
    if pending:
        first, names = pending[0][0], sorted({name for _, name in pending})
        mend = "nothing, if it is of today: each run asks again; else look at the address, and at what the runs say"
        words = f"{len(pending)} pending since {first:06d}.json: {', '.join(names)}"
        yield Finding("time stamps", CheckResult.LOOK, words, mend)
    elif authorities:
        yield Finding("time stamps", CheckResult.FINE, f"{', '.join(one.name for one in authorities)}: none is pending")


def _area_words(area_id: str, week: Week | None, look: Any) -> str:
    if week is None:
        return f"{area_id}: no week on record"
    return f"{area_id}: on record to {week}, " + (f"last clear acquisition {look}" if look else "never seen clearly")


def _failures(ledger: Ledger) -> Mapping[str, str]:
    """Why areas failed in the last watch that ended."""
    failures: Mapping[str, str] = _last_watch(ledger).get("failures") or {}
    return failures


def _last_watch(ledger: Ledger) -> Mapping[str, Any]:
    """The summary of the last watch that ended; empty where there is none."""
    for run in ledger.runs(limit=3000):
        if run.finished_at is not None and run.settings.get("flow", "watch") == "watch" and "areas" in run.summary:
            return run.summary
    return {}


def _ledger(settings: Settings) -> Ledger:
    """The ledger, only if there is one: looking makes none."""
    level = level_of(settings.ledger)
    if level.current is None:
        raise _NoLedgerError("there is no ledger yet; the next run makes it")
    if level.current != level.newest:
        raise LedgerError("the ledger is of another version; the next run brings an older one up to date")
    return open_ledger(settings.ledger)
