"""The first run over a tile: its history read block by block, never whole."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from detectors.tile_search.fit import fit_baseline
from detectors.tile_search.update import BLOCK, STATIC_LAYERS, Layers, WideParameters, season_weights
from flows.tile_search.look import Reader, WideLook, WindowPixels
from flows.tile_search.state_files import progress_of, static_path, static_writer, write_block
from flows.tile_search.tile import Tile, Window, blocks_of

# The history of half a block: 146 dates of it are 150 MB, which two threads hold at the same time.
ROWS_AT_ONCE = BLOCK // 2
_MOST_OPEN = 100  # looks a thread keeps open, of three files each; the usual limit of a process is 1,024 files


def fit_strip(tile: Tile, strip: Window, looks: Sequence[WideLook], *, fit: str, parameters: WideParameters) -> bool:
    """The strip's baseline named `fit` is on disk; False where it was already."""
    held = progress_of(static_path(tile, strip))
    if held is not None and held.fit == fit:
        return False
    weights = np.stack([season_weights(look.day) for look in looks])
    with ExitStack() as files, static_writer(tile, strip) as out:
        sources: list[Reader | WideLook] = [
            files.enter_context(look.open()) if n < _MOST_OPEN else look for n, look in enumerate(looks)
        ]
        watched = 0
        for block in blocks_of(strip):
            layers = _fitted(block, sources, weights, parameters)
            watched += int(np.count_nonzero(layers[STATIC_LAYERS.index("sigma")]))
            write_block(out, block, layers)
        out.update_tags(FIT=fit, WATCHED=watched)
    return True


def _fitted(
    block: Window, sources: Sequence[Reader | WideLook], weights: np.ndarray, parameters: WideParameters
) -> Layers:
    static = np.zeros((len(STATIC_LAYERS), block.rows, block.columns), np.int16)
    for top in range(0, block.rows, ROWS_AT_ONCE):
        part = Window(block.top + top, block.left, min(ROWS_AT_ONCE, block.rows - top), block.columns)
        pixels = part.rows * part.columns
        red, nir = (np.zeros((len(sources), pixels), np.uint16) for _ in range(2))
        clear = np.zeros((len(sources), pixels), np.uint8)
        for n, source in enumerate(sources):
            ground = _read(source, part)
            if ground is not None:
                red[n], nir[n], clear[n] = ground.red.ravel(), ground.nir.ravel(), ground.clear.ravel()
        layers = fit_baseline(red, nir, clear, weights=weights, parameters=parameters)
        static[:, top : top + part.rows] = layers.reshape(len(STATIC_LAYERS), part.rows, part.columns)
    return static


def _read(source: Reader | WideLook, part: Window) -> WindowPixels | None:
    if hasattr(source, "open"):
        with source.open() as reader:
            return reader.read(part)
    return source.read(part)
