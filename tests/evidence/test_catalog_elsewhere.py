"""What programs of others make of the catalog: stac-validator finds no fault, odc-stac loads the same pixels.

No network: the schemas of STAC itself are those that pystac ships. Those of the extensions are in ``data``,
which restates their rules for the fields that the catalog has.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_specifications
import numpy as np
import odc.stac
import pystac
import pytest
import rasterio
from catalogued import AREAS, GRID, WEEKS
from pystac.validation import jsonschemas
from stac_validator.stac_validator import StacValidate

from flows.evidence.catalog import SceneFile, write_catalog, write_scenes

SHIPPED = (
    *Path(jsonschemas.__path__[0]).rglob("*.json"),
    Path(jsonschema_specifications.__file__).parent / "schemas" / "draft7" / "metaschema.json",
)
RESTATED = tuple((Path(__file__).parent / "data").glob("*.json"))


def schema_map() -> dict[str, str]:
    """Where each schema lies, by its address."""
    found = {}
    for path in (*SHIPPED, *RESTATED):
        found[json.loads(path.read_text(encoding="utf-8"))["$id"].rstrip("#")] = str(path)
    spec = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema"
    return found | {f"{spec}/common.json": found[f"{spec}/commonjson"]}  # as its other files call it


def validated(root: Path) -> list[dict[str, Any]]:
    """What stac-validator says of the catalog, and of each file that it leads to until one is wrong."""
    validator = StacValidate(str(root), recursive=True, schema_map=schema_map())
    validator.run()
    return validator.message


@pytest.fixture
def whole(catalog: Path, scenes: list[SceneFile]) -> Path:
    """The catalog with scenes in it."""
    write_scenes(catalog.parent, "yard", GRID, scenes)
    return write_catalog(catalog.parent, AREAS, software={"sitewatch": "1"})


def test_the_validator_finds_no_fault(whole: Path) -> None:
    told = validated(whole)
    assert [one for one in told if not one["valid_stac"]] == []
    assert len(told) == 1 + 2 * (1 + 1 + len(WEEKS)) + 2 * 2, "the root, two areas, and two collections of scenes"


def without(*keys: str) -> Callable[[dict[str, Any]], object]:
    def change(content: dict[str, Any]) -> object:
        for key in keys[:-1]:
            content = content[key]
        return content.pop(keys[-1])

    return change


def with_value(value: Any, *keys: str) -> Callable[[dict[str, Any]], object]:
    def change(content: dict[str, Any]) -> object:
        for key in keys[:-1]:
            content = content[key]
        return content.update({keys[-1]: value})

    return change


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("collection.json", without("license")),
        ("collection.json", with_value([{"name": "nobody", "roles": ["host"]}], "providers")),
        ("2026-11-15/item.json", with_value("yesterday", "properties", "datetime")),
        ("2026-11-15/item.json", with_value("32631", "properties", "proj:code")),
        ("2026-11-15/item.json", with_value([20, 30, 1], "properties", "proj:shape")),
        ("2026-11-15/item.json", with_value("SHA", "assets", "score", "file:checksum")),
        ("2026-11-15/item.json", with_value([{"value": 1}], "assets", "change", "classification:classes")),
        ("2026-11-15/item.json", with_value("1", "properties", "processing:software")),
        ("scenes/sentinel-2_20261105T0330-bb.json", with_value([{"raster:scale": "x"}], "assets", "bands", "bands")),
    ],
)
def test_the_validator_would_find_one(whole: Path, file: str, change: Callable[[dict[str, Any]], object]) -> None:
    path = whole.parent / "areas" / "yard" / file
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content))
    assert [Path(one["path"]).resolve() for one in validated(whole) if not one["valid_stac"]] == [path.resolve()]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:odc")
def test_odc_stac_loads_the_same_pixels(whole: Path) -> None:
    collection = pystac.Catalog.from_file(str(whole)).get_child("yard").get_child("yard-changes")
    loaded = odc.stac.load(list(collection.get_items()), bands=["score", "change", "first_seen"])
    assert [str(day)[:10] for day in loaded.time.values] == list(WEEKS)
    assert loaded.odc.crs.to_epsg() == GRID.epsg
    assert loaded.odc.geobox.transform == GRID.transform
    for name in ("score", "change", "first_seen"):
        for number, week in enumerate(WEEKS):
            with rasterio.open(whole.parent / "areas" / "yard" / week / f"{name}.tif") as file:
                assert loaded[name].dtype == file.dtypes[0]
                np.testing.assert_array_equal(loaded[name].values[number], file.read(1))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:odc")
def test_odc_stac_loads_scenes_too(whole: Path, scenes: list[SceneFile]) -> None:
    collection = pystac.Catalog.from_file(str(whole)).get_child("yard").get_child("yard-sentinel-2")
    loaded = odc.stac.load(list(collection.get_items()), bands=["bands.1", "bands.2"])
    with rasterio.open(scenes[1].path) as file:
        np.testing.assert_array_equal(loaded["bands.2"].values[0], file.read(2))
