"""Drawn ground in few bytes: 33 to a pixel, row by row, in a file that goes with the process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from errno import ENOSPC
from tempfile import TemporaryFile, gettempdir
from threading import Lock
from typing import Any
from weakref import finalize

import numpy as np
import numpy.typing as npt

from flows.imagery.scene import ImageryError
from flows.imagery.simulation.land.canvas import Field
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.land.pixel_view import DECLINATIONS, LandSurface
from flows.imagery.simulation.world import SimulatedWorld

Rows = npt.NDArray[np.void]
"""Rows of pixels: each a record of whole rows of numbers."""

_WHOLE = 255.0  # the number of a share of 1


def rows_of_surface(surface: LandSurface) -> Rows:
    """A drawing rounded to what is kept of it."""
    rows = np.zeros(surface.corners.shape[0], _surface_type(surface.corners.shape[1]))
    rows["shares"] = np.rint(surface.shares * _WHOLE).clip(0, _WHOLE).swapaxes(0, 1)
    rows["shadow"] = np.rint(surface.shadow * _WHOLE).clip(0, _WHOLE).swapaxes(0, 1)
    rows["corners"] = surface.corners
    return rows


def rows_of_world(world: SimulatedWorld, surface: LandSurface) -> Rows:
    """A world and its drawing rounded to what is kept of them."""
    height, width = world.canvas.shape
    rows = np.zeros(height, _row_type(width))
    rows["surface"] = rows_of_surface(surface)
    for name, layer in (("vigour", world.vigour), ("brightness", world.brightness), ("hue", world.hue)):
        rows[name] = layer
    rows["slope"] = world.slope.swapaxes(0, 1)
    rows["field_of"] = world.field_of
    return rows


def surface_of_rows(rows: Rows, columns: slice) -> LandSurface:
    """The drawing that rows hold; its shares are together 1 again."""
    shares = layers_of(rows["shares"][..., columns])
    return LandSurface(
        shares / shares.sum(0),
        layers_of(rows["shadow"][..., columns]) / np.float32(_WHOLE),
        rows["corners"][:, columns].astype(np.float32),
    )


def layers_of(rows: npt.NDArray[Any]) -> Field:
    """(y, layer, x) as float32 (layer, y, x)."""
    return np.ascontiguousarray(rows.swapaxes(0, 1), np.float32)


def _surface_type(width: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("shares", "u1", (len(Cover), width)),
            ("shadow", "u1", (len(DECLINATIONS), width)),
            ("corners", "f2", (width,)),
        ]
    )


def _row_type(width: int) -> np.dtype[np.void]:
    plain = [(name, "f2", (width,)) for name in ("vigour", "brightness", "hue")]
    return np.dtype(
        [("surface", _surface_type(width)), *plain, ("slope", "f2", (2, width)), ("field_of", "u2", (width,))]
    )


@dataclass(frozen=True)
class KeptRows:
    """Rows of a world in a file: where they begin, and how many pixels each has."""

    file: int
    start: int
    width: int

    def read(self, rows: range) -> Rows:
        """Some of the rows, which cannot be written to."""
        kind = _row_type(self.width)
        data = os.pread(self.file, len(rows) * kind.itemsize, self.start + rows.start * kind.itemsize)
        return np.frombuffer(data, kind)


class SheetFile:
    """Rows of many sheets in one file without a name, which is gone with the process. Safe to use from threads.

    A process that was forked goes on in a file of its own, so that it writes over nothing.
    """

    def __init__(self) -> None:
        """An empty file in the folder for temporary files."""
        self._lock = Lock()
        self._open()

    def keep(self, rows: Rows) -> KeptRows:
        """Keep the rows of a world. Raises `ImageryError` where there is no room."""
        with self._lock:
            if self._process != os.getpid():
                self._open()
            kept = KeptRows(self._file, self._end, rows["field_of"].shape[1])
            try:
                written = os.pwrite(self._file, rows.tobytes(), self._end)
                if written < rows.nbytes:
                    raise OSError(ENOSPC, os.strerror(ENOSPC))
            except OSError as error:
                raise ImageryError(
                    f"the simulated ground cannot be kept in {gettempdir()} ({error.strerror}); free some space there, "
                    f"or name another folder in TMPDIR"
                ) from error
            self._end += rows.nbytes
            return kept

    def _open(self) -> None:
        file = TemporaryFile(buffering=0)  # noqa: SIM115
        finalize(self, file.close)
        self._file, self._end, self._process = file.fileno(), 0, os.getpid()
