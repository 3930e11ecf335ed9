"""A look at a tile: when it was, and a way to read any window of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np

from detectors.tile_search.update import Bytes, Numbers
from flows.tile_search.tile import Window


@dataclass(frozen=True)
class WindowPixels:
    """What a look shows of a window.

    `red`, `nir` uint16 (y, x), reflectance × 10,000 + 1,000, 0 where not measured; `clear` uint8 (y, x), 0 = hidden.
    """

    red: Numbers
    nir: Numbers
    clear: Bytes


class Reader(Protocol):
    """An open look. One thread at a time may use it."""

    def read(self, window: Window) -> WindowPixels | None:
        """The window, or None where nothing of it was seen clearly."""
        ...


class WideLook(Protocol):
    """A look that may be opened, also in another process."""

    @property
    def look_id(self) -> str:
        """Its name for life; looks of a day are taken in the order of their names."""
        ...

    @property
    def day(self) -> date:
        """The UTC day of its acquisition."""
        ...

    def prepare(self) -> None:
        """Its pixels can be read from now on; several threads may open it."""
        ...

    def forget(self) -> None:
        """What `prepare` put on disk is not needed any more."""
        ...

    def open(self) -> AbstractContextManager[Reader]:
        """The look's files, open until the end of the context."""
        ...


def hidden(window: Window) -> WindowPixels:
    """A window of which nothing was seen."""
    shape = (window.rows, window.columns)
    return WindowPixels(np.zeros(shape, np.uint16), np.zeros(shape, np.uint16), np.zeros(shape, np.uint8))
