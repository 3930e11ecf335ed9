"""The engine that the blocks of a search run on: threads, processes or a Dask cluster."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flows.config.settings import SettingsError


class Engine(StrEnum):
    """Where the regions of a search are worked on."""

    THREADS = "threads"
    PROCESSES = "processes"
    DASK = "dask"


def runner_of(engine: Engine, *, at_once: int, cluster: str | None = None) -> Any:
    """Prefect's task runner for an engine, which works on `at_once` regions at the same time.

    `cluster` is the address of a running Dask scheduler, which decides that by itself; without one, a cluster of
    processes on this machine is made.
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
    return DaskTaskRunner(cluster_kwargs={"n_workers": at_once, "threads_per_worker": 1})
