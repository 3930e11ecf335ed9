"""The `stac` source: any STAC API, or a static catalog on disk or on the web."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from aois.area import Area
from aois.grid import Grid
from flows.imagery.catalog_presets import chosen_catalog
from flows.imagery.limits import USUAL_LIMITS, Limits
from flows.imagery.network.answer_counts import AnswerCounts
from flows.imagery.network.quota import Cost, Limiter
from flows.imagery.overpass import Overpass, overpasses
from flows.imagery.scene import ImageryError, Scene, SceneRef, Sensor
from flows.imagery.stac.catalog import Catalog, open_catalog
from flows.imagery.stac.mosaic import read_overpass, without_crowds
from flows.imagery.stac.planetary_computer import Signer
from flows.imagery.web import is_refusal

REQUESTS_A_BAND = 2


class StacSource:
    """Scenes from a STAC catalog, Earth Search when none is named.

    `collections` limits the search to those ids; empty means those of the preset, and all of any other catalog. Nothing
    is read before the first search. One instance may serve several threads.
    """

    name = "stac"

    def __init__(
        self,
        catalog: str | Path | None = None,
        *,
        collections: Sequence[str] = (),
        page_size: int = 100,
        limiter: Limiter | None = None,
        signer: Signer | None = None,
        hosts: Sequence[str] = (),
        limits: Limits = USUAL_LIMITS,
    ) -> None:
        """Name the catalog: a preset, a path or an address; `page_size` is what an API is asked for.

        `hosts` are those beside its own that the catalog may name, `limits` what it may take.
        With a limiter, scenes are read no faster than it lets their requests through. With a signer, which the
        Planetary Computer has by itself, the addresses of files are signed just before they are read.
        """
        self._limiter = limiter
        choice = chosen_catalog(None if catalog is None else str(catalog))
        self._location = choice.location
        self._signer = Signer() if signer is None and choice.is_signed else signer
        self._collections = tuple(collections) or choice.collections
        self._page_size = page_size
        self._hosts, self._limits = tuple(hosts), limits
        self._opened: Catalog | None = None
        self._found: dict[tuple[Grid, str], Overpass] = {}
        self._crowds: dict[str, str] = {}
        self._lock = threading.Lock()

    def search(self, area: Area, grid: Grid, *, since: date, until: date) -> list[SceneRef]:
        """The scenes that touch the grid, both days inclusive in UTC, sorted by (acquired, scene_id)."""
        found = self._overpasses(grid, since=since, until=until)
        self._found.update({(grid, overpass.ref.scene_id): overpass for overpass in found})
        return [overpass.ref for overpass in found]

    @property
    def passed_over(self) -> dict[str, str]:
        """Why each item that could not be used was passed over, by its name, in the searches so far."""
        with self._lock:
            opened = self._opened
        return {**({} if opened is None else opened.passed_over), **self._crowds}

    @property
    def provider(self) -> str:
        """The catalog's host, or that it is on disk."""
        return urlsplit(self._location).hostname or "a catalog on disk"

    @property
    def answers(self) -> AnswerCounts:
        """How the catalog and the hosts of its files have answered so far."""
        with self._lock:
            opened = self._opened
        return AnswerCounts() if opened is None else opened.files.answers

    @property
    def unused(self) -> dict[str, str]:
        """How many well-formed items of each kind are not used, and why, by the kind, in the searches so far."""
        with self._lock:
            opened = self._opened
        return {} if opened is None else opened.unused.words

    def price(self, grid: Grid, ref: SceneRef) -> Cost:
        """What reading a scene of the last search takes: a header and a block of pixels for each band, uncompressed."""
        return _price(self._found[grid, ref.scene_id], grid)

    def fetch(self, area: Area, grid: Grid, ref: SceneRef) -> Scene:
        """The scene on the grid; every pixel invalid where its items show nothing of it.

        Raises `ImageryError` when the catalog no longer lists the scene's items, or an asset cannot be read.
        """
        overpass = self._found.get((grid, ref.scene_id)) or self._look_up(grid, ref)
        chosen = replace(overpass, items=tuple(item for item in overpass.items if item.id in ref.item_ids))
        lost = sorted(set(ref.item_ids) - {item.id for item in chosen.items})
        if lost or not chosen.items:
            raise ImageryError(
                f"area `{area.id}`: the catalog no longer lists {', '.join(lost) or 'any item'} of scene "
                f"`{ref.scene_id}`; search again"
            )
        if self._limiter is not None:
            self._limiter.wait_for(requests=_price(chosen, grid).requests)
        try:
            scene = self._read(chosen, grid)
        except ImageryError as error:
            if self._signer is None or not is_refusal(error):
                raise
            self._signer.forget()  # a token that ended while it was in use, or that never held
            scene = self._read(chosen, grid)
        return replace(scene, scene_id=ref.scene_id)

    def _read(self, overpass: Overpass, grid: Grid) -> Scene:
        """The overpass from its files, whose addresses are signed first where the catalog wants that."""
        if self._signer is not None:
            overpass = replace(overpass, items=tuple(self._signer.signed(item) for item in overpass.items))
        catalog = self._catalog()
        return read_overpass(overpass, grid, source=self.name, catalog=catalog.label, files=catalog.files)

    def _look_up(self, grid: Grid, ref: SceneRef) -> Overpass:
        """The overpass of a scene that another run found."""
        day = ref.acquired.date()
        items = [item for overpass in self._overpasses(grid, since=day, until=day) for item in overpass.items]
        return Overpass(tuple(item for item in items if item.sensor is ref.sensor and item.product is ref.product))

    def _overpasses(self, grid: Grid, *, since: date, until: date) -> list[Overpass]:
        bounds = grid.bounds_lonlat
        listed = self._catalog().items(bounds, since=since, until=until)
        near = [item for item in listed if item.may_touch(bounds) and since <= item.acquired.date() <= until]
        found = overpasses(near)
        self._catalog().unused.add_repeated(near, found)
        kept, crowds = without_crowds(found, self._limits.items_a_scene)
        self._crowds.update(crowds)
        return kept

    def _catalog(self) -> Catalog:
        with self._lock:
            if self._opened is None:
                self._opened = open_catalog(
                    self._location,
                    collections=self._collections,
                    page_size=self._page_size,
                    hosts=self._hosts,
                    limits=self._limits,
                )
        return self._opened


def _price(overpass: Overpass, grid: Grid) -> Cost:
    bands = len(overpass.bands) + (overpass.first.scl is not None)
    number_bytes = 4 if overpass.first.sensor is Sensor.SENTINEL_1 else 2
    return Cost(REQUESTS_A_BAND * bands, 0.0, grid.width * grid.height * bands * number_bytes)
