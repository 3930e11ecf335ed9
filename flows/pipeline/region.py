"""Search one region for places worth a close look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from aois.area import Area
from aois.grid import grid_of
from detectors.tile_search.places import places_of
from flows.config.settings import Settings, SourceName
from flows.pipeline.region_looks import looks_of
from flows.tile_search.candidates import Candidate, candidates_of, write_candidates
from flows.tile_search.search_tile import SearchPeriod, search_tile
from flows.tile_search.tile import Tile


@dataclass(frozen=True)
class RegionOutcome:
    """What the search of a region came to; places by their names alone, without coordinates."""

    region_id: str
    candidates: tuple[Candidate, ...]
    too_large: int
    taken: int
    late: int
    last: date | None
    clear_share: float
    watched_share: float
    listed: Path


def run_region(
    region: Area, settings: Settings, span: SearchPeriod, *, sites: Sequence[Area] = (), threads: int = 2
) -> RegionOutcome:
    """Bring a region's state up to the end of a span, and list its candidates anew."""
    grid = grid_of(region)
    folder = settings.outputs / "search" / region.id
    (settings.outputs / "search").mkdir(mode=0o700, parents=True, exist_ok=True)  # everything below holds coordinates
    tile = Tile(region.id, grid, folder / "state")
    first = span.since - timedelta(days=span.history_days)
    looks = looks_of(settings, region, tile, since=first, until=span.until)
    state = search_tile(tile, looks, span, threads=threads)
    today = state.last or span.until
    places, too_large = places_of(state.objects, shape=grid.shape, pixel_size_m=grid.pixel_size_m, today=today)
    candidates = candidates_of(region, grid, places, sites=sites)
    seen = {
        "last_look": state.last,
        "clear_share_of_last_look": round(state.clear_share, 3),
        "share_with_baseline": round(state.watched_share, 3),
        "baseline_until": state.baseline.until,
        "baseline_looks": len(state.baseline.looks),
        "looks_since": state.looks,
        "late_looks_left_out": state.late,
        "places_too_large": too_large,
    }
    is_simulated = settings.source is SourceName.SIMULATED
    listed, _ = write_candidates(folder, region, grid, candidates, seen=seen, is_simulated=is_simulated)
    return RegionOutcome(
        region.id,
        candidates,
        too_large,
        state.taken,
        state.late,
        state.last,
        state.clear_share,
        state.watched_share,
        listed,
    )
