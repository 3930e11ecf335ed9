"""Catalogs of every make, from the first scene to the alert files: what people have must run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.transform import Affine
from rasterio.warp import transform_bounds
from shapely.geometry import box, mapping

from aois.area import Area, AreaKind
from aois.grid import to_lonlat
from aois.week import weeks_between
from flows.imagery.scene import ImageryError
from flows.imagery.stac.stac_source import StacSource
from flows.pipeline.area import unused_kinds

EPSG = 32631  # in the North Sea
LEFT, TOP, SIDE = 500_000, 6_200_000, 600
FIRST, SINCE, UNTIL = date(2023, 3, 6), date(2024, 3, 4), date(2024, 5, 26)
BUILT_ON = date(2024, 3, 20)
LEVELS = {"blue": 700, "green": 900, "red": 1100, "nir": 2600, "nir08": 2700, "swir16": 2200, "swir22": 1500}
ROOFS = {"blue": 2600, "green": 2800, "red": 3000, "nir": 3200, "nir08": 3200, "swir16": 3300, "swir22": 3000}
POWER, WALLS = {"vv": 0.08, "vh": 0.015}, {"vv": 0.6, "vh": 0.1}
AIR = (850, 450, 250)
SNOW, SNOW_DAYS = 7200, (date(2024, 2, 19), date(2024, 3, 30))
EVERY_TEN_DAYS = tuple(FIRST + timedelta(days=n) for n in range(0, (UNTIL - FIRST).days + 1, 10))


@dataclass(frozen=True)
class Make:
    """How a catalog is made: which bands, on which days, in which CRS and with which pixels.

    `air` is what the atmosphere adds, in digital numbers of blue, green and red; `gain` makes pixels of 8 bits.
    """

    bands: tuple[str, ...] = ("blue", "green", "red", "nir", "swir16", "swir22")
    days: tuple[date, ...] = EVERY_TEN_DAYS
    crs: str = f"EPSG:{EPSG}"
    pixel: float = 10.0
    has_scl: bool = False
    collection: str = ""
    air: tuple[int, int, int] = (0, 0, 0)
    gain: float | None = None
    snow_days: tuple[date, ...] = ()

    @property
    def is_radar(self) -> bool:
        return "vv" in self.bands


MAKES = {
    "all bands": Make(has_scl=True),
    "red, green, blue": Make(bands=("blue", "green", "red")),
    "no near infrared": Make(bands=("blue", "green", "red", "swir16", "swir22")),
    "one band": Make(bands=("red",)),
    "vv and vh": Make(bands=("vv", "vh")),
    "vv alone": Make(bands=("vv",)),
    "two scenes": Make(days=(date(2023, 7, 3), date(2024, 5, 6))),
    "two scenes of radar": Make(bands=("vv", "vh"), days=(date(2023, 7, 3), date(2024, 5, 6))),
    "30 m": Make(pixel=30.0),
    "30 m radar": Make(bands=("vv", "vh"), pixel=30.0),
    "9 m in degrees": Make(crs="EPSG:4326", pixel=9 / 111_320),
    "European grid": Make(crs="EPSG:3035"),
    "Level-1C": Make(collection="sentinel-2-l1c", air=AIR),
    "Level-1C in true colour": Make(bands=("blue", "green", "red"), collection="sentinel-2-l1c", air=AIR),
    "true colour of 8 bits": Make(bands=("blue", "green", "red"), gain=2.5),
}


@cache
def positions(crs: str, pixel: float) -> tuple[np.ndarray, np.ndarray, Affine]:
    """Metres east and north of each pixel's centre (y, x) around the ground, and how the pixels lie."""
    around = transform_bounds(EPSG, crs, LEFT - 300, TOP - SIDE - 300, LEFT + SIDE + 300, TOP + 300)
    width, height = (int((around[i + 2] - around[i]) / pixel) + 1 for i in (0, 1))
    transform = Affine(pixel, 0, around[0], 0, -pixel, around[3])
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    east, north = Transformer.from_crs(crs, EPSG, always_xy=True).transform(*(transform @ (columns, rows)))
    return east, north, transform


def scene_numbers(make: Make, day: date, band: str, seed: int) -> tuple[np.ndarray, Affine]:
    """One band on one day (y, x): textured ground, and from a day on a block of roofs in its middle."""
    east, north, transform = positions(make.crs, make.pixel)
    rng = np.random.default_rng(seed)
    texture = 1 + 0.15 * np.sin(east / 47) * np.cos(north / 61)
    built = (np.abs(east - LEFT - 330) < 70) & (np.abs(north - TOP + 330) < 70) & (day >= BUILT_ON)
    if make.is_radar:
        values = np.where(built, WALLS[band], POWER[band] * texture) * rng.gamma(16, 1 / 16, built.shape)
        return values.astype(np.float32), transform
    haze = 1 + 0.03 * np.random.default_rng(seed // 100).normal()
    values = haze * np.where(built, ROOFS[band], LEVELS[band] * texture) + rng.normal(0, 60, built.shape)
    values += dict(zip(("blue", "green", "red"), make.air, strict=True)).get(band, 0)
    if day in make.snow_days:
        drift = np.sin(east / 31 + north / 53) * np.cos(north / 37 - east / 71)
        values = np.where((drift > -0.6) & (np.abs(east - LEFT - 500) > 40), SNOW, values)
    if make.gain is not None:
        return np.clip(np.rint(values * make.gain * 255 / 10_000), 1, 255).astype(np.uint8), transform
    return values.astype(np.uint16), transform


def write_catalog(folder: Path, make: Make) -> Path:
    """A static catalog of that make; the path of its first page."""
    folder.mkdir()
    items = [write_item(folder, make, day, number) for number, day in enumerate(make.days)]
    links = [{"rel": "item", "href": f"./{name}"} for name in items]
    page = {"type": "Catalog", "stac_version": "1.0.0", "id": "made", "description": "made", "links": links}
    (folder / "catalog.json").write_text(json.dumps(page))
    return folder / "catalog.json"


def write_item(folder: Path, make: Make, day: date, number: int) -> str:
    stem, assets = f"scene-{day}", {}
    for n, band in enumerate(make.bands):
        numbers, transform = scene_numbers(make, day, band, seed=100 * number + n)
        write_raster(folder / f"{stem}-{band}.tif", numbers, make.crs, transform)
        scale = 1e-4 if make.gain is None else 1 / make.gain / 255
        scaled = {} if make.is_radar else {"raster:bands": [{"scale": scale, "offset": 0, "nodata": 0}]}
        assets[band] = {"href": f"./{stem}-{band}.tif", **scaled}
    if make.has_scl:
        write_raster(folder / f"{stem}-scl.tif", np.full(numbers.shape, 5, np.uint8), make.crs, transform)
        assets["scl"] = {"href": f"./{stem}-scl.tif"}
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": stem,
        **({"collection": make.collection} if make.collection else {}),
        "geometry": mapping(ground().geometry),
        "bbox": ground().geometry.bounds,
        "properties": {"datetime": f"{day}T10:00:00Z", "platform": "sentinel-1a" if make.is_radar else "sentinel-2a"},
        "links": [],
        "assets": assets,
    }
    (folder / f"{stem}.json").write_text(json.dumps(item))
    return f"{stem}.json"


def write_raster(path: Path, numbers: np.ndarray, crs: str, transform: Affine) -> None:
    profile = {"driver": "GTiff", "count": 1, "dtype": numbers.dtype.name, "crs": crs, "transform": transform}
    with rasterio.open(path, "w", height=numbers.shape[0], width=numbers.shape[1], **profile) as dataset:
        dataset.write(numbers, 1)


def ground(area_id: str = "ground-1") -> Area:
    """The region to be watched."""
    return Area(area_id, AreaKind.REGION, to_lonlat(box(LEFT, TOP - SIDE, LEFT + SIDE, TOP), EPSG))


def bench_on(catalog: Path, made, outputs: Path, areas: Sequence[Area] = (ground(),)):
    outputs.mkdir()
    return made.Bench(outputs, tuple(areas), StacSource(catalog), "stac", history_days=400)


@pytest.fixture(scope="module")
def watched(request, made, tmp_path_factory):
    """A catalog of some make, watched to the end; its make, the outcome and the outputs."""
    folder = tmp_path_factory.mktemp("catalog")
    make = MAKES[request.param]
    bench = bench_on(write_catalog(folder / "catalog", make), made, folder / "outputs")
    return make, bench.watch(SINCE, UNTIL), bench


@pytest.mark.parametrize("watched", MAKES, indirect=True)
def test_every_make_of_catalog_runs_to_its_end_and_twice_the_same(watched):
    make, (outcome,), bench = watched
    assert (outcome.fetched, outcome.failed_scenes) == (len(make.days), ())
    record = bench.record()
    assert [o.week for o in record["observations"]] == list(weeks_between(SINCE, UNTIL))
    seen = [o for o in record["observations"] if o.scenes]
    assert len(seen) == len([day for day in make.days if day >= SINCE])
    assert all(o.seen_share > 0.9 for o in seen)
    (again,) = bench.watch(SINCE, UNTIL)
    assert (again.weeks, again.fetched) == (0, 0)
    assert bench.record() == record


FINDING = (
    "all bands",
    "red, green, blue",
    "no near infrared",
    "9 m in degrees",
    "European grid",
    "vv and vh",
    "Level-1C",
    "Level-1C in true colour",
    "true colour of 8 bits",
)


@pytest.mark.parametrize("watched", FINDING, indirect=True)
def test_a_block_of_new_roofs_is_found_whatever_the_catalog(watched):
    _, _, bench = watched
    found = [event["properties"] for event in bench.record()["alerts"]]
    (properties,) = [p for p in found if (p["change"], p["state"]) == ("construction", "confirmed")]
    assert properties["kind"] == "new-suspect-site"
    assert BUILT_ON <= date.fromisoformat(properties["first_seen"]) <= BUILT_ON + timedelta(days=31)
    assert 0.5 * 19_600 < properties["area_m2"] < 1.6 * 19_600


def test_an_area_that_the_catalog_does_not_cover_fails_and_says_so(tmp_path, made):
    few = replace(MAKES["two scenes"], bands=("red",))
    elsewhere = replace(ground("far-off"), geometry=to_lonlat(box(LEFT, 5_000_000, LEFT + 300, 5_000_300), EPSG))
    catalog = write_catalog(tmp_path / "catalog", few)
    with_items_of_another_satellite(catalog, 3)
    bench = bench_on(catalog, made, tmp_path / "outputs", [elsewhere])
    with pytest.raises(
        ImageryError, match=r"area `far-off`: no scene between .* check that the catalog covers"
    ) as error:
        bench.watch(SINCE, UNTIL)
    assert "not used, collection `other`, Level-1: 3 items, of another satellite (landsat)" in str(error.value)


def with_items_of_another_satellite(catalog: Path, count: int) -> None:
    """The catalog lists so many more items, copies of its first."""
    page = json.loads(catalog.read_text())
    item = json.loads((catalog.parent / page["links"][0]["href"]).read_text())
    said = item["properties"] | {"platform": "landsat-8", "processing:level": "L1"}
    for number in range(count):
        other = item | {"id": f"other-{number}", "collection": "other", "properties": said}
        (catalog.parent / f"other-{number}.json").write_text(json.dumps(other))
        page["links"].append({"rel": "item", "href": f"./other-{number}.json"})
    catalog.write_text(json.dumps(page))


def test_what_a_catalog_holds_beside_is_told_and_the_watch_goes_on(made, tmp_path):
    make = MAKES["two scenes"]
    catalog = write_catalog(tmp_path / "catalog", make)
    with_items_of_another_satellite(catalog, 2)
    bench = bench_on(catalog, made, tmp_path / "outputs")
    (outcome,) = bench.watch(date(2024, 5, 6), date(2024, 5, 12))
    assert outcome.fetched == 2
    assert unused_kinds([outcome, outcome]) == {
        "collection `other`, Level-1": "2 items, of another satellite (landsat)"
    }


WINTER = tuple(day for day in EVERY_TEN_DAYS if SNOW_DAYS[0] <= day <= SNOW_DAYS[1])


@pytest.mark.parametrize(
    "make",
    [
        Make(bands=("blue", "green", "red"), collection="sentinel-2-l1c", air=AIR, snow_days=WINTER),
        Make(bands=("blue", "green", "red"), gain=2.5, snow_days=WINTER),
    ],
    ids=["Level-1C", "8 bits"],
)
def test_snow_that_melts_is_told_as_nothing_by_red_green_and_blue_alone(make, made, tmp_path):
    assert len(WINTER) >= 4
    make = replace(make, days=tuple(day for day in EVERY_TEN_DAYS if day < BUILT_ON or day in WINTER))
    bench = bench_on(write_catalog(tmp_path / "catalog", make), made, tmp_path / "outputs")
    (outcome,) = bench.watch(SINCE, UNTIL)
    assert outcome.fetched == len(make.days)
    assert bench.record()["alerts"] == []
