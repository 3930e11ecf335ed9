"""What the Prefect server says of the schedules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from flows.config.deployment import Operating
from flows.jobs.prefect_access import access_file, own_url, read_access
from flows.jobs.prefect_server import is_healthy


class NoServerError(Exception):
    """No Prefect server answers."""


@dataclass(frozen=True)
class ScheduleRow:
    """One deployment: when it ran and runs next, in words, and what is to be done if it does not."""

    name: str
    words: str
    mend: str = ""


def server_url(operating: Operating) -> str | None:
    """The API of the server that runs the schedules: Prefect's settings name it, or it is `sitewatch serve`'s own."""
    from prefect.settings import get_current_settings  # Prefect takes seconds to load

    named = get_current_settings().api.url
    return named or own_url(operating.server_host, operating.server_port)


def server_time(operating: Operating) -> datetime | None:
    """The clock of that server by its answers; None where none answers."""
    try:
        answer = httpx.get(f"{server_url(operating)}/health", timeout=2.0, trust_env=False)
        return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (httpx.HTTPError, KeyError, ValueError):
        return None


def scheduled(operating: Operating) -> list[ScheduleRow]:
    """Every deployment that has a schedule by the settings; raises `NoServerError` when nobody answers us."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

    from flows.jobs.deployments import NAME, PLANNED, cron_of

    url = server_url(operating)
    if url is None or not is_healthy(url):
        raise NoServerError(f"no Prefect server answers at {url}, so nothing runs by itself")
    rows, refused = [], _refusal(url, operating)
    with _opened(operating), get_client(sync_client=True) as client:
        for planned in PLANNED:
            if cron_of(planned, operating) is None:
                continue
            name = f"{planned.flow}/{NAME}"
            try:
                deployment = client.read_deployment_by_name(name)
            except ObjectNotFound:
                rows.append(ScheduleRow(name, "is not deployed", "start `sitewatch serve` or `sitewatch deploy` again"))
                continue
            except PrefectHTTPStatusError as error:
                if error.response.status_code == 401:
                    raise NoServerError(refused) from None
                raise NoServerError(
                    f"the Prefect server at {url} answers with status {error.response.status_code}; read its log"
                ) from None
            rows.append(_row(name, deployment, _runs(client, deployment.id)))
    return rows


@contextmanager
def _opened(operating: Operating) -> Iterator[None]:
    """The settings by which that server answers: Prefect's own, or what `sitewatch serve` left for its owner."""
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, get_current_settings, temporary_settings

    access = read_access(operating.server_port)
    if get_current_settings().api.url is not None or access is None:
        given = {PREFECT_API_URL: server_url(operating)}
    else:
        given = {PREFECT_API_URL: access.url, PREFECT_API_AUTH_STRING: access.secret}
    with temporary_settings(given):
        yield


def _refusal(url: str, operating: Operating) -> str:
    """What to say of a server that answers others, and not us."""
    from prefect.settings import get_current_settings

    if get_current_settings().api.url is not None:
        return f"the Prefect server at {url} asks for a secret; set PREFECT_API_AUTH_STRING to it"
    path = access_file(operating.server_port)
    if path.exists():
        return f"the Prefect server at {url} does not take the secret in `{path}`; start `sitewatch serve` again"
    return f"the Prefect server at {url} asks for a secret, and `{path}` is not there; set PREFECT_HOME as `serve` has"


def _runs(client: Any, deployment_id: Any) -> Sequence[Any]:
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
    from prefect.client.schemas.sorting import FlowRunSort

    chosen = DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id]))
    runs: Sequence[Any] = client.read_flow_runs(
        deployment_filter=chosen, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=200
    )
    return runs


def _when(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _row(name: str, deployment: Any, runs: Sequence[Any]) -> ScheduleRow:
    ahead = [run for run in runs if run.state is not None and run.state.is_scheduled()]
    ended = next((run for run in runs if run.state is not None and run.state.is_final()), None)
    ran = None if ended is None else _when(ended.end_time or ended.expected_start_time)
    last = "no run yet" if ended is None else f"last run {ran}: {ended.state.name}"
    coming = min((run.expected_start_time for run in ahead), default=None)
    following = "no run planned" if coming is None else f"next {_when(coming)}"
    words = f"{last}, {following}"
    if deployment.paused or not any(schedule.active for schedule in deployment.schedules):
        return ScheduleRow(name, words, "it is paused: start `sitewatch serve` or `sitewatch deploy` again")
    if coming is None:
        return ScheduleRow(name, words, "the server makes no runs: read its log; a pinned sqlalchemy is the usual cure")
    if (datetime.now(UTC) - coming).total_seconds() > 900:
        return ScheduleRow(name, words, "runs are due and nobody takes them: start `sitewatch serve` or a worker")
    return ScheduleRow(name, words)
