"""Items of a catalog that were taken in one pass of one satellite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations

from flows.imagery.catalog_item import SceneItem
from flows.imagery.radiometry import baseline_number
from flows.imagery.same_pass import best_products
from flows.imagery.scene import OpticalProduct, SceneRef, Sensor


@dataclass(frozen=True)
class Overpass:
    """What one satellite saw of an area in one UTC day: items of one sensor and product, for radar also of one orbit.

    `items` is sorted by processing baseline, the newest first, then by id: the order in which the mosaic is laid, so
    that of a tile that is listed twice the newer version wins. An item that shows a part of another one, such as a
    product that was made again in part, comes after all others, so that no tile is pieced together from two baselines.
    """

    items: tuple[SceneItem, ...]

    @property
    def first(self) -> SceneItem:
        """The item that names the day's sensor and orbit."""
        return self.items[0]

    @property
    def acquired(self) -> datetime:
        """The earliest of the items' times."""
        return min(item.acquired for item in self.items)

    @property
    def scene_id(self) -> str:
        """The name of its scene."""
        orbit, product = self.first.relative_orbit, self.first.product
        is_told_by_orbit = self.first.sensor is Sensor.SENTINEL_1 and orbit is not None
        suffix = f"_r{orbit}" if is_told_by_orbit else f"_{product}" if product else ""
        return f"{self.first.sensor}_{self.acquired:%Y%m%dT%H%M%S}{suffix}"

    @property
    def platform(self) -> str | None:
        """The satellite that took all of its items, None where they name none or several."""
        named = {item.platform for item in self.items}
        return self.first.platform if len(named) == 1 else None

    @property
    def sensor(self) -> Sensor:
        """Its sensor."""
        return self.first.sensor

    @property
    def ref(self) -> SceneRef:
        """The overpass as a search result."""
        ids = tuple(item.id for item in self.items)
        baseline = self.first.processing_baseline
        return SceneRef(self.scene_id, self.first.sensor, self.acquired, ids, baseline, self._repeats())

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands that every item has, in their fixed order: a pixel never mixes items."""
        return tuple(band for band in self.first.bands if all(band in item.bands for item in self.items))

    def _repeats(self) -> tuple[str, ...]:
        pairs = [pair for pair in combinations(self.items, 2) if pair[0].is_version_of(pair[1])]
        return tuple(sorted({item.id for pair in pairs for item in pair}))


def overpasses(items: Iterable[SceneItem]) -> list[Overpass]:
    """The items by UTC day, sensor, product and (radar) relative orbit and direction, sorted by (acquired, scene_id).

    Of optics there is one product a day, the best: the same pass twice would count as two looks. Radar whose orbit is
    not known is told apart by its satellite too, of which two may pass in a day.
    """
    groups: dict[tuple[date, Sensor, OpticalProduct, tuple[int | str | None, ...]], list[SceneItem]] = defaultdict(list)
    for item in items:
        is_radar = item.sensor is Sensor.SENTINEL_1
        satellite = item.platform if item.relative_orbit is None else None
        orbit = (item.relative_orbit, item.orbit_direction, satellite) if is_radar else ()
        groups[item.acquired.date(), item.sensor, item.product, orbit].append(item)
    found = best_products(Overpass(_laid(group)) for group in groups.values())
    return sorted(found, key=lambda overpass: (overpass.acquired, overpass.scene_id))


def _laid(items: Sequence[SceneItem]) -> tuple[SceneItem, ...]:
    """The items in the order of the mosaic."""
    kinds = {item.ground_shown: item for item in items}  # of a thousand copies of an item each pair would be compared
    others = kinds.values() if len(kinds) > 1 else ()
    parts = {shown for shown, one in kinds.items() if any(one.is_part_of(other) for other in others)}
    return tuple(sorted(items, key=lambda item: (item.ground_shown in parts, *_place_in_mosaic(item))))


def _place_in_mosaic(item: SceneItem) -> tuple[float, str, str]:
    return -baseline_number(item.processing_baseline), item.id, item.collection
