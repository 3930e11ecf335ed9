"""The small flows of an operator's week: new scenes, the report, messages, upkeep. Each can be done again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from aois.area import Area
from flows.areawatch import Stores, fetch_area
from flows.attest import attest
from flows.call import areas_of, check_call
from flows.delivery import deliver_pending
from flows.imagery.metering import Metered
from flows.imagery.scene import ImageryError
from flows.ledger.ledger import Ledger, open_ledger
from flows.logs import about, log, start_logging
from flows.mendable import MENDABLE
from flows.operating import Operating, load_operating
from flows.outputs_copy import copy_outputs
from flows.plan import Asked, last_week
from flows.private_outputs import private_files
from flows.prune import delete_files, find_prunable
from flows.record_world import check_world
from flows.report_command import week_on_record
from flows.reporting import rebuild_week
from flows.runlog import deployment_name, recorded
from flows.settings import Settings, load_settings
from flows.sources import open_archive, open_source
from flows.stopwatch import Stopwatch

GB = 1e9
BACKUPS = "backups"


@dataclass(frozen=True)
class Chore:
    """What a small flow works with: its settings, the record, what it is to say of itself, and its stopwatch."""

    settings: Settings
    operating: Operating
    ledger: Ledger
    summary: dict[str, Any]
    watch: Stopwatch


@contextmanager
def chore(name: str, *, is_fetching: bool = False) -> Iterator[Chore]:
    """A run of a small flow, by the settings of the environment, recorded as runs are.

    Raises `SettingsError` for a record of another world than the settings' source.
    """
    settings, operating = load_settings(), load_operating()
    start_logging(operating, is_deployed=deployment_name() is not None)
    check_world(settings)
    source = settings.source.value if is_fetching else None
    with (
        private_files(),
        open_ledger(settings.ledger) as ledger,
        recorded(ledger, settings, name, source=source) as (summary, watch),
    ):
        yield Chore(settings, operating, ledger, summary, watch)


@flow(name="fetch", task_runner=ThreadPoolTaskRunner(max_workers=2))  # type: ignore[arg-type]
def fetch() -> Any:
    """The archive holds every scene that the source has up to today; nothing is measured. An area that fails waits."""
    with chore("fetch", is_fetching=True) as one:
        asked = Asked(None, None, datetime.now(UTC).date())
        check_call(one.settings, asked, routes_may_wait=True)
        areas, _ = areas_of(one.settings)
        source = open_source(one.settings, story_end=last_week(asked).last_day)
        stores = Stores(one.settings, open_archive(one.settings), one.ledger, source, one.settings.source.value, ())
        futures = {area.id: fetch_one.submit(area, asked, stores) for area in areas}
        results = {area_id: future.result(raise_on_failure=False) for area_id, future in futures.items()}
        failures = {a: str(r) for a, r in results.items() if isinstance(r, Exception)}
        one.summary.update(
            areas_done={a: r for a, r in results.items() if isinstance(r, dict)},
            fetched=sum(r["fetched"] for r in results.values() if isinstance(r, dict)),
            spent=asdict(source.spent) if isinstance(source, Metered) else None,
            failures=failures,
            manifest=attest(one.settings, one.ledger, str(one.summary["run_id"])),
        )
    return _ended(failures)


@task(name="fetch-area", cache_policy=NO_CACHE, persist_result=False)
def fetch_one(area: Area, asked: Asked, stores: Stores) -> Any:
    """The new scenes of one area: how many came, how many failed; or the error, which has a mend."""
    with about(area=area.id):
        try:
            outcome = fetch_area(area, asked, stores)
        except MENDABLE as error:
            log.warning("not fetched: %s", error)
            return Completed(message="failed", data=ImageryError(str(error)))
        log.info("fetched", extra={"scenes": outcome.fetched, "failed": len(outcome.failed_scenes)})
        return {"fetched": outcome.fetched, "failed": len(outcome.failed_scenes), "seconds": outcome.seconds}


@flow(name="report")
def report(week: str | None = None) -> Any:
    """The pages of a week, the last on record if left out, are built again from the record and the archive."""
    with chore("report") as one:
        chosen = week_on_record(week, one.ledger, one.settings)
        archive = open_archive(one.settings)
        path = rebuild_week(chosen, ledger=one.ledger, archive=archive, outputs=one.settings.outputs)
        one.summary.update(reported=str(chosen), report=str(path), copied=copy_outputs(one.settings))
    return Completed(message=f"report at {path}")


@flow(name="deliver")
def deliver() -> Any:
    """What is due by now has been sent, or will be tried again."""
    with chore("deliver") as one:
        outcome = deliver_due(one.ledger, one.settings)
        one.summary.update(
            waiting=outcome.waiting,
            sent=outcome.sent,
            tried_in_vain=list(outcome.failed),
            failures={f"parcel {n}": reason for n, reason in enumerate(outcome.given_up, start=1)},
        )
    return _ended(one.summary["failures"])


def deliver_due(ledger: Ledger, settings: Settings, **given: Any) -> Any:
    """What is due of the messages on record is sent, with the report of the last week that has one."""
    weeks = [one.week for one in ledger.observations()]
    week = max(weeks, default=last_week(Asked(None, None, datetime.now(UTC).date())))
    return deliver_pending(ledger, settings, week=week, **({"only_due": True} | given))


@flow(name="upkeep")
def upkeep() -> Any:
    """The record is backed up, and what nobody needs of the archive is gone if the settings say that it may go."""
    with chore("upkeep") as one:
        with one.watch.step("backup"):
            rows = _back_up(one)
        with one.watch.step("prune"):
            pruned = _prune(one)
        manifest = attest(one.settings, one.ledger, str(one.summary["run_id"])) if pruned["pruned_files"] else None
        one.summary.update(rows_backed_up=rows, manifest=manifest, **pruned)
    return Completed(message=f"{rows} rows backed up")


def _back_up(one: Chore) -> int:
    if not one.operating.keep_backups:
        return 0
    folder = one.settings.outputs / BACKUPS
    folder.mkdir(mode=0o700, exist_ok=True)
    rows = one.ledger.back_up(folder / f"ledger-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.backup")
    for old in sorted(folder.glob("ledger-*.backup"))[: -one.operating.keep_backups]:
        old.unlink()
    return rows


def _prune(one: Chore) -> dict[str, Any]:
    settings, days, size = one.settings, one.operating.keep_days, one.operating.keep_gb
    if days is None and size is None:
        return {"pruned_files": 0, "archive_bytes": _size(settings.outputs / "archive")}
    _, known = areas_of(settings)
    before = None if days is None else datetime.now(UTC).date() - timedelta(days=days)
    most = None if size is None else round(size * GB)
    found = find_prunable(settings, one.ledger, known, before=before, most_bytes=most)
    delete_files(settings, found.files)
    return {"pruned_files": len(found.files), "archive_bytes": found.all_bytes - found.freed_bytes}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _ended(failures: dict[str, str]) -> Any:
    if failures:
        return Failed(message=f"failed: {', '.join(sorted(failures))}")
    return Completed(message="done")
