"""The `sentinelhub` source: Sentinel Hub, the Copernicus Data Space Ecosystem, or any server of the same protocol."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from sentinelhub import CRS, BBox

from aois.area import Area
from aois.grid import Grid
from flows.imagery.catalog_item import SceneItem
from flows.imagery.limits import USUAL_LIMITS
from flows.imagery.network.answer_counts import AnswerCounts
from flows.imagery.network.quota import Cost
from flows.imagery.overpass import Overpass, overpasses
from flows.imagery.radiometry import BASELINE_OFFSET, BASELINE_WITH_OFFSET, baseline_number
from flows.imagery.scene import ImageryError, OpticalProduct, Provenance, Scene, SceneRef, Sensor
from flows.imagery.sentinelhub.client import SentinelHubClient, bound
from flows.imagery.sentinelhub.items import item_of
from flows.imagery.sentinelhub.request import (
    LEVEL_1C,
    PRODUCTS,
    Part,
    Product,
    parts_of,
    product_for,
    request_of,
    units_of,
    words_of,
)
from flows.imagery.sentinelhub.response import layers_of, measurements
from flows.imagery.stac.item import MALFORMED
from flows.imagery.stac.mosaic import without_crowds
from flows.imagery.unused_items import UnusedItems
from flows.printable import printable

PAGE_SIZE = 100
LEVEL_2A_EVERYWHERE = date(2019, 1, 1)  # ESA makes it of all land since December 2018


class SentinelHubSource:
    """Scenes from a Sentinel Hub service: what there is from its catalog, the pixels from its Process API.

    Nothing is asked before the first search. One instance may serve several threads.
    """

    name = "sentinelhub"

    def __init__(self, hub_client: SentinelHubClient, *, page_size: int = PAGE_SIZE) -> None:
        """Send by a client, which knows the account; `page_size` is what the catalog is asked for at a time."""
        self._hub_client = hub_client
        self._page_size = page_size
        self._passed_over: dict[str, str] = {}
        self._unused = UnusedItems()
        self._found: dict[tuple[Grid, str], Overpass] = {}

    @property
    def passed_over(self) -> dict[str, str]:
        """Why each item that could not be used was passed over, by its name, in the searches so far."""
        return dict(self._passed_over)

    @property
    def provider(self) -> str:
        """The service's host."""
        return urlsplit(str(self._hub_client.account)).hostname or str(self._hub_client.account)

    @property
    def answers(self) -> AnswerCounts:
        """How the service has answered so far."""
        return self._hub_client.answers

    @property
    def unused(self) -> dict[str, str]:
        """How many well-formed items of each kind are not used, and why, by the kind, in the searches so far."""
        return self._unused.words

    @property
    def spent(self) -> Cost:
        """What was really spent since the source was opened."""
        return self._hub_client.meter.spent

    def price(self, grid: Grid, ref: SceneRef) -> Cost:
        """What the scene costs when every request is answered at once; bytes before compression."""
        product = product_for(ref)
        pixel_bytes = product.layers * np.dtype(product.dtype).itemsize
        return sum(
            (
                Cost(1, units_of(product, part.grid), part.grid.width * part.grid.height * pixel_bytes)
                for part in parts_of(grid)
            ),
            Cost(),
        )

    def search(self, area: Area, grid: Grid, *, since: date, until: date) -> list[SceneRef]:
        """The scenes that touch the grid, both days inclusive in UTC, sorted by (acquired, scene_id)."""
        found = self._overpasses(grid, since=since, until=until)
        self._found.update({(grid, overpass.ref.scene_id): overpass for overpass in found})
        return [overpass.ref for overpass in found]

    def fetch(self, area: Area, grid: Grid, ref: SceneRef) -> Scene:
        """The scene on the grid, in as many requests as its size needs.

        Raises `ImageryError` when the catalog no longer lists it, the service cannot answer, or answers wrongly.
        """
        overpass = self._found.get((grid, ref.scene_id)) or self._look_up(area, grid, ref)
        layers = None
        for part in parts_of(grid):
            answer = self._layers(overpass, ref, part)
            if layers is None:
                layers = np.empty((len(answer), *grid.shape), answer.dtype)
            height, width = part.grid.shape
            layers[:, part.row : part.row + height, part.column : part.column + width] = answer
        assert layers is not None
        pixels, valid, scl = measurements(layers, product_for(ref))
        bands, provenance = product_for(ref).bands, self._provenance(overpass, ref)
        return Scene(ref.scene_id, ref.sensor, ref.acquired, bands, pixels, valid, scl, provenance)

    def _layers(self, overpass: Overpass, ref: SceneRef, part: Part) -> np.ndarray:
        times = (overpass.acquired, max(item.acquired for item in overpass.items))
        request = request_of(ref, times, overpass.first.orbit_direction, part.grid, self._hub_client.account)
        product = product_for(ref)
        units = units_of(product, part.grid)
        return layers_of(self._hub_client.fetch(request.download_list[0], units=units), product, part.grid)

    def _provenance(self, overpass: Overpass, ref: SceneRef) -> Provenance:
        """The offset is recorded as the service applied it: harmonised numbers are 0.1 lower from 04.00 on."""
        first, is_optical = overpass.first, ref.sensor is Sensor.SENTINEL_2
        has_offset = baseline_number(first.processing_baseline) >= BASELINE_WITH_OFFSET
        return Provenance(
            source=self.name,
            item_ids=ref.item_ids,
            request=words_of(product_for(ref), None if is_optical else first.orbit_direction, self._hub_client.account),
            processing_baseline=first.processing_baseline,
            offset_applied=(BASELINE_OFFSET if has_offset else 0.0) if is_optical else None,
            relative_orbit=first.relative_orbit,
            orbit_direction=first.orbit_direction,
            offered=ref.item_ids,
            platform=overpass.platform,
            product=ref.product,
        )

    def _look_up(self, area: Area, grid: Grid, ref: SceneRef) -> Overpass:
        """The overpass of a scene that another run found."""
        day = ref.acquired.date()
        for overpass in self._overpasses(grid, since=day, until=day):
            if overpass.ref.scene_id == ref.scene_id:
                return overpass
        raise ImageryError(f"area `{area.id}`: the catalog no longer lists scene `{ref.scene_id}`; search again")

    def _overpasses(self, grid: Grid, *, since: date, until: date) -> list[Overpass]:
        items = []
        for product in PRODUCTS.values():
            items += self._listed(product, OpticalProduct.LEVEL_2A, grid, since=since, until=until)
        if since < LEVEL_2A_EVERYWHERE:
            before = min(until, LEVEL_2A_EVERYWHERE - timedelta(days=1))
            items += self._listed(LEVEL_1C, OpticalProduct.LEVEL_1C, grid, since=since, until=before)
        found = overpasses(items)
        self._unused.add_repeated(items, found)
        kept, crowds = without_crowds(found, USUAL_LIMITS.items_a_scene)
        self._passed_over.update(crowds)
        return kept

    def _listed(
        self, product: Product, numbers: OpticalProduct, grid: Grid, *, since: date, until: date
    ) -> list[SceneItem]:
        """The items of a product in those days, both inclusive."""
        features = self._hub_client.features(
            bound(product.collection, self._hub_client.account),
            bbox=BBox(grid.bounds_lonlat, crs=CRS.WGS84),
            time=(f"{since}T00:00:00Z", f"{until + timedelta(days=1)}T00:00:00Z"),
            limit=self._page_size,
        )
        items = self._items(features, product.sensor, numbers)
        return [item for item in items if since <= item.acquired.date() <= until]

    def _items(self, features: Sequence[Any], sensor: Sensor, product: OpticalProduct) -> list[SceneItem]:
        """The items of a catalog's answer; malformed ones are passed over, unless there are no others."""
        items, refused = [], []
        for feature in features:
            try:
                items.append(item_of(feature, sensor, product))
            except ImageryError as error:
                refused.append((feature, error))
            except MALFORMED as error:
                refused.append((feature, ImageryError(f"it is malformed ({type(error).__name__})")))
        if refused and not items:
            raise ImageryError(f"service {self._hub_client.account}: {refused[0][1]}; report it to the service")
        for feature, reason in refused:
            name = feature.get("id") if isinstance(feature, dict) else None
            self._passed_over[printable(name or "without id")] = printable(reason)
        return items
