"""The registry: every deployment is what its module holds, and runs when the operator says."""

from __future__ import annotations

import asyncio
import importlib
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.server.schemas.schedules import CronSchedule

from flows.config.deployment import Operating, load_operating
from flows.config.settings import SettingsError
from flows.jobs.deployments import NAME, PLANNED, cron_of, deployments
from flows.pipeline.period import RunRequest, last_week

ROOT = Path(__file__).parents[2]


def next_run(schedule) -> datetime:
    """When the server would run it next, after 25 November 2026, a Wednesday."""
    wanted = CronSchedule(cron=schedule.cron, timezone=schedule.timezone)
    (first,) = asyncio.run(wanted.get_dates(1, start=datetime(2026, 11, 25, tzinfo=UTC)))
    return first.astimezone(UTC)


@pytest.fixture(scope="module")
def made():
    return deployments(Operating(timezone="Asia/Phnom_Penh", upkeep_at="off", _env_file=None))


def test_every_deployment_is_the_flow_that_its_module_holds(made):
    for planned, deployment in zip(PLANNED, made, strict=True):
        module, _, name = planned.entrypoint.rpartition(".")
        flow = getattr(importlib.import_module(module), name)
        assert deployment.entrypoint == planned.entrypoint
        assert (deployment.name, deployment.flow_name) == (NAME, planned.flow) == (NAME, flow.name)
    assert str(ROOT / "flows") not in sys.path


def test_the_schedules_are_in_the_time_zone_of_the_operator(made):
    weekly = next(d for d in made if d.flow_name == "watch")
    (schedule,) = weekly.schedules
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("0 15 * * 1", "Asia/Phnom_Penh")
    assert next_run(schedule.schedule) == datetime(2026, 11, 30, 8, tzinfo=UTC)


def test_what_is_off_and_what_is_only_asked_for_has_no_schedule(made):
    assert [d.flow_name for d in made if not d.schedules] == ["upkeep", "rerun"]


def test_no_deployment_can_be_blocked_by_a_server_that_died(made):
    assert all(deployment.concurrency_limit is None for deployment in made)


def test_no_deployment_holds_a_parameter(made):
    assert all(deployment.parameters == {} for deployment in made)
    assert not (ROOT / "prefect.yaml").exists()


@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "Asia/Phnom_Penh", "UTC", "Etc/GMT+12"])
def test_the_week_is_over_when_the_watch_begins_wherever_the_operator_is(timezone):
    cron = cron_of(PLANNED[0], Operating(_env_file=None))
    began = next_run(CronSchedule(cron=cron, timezone=timezone))
    assert str(last_week(RunRequest(None, None, began.date()))) == "2026-W48"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"timezone": "Cambodia"}, "`Cambodia` is not a time zone; write it like Europe/Paris"),
        ({"watch_at": "every week"}, "`every week` is not a cron schedule; write minute, hour, day, month and weekday"),
        ({"late_hours": -1}, "setting `late_hours`: Input should be greater than 0"),
        ({"metrics_port": 70_000}, "setting `metrics_port`"),
    ],
)
def test_settings_that_no_deployment_can_have_are_named(given, message):
    with pytest.raises(SettingsError, match=message):
        load_operating(**given)
