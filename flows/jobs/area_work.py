"""One area's work for a run, in whichever thread, process or machine: what a task carries, and what it works with.

**Who writes.** Each worker writes what its area comes to by itself: the archive and the rasters under the area's lock,
each week in one transaction of the ledger, which lets one writer in at a time, whatever its process (`BEGIN IMMEDIATE`
in SQLite, an advisory lock in PostgreSQL). A worker that returned its weeks for the run to record would lose all of
them when either dies, and a week's rasters could stand there without the week. So a kill loses the week that was being
worked on and nothing else; its locks go with the process, and the next run goes on from there. What is of the whole run
(alerts' file, report, messages, evidence, its own row) the run itself writes, when all areas are done.

**What travels.** A task holds the area, its dates and the settings without their secrets (`HandedSettings`). A thread
finds the run's own stores by the run's id; any other process opens services of its own, once for each run. It refuses
an area where its outputs or its ledger are not those of the run: what it wrote there, nobody would look for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar
from uuid import uuid4

from aois.area import Area, AreaKind
from aois.week import Week
from flows.config.handed_settings import HandedSettings
from flows.config.private_outputs import private_files
from flows.config.settings import Engine, SettingsError
from flows.imagery.network.answer_counts import AnswerCounts, Counted
from flows.imagery.network.quota import Cost, Metered
from flows.jobs.services import Services
from flows.pipeline.area_replay import Progress, Stores
from flows.pipeline.period import RunRequest, last_week
from flows.records.provider_weeks import provider_summary
from flows.telemetry.library_logs import quiet_libraries
from flows.telemetry.logs import about, log
from flows.telemetry.progress import Board
from flows.telemetry.worker_reports import WorkerReports, is_begun, reporting

T = TypeVar("T")


@dataclass(frozen=True)
class RunCall:
    """What all areas of a run have in common.

    `handed` is None where the tasks are threads of the run. `from_archive` is whether no source is asked. `at_once` is
    how many areas share the memory of a machine.
    """

    flow: str
    run_id: str
    request: RunRequest
    from_archive: bool
    handed: HandedSettings | None
    workers: int
    log_level: int
    at_once: int = 1

    @property
    def week(self) -> Week:
        """Return the last week of the run."""
        return last_week(self.request)


@dataclass(frozen=True)
class AreaTask:
    """What a worker is given for one area. It can be pickled, and holds no secret."""

    area: Area
    sites: tuple[Area, ...]
    call: RunCall


@dataclass(frozen=True)
class AreaRun:
    """The work of a run on its areas, while it lasts: its stores, where progress is shown, and what was spent."""

    call: RunCall
    stores: Stores
    board: Board | None
    reports: WorkerReports | None

    def task(self, area: Area) -> AreaTask:
        """Make the task of an area; only a region is told of the sites of the list."""
        return AreaTask(area, self.stores.sites if area.kind is AreaKind.REGION else (), self.call)

    @property
    def spent(self) -> Cost | None:
        """What the run has spent by now, in all its processes; None where the source does not count."""
        if not isinstance(self.stores.source, Metered):
            return None
        elsewhere = () if self.reports is None else self.reports.spent.values()
        return sum((Cost(**figures) for figures in elsewhere), self.stores.source.spent)

    def provider_summary(self, *, fetched: int, failed: int, passed_over: int) -> dict[str, Any] | None:
        """How the provider has answered by now, in all processes of the run; None where the source does not count."""
        source = self.stores.source
        if not isinstance(source, Counted):
            return None
        elsewhere = () if self.reports is None else self.reports.answers.values()
        answers = sum((AnswerCounts(**figures) for figures in elsewhere), source.answers)
        return provider_summary(
            source.provider, asdict(answers), fetched=fetched, failed=failed, passed_over=passed_over
        )


@contextmanager
def area_run(
    flow: str,
    run_id: str,
    request: RunRequest,
    services: Services,
    stores: Stores,
    *,
    areas: int,
    board: Board | None = None,
) -> Iterator[AreaRun]:
    """Let tasks of a run work on so many areas for the length of a ``with``, on the engine of its settings.

    Raises `SettingsError` for a secret that workers cannot read.
    """
    settings = services.settings
    handed = None if settings.engine is Engine.THREADS else HandedSettings.of(settings)
    level = log.getEffectiveLevel()
    at_once = min(settings.workers, areas) if settings.cluster is None else 1  # a cluster has memory of its own
    call = RunCall(flow, run_id, request, stores.source is None, handed, settings.workers, level, at_once)
    with ExitStack() as stack:
        reports = None
        if handed is not None:
            tell = _nobody if board is None else board.tell
            reports = stack.enter_context(WorkerReports(services.outputs, run_id, tell))
        run = AreaRun(call, stores, board, reports)
        _here[run_id] = run
        stack.callback(_here.pop, run_id)
        yield run


def work_on(task: AreaTask, work: Callable[[Stores, Progress], T]) -> T:
    """Do the work of an area with the stores of its run, its progress told to the run, and return what it came to."""
    call, area_id = task.call, task.area.id
    run = _here.get(call.run_id)
    with about(flow=call.flow, run=call.run_id, area=area_id, week=str(call.week)):
        if run is None:
            return _work_elsewhere(task, work)
        stores = replace(run.stores, areas_at_once=call.at_once)
        if run.board is None:
            return work(stores, lambda *_: None)
        return run.board.follow(area_id, lambda tell: work(stores, tell))


def _work_elsewhere(task: AreaTask, work: Callable[[Stores, Progress], T]) -> T:
    """In a process that is not the run's: with services of its own, and what it says in a file that the run reads."""
    call, area_id = task.call, task.area.id
    if call.handed is None:
        raise RuntimeError(f"run {call.run_id} hands no settings to another process")
    if not is_begun(call.handed.outputs, call.run_id):
        raise SettingsError(
            f"this worker does not see what run {call.run_id} began in {call.handed.outputs}, or the run is over; give "
            "every machine the same outputs under the same path"
        )
    quiet_libraries()
    with (
        private_files(),
        reporting(call.handed.outputs, call.run_id, area_id, level=call.log_level) as report,
    ):
        opened, end = _opened(call, call.handed), "failed"
        try:
            result = work(replace(opened.stores, sites=task.sites, areas_at_once=call.at_once), report.progress)
            end = "done"
            return result
        finally:
            if isinstance(opened.stores.source, Metered):
                report.spent(opened.name, asdict(opened.stores.source.spent))
            if isinstance(opened.stores.source, Counted):
                report.answers(opened.name, asdict(opened.stores.source.answers))
            report.progress(end, 0, 0)


@dataclass(frozen=True)
class _Opened:
    """The services of a worker process for one run."""

    name: str
    stores: Stores
    close: Callable[[], None]


def _opened(call: RunCall, handed: HandedSettings) -> _Opened:
    """Open services in this process for a run, or take those that its last area was worked on with."""
    with _lock:
        if call.run_id not in _elsewhere:
            while _elsewhere:  # of runs that are over; one that is not opens its connections again
                _elsewhere.popitem()[1].close()
            with ExitStack() as stack:
                services = stack.enter_context(Services.open(handed.settings(), sharers=call.workers))
                if not services.ledger.has_run(call.run_id):
                    raise SettingsError(
                        f"run {call.run_id} is not in the ledger of this worker; set SITEWATCH_LEDGER_URL in its "
                        "environment, or in .env where it was started, to the ledger of the run"
                    )
                stores = services.stores(story_end=None if call.from_archive else call.week.last_day)
                _elsewhere[call.run_id] = _Opened(uuid4().hex, stores, stack.pop_all().close)
        return _elsewhere[call.run_id]


def _nobody(*_: object) -> None:
    """Progress that nobody follows."""


_here: dict[str, AreaRun] = {}
_elsewhere: dict[str, _Opened] = {}
_lock = threading.Lock()
