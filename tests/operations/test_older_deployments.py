"""Deployments that an earlier version registered are replaced by `deploy` and `serve`, and a line says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from loopback import free_port
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound
from premises import NEVER, Premises, prefect_of

from flows.jobs.deployments import PLANNED
from flows.jobs.prefect_server import kept_server

BEFORE = {  # as they were registered before the rooms, and two of flows that are gone
    "watch": "flows.watch.watch",
    "fetch": "flows.chores.fetch",
    "report": "flows.chores.report",
    "deliver": "flows.chores.deliver",
    "search": "flows.search.search",
    "upkeep": "flows.chores.upkeep",
    "lookout": "flows.lookout.lookout",
    "rerun": "flows.rerun.rerun",
    "gone": "flows.gone.gone",
}
NOW = {planned.flow: planned.entrypoint for planned in PLANNED}


def register(client: Any, flow: str, name: str, entrypoint: str, **more: Any) -> Any:
    """Register a deployment as Prefect's client does."""
    schedule = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 3 * * *", timezone="UTC"), active=True)
    flow_id = client.create_flow_from_name(flow)
    return client.create_deployment(flow_id, name, entrypoint=entrypoint, schedules=[schedule], **more)


@pytest.fixture
def place(premises: Callable[..., Premises]) -> Iterator[Premises]:
    """Premises whose Prefect server knows what an earlier version registered, and deployments of other people."""
    made = premises()
    port = free_port()
    with kept_server("127.0.0.1", port) as access:
        made.api_port, made.own_secret = port, access.secret
        made.secrets = {"PREFECT_API_URL": access.url, "PREFECT_API_AUTH_STRING": access.secret}
        yield made


@pytest.fixture
def ids(place: Premises) -> dict[str, Any]:
    """What was registered before, by flow."""
    with prefect_of(place) as client:
        register(client, "watch", "nightly", "other.watch")
        register(client, "other", "sitewatch", "other.flow", tags=["theirs"])
        return {
            flow: register(client, flow, "sitewatch", entrypoint, tags=["sitewatch"], concurrency_limit=1)
            for flow, entrypoint in BEFORE.items()
        }


def lines_about_older_ones(said: str) -> list[str]:
    return [line for line in said.splitlines() if "registered by an earlier version" in line]


def assert_replaced(place: Premises, ids: dict[str, Any], said: str) -> None:
    """Every deployment of before is that of today, under its old id; what others registered is as they left it."""
    assert lines_about_older_ones(said) == [
        "deliver/sitewatch, registered by an earlier version as flows.chores.deliver, is replaced",
        "fetch/sitewatch, registered by an earlier version as flows.chores.fetch, is replaced",
        "gone/sitewatch, registered by an earlier version as flows.gone.gone, is removed, since this version has no "
        "such flow",
        "lookout/sitewatch, registered by an earlier version as flows.lookout.lookout, is replaced",
        "report/sitewatch, registered by an earlier version as flows.chores.report, is replaced",
        "rerun/sitewatch, registered by an earlier version as flows.rerun.rerun, is replaced",
        "search/sitewatch, registered by an earlier version as flows.search.search, is removed, since this version has "
        "no such flow",
        "upkeep/sitewatch, registered by an earlier version as flows.chores.upkeep, is replaced",
        "watch/sitewatch, registered by an earlier version as flows.watch.watch, is replaced",
    ]
    with prefect_of(place) as client:
        for flow, entrypoint in NOW.items():
            found = client.read_deployment_by_name(f"{flow}/sitewatch")
            assert (found.id, found.entrypoint) == (ids[flow], entrypoint)
            assert [one.schedule.cron for one in found.schedules] == ([] if flow == "rerun" else [NEVER])
            assert found.global_concurrency_limit is None
        for flow in BEFORE.keys() - NOW.keys():
            with pytest.raises(ObjectNotFound):
                client.read_deployment_by_name(f"{flow}/sitewatch")
        assert client.read_deployment_by_name("watch/nightly").entrypoint == "other.watch"
        assert client.read_deployment_by_name("other/sitewatch").entrypoint == "other.flow"


def test_deploy_replaces_what_an_earlier_version_registered(place: Premises, ids: dict[str, Any]) -> None:
    assert_replaced(place, ids, place.run("deploy", "--pool", "machine").stdout)
    assert not lines_about_older_ones(place.run("deploy", "--pool", "machine").stdout)


def test_serve_replaces_what_an_earlier_version_registered_and_runs_it(
    place: Premises, ids: dict[str, Any], tools: SimpleNamespace
) -> None:
    with place.serve():
        tools.wait_for(lambda: place.runs("lookout", "completed"), "the lookout that `serve` begins with")
        assert_replaced(place, ids, place.said())
