"""The small flows of an operator's week: new scenes, the report, messages, upkeep. Each can be done again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from prefect.states import Completed, Failed

from flows.config.deployment import Operating, load_operating
from flows.config.private_outputs import private_files
from flows.config.settings import load_settings
from flows.jobs.services import Services
from flows.pipeline.record_world import check_world
from flows.telemetry.logs import start_logging
from flows.telemetry.run_record import deployment_name, recorded
from flows.telemetry.step_timer import Stopwatch


@dataclass(frozen=True)
class Chore:
    """What a small flow works with: services, what it is to say of itself, and its stopwatch."""

    services: Services
    operating: Operating
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
    with (
        private_files(),
        Services.open(settings) as services,
        recorded(services.ledger, services.outputs, name, source=services.source_name, is_fetching=is_fetching) as (
            summary,
            watch,
        ),
    ):
        yield Chore(services, operating, summary, watch)


def ended(failures: dict[str, str]) -> Any:
    """Return the state that a flow ends in: failed with the list, or completed."""
    if failures:
        return Failed(message=f"failed: {', '.join(sorted(failures))}")
    return Completed(message="done")
