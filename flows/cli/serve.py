"""The commands `sitewatch serve` and `sitewatch deploy`: the schedules, by Prefect."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Optional

import typer

from flows.alerts.route_settings import message_routes
from flows.cli.options import console
from flows.config.deployment import Operating, load_operating
from flows.config.settings import Settings, SettingsError, load_settings
from flows.jobs.call_check import check_call, check_engine, tell_routes
from flows.jobs.prefect_access import API, SECRET, access_file
from flows.pipeline.period import RunRequest
from flows.telemetry.logs import log, start_logging


def serve() -> None:
    """Run all schedules until stopped; runs that died before are begun again."""
    settings, operating = _checked()
    with _api(operating), _metrics(settings, operating):
        from prefect.runner import Runner

        from flows.jobs.deployments import deployments

        runner = Runner(name="sitewatch", pause_on_shutdown=False, limit=operating.runs_at_once)
        with _older_replaced():
            for deployment in deployments(operating):
                runner.add_deployment(deployment)
        _tell(operating)
        _look_out()
        _run(runner)


def deploy(
    pool: Annotated[str, typer.Option("--pool", help="The work pool; if there is none, a pool of processes is made.")],
    image: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--image", help="The image for a pool of containers; leave it out for a pool of processes."),
    ] = None,
) -> None:
    """Give the schedules to a work pool of a Prefect server, whose workers run them."""
    _, operating = _checked()
    from prefect.settings import get_current_settings

    if get_current_settings().api.url is None:
        raise SettingsError(
            f"no Prefect server is named; set {API}, such as http://127.0.0.1:4200/api, and {SECRET} to its secret"
        )
    from flows.jobs.deployments import deployments
    from flows.jobs.prefect_server import check_named_server

    check_named_server()
    kind = _pool(pool, image)
    with _older_replaced():
        for deployment in deployments(operating, pool=pool, image=image):
            deployment.apply(work_pool_name=pool, image=image)
    _tell(operating)
    _look_out()
    console.print(f"Work pool: {pool}, of type {kind}. Start a worker: prefect worker start --pool {pool}")


def _checked() -> tuple[Settings, Operating]:
    settings, operating = load_settings(), load_operating()
    start_logging(operating, is_deployed=True)
    check_call(settings, RunRequest(None, None, datetime.now(UTC).date()))
    check_engine(settings)
    tell_routes(message_routes(settings))
    return settings, operating


@contextmanager
def _api(operating: Operating) -> Iterator[None]:
    """A Prefect server is there: the one that the settings of Prefect name, or one of our own."""
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, get_current_settings, temporary_settings

    from flows.jobs.prefect_server import check_named_server, kept_server

    if get_current_settings().api.url is not None:
        check_named_server()
        yield
        return

    os.environ.setdefault("PYTHONSAFEPATH", "1")  # for the runs: nothing is imported from the present folder
    host, port = operating.server_host, operating.server_port
    with (
        kept_server(host, port, names=operating.server_names) as access,
        # Prefect hands its settings on to the processes of the runs
        temporary_settings({PREFECT_API_URL: access.url, PREFECT_API_AUTH_STRING: access.secret}),
    ):
        page = access.url.removesuffix("/api")
        console.print(f"Prefect: {page}, its secret in {access_file(port)}", highlight=False, soft_wrap=True)
        yield


@contextmanager
def _metrics(settings: Settings, operating: Operating) -> Iterator[None]:
    """Prometheus finds the metrics, unless the port is 0."""
    if not operating.metrics_port:
        yield
        return
    from prometheus_client import CollectorRegistry, start_http_server

    from flows.telemetry.metrics import LedgerCollector

    registry = CollectorRegistry()
    registry.register(LedgerCollector(settings.ledger))
    host, port = operating.metrics_host, operating.metrics_port
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise SettingsError(
            f"metrics cannot be offered at {host}:{port} ({error.strerror}); set SITEWATCH_METRICS_PORT, 0 for none"
        ) from None
    console.print(f"Metrics: http://{host}:{port}/metrics", highlight=False)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _older_replaced() -> Iterator[None]:
    """The deployments of earlier versions are replaced by those that are registered in the ``with``, and it is said."""
    from flows.jobs.deployments import find_older_deployments, remove_unplanned

    older = find_older_deployments()
    yield
    remove_unplanned(older)
    for deployment in older:
        console.print(deployment.words, highlight=False, soft_wrap=True)


def _tell(operating: Operating) -> None:
    from flows.jobs.deployments import NAME, PLANNED, cron_of

    for planned in PLANNED:
        cron = cron_of(planned, operating)
        when = "when asked for" if cron is None else f"{cron}  ({operating.timezone})"
        console.print(f"{planned.flow + '/' + NAME:<20} {when:<32} {planned.words}", highlight=False, soft_wrap=True)


def _look_out() -> None:
    """The first thing to run: what died before is begun again."""
    from prefect.deployments import run_deployment

    from flows.jobs.deployments import NAME

    run_deployment(f"lookout/{NAME}", timeout=0)


def _pool(name: str, image: str | None) -> str:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            return str(client.read_work_pool(name).type)
        except ObjectNotFound:
            if image is not None:
                raise SettingsError(
                    f"there is no work pool `{name}`; make it: prefect work-pool create {name} --type docker"
                ) from None
        client.create_work_pool(WorkPoolCreate(name=name, type="process"))
    return "process"


def _run(runner: Any) -> None:
    """Until a signal: the runner itself ends its runs and leaves the schedules as they are."""
    import asyncio
    import warnings

    from prefect.exceptions import TerminationSignal

    # At a signal Prefect's runner makes a coroutine of which it has no need, and Python would say so
    warnings.filterwarnings("ignore", message="coroutine 'Runner.astop'", category=RuntimeWarning)
    try:
        asyncio.run(runner.start())
    except (KeyboardInterrupt, TerminationSignal):
        log.info("stopped")
