"""Which source of imagery the settings name."""

from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path

from flows.config.credentials import account_of
from flows.config.settings import Settings, SourceName
from flows.files import atomic_write
from flows.imagery.archive.remote_copy import Mirror
from flows.imagery.archive.store import Archive
from flows.imagery.network.quota import Limiter, Meter
from flows.imagery.network.retry import RetryPolicy
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.imagery.source import Source
from flows.imagery.stac.stac_source import StacSource

REQUESTS_PER_MINUTE = 300  # the quota of both services by their documentation, November 2026


def open_source(settings: Settings, *, story_end: date, sharers: int = 1) -> Source:
    """Open the source that the settings name.

    Of quotas and budget it gets one part of `sharers`, so that so many processes together keep to them.
    The simulated world leads up to the end of the first run over these outputs and stays the same ever after;
    `story_end` is used when there is no such world yet.
    """
    if settings.source is SourceName.STAC:
        limit = settings.requests_per_minute
        limiter = None if limit is None else Limiter(max(1, limit // sharers), math.inf)
        return StacSource(settings.catalog_address, limiter=limiter, hosts=settings.catalog_hosts)
    if settings.source is SourceName.SENTINELHUB:
        return _sentinelhub(settings, sharers)
    return SimulatedSource(_story_end(settings.outputs, story_end), settings.seed)


def open_archive(settings: Settings) -> Archive:
    """Open the archive of the settings' outputs, with the object store behind it that they name."""
    mirror = None if settings.archive_url is None else Mirror(settings.archive_url)
    return Archive(settings.outputs / "archive", mirror)


def _sentinelhub(settings: Settings, sharers: int) -> Source:
    # Its library takes a second to load: only where it is needed
    from flows.imagery.sentinelhub.client import SentinelHubClient
    from flows.imagery.sentinelhub.sentinelhub_source import SentinelHubSource

    requests = max(1, (settings.requests_per_minute or REQUESTS_PER_MINUTE) // sharers)
    limiter = Limiter(requests, settings.units_per_minute / sharers)
    budget = None if settings.budget_units is None else settings.budget_units / sharers
    meter, retry_policy = Meter(budget), RetryPolicy(settings.tries)
    return SentinelHubSource(
        SentinelHubClient(account_of(settings), limiter=limiter, meter=meter, retry_policy=retry_policy)
    )


def _story_end(outputs: Path, story_end: date) -> date:
    path = outputs / "archive" / "simulated-world.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, json.dumps({"story_end": story_end.isoformat()}) + "\n")
    return date.fromisoformat(json.loads(path.read_text())["story_end"])
