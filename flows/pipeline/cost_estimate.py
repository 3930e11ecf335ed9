"""What a run would cost, before it is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from aois.area import Area
from aois.grid import grid_of
from aois.week import Week
from flows.config.credentials import check_account
from flows.config.settings import Settings
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import to_fetch
from flows.imagery.network.quota import Cost, Metered, Priced, minutes_for
from flows.imagery.scene import ImageryError
from flows.imagery.source import Source
from flows.ledger.ledger import open_ledger
from flows.pipeline.period import Period, RunRequest, last_week, period_of
from flows.pipeline.record_world import check_world
from flows.pipeline.request import areas_of
from flows.pipeline.sources import REQUESTS_PER_MINUTE, open_archive, open_source

SECONDS_AN_ANSWER = 2.0  # of a process request for a small chip, as a round figure; chosen on 2026-11-24


@dataclass(frozen=True)
class AreaEstimate:
    """One area: how many scenes there are and are to be fetched, and what that costs; or why it cannot be told."""

    area_id: str
    scenes: int = 0
    to_fetch: int = 0
    cost: Cost = field(default_factory=Cost)
    problem: str = ""


@dataclass(frozen=True)
class Estimate:
    """A whole run. `asking` is what the estimate itself has spent, None where the source does not count."""

    areas: tuple[AreaEstimate, ...]
    minutes: float
    asking: Cost | None

    @property
    def cost(self) -> Cost:
        """Add up the cost of all areas."""
        return sum((area.cost for area in self.areas), Cost())


def estimate_run(
    settings: Settings, asked: RunRequest, only: Sequence[str] = (), *, on_area: Callable[[AreaEstimate], None]
) -> Estimate:
    """Estimate what the run that is asked for would fetch and spend; nothing is fetched or written.

    `on_area` is called with each area as soon as it is known. Raises as `check_call` does.
    """
    areas, _ = areas_of(settings, only)
    week = last_week(asked)
    check_account(settings)
    check_world(settings)
    source = open_source(settings, story_end=week.last_day)
    archive = open_archive(settings)
    found = []
    for area in areas:
        found.append(_of_area(area, _period(area, settings, asked), source, archive))
        on_area(found[-1])
    asking = source.spent if isinstance(source, Metered) else None
    total = sum((area.cost for area in found), Cost())
    return Estimate(tuple(found), _minutes(total, settings), asking)


def _of_area(area: Area, period: Period, source: Source, archive: Archive) -> AreaEstimate:
    grid = grid_of(area)
    try:
        refs = source.search(area, grid, since=period.history_from, until=period.last.last_day)
        lacking = to_fetch(source.name, archive, area, grid, refs).refs
    except ImageryError as error:
        return AreaEstimate(area.id, problem=str(error))
    costs = [source.price(grid, ref) for ref in lacking] if isinstance(source, Priced) else []
    return AreaEstimate(area.id, len(refs), len(lacking), sum(costs, Cost()))


def _period(area: Area, settings: Settings, asked: RunRequest) -> Period:
    recorded: Iterable[Week] = ()
    if settings.ledger_url is not None or (settings.outputs / "ledger.sqlite").exists():
        with open_ledger(settings.ledger) as ledger:
            recorded = tuple(ledger.chains(area.id))
    return period_of(
        asked,
        recorded=recorded,
        history_days=settings.history_days,
        lookback_weeks=settings.lookback_weeks,
    )


def _minutes(cost: Cost, settings: Settings) -> float:
    return minutes_for(
        cost,
        requests_per_minute=settings.requests_per_minute or REQUESTS_PER_MINUTE,
        units_per_minute=settings.units_per_minute,
        seconds_each=SECONDS_AN_ANSWER / (settings.parallel_downloads * settings.workers),
    )
