"""New looks taken into a tile's state: each strip's evidence is read once, moved on, and written to a new file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import rasterio
from rasterio.io import DatasetReader

from detectors.tile_search.objects import Whole, runs_of_state
from detectors.tile_search.update import Layers, WideParameters, common_shift, day_number, season_weights
from detectors.tile_search.update_numba import update
from flows.tile_search.look import Reader, WideLook
from flows.tile_search.state_files import (
    Progress,
    dynamic_path,
    no_evidence,
    progress_of,
    read_block,
    static_path,
    write_dynamic,
)
from flows.tile_search.tile import Tile, Window, blocks_of


@dataclass(frozen=True)
class StripState:
    """A strip after the looks: how far it has come, and the runs of its flagged pixels in rows of the tile."""

    progress: Progress
    runs: Whole


def advance_strip(
    tile: Tile, strip: Window, looks: Sequence[WideLook], *, fit: str, parameters: WideParameters
) -> StripState:
    """The strip's evidence holds every look later than its last; `looks` are in the order of (day, id).

    The strip must have the baseline named `fit`. Evidence that rests on another baseline is begun anew. Looks that are
    not later are left out, so the same call twice changes nothing.
    """
    path = dynamic_path(tile, strip)
    before = progress_of(path)
    if before is None or before.fit != fit:
        before = Progress(fit)
    due = [look for look in looks if before.last is None or (look.day, look.look_id) > before.last]
    if not due and before.last is not None:
        return StripState(before, runs_of_state(_evidence_on_disk(tile, strip), top=strip.top))
    with ExitStack() as files:
        static = files.enter_context(rasterio.open(static_path(tile, strip), driver="GTiff"))
        dynamic = no_evidence(strip) if before.last is None else _evidence_on_disk(tile, strip)
        readers = tuple(files.enter_context(look.open()) for look in due)
        work = _Work(static, tuple(due), readers, parameters)
        clear = sum(work.move(block, dynamic) for block in blocks_of(strip))
        progress = Progress(fit, (due[-1].day, due[-1].look_id) if due else None, before.looks + len(due), clear)
        write_dynamic(tile, strip, dynamic, progress)
    return StripState(progress, runs_of_state(dynamic, top=strip.top))


def _evidence_on_disk(tile: Tile, strip: Window) -> Layers:
    with rasterio.open(dynamic_path(tile, strip), driver="GTiff") as file:
        layers: Layers = file.read()
    return layers


@dataclass(frozen=True)
class _Work:
    static: DatasetReader
    looks: tuple[WideLook, ...]
    readers: tuple[Reader, ...]
    parameters: WideParameters

    def move(self, block: Window, strip: Layers) -> int:
        """The block's part of a strip's evidence is moved on by every look; how many pixels the last one showed."""
        here = (slice(None), slice(None), slice(block.left, block.left + block.columns))
        static: Layers | None = None
        clear, dynamic = 0, np.ascontiguousarray(strip[here])
        for look, reader in zip(self.looks, self.readers, strict=True):
            ground = reader.read(block)
            clear = 0 if ground is None else int(np.count_nonzero(ground.clear & (ground.red > 0)))
            if ground is None:
                continue
            static = read_block(self.static, block) if static is None else static
            weights, p = season_weights(look.day), self.parameters
            shifts = common_shift(static, weights, ground.red, ground.nir, ground.clear, parameters=p)
            update(
                static,
                dynamic,
                weights=weights,
                shifts=shifts,
                red=ground.red,
                nir=ground.nir,
                clear=ground.clear,
                day=day_number(look.day),
                parameters=p,
            )
        if static is not None:
            strip[here] = dynamic
        return clear
