"""Settings of the deployment: when things run, where its servers listen, when the operator is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from flows.config.host_names import host_name
from flows.config.settings import mendable_settings
from flows.config.time_zone import time_zone

OFF = "off"


def _cron(text: str) -> str:
    if text == OFF:
        return text
    from prefect.client.schemas.schedules import CronSchedule  # Prefect takes seconds to load

    try:
        CronSchedule(cron=text)
    except ValidationError:
        raise ValueError(
            f"`{text}` is not a cron schedule; write minute, hour, day, month and weekday, or {OFF}"
        ) from None
    return text


Cron = Annotated[str, AfterValidator(_cron)]
HostName = Annotated[str, AfterValidator(host_name)]


class Operating(BaseSettings):
    """What an operator of a deployment may set; each field is ``SITEWATCH_<NAME>`` in the environment or in ``.env``.

    Crons are in `timezone`; ``off`` leaves a schedule out, and the deployment can still be run by name.
    """

    model_config = SettingsConfigDict(
        env_prefix="SITEWATCH_", env_file=".env", extra="ignore", populate_by_name=True, validate_default=False
    )

    timezone: Annotated[str, AfterValidator(time_zone)] = Field("UTC", description="the operator's, for all schedules")
    watch_at: Cron = Field(
        "0 15 * * 1",
        description="the weekly watch; in every time zone after the end of the week, Sunday 24 h UTC",
    )
    fetch_at: Cron = Field("30 3 * * *", description="the daily fetch of new scenes")
    report_at: Cron = Field("0 18 * * 1", description="the weekly report, from the record")
    deliver_at: Cron = Field("7 * * * *", description="messages that are due")
    upkeep_at: Cron = Field("0 2 * * 0", description="backup of the record, pruning of the archive")
    lookout_at: Cron = Field("37 * * * *", description="runs that died, weeks that are late, areas not seen")
    runs_at_once: int = Field(4, ge=1, le=64, description="flow runs that one `sitewatch serve` works on at a time")
    server_host: str = Field("127.0.0.1", description="where the Prefect server of `sitewatch serve` listens")
    server_port: int = Field(4200, ge=1, le=65535, description="its port")
    server_names: Annotated[tuple[HostName, ...], NoDecode] = Field(
        (), description="names under which it is asked besides those of loopback, separated by spaces"
    )
    metrics_host: str = Field("127.0.0.1", description="where `sitewatch serve` offers metrics to Prometheus")
    metrics_port: int = Field(9464, ge=0, le=65535, description="its port; 0 for none")
    unseen_weeks: int = Field(
        4, ge=1, le=520, description="weeks without a clear acquisition before the operator is told"
    )
    late_hours: float = Field(48.0, gt=0, description="hours after its end by which a week is to be on record")
    keep_days: int | None = Field(None, ge=1, description="upkeep deletes scenes older than this that nobody needs")
    keep_gb: float | None = Field(None, ge=0, description="upkeep deletes what nobody needs of a larger archive")
    keep_backups: int = Field(8, ge=0, le=520, description="backups of the record that upkeep keeps in outputs/backups")
    log_format: Literal["text", "json"] = Field("text", description="how log lines are written")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None = Field(
        None, description="INFO in a deployment and WARNING at a terminal when left out"
    )

    @field_validator("server_names", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value


def load_operating(**given: Any) -> Operating:
    """Return the settings, the call's before the environment's; raise `SettingsError` that names each wrong one."""
    with mendable_settings():
        return Operating(**{name: value for name, value in given.items() if value is not None})


def textfile_of(outputs: Path) -> Path:
    """Where the metrics of the last run stand, for the textfile collector of a node exporter."""
    return outputs / "metrics" / "sitewatch.prom"
