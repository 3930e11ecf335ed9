"""A tile searched: its baseline fitted when it has none, every new look taken in, its objects read off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import chain

import rasterio

from detectors.tile_search.objects import Objects, join_runs
from detectors.tile_search.update import WideParameters
from flows.tile_search.baseline_plan import BaselinePlan, alone, baseline_of
from flows.tile_search.fit import fit_strip
from flows.tile_search.look import WideLook
from flows.tile_search.state_files import dynamic_path, progress_of, static_path, watched_px
from flows.tile_search.tile import Tile, Window
from flows.tile_search.update import StripState, advance_strip

# A row of the largest blocks in use, 1,024 pixels, of a look's bands for each of two threads: less decodes them twice.
GDAL_SETTINGS = {"GDAL_CACHEMAX": 96 * 2**20, "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SearchPeriod:
    """Which looks a search is about: a new tile is watched from `since` on, with a baseline of `history_days`."""

    since: date
    until: date
    history_days: int = 730


@dataclass(frozen=True)
class TileState:
    """What a search of a tile came to.

    `taken` looks were new; `looks` were taken in since the fit; `late` ones came after a later look had been, and are
    left out until the next fit. `last` is the day of the last look, `clear_share` what it showed of the ground with a
    baseline, which is `watched_share` of the tile.
    """

    objects: Objects
    baseline: BaselinePlan
    taken: int
    looks: int
    late: int
    last: date | None
    clear_share: float
    watched_share: float


def search_tile(
    tile: Tile,
    looks: Sequence[WideLook],
    span: SearchPeriod,
    *,
    parameters: WideParameters | None = None,
    threads: int = 2,
    tell: Tell = lambda stage, done, total: None,
) -> TileState:
    """The tile's state holds every look up to the end of the span; the same call twice changes nothing.

    `looks` are those of the history and of the span, in any order. `threads` strips are worked at the same time.
    Raises `WideError` when the looks are too few for a baseline, or while another run works on the tile.
    """
    p = parameters or WideParameters()
    ordered = sorted((x for x in looks if x.day <= span.until), key=lambda look: (look.day, look.look_id))
    with alone(tile):
        until = date.fromordinal(span.since.toordinal() - 1)
        baseline = baseline_of(tile, ordered, until=until, history_days=span.history_days, parameters=p)
        work = _plan(tile, ordered, baseline, p)
        _prepare(work, tell, threads=threads)
        strips = tile.strips
        parts = [strips[n * len(strips) // threads : (n + 1) * len(strips) // threads] for n in range(threads)]
        before = min(_taken(tile, strip, baseline) for strip in strips)
        with ThreadPoolExecutor(threads) as pool:
            states = list(chain.from_iterable(pool.map(lambda part: work.strips(part, tell), parts)))
        for look in ordered:  # also what a killed run had prepared
            look.forget()
        return _summary(tile, states, baseline, work, before=before)


@dataclass(frozen=True)
class _TileWork:
    tile: Tile
    history: tuple[WideLook, ...]
    later: tuple[WideLook, ...]
    needed: tuple[WideLook, ...]
    fit: str
    parameters: WideParameters

    def strips(self, strips: Sequence[Window], tell: Tell) -> list[StripState]:
        """The strips, one after the other."""
        with rasterio.Env(**GDAL_SETTINGS):
            return [self._strip(strip, tell) for strip in strips]

    def _strip(self, strip: Window, tell: Tell) -> StripState:
        """The strip has its baseline, and holds every later look."""
        fit_strip(self.tile, strip, self.history, fit=self.fit, parameters=self.parameters)
        state = advance_strip(self.tile, strip, self.later, fit=self.fit, parameters=self.parameters)
        tell("search", strip.top + strip.rows, self.tile.grid.height)
        return state


def _plan(tile: Tile, looks: Sequence[WideLook], baseline: BaselinePlan, parameters: WideParameters) -> _TileWork:
    """Which looks the baseline takes, which come later, and which of them a strip still lacks."""
    names = set(baseline.looks)
    history = tuple(look for look in looks if look.look_id in names)
    later = tuple(look for look in looks if look.day > baseline.until)
    is_fitted = all(_fit_of(tile, strip) == baseline.name for strip in tile.strips)
    lasts = [_last(tile, strip, baseline) for strip in tile.strips]
    first = None if None in lasts else min(last for last in lasts if last is not None)
    due = tuple(look for look in later if first is None or (look.day, look.look_id) > first)
    needed = due if is_fitted else (*history, *due)
    return _TileWork(tile, history, later, needed, baseline.name, parameters)


def _prepare(work: _TileWork, tell: Tell, *, threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for done, _ in enumerate(pool.map(lambda look: look.prepare(), work.needed), start=1):
            tell("fetch", done, len(work.needed))


def _fit_of(tile: Tile, strip: Window) -> str:
    held = progress_of(static_path(tile, strip))
    return "" if held is None else held.fit


def _last(tile: Tile, strip: Window, baseline: BaselinePlan) -> tuple[date, str] | None:
    held = progress_of(dynamic_path(tile, strip))
    return held.last if held is not None and held.fit == baseline.name else None


def _taken(tile: Tile, strip: Window, baseline: BaselinePlan) -> int:
    held = progress_of(dynamic_path(tile, strip))
    return held.looks if held is not None and held.fit == baseline.name else 0


def _summary(
    tile: Tile, states: Sequence[StripState], baseline: BaselinePlan, work: _TileWork, *, before: int
) -> TileState:
    progress = states[0].progress
    watched = sum(watched_px(tile, strip) for strip in tile.strips)
    last = progress.last
    offered = sum(1 for look in work.later if last is not None and (look.day, look.look_id) <= last)
    return TileState(
        objects=join_runs([state.runs for state in states]),
        baseline=baseline,
        taken=progress.looks - before,
        looks=progress.looks,
        late=max(0, offered - progress.looks),
        last=None if last is None else last[0],
        clear_share=min(1.0, sum(state.progress.clear for state in states) / max(1, watched)),
        watched_share=watched / (tile.grid.height * tile.grid.width),
    )
