"""The engine that the tasks of a run work on: threads, processes or a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from flows.config.settings import Engine, SettingsError

LOCALLY = "127.0.0.1"
BEGUN_ANEW_WITHIN = "5 minutes"  # a busy machine takes long to start a process; Dask by itself gives up after 15 s
WITHOUT_WORKERS = "10 minutes"  # then what waits fails; Dask by itself would wait for ever


def runner_of(engine: Engine, *, at_once: int, cluster: str | None = None) -> Any:
    """Return Prefect's task runner for an engine, which works on `at_once` areas at the same time.

    `cluster` is the address of a running Dask scheduler, which decides that by itself. Without one Dask gets processes
    of its own on this machine: they listen on loopback, and only to who holds the key that is made for them. One that
    is killed is begun anew; where that does not succeed, the areas that wait fail.
    Raises `SettingsError` when Dask is asked for and not installed.
    """
    from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

    if engine is Engine.THREADS:
        return ThreadPoolTaskRunner(max_workers=at_once)
    if engine is Engine.PROCESSES:
        told = [_with_settings_of_now()]

        class Processes(ProcessPoolTaskRunner):  # type: ignore[type-arg, unused-ignore]
            """Workers whose queue of messages nobody waits for at the end: one that was killed may hold its lock."""

            def __enter__(self) -> Any:
                entered = super().__enter__()
                queue: Any = self._subprocess_message_queue
                queue.cancel_join_thread()
                return entered

        return Processes(at_once, subprocess_message_processor_factories=told, initializer=end_with_the_run)
    try:
        import dask
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError:
        raise SettingsError(
            "Dask is not installed; install sitewatch with its extra `dask`, or use --on processes"
        ) from None
    if cluster is not None:
        return DaskTaskRunner(address=cluster)
    dask.config.set({f"distributed.{part}.http.routes": [] for part in ("scheduler", "worker")})  # pages without a key
    dask.config.set({"distributed.deploy.lost-worker-timeout": BEGUN_ANEW_WITHIN})
    dask.config.set({"distributed.scheduler.no-workers-timeout": WITHOUT_WORKERS})
    own = {"host": LOCALLY, "security": True, "dashboard_address": f"{LOCALLY}:0"}
    quiet = {"scheduler_kwargs": {"dashboard": False}}
    return DaskTaskRunner(cluster_kwargs={"n_workers": at_once, "threads_per_worker": 1, **own, **quiet})


def end_with_the_run() -> None:
    """Let this process of a pool end when the run that began it is gone, however it went.

    Python lets it wait for work for ever, and it would go on with the area that it has, whose lock the next run needs.
    """
    run = multiprocessing.parent_process()
    if run is not None:
        threading.Thread(target=_end_after, args=(run,), daemon=True).start()


def _end_after(run: BaseProcess) -> None:
    run.join()
    os._exit(1)


def _with_settings_of_now() -> Any:
    """Let the thread that passes on what processes tell Prefect know Prefect's present settings.

    That thread has a context of its own. Without the address of the server it would start one more, without a secret.
    """
    from prefect.context import SettingsContext

    context = SettingsContext.get()

    def begin() -> Callable[[str, Any], tuple[str, Any]]:
        if context is not None:
            context.model_copy().__enter__()  # for as long as the thread lasts
        return lambda kind, payload: (kind, payload)

    return begin


@contextmanager
def task_runner(engine: Engine, *, at_once: int, cluster: str | None = None) -> Iterator[Any]:
    """Start the runner of an engine within a flow, for the length of a ``with``.

    So a run takes its engine from its settings, whoever began it: a command, a schedule, or a worker of a pool. What a
    runner sends to workers of the flow that they belong to is without the flow's parameters, which may hold secrets.
    """
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    if context is None:
        raise RuntimeError("tasks are started within a flow")
    with runner_of(engine, at_once=at_once, cluster=cluster) as runner, context.model_copy(update={"parameters": {}}):
        yield runner
