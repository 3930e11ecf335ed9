"""The archive gives back what was put there, once and for all."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio

from aois.grid import Grid
from flows.imagery.archive.index import INDEX_NAME
from flows.imagery.archive.store import INCOMING_NAME, Archive, grid_digest
from flows.imagery.scene import ImageryError, Provenance, Scene, Sensor

BANDS = ("blue", "green", "red", "nir")
FROM = Provenance(
    source="stac",
    item_ids=("item-1", "item-2"),
    request="stac “somewhere” <&>",
    processing_baseline="05.09",
    offset_applied=-0.1,
    resolution_m=9.3,
    relative_orbit=18,
    orbit_direction="descending",
)


def optical(grid: Grid, *, day: int = 0, seed: int = 0, has_scl: bool = True) -> Scene:
    """A scene of random reflectance with a hole; each day another."""
    rng = np.random.default_rng((seed, day))
    pixels = rng.uniform(-0.1, 1.2, (len(BANDS), *grid.shape)).astype(np.float32)
    valid = np.ones(grid.shape, bool)
    valid[2:5, 3:9] = False
    pixels[:, ~valid] = np.nan
    acquired = datetime(2023, 1, 1, 3, 4, 5, 678_000, tzinfo=UTC) + timedelta(days=day)
    scl = rng.integers(0, 12, grid.shape).astype(np.uint8) if has_scl else None
    scene_id = f"sentinel-2_{acquired:%Y%m%dT%H%M%S}"
    return Scene(scene_id, Sensor.SENTINEL_2, acquired, BANDS, pixels, valid, scl, FROM)


def radar(grid: Grid) -> Scene:
    pixels = np.random.default_rng(5).gamma(4.4, 0.02, (2, *grid.shape)).astype(np.float32)
    acquired = datetime(2023, 1, 1, tzinfo=UTC)
    where = replace(FROM, offset_applied=None, processing_baseline=None)
    valid = np.ones(grid.shape, bool)
    return Scene(
        "sentinel-1_20230101T000000_r18", Sensor.SENTINEL_1, acquired, ("vv", "vh"), pixels, valid, None, where
    )


def assert_same(one: Scene, other: Scene) -> None:
    assert replace(one, pixels=None, valid=None, scl=None) == replace(other, pixels=None, valid=None, scl=None)
    assert (one.pixels.dtype, one.valid.dtype) == (other.pixels.dtype, other.valid.dtype) == (np.float32, bool)  # type: ignore[comparison-overlap]
    np.testing.assert_array_equal(one.pixels, other.pixels)
    np.testing.assert_array_equal(one.valid, other.valid)
    np.testing.assert_array_equal(one.scl, other.scl)


def files(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def only_tif(root: Path) -> Path:
    (path,) = root.rglob("*.tif")
    return path


@pytest.mark.parametrize("has_scl", [True, False])
def test_an_optical_scene_comes_back_to_a_ten_thousandth(tmp_path: Path, grid: Grid, has_scl: bool) -> None:
    scene = optical(grid, has_scl=has_scl)
    stored = Archive(tmp_path).put("sea-1", "stac", grid, scene)
    np.testing.assert_allclose(stored.pixels, scene.pixels, atol=5.1e-5)
    np.testing.assert_array_equal(stored.valid, scene.valid)
    np.testing.assert_array_equal(stored.scl, scene.scl)
    assert (stored.scl is None) is not has_scl
    assert (stored.scene_id, stored.sensor, stored.acquired) == (scene.scene_id, scene.sensor, scene.acquired)
    assert (stored.bands, stored.provenance) == (scene.bands, scene.provenance)


def test_radar_comes_back_bit_for_bit(tmp_path: Path, grid: Grid) -> None:
    scene = radar(grid)
    stored = Archive(tmp_path).put("sea-1", "stac", grid, scene)
    assert_same(replace(stored, sha256=""), scene)


def test_what_put_returns_is_what_get_returns_then_and_in_another_run(tmp_path: Path, grid: Grid) -> None:
    archive = Archive(tmp_path)
    stored = archive.put("sea-1", "stac", grid, optical(grid))
    assert_same(archive.get("sea-1", "stac", grid, stored.scene_id), stored)
    assert_same(Archive(tmp_path).get("sea-1", "stac", grid, stored.scene_id), stored)
    assert stored.sha256 == hashlib.sha256(only_tif(tmp_path).read_bytes()).hexdigest()


def test_an_archived_scene_put_again_elsewhere_keeps_its_bytes(tmp_path: Path, grid: Grid) -> None:
    first = Archive(tmp_path / "a").put("sea-1", "stac", grid, optical(grid))
    second = Archive(tmp_path / "b").put("sea-1", "stac", grid, first)
    assert second.sha256 == first.sha256


def test_reflectance_outside_the_stored_range_is_cut_off_and_the_lowest_kept(tmp_path: Path, grid: Grid) -> None:
    scene = optical(grid)
    scene.pixels[:, 0, 0], scene.pixels[:, 0, 1], scene.pixels[:, 0, 2] = -0.1, 6.4534, 9.9
    stored = Archive(tmp_path).put("sea-1", "stac", grid, scene)
    np.testing.assert_allclose(stored.pixels[:, 0, :3], [[-0.1, 6.4534, 6.4534]] * len(BANDS), atol=1e-6)
    assert stored.valid[0, :3].all()


def test_a_pixel_is_valid_where_every_band_is(tmp_path: Path, grid: Grid) -> None:
    scene = optical(grid)
    scene.pixels[2, 20, 20] = np.nan
    scene.valid[21, 21] = False
    stored = Archive(tmp_path).put("sea-1", "stac", grid, scene)
    for row, column in ((20, 20), (21, 21)):
        assert not stored.valid[row, column]
        assert np.isnan(stored.pixels[:, row, column]).all()


def test_two_archives_hold_the_same_bytes(tmp_path: Path, grid: Grid) -> None:
    for name in ("a", "b"):
        archive = Archive(tmp_path / name)
        archive.put("sea-1", "stac", grid, optical(grid))
        archive.put("sea-1", "stac", grid, radar(grid))
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert len(list((tmp_path / "a").rglob("*.tif"))) == 2


def test_the_file_is_a_geotiff_that_other_programs_read(tmp_path: Path, grid: Grid) -> None:
    stored = Archive(tmp_path).put("sea-1", "stac", grid, optical(grid))
    path = only_tif(tmp_path)
    assert path.parent.relative_to(tmp_path).as_posix() == f"sea-1/stac-{grid_digest(grid)}"
    assert path.name == f"{stored.scene_id}-{stored.sha256[:12]}.tif"
    with rasterio.open(path) as dataset:
        assert dataset.crs.to_epsg() == grid.epsg
        assert dataset.transform == grid.transform
        assert dataset.descriptions == (*BANDS, "scl")
        assert set(dataset.block_shapes) == {(32, 48)}
        numbers = dataset.read(masked=True)
        measured = numbers * np.reshape(dataset.scales, (-1, 1, 1)) + np.reshape(dataset.offsets, (-1, 1, 1))
    np.testing.assert_array_equal(numbers.mask[:4], ~np.broadcast_to(stored.valid, stored.pixels.shape))
    np.testing.assert_allclose(measured[:4].filled(np.nan), stored.pixels, atol=1e-6)
    np.testing.assert_array_equal(measured[4], stored.scl)


def test_the_same_scene_twice_changes_nothing(tmp_path: Path, grid: Grid) -> None:
    archive = Archive(tmp_path)
    first = archive.put("sea-1", "stac", grid, optical(grid))
    before = files(tmp_path)
    assert_same(archive.put("sea-1", "stac", grid, optical(grid)), first)
    assert files(tmp_path) == before


def test_other_content_for_a_scene_keeps_and_returns_the_first(tmp_path: Path, grid: Grid) -> None:
    first = Archive(tmp_path).put("sea-1", "stac", grid, optical(grid))
    before = files(tmp_path)
    assert_same(Archive(tmp_path).put("sea-1", "stac", grid, optical(grid, seed=9)), first)
    assert files(tmp_path) == before


def test_areas_sources_and_grids_do_not_mix(tmp_path: Path, grid: Grid) -> None:
    archive = Archive(tmp_path)
    scene_id = archive.put("sea-1", "stac", grid, optical(grid)).scene_id
    moved = replace(grid, left=grid.left + 10)
    assert archive.has("sea-1", "stac", grid, scene_id)
    for other in (("sea-2", "stac", grid), ("sea-1", "simulated", grid), ("sea-1", "stac", moved)):
        assert not archive.has(*other, scene_id)
        assert archive.list(*other) == []


def test_the_list_is_in_order_and_does_not_open_the_files(tmp_path: Path, grid: Grid) -> None:
    archive = Archive(tmp_path)
    for day in (5, 1, 3):
        archive.put("sea-1", "stac", grid, optical(grid, day=day))
    archive.put("sea-1", "stac", grid, radar(grid))
    for path in tmp_path.rglob("*.tif"):
        path.write_bytes(b"")
    listed = Archive(tmp_path).list("sea-1", "stac", grid)
    assert [entry.acquired.day for entry in listed] == [1, 2, 4, 6]
    assert [entry.sensor for entry in listed] == [Sensor.SENTINEL_1, *[Sensor.SENTINEL_2] * 3]
    assert listed[1].acquired == optical(grid, day=1).acquired
    assert all(entry.path.name == f"{entry.scene_id}-{entry.sha256[:12]}.tif" for entry in listed)


def test_a_scene_that_is_not_there_says_so(tmp_path: Path, grid: Grid) -> None:
    with pytest.raises(ImageryError, match=r"scene `sentinel-2_x` is not in the archive at .*sea-1"):
        Archive(tmp_path).get("sea-1", "stac", grid, "sentinel-2_x")


@pytest.mark.parametrize("keep", [0.5, 0.0, 1.0])
def test_a_damaged_file_is_refused(tmp_path: Path, grid: Grid, keep: float) -> None:
    archive = Archive(tmp_path)
    scene_id = archive.put("sea-1", "stac", grid, optical(grid)).scene_id
    content = bytearray(only_tif(tmp_path).read_bytes())
    content[-1] ^= 1
    only_tif(tmp_path).write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(ImageryError, match=r"archived scene .*\.tif is damaged: SHA-256 .*restore it"):
        archive.get("sea-1", "stac", grid, scene_id)


def test_a_file_moved_away_is_fetched_again(tmp_path: Path, grid: Grid) -> None:
    archive = Archive(tmp_path)
    stored = archive.put("sea-1", "stac", grid, optical(grid))
    only_tif(tmp_path).unlink()
    assert not archive.has("sea-1", "stac", grid, stored.scene_id)
    assert archive.list("sea-1", "stac", grid) == []
    assert_same(archive.put("sea-1", "stac", grid, optical(grid)), stored)


def test_an_archive_that_was_cleared_meanwhile_fills_again(tmp_path: Path, grid: Grid) -> None:
    archive = Archive(tmp_path / "archive")
    for day in range(3):
        archive.put("sea-1", "stac", grid, optical(grid, day=day))
    shutil.rmtree(tmp_path / "archive")
    assert archive.list("sea-1", "stac", grid) == []
    for day in (1, 4):
        archive.put("sea-1", "stac", grid, optical(grid, day=day))
    assert [entry.acquired.day for entry in archive.list("sea-1", "stac", grid)] == [2, 5]


def test_a_lost_index_is_built_again(tmp_path: Path, grid: Grid) -> None:
    archive = Archive(tmp_path)
    for day in range(3):
        archive.put("sea-1", "stac", grid, optical(grid, day=day))
    before = archive.list("sea-1", "stac", grid)
    next(tmp_path.rglob(INDEX_NAME)).unlink()
    kept = Archive(tmp_path).put("sea-1", "stac", grid, optical(grid, day=1, seed=9))
    assert kept.sha256 == before[1].sha256
    assert Archive(tmp_path).list("sea-1", "stac", grid) == before


def test_a_torn_line_and_a_stale_temporary_file_do_no_harm(tmp_path: Path, grid: Grid) -> None:
    Archive(tmp_path).put("sea-1", "stac", grid, optical(grid))
    index = next(tmp_path.rglob(INDEX_NAME))
    line = index.read_text().strip()
    index.write_text(f"{line}\n{line[:40]}")
    (index.parent / INCOMING_NAME).write_bytes(b"half a scene")
    archive = Archive(tmp_path)
    archive.put("sea-1", "stac", grid, optical(grid, day=1))
    assert len(archive.list("sea-1", "stac", grid)) == 2
    assert len(Archive(tmp_path).list("sea-1", "stac", grid)) == 2
    assert not (index.parent / INCOMING_NAME).exists()
    assert sum("scene_id" in text and text.endswith("}") for text in index.read_text().splitlines()) == 2


def test_a_line_whose_file_never_came_does_not_count(tmp_path: Path, grid: Grid) -> None:
    Archive(tmp_path).put("sea-1", "stac", grid, optical(grid))
    index = next(tmp_path.rglob(INDEX_NAME))
    said = json.loads(index.read_text())
    scene = optical(grid, day=7)
    ghost = said | {"scene_id": scene.scene_id, "file": f"{scene.scene_id}-000000000000.tif"}
    with index.open("a") as lines:
        lines.write(json.dumps(ghost) + "\n")
    archive = Archive(tmp_path)
    assert not archive.has("sea-1", "stac", grid, scene.scene_id)
    assert len(archive.list("sea-1", "stac", grid)) == 1
    assert archive.put("sea-1", "stac", grid, scene).acquired == scene.acquired


def test_a_foreign_file_in_the_folder_is_named(tmp_path: Path, grid: Grid) -> None:
    Archive(tmp_path).put("sea-1", "stac", grid, optical(grid))
    only_tif(tmp_path).with_name("holiday.tif").write_bytes(b"sun")
    with pytest.raises(ImageryError, match=r"holiday\.tif is not an archived scene"):
        Archive(tmp_path).list("sea-1", "stac", grid)


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a\nb"])
def test_a_name_that_would_leave_the_folder_is_refused(tmp_path: Path, grid: Grid, name: str) -> None:
    archive = Archive(tmp_path / "archive")
    for area_id, source, scene_id in ((name, "stac", "x"), ("sea-1", name, "x"), ("sea-1", "stac", name)):
        with pytest.raises(ImageryError, match="cannot name a file"):
            archive.put(area_id, source, grid, replace(optical(grid), scene_id=scene_id))
    assert not (tmp_path / "archive").exists()


def test_a_scene_that_does_not_fit_is_refused(tmp_path: Path, grid: Grid) -> None:
    scene = optical(grid)
    with pytest.raises(ImageryError, match="do not fit"):
        Archive(tmp_path).put("sea-1", "stac", replace(grid, width=41), scene)
    naive = replace(scene, acquired=scene.acquired.replace(tzinfo=None))
    with pytest.raises(ImageryError, match="has no time zone"):
        Archive(tmp_path).put("sea-1", "stac", grid, naive)


def test_threads_that_put_the_same_scene_agree_on_one(tmp_path: Path, grid: Grid) -> None:
    stored: list[str] = []

    def put(seed: int) -> None:
        archive = Archive(tmp_path)
        stored.extend(archive.put("sea-1", "stac", grid, optical(grid, day=day, seed=seed)).sha256 for day in range(4))

    threads = [threading.Thread(target=put, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stored) == 16
    assert len(set(stored)) == len(list(tmp_path.rglob("*.tif"))) == 4


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]
from conftest import GRID
from test_store import optical
from flows.imagery.archive.store import Archive
archive = Archive(Path(sys.argv[2]))
for day in range(2000):
    archive.put("sea-1", "stac", GRID, optical(GRID, day=day))
    print(day, flush=True)
"""


SUICIDE = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]
from conftest import GRID
from test_store import optical
from flows.imagery.archive.store import Archive
archive = Archive(Path(sys.argv[2]))
for day in range(3):
    archive.put("sea-1", "stac", GRID, optical(GRID, day=day))
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[3] == "written":
    os.fsync = die
else:
    Path.replace = die
archive.put("sea-1", "stac", GRID, optical(GRID, day=3))
"""


@pytest.mark.parametrize("moment", ["written", "listed"])
def test_a_kill_before_the_file_has_its_name_leaves_the_archive_as_it_was(
    tmp_path: Path, grid: Grid, moment: str
) -> None:
    command = [sys.executable, "-c", SUICIDE, str(Path(__file__).parent), str(tmp_path), moment]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert len(list(tmp_path.rglob(INCOMING_NAME))) == 1
    archive = Archive(tmp_path)
    assert [entry.acquired.day for entry in archive.list("sea-1", "stac", grid)] == [1, 2, 3]
    assert not archive.has("sea-1", "stac", grid, optical(grid, day=3).scene_id)
    other = archive.put("sea-1", "stac", grid, optical(grid, day=3, seed=9))
    assert [entry.sha256 for entry in Archive(tmp_path).list("sea-1", "stac", grid)][3] == other.sha256
    assert not list(tmp_path.rglob(INCOMING_NAME))


def test_a_kill_in_the_middle_leaves_only_whole_scenes(tmp_path: Path, grid: Grid) -> None:
    put = 0
    for wait_s in (0.0, 0.013, 0.027):
        command = [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(put + 3):
                writer.stdout.readline()
            time.sleep(wait_s)
            writer.kill()
            put = max(put + 3, *(int(line) + 1 for line in writer.stdout.read().split()), 0)
        archive = Archive(tmp_path)
        listed = archive.list("sea-1", "stac", grid)
        assert len(listed) >= put
        for day, entry in enumerate(listed):
            scene = archive.get("sea-1", "stac", grid, entry.scene_id)
            np.testing.assert_array_equal(scene.scl, optical(grid, day=day).scl)
        put = len(listed)
    assert not archive.has("sea-1", "stac", grid, optical(grid, day=put).scene_id)
    archive.put("sea-1", "stac", grid, optical(grid, day=put))
    assert len(archive.list("sea-1", "stac", grid)) == put + 1
