"""Who is believed about scale, offset and nodata."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.imagery.catalog_item import BandAsset, SceneItem
from flows.imagery.radiometry import StoredBand, calibration
from flows.imagery.scene import ImageryError, Sensor


def item(
    *, baseline: str | None = None, has_offset_removed: bool | None = None, sensor: Sensor = Sensor.SENTINEL_2
) -> SceneItem:
    return SceneItem(
        id="i",
        collection="c",
        sensor=sensor,
        acquired=datetime(2023, 1, 1, tzinfo=UTC),
        bounds=None,
        bands={},
        scl=None,
        processing_baseline=baseline,
        has_offset_removed=has_offset_removed,
        relative_orbit=None,
        orbit_direction=None,
    )


def asset(*, scale: float | None = None, offset: float | None = None, nodata: float | None = None) -> BandAsset:
    return BandAsset("blue", "blue.tif", 1, scale, offset, nodata)


def stored(
    dtype: str = "uint16", *, scale: float = 1.0, offset: float = 0.0, nodata: float | None = None
) -> StoredBand:
    return StoredBand(dtype, scale, offset, nodata)


@pytest.mark.parametrize(
    ("baseline", "offset"),
    [("04.00", -0.1), ("05.09", -0.1), ("0510", -0.1), ("N0400", -0.1), ("03.01", 0.0), ("02.14", 0.0), (None, 0.0)],
)
def test_raw_numbers_carry_the_offset_of_their_processing_baseline(baseline: str | None, offset: float) -> None:
    how = calibration(item(baseline=baseline), asset(), stored())
    assert (how.scale, how.offset) == (0.0001, offset)


def test_a_declared_offset_is_believed_before_the_baseline() -> None:
    assert calibration(item(baseline="05.00"), asset(scale=0.0001, offset=0.0), stored()).offset == 0.0
    removed = item(baseline="05.00", has_offset_removed=True)
    assert calibration(removed, asset(scale=0.0001, offset=0.0), stored()).offset == 0.0
    kept = item(baseline="05.00", has_offset_removed=False)
    assert calibration(kept, asset(scale=0.0001, offset=-0.1), stored()).offset == -0.1


@pytest.mark.parametrize(
    ("baseline", "has_offset_removed", "offset", "reason"),
    [
        ("05.00", True, -0.1, "says that it was taken off already"),
        ("05.00", False, 0.0, "processing baseline 05.00 has one, and it was not taken off"),
        ("03.01", None, -0.1, "processing baseline 03.01 has none"),
    ],
)
def test_an_item_that_contradicts_itself_about_the_offset_is_refused_with_the_reason(
    baseline: str, has_offset_removed: bool | None, offset: float, reason: str
) -> None:
    said = item(baseline=baseline, has_offset_removed=has_offset_removed)
    calls: tuple[dict[str, Any], ...] = (
        {"asset": asset(scale=0.0001, offset=offset), "stored": stored()},
        {"asset": asset(), "stored": stored(scale=0.0001, offset=offset)},
    )
    for where in calls:
        with pytest.raises(ImageryError, match=rf"item `i`: asset `blue` declares an offset of .*{reason}"):
            calibration(said, where["asset"], where["stored"])


def test_an_offset_that_was_removed_is_not_taken_off_again() -> None:
    assert calibration(item(baseline="05.00", has_offset_removed=True), asset(), stored()).offset == 0.0


def test_the_baseline_says_nothing_of_numbers_that_are_no_longer_raw() -> None:
    assert calibration(item(baseline="05.00"), asset(scale=0.001), stored()).offset == 0.0
    reflectance = calibration(item(baseline="05.00"), asset(), stored("float32"))
    assert (reflectance.scale, reflectance.offset) == (1.0, 0.0)


def test_the_file_is_believed_where_the_item_says_nothing() -> None:
    how = calibration(item(baseline="05.00"), asset(), stored(scale=0.0002, offset=0.05, nodata=7))
    assert (how.scale, how.offset, how.nodata) == (0.0002, 0.05, 7)
    how = calibration(item(), asset(scale=0.5, offset=1.0, nodata=3), stored(scale=0.0002, offset=0.05, nodata=7))
    assert (how.scale, how.offset, how.nodata) == (0.5, 1.0, 3)


def test_nodata_is_zero_for_whole_numbers_and_nan_for_floats_where_nobody_says() -> None:
    assert calibration(item(), asset(), stored()).nodata == 0.0
    assert math.isnan(calibration(item(), asset(), stored("float32")).nodata)


def test_a_nodata_value_that_the_file_cannot_hold_is_passed_over() -> None:
    assert calibration(item(), asset(nodata=-9999), stored(nodata=7)).nodata == 7
    assert calibration(item(), asset(nodata=math.nan), stored()).nodata == 0.0
    assert calibration(item(), asset(nodata=-9999), stored("int16")).nodata == -9999


def test_radar_in_linear_power_is_taken_as_it_is_and_amplitude_is_refused() -> None:
    radar = item(sensor=Sensor.SENTINEL_1, baseline="05.00")
    how = calibration(radar, asset(), stored("float32"))
    assert (how.scale, how.offset) == (1.0, 0.0)
    assert calibration(radar, asset(scale=0.001), stored()).scale == 0.001
    with pytest.raises(ImageryError, match=r"item `i`: asset `blue` holds uint16 numbers without a scale"):
        calibration(radar, asset(), stored())
