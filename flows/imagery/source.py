"""What every source of pictures can do."""

from __future__ import annotations

from datetime import date
from typing import Protocol, runtime_checkable

from aois.area import Area
from aois.grid import Grid
from flows.imagery.scene import Scene, SceneRef


class Source(Protocol):
    """Finds scenes over an area and brings them onto its grid."""

    @property
    def name(self) -> str:
        """The source's name in the settings and in the archive."""
        ...

    def search(self, area: Area, grid: Grid, *, since: date, until: date) -> list[SceneRef]:
        """The scenes that touch the grid, both days inclusive in UTC, sorted by (acquired, scene_id).

        Raises `ImageryError` when the source cannot be asked.
        """
        ...

    def fetch(self, area: Area, grid: Grid, ref: SceneRef) -> Scene:
        """The scene on the grid; every pixel may be invalid, which is a result and not an error.

        Raises `ImageryError` when the scene cannot be read.
        """
        ...


@runtime_checkable
class Selective(Protocol):
    """A source that passes over what it cannot use, and says so."""

    @property
    def passed_over(self) -> dict[str, str]:
        """Why each item that could not be used was passed over, by its name, in the searches so far."""
        ...

    @property
    def unused(self) -> dict[str, str]:
        """How many well-formed items of each kind are not used, and why, by the kind, in the searches so far."""
        ...
