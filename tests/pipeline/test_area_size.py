"""An area that memory cannot hold is refused before anything is fetched, with what to do."""

from __future__ import annotations

import pytest
from shapely.geometry import box

from aois.area import Area, AreaError, AreaKind
from aois.grid import grid_of
from flows.pipeline import area_size
from flows.pipeline.area_size import check_memory, large_areas


def region(side_degrees: float) -> Area:
    return Area(
        id="big",
        name="A region at sea",
        kind=AreaKind.REGION,
        geometry=box(100.0, 8.0, 100.0 + side_degrees, 8.0 + side_degrees),
    )


def test_a_town_is_watched_on_a_laptop():
    area = region(0.2)
    check_memory(area, grid_of(area), memory_bytes=2_000_000_000)


def test_a_whole_tile_is_not():
    area = region(0.9)
    with pytest.raises(
        AreaError, match=r"area `big`: 9\d million pixels take some \d+\.\d GB.* has 8.0 GB; draw it as several"
    ):
        check_memory(area, grid_of(area), memory_bytes=8_000_000_000)


def test_towns_watched_at_the_same_time_share_the_memory():
    town = region(0.2)
    check_memory(town, grid_of(town), at_once=1, memory_bytes=1_500_000_000)
    mend = r"2 such areas at the same time 2\.\d GB; this machine has 1\.5 GB; set SITEWATCH_WORKERS=1, or draw it"
    with pytest.raises(AreaError, match=mend):
        check_memory(town, grid_of(town), at_once=2, memory_bytes=1_500_000_000)


def test_after_one_scene_a_town_takes_more():
    town = region(0.2)
    check_memory(town, grid_of(town), is_after_one_scene=True, memory_bytes=4_000_000_000)
    mend = r"3\.\d GB of memory where at most two scenes .* set an earlier --since .* or draw it as several regions"
    with pytest.raises(AreaError, match=mend):
        check_memory(town, grid_of(town), is_after_one_scene=True, memory_bytes=2_000_000_000)


def test_sites_beside_a_town_take_none_of_its_memory():
    assert large_areas([region(0.2), *[region(0.01)] * 9]) == 1
    assert large_areas([region(0.2)] * 3) == 3
    assert large_areas([region(0.01)]) == 1


def test_in_a_container_its_own_limit_counts(tmp_path, monkeypatch):
    town, yard = region(0.2), region(0.01)
    monkeypatch.setattr(area_size, "_CONTAINER_LIMIT", tmp_path / "memory.max")
    check_memory(town, grid_of(town))
    (tmp_path / "memory.max").write_text("max\n")
    check_memory(town, grid_of(town))
    (tmp_path / "memory.max").write_text("500000000\n")
    with pytest.raises(AreaError, match=r"this machine has 0\.5 GB"):
        check_memory(town, grid_of(town))
    check_memory(yard, grid_of(yard))
