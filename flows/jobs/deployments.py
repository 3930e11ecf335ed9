"""The registry of every deployment, each named by its module, with its schedule. There is no prefect.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName, DeploymentFilterTags
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import load_flow_from_entrypoint
from prefect.types.entrypoint import EntrypointType

from flows.config.deployment import OFF, Operating

NAME = "sitewatch"  # of every deployment: watch/sitewatch, rerun/sitewatch and so on


@dataclass(frozen=True)
class OlderDeployment:
    """A deployment that an earlier version of Sitewatch registered, by the entrypoint that the flow had then."""

    id: UUID
    flow: str
    entrypoint: str
    is_planned: bool

    @property
    def words(self) -> str:
        """What becomes of it, in one line."""
        what = "is replaced" if self.is_planned else "is removed, since this version has no such flow"
        return f"{self.flow}/{NAME}, registered by an earlier version as {self.entrypoint}, {what}"


@dataclass(frozen=True)
class Planned:
    """One deployment: its flow, the module that holds it, and what it is for.

    `schedule` is the field of `Operating` with its cron; None for what runs when it is asked for.
    """

    flow: str
    entrypoint: str
    words: str
    schedule: str | None


PLANNED = (
    Planned(
        "watch", "flows.jobs.watch.watch", "Every area up to the latest complete week: alerts and report.", "watch_at"
    ),
    Planned("fetch", "flows.jobs.fetch.fetch", "New scenes into the archive; nothing is measured.", "fetch_at"),
    Planned("report", "flows.jobs.report.report", "The pages of the last week, from the record.", "report_at"),
    Planned("deliver", "flows.jobs.deliver.deliver", "Messages that are due.", "deliver_at"),
    Planned("upkeep", "flows.jobs.upkeep.upkeep", "Backup of the record, pruning of the archive.", "upkeep_at"),
    Planned(
        "lookout", "flows.jobs.watchdog.lookout", "Dead runs begun again; the operator told, once each.", "lookout_at"
    ),
    Planned("rerun", "flows.jobs.rerun.rerun", "One area again, from the archive.", None),
)


def deployments(operating: Operating, *, pool: str | None = None, image: str | None = None) -> list[RunnerDeployment]:
    """Every deployment, loaded by its module, its schedule in the operator's time zone.

    None has a concurrency limit of Prefect's: its server keeps in memory who holds a place, so a restart in the middle
    of a run would take the place away for ever. The ledger's locks keep runs apart. In a work pool of processes they
    run in the present folder, so that they find its ``.env`` and its outputs; in one of containers (`image`) in the
    image's own.
    """
    return [_deployment(planned, operating, pool, image) for planned in PLANNED]


def find_older_deployments() -> list[OlderDeployment]:
    """Return the deployments of earlier versions on the Prefect server that the settings name.

    A deployment is one of ours by its name and its tag, and of an earlier version by an entrypoint that `PLANNED` does
    not have for its flow. Registering the planned ones replaces them: Prefect keeps the id of a deployment, and with it
    its runs, as long as flow and name are the same.
    """
    ours = DeploymentFilter(name=DeploymentFilterName(any_=[NAME]), tags=DeploymentFilterTags(all_=[NAME]))
    entrypoints = {planned.flow: planned.entrypoint for planned in PLANNED}
    older = []
    with get_client(sync_client=True) as client:
        for found in client.read_deployments(deployment_filter=ours):
            flow = client.read_flow(found.flow_id).name
            if found.entrypoint != entrypoints.get(flow):
                older.append(OlderDeployment(found.id, flow, found.entrypoint or "nothing", flow in entrypoints))
    return sorted(older, key=lambda deployment: deployment.flow)


def remove_unplanned(older: Sequence[OlderDeployment]) -> None:
    """Delete those of the older deployments whose flow is planned no more: their schedule would start what is gone."""
    with get_client(sync_client=True) as client:
        for deployment in older:
            if not deployment.is_planned:
                client.delete_deployment(deployment.id)


def cron_of(planned: Planned, operating: Operating) -> str | None:
    """When a deployment runs by itself; None for one that does not."""
    cron = OFF if planned.schedule is None else str(getattr(operating, planned.schedule))
    return None if cron == OFF else cron


def _deployment(planned: Planned, operating: Operating, pool: str | None, image: str | None) -> RunnerDeployment:
    flow: Any = load_flow_from_entrypoint(planned.entrypoint, use_placeholder_flow=False)
    cron = cron_of(planned, operating)
    in_pool: dict[str, Any] = {}
    if pool is not None:
        in_pool = {"work_pool_name": pool}
        in_pool |= {} if image is not None else {"job_variables": {"working_dir": str(Path.cwd())}}
    deployment: RunnerDeployment = flow.to_deployment(
        NAME,
        schedule=None if cron is None else CronSchedule(cron=cron, timezone=operating.timezone),
        description=planned.words,
        tags=[NAME],
        entrypoint_type=EntrypointType.MODULE_PATH,
        **in_pool,
    )
    return deployment
