"""Pictures by rio-tiler show what the report shows, and tiles lie where the ground lies."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from morecantile import tms
from PIL import Image

from aois.grid import grid_of
from flows.desk.backend.case_pages import CASE
from flows.desk.drawing import drawn, drawn_tile
from flows.desk.errors import DeskError
from flows.desk.inputs import PictureSource
from flows.evidence.outlines import footprint_of
from flows.evidence.rasters import Layer, write_rasters
from flows.imagery.archive.store import Archive
from flows.ledger import open_ledger
from flows.reports.data.scene_stack import crop_around
from flows.reports.data.week import view_in_full


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


@pytest.fixture(scope="module")
def said(prepared: Path) -> dict[str, PictureSource]:
    (path,) = (prepared / "desk" / "cases" / "heron").glob("*/ev-a1.json")
    return dict(CASE.validate_json(path.read_bytes()).pictures)


@pytest.fixture(scope="module")
def reported(prepared: Path) -> dict[str, Any]:
    """The chips of the report for the same case."""
    with open_ledger(f"sqlite:///{prepared / 'ledger.sqlite'}") as ledger:
        area = ledger.areas()[0]
        week = ledger.observations()[-1].week
        archive = Archive(prepared / "archive")
        view = view_in_full(area, week, ledger=ledger, archive=archive, source_name="simulated", issued={})
    event = next(event for event in view.events if event.event_id == "ev-a1")
    pairs = {"main": (event.before, event.after)} | {pair.kind: (pair.before, pair.after) for pair in event.more}
    chips = {
        f"{kind}-{when}": c for kind, two in pairs.items() for when, c in zip(("before", "after"), two, strict=True)
    }
    return chips | {f"thumb-{i}": chip for i, chip in enumerate(event.thumbs)}


def test_every_picture_of_the_report_is_drawn_again_alike(
    said: dict[str, PictureSource], reported: dict[str, Any]
) -> None:
    assert set(said) == {name for name, chip in reported.items() if chip is not None}
    assert {"main-before", "main-after", "radar-after", "false-nir-after", "thumb-0"} <= set(said)
    for name, picture in said.items():
        again, chip = pixels(drawn(picture)), reported[name].rgb
        assert again.shape[:2] == chip.shape[:2], name
        seen = again[..., 3] > 0
        assert seen.mean() > 0.5, name
        away = np.abs(again[..., :3].astype(int) - chip)[seen]
        assert np.median(away) <= 1, name
        assert np.percentile(away, 99) <= 4, name


def test_tiles_are_filled_where_the_area_lies_and_empty_elsewhere(
    said: dict[str, PictureSource], prepared: Path
) -> None:
    with open_ledger(f"sqlite:///{prepared / 'ledger.sqlite'}") as ledger:
        area = ledger.areas()[0]
    bounds = grid_of(area).bounds_lonlat
    here = tms.get("WebMercatorQuad").tile((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, 14)
    assert pixels(drawn_tile(said["main-after"], here.x, here.y, 14))[..., 3].any()
    assert not pixels(drawn_tile(said["main-after"], 0, 0, 14))[..., 3].any()
    assert pixels(drawn_tile(said["radar-after"], here.x, here.y, 14))[..., 3].any()


def test_tiles_of_findings_have_the_colours_of_the_classes(prepared: Path, tmp_path: Path) -> None:
    with open_ledger(f"sqlite:///{prepared / 'ledger.sqlite'}") as ledger:
        area = ledger.areas()[0]
        found = ledger.events("heron")[0]
    grid = grid_of(area)
    classes = footprint_of(found.ground, grid).astype(np.uint8)
    score = np.full(grid.shape, 30.0, np.float32)
    layers = (Layer("change", classes, 0, "classes"), Layer("score", score, float("nan"), "score"))
    change, scores = write_rasters(layers, grid, tmp_path)
    west, south, east, north = grid.bounds_lonlat
    here = tms.get("WebMercatorQuad").tile((west + east) / 2, (south + north) / 2, 12)
    tile = pixels(drawn_tile(change, here.x, here.y, 12))
    assert {tuple(colour) for colour in tile[tile[..., 3] > 0].tolist()} == {(29, 79, 124, 255)}
    tile = pixels(drawn_tile(scores, here.x, here.y, 12))
    assert set(tile[tile[..., 3] > 0][:, 0].tolist()) == {127}


def test_a_damaged_file_is_named_with_its_mend(said: dict[str, PictureSource], tmp_path: Path) -> None:
    broken, missing = tmp_path / "scene.tif", tmp_path / "x"
    broken.write_bytes(b"no raster")
    own = hashlib.sha256(b"no raster").hexdigest()
    picture = said["main-after"]
    for given in (replace(picture, files=(broken,), digests=(own,)), replace(picture, files=(missing,))):
        with pytest.raises(DeskError, match=r"cannot be drawn.*restore it from a copy"):
            drawn(given)
        with pytest.raises(DeskError, match="cannot be drawn"):
            drawn_tile(given, 0, 0, 1)


def test_a_file_that_is_not_what_was_archived_is_not_drawn(said: dict[str, PictureSource], tmp_path: Path) -> None:
    """A scene that somebody mirrored left to right is a good raster, and not the one on record."""
    picture = said["main-after"]
    with rasterio.open(picture.files[0]) as source:
        profile, bands, names = source.profile, source.read(), source.descriptions
    mirrored = tmp_path / picture.files[0].name
    with rasterio.open(mirrored, "w", **profile) as target:
        target.write(bands[:, :, ::-1])
        target.descriptions = names
    for draw in (drawn, lambda given: drawn_tile(given, 0, 0, 1)):
        with pytest.raises(DeskError, match=r"differs from the file that was archived.*restore it from a copy"):
            draw(replace(picture, files=(mirrored, *picture.files[1:])))


def test_a_band_that_is_lacking_is_the_mean_of_the_others(said: dict[str, PictureSource]) -> None:
    picture = said["main-after"]
    lacking = pixels(drawn(replace(picture, bands=("red", "purple", "blue"), limits=((0.0, 1.0),) * 3)))
    whole = pixels(drawn(replace(picture, limits=((0.0, 1.0),) * 3)))
    assert np.array_equal(lacking[..., [0, 2]], whole[..., [0, 2]])
    assert (lacking[..., 1] <= lacking[..., [0, 2]].max(axis=-1)).all()


def test_cropping_is_that_of_the_report(said: dict[str, PictureSource], prepared: Path) -> None:
    with open_ledger(f"sqlite:///{prepared / 'ledger.sqlite'}") as ledger:
        area, found = ledger.areas()[0], next(e for e in ledger.events("heron") if e.event_id == "ev-a1")
    rows, columns = crop_around(footprint_of(found.ground, grid_of(area)))
    assert said["main-after"].shape == (rows.stop - rows.start, columns.stop - columns.start)
