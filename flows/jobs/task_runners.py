"""The engine that the tasks of a run work on: threads, processes or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.config.settings import Engine, SettingsError


def runner_of(engine: Engine, *, at_once: int, cluster: str | None = None) -> Any:
    """Return Prefect's task runner for an engine, which works on `at_once` areas or regions at the same time.

    `cluster` is the address of a running Dask scheduler, which decides that by itself; without one, a cluster of
    processes on this machine is made. It listens on loopback alone, and only to who holds the key that it makes.
    Raises `SettingsError` when Dask is asked for and not installed.
    """
    from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

    if cluster is not None and engine is not Engine.DASK:
        raise SettingsError(f"cluster `{cluster}` is for Dask alone; add --on dask, or leave it out")
    if engine is Engine.THREADS:
        return ThreadPoolTaskRunner(max_workers=at_once)
    if engine is Engine.PROCESSES:
        return ProcessPoolTaskRunner(max_workers=at_once)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError:
        raise SettingsError(
            "Dask is not installed; install sitewatch with its extra `dask`, or use --on processes"
        ) from None
    if cluster is not None:
        return DaskTaskRunner(address=cluster)
    own = {"host": "127.0.0.1", "security": True, "dashboard_address": None}
    return DaskTaskRunner(cluster_kwargs={"n_workers": at_once, "threads_per_worker": 1, **own})


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
