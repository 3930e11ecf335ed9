"""Links to the same place and day in the Copernicus Browser, for people who may see where places lie, and nobody else.

Opening one tells its operator, and whoever watches the connection, where somebody looks. So no page opens one by
itself, and the warning stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from shapely.geometry.base import BaseGeometry

from flows.reports.inputs import Chip, EventView

BROWSER = "https://browser.dataspace.copernicus.eu/"
ZOOM = 16  # of web maps: 2.4 m a pixel at the equator, so that 10 m can be told apart
DATASETS = {
    "sentinel-2": {"datasetId": "S2_L2A_CDAS", "layerId": "1_TRUE_COLOR"},
    "sentinel-1": {"datasetId": "S1_CDAS_IW_VVVH"},
}
"""What the browser calls the imagery of each sensor; radar is shown in its own first layer."""


@dataclass(frozen=True)
class BrowserLink:
    """One link: the sensor and the day that it shows, and its address, which is a position."""

    sensor: str
    day: date
    address: str


def browser_links(event: EventView) -> tuple[BrowserLink, ...]:
    """Link to the days of the pictures before and after an event, each sensor and day once, in the order of days."""
    pairs = ((event.before, event.after), *((pair.before, pair.after) for pair in event.more))
    shown = {(chip.day, chip.sensor) for chip in _known(chip for pair in pairs for chip in pair)}
    return tuple(BrowserLink(sensor, day, _address(event.event.ground, sensor, day)) for day, sensor in sorted(shown))


def _known(chips: Iterable[Chip | None]) -> Iterable[Chip]:
    return (chip for chip in chips if chip is not None and chip.sensor in DATASETS)


def _address(ground: BaseGeometry, sensor: str, day: date) -> str:
    middle = ground.representative_point()
    asked = {
        "zoom": str(ZOOM),
        "lat": f"{middle.y:.5f}",
        "lng": f"{middle.x:.5f}",
        "themeId": "DEFAULT-THEME",
        **DATASETS[sensor],
        "fromTime": f"{day}T00:00:00.000Z",
        "toTime": f"{day}T23:59:59.999Z",
        "dateMode": "SINGLE",
    }
    return f"{BROWSER}?{urlencode(asked)}"
