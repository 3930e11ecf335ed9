"""What a scene must be before it enters the archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aois.area import Area
from aois.grid import Grid
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import fetch_missing
from flows.imagery.scene import ImageryError, Provenance, Scene, SceneRef, Sensor
from flows.imagery.scene_check import BadContentError, check_scene

GRID = Grid(epsg=32631, left=500_000, top=200_000, width=40, height=30)
WHEN = datetime(2024, 5, 1, 10, tzinfo=UTC)


def scene(value: float = 0.2, *, sensor: Sensor = Sensor.SENTINEL_2, offset: float | None = None) -> Scene:
    return Scene(
        f"{sensor}_20240501T100000",
        sensor,
        WHEN,
        ("red", "nir"),
        np.full((2, *GRID.shape), value, np.float32),
        np.ones(GRID.shape, bool),
        np.full(GRID.shape, 4, np.uint8),
        Provenance("made", ("a",), offset_applied=offset),
    )


def test_a_scene_of_either_sensor_passes_and_so_does_one_in_which_nothing_is_seen() -> None:
    check_scene(scene(), GRID)
    check_scene(replace(scene(0.05, sensor=Sensor.SENTINEL_1), scl=None), GRID)
    nothing = np.full((2, *GRID.shape), np.nan, np.float32)
    check_scene(replace(scene(offset=-0.1), pixels=nothing, valid=np.zeros(GRID.shape, bool)), GRID)


WRONG: dict[str, tuple[Callable[[], Scene], str]] = {
    "shape": (lambda: replace(scene(), pixels=np.zeros((2, 30, 39), np.float32)), "do not fit"),
    "mask": (lambda: replace(scene(), valid=np.ones((30, 39), bool)), "do not fit"),
    "bands": (lambda: replace(scene(), bands=("red",)), "do not fit"),
    "no band": (lambda: replace(scene(), bands=(), pixels=np.zeros((0, *GRID.shape), np.float32)), "do not fit"),
    "type": (lambda: replace(scene(), pixels=np.zeros((2, *GRID.shape))), "of type float64"),  # type: ignore[arg-type]
    "classes": (lambda: replace(scene(), scl=np.full(GRID.shape, 12, np.uint8)), "classes are whole numbers"),
    "unit": (lambda: scene(2_000.0), "100% of the numbers lie outside -1 to 20"),
    "power": (lambda: replace(scene(-12.0, sensor=Sensor.SENTINEL_1), scl=None), "lie outside 0 to 100000"),
    "not a number": (lambda: scene(float("nan")), "100% of the numbers lie outside"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_scene_that_cannot_be_one_is_refused(kind: str) -> None:
    make, words = WRONG[kind]
    with pytest.raises(BadContentError, match=words):
        check_scene(make(), GRID)


def test_an_offset_taken_off_twice_is_seen_in_the_numbers() -> None:
    dark = scene(0.05, offset=-0.1)
    check_scene(dark, GRID)
    twice = replace(dark, pixels=dark.pixels - np.float32(0.1))
    with pytest.raises(ImageryError, match="100% of the ground has negative reflectance, so it was subtracted before"):
        check_scene(twice, GRID)
    check_scene(replace(twice, provenance=replace(twice.provenance, offset_applied=0.0)), GRID)


class Careless:
    """A source that gives scenes on a wrong grid a few times."""

    name = "careless"

    def __init__(self, times: int) -> None:
        self.wrong, self.asked = times, 0

    def search(self, area: Area, grid: Grid, *, since: date, until: date) -> list[SceneRef]:
        return [SceneRef(scene().scene_id, Sensor.SENTINEL_2, WHEN, ("a",))]

    def fetch(self, area: Area, grid: Grid, ref: SceneRef) -> Scene:
        self.asked += 1
        return scene(5_000.0) if self.asked <= self.wrong else scene()


@pytest.mark.parametrize(
    ("change", "is_refused"),
    [
        ({}, True),
        ({"baseline": "03.01"}, False),
        ({"offset": -0.1}, False),
        ({"lowest": 0.04}, False),
        ({"classes": 9}, False),  # all cloud: nothing to judge by
        ({"bands": ("green", "nir")}, False),
    ],
)
def test_an_offset_that_was_not_taken_off_is_seen_in_plants_and_water(change: dict[str, Any], is_refused: bool) -> None:
    said: dict[str, Any] = {
        "baseline": "05.11",
        "offset": 0.0,
        "lowest": 0.13,
        "classes": 4,
        "bands": ("red", "nir"),
    } | change
    pixels = np.random.default_rng(1).uniform(said["lowest"], 0.4, (2, *GRID.shape)).astype(np.float32)
    where = Provenance("made", ("a",), processing_baseline=said["baseline"], offset_applied=said["offset"])
    classes = np.full(GRID.shape, said["classes"], np.uint8)
    made = replace(scene(), pixels=pixels, scl=classes, provenance=where, bands=said["bands"])
    if is_refused:
        with pytest.raises(
            ImageryError, match=r"have a reflectance of 0\.13, so the offset of processing baseline 05\.11"
        ):
            check_scene(made, GRID)
    else:
        check_scene(made, GRID)


@pytest.mark.parametrize(("wrong", "is_fetched"), [(0, True), (2, True), (3, False)])
def test_what_a_source_gives_is_checked_and_set_aside(area: Area, tmp_path: Path, wrong: int, is_fetched: bool) -> None:
    source: Any = Careless(wrong)
    refs = source.search(area, GRID, since=WHEN.date(), until=WHEN.date())
    report = fetch_missing(source, Archive(tmp_path), area, GRID, refs, on_scene=lambda _: None)
    assert bool(report.fetched) is is_fetched
    assert len(report.failed) == (not is_fetched)
    assert len(list(tmp_path.glob(".quarantine/sea-1/careless/*.json"))) == min(wrong, 1)
    assert Archive(tmp_path).has(area.id, "careless", GRID, refs[0].scene_id) is is_fetched
