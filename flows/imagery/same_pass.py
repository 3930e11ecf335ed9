"""When two scenes are the same pass: one satellite over one place, once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

from flows.imagery.scene import OpticalProduct, Sensor, product_of

# Radar without a known orbit is told by its time alone; passes of one satellite are 98 minutes apart.
SAME_PASS = timedelta(minutes=30)
_TIMED = re.compile(r"_\d{8}T\d{6}(.*)")


class Passing(Protocol):
    """A scene, found or archived."""

    @property
    def scene_id(self) -> str:
        """Its name for life."""
        ...

    @property
    def sensor(self) -> Sensor:
        """Its sensor."""
        ...

    @property
    def acquired(self) -> datetime:
        """Its time, UTC."""
        ...


P = TypeVar("P", bound=Passing)
_BEST_FIRST = (
    OpticalProduct.LEVEL_2A,
    OpticalProduct.LEVEL_1C,
    OpticalProduct.LEVEL_2A_PICTURE,
    OpticalProduct.LEVEL_1C_PICTURE,
)


def is_same_pass(one: Passing, other: Passing) -> bool:
    """True where sensor, UTC day and what follows the time in the ids agree, which for radar is the orbit.

    The seconds do not count: a tile that is listed later, or a new version of one, moves a pass by some.
    """
    key = key_of(one)
    is_told = one.sensor is Sensor.SENTINEL_2 or key[2] != ""
    return key == key_of(other) and (is_told or abs(one.acquired - other.acquired) <= SAME_PASS)


def key_of(scene: Passing) -> tuple[Sensor, date, str]:
    """Sensor, UTC day and the rest of the id; an id without a time is a pass of its own."""
    timed = _TIMED.search(scene.scene_id)
    return scene.sensor, scene.acquired.date(), timed[1] if timed else scene.scene_id


def best_products(scenes: Iterable[P]) -> list[P]:
    """The scenes without those of which a better product of the same UTC day is among them, in the order given."""
    found = list(scenes)
    best: dict[date, int] = {}
    for scene in found:
        if scene.sensor is Sensor.SENTINEL_2:
            day, rank = scene.acquired.date(), _rank(scene)
            best[day] = min(rank, best.get(day, rank))
    return [
        scene for scene in found if scene.sensor is Sensor.SENTINEL_1 or _rank(scene) == best[scene.acquired.date()]
    ]


def _rank(scene: Passing) -> int:
    return _BEST_FIRST.index(product_of(scene.scene_id))


def by_pass(scenes: Iterable[P]) -> list[list[P]]:
    """The scenes by pass, in the order of time."""
    known: dict[tuple[Sensor, date, str], list[list[P]]] = defaultdict(list)
    for scene in sorted(scenes, key=lambda scene: (scene.acquired, scene.scene_id)):
        groups = known[key_of(scene)]
        home = next((group for group in groups if is_same_pass(group[0], scene)), None)
        if home is None:
            groups.append([scene])
        else:
            home.append(scene)
    return [group for groups in known.values() for group in groups]
