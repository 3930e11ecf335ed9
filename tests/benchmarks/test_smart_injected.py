"""The programme's figures on truth that was put into real scenes, and went through files in its format."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import series
from buildings import real_change
from replay import watch
from scipy import ndimage
from shapely.geometry import box
from smart_truth import BUILT, NONE, OVER, PREPARED

from detectors.footprint import footprint_in
from detectors.sensitivity.injection import Injected, block, injected
from flows.benchmark.annotations import read_region
from flows.benchmark.scoring import RegionScore, score_region
from flows.evidence.outlines import outline_of
from flows.pipeline.detector_outputs import event_record_of
from flows.records.site_models import RegionModel, SiteModel, SiteObservation
from flows.reports.site_models import site_models_of, write_site_models

SINCE, UNTIL = date(2019, 1, 7), date(2020, 6, 28)
BUILT_ON, OVER_ON = date(2019, 5, 1), date(2020, 2, 1)
REGION_ID, LARGE_PX, RIM_PX = "XX_R001", 150, 14


def scored(folder: Path, *, is_put_in: bool) -> RegionScore:
    """A watch over real scenes, into which a hall was put or not, scored against a hall."""
    acquisitions, grid = series.real_series("romania"), series.grid_over("romania")
    shape = series.shape_of(acquisitions)
    taken = real_change(acquisitions, SINCE, UNTIL) | ~series.measured(acquisitions)
    free = np.argwhere(~ndimage.binary_dilation(np.pad(taken[1:-1, 1:-1], 1, constant_values=True), iterations=RIM_PX))
    row, column = map(float, free[len(free) // 2])
    share = block(shape, (row, column), LARGE_PX, mixing=0.9, rng=np.random.default_rng(0))
    hall = Injected("building", "metal", share, BUILT_ON, 0)
    seen = watch(injected(acquisitions, [hall] if is_put_in else []), since=SINCE, until=UNTIL)
    outline = outline_of(footprint_in(share > 0.45), grid)
    monthly = [(date(2019, month, 1), BUILT) for month in range(6, 13)]  # as often as annotators looked
    days = ((SINCE, NONE), (BUILT_ON, PREPARED), *monthly, (OVER_ON, OVER))
    looks = tuple(SiteObservation(day, (phase,), outline) for day, phase in days)
    true = SiteModel(f"{REGION_ID}_0001", REGION_ID, "positive_annotated", outline, SINCE, OVER_ON, looks)
    write_site_models(folder, RegionModel(REGION_ID, box(*grid.bounds_lonlat), SINCE, UNTIL), [true])
    records = [event_record_of(e, area_id="wood", grid=grid, is_simulated=False).event for e in seen.confirmed()]
    proposals = site_models_of(records, {}, region_id=REGION_ID, until=UNTIL)
    return score_region(*read_region(folder, REGION_ID), proposals)


@pytest.mark.benchmark
@pytest.mark.filterwarnings("ignore:All-NaN slice:RuntimeWarning")  # summers in which a pixel was never seen
@pytest.mark.skipif(not series.is_there(), reason="the real archives are not beside this checkout")
def test_a_hall_put_into_real_scenes_is_found_and_none_where_none_was_put(tmp_path: Path) -> None:
    found, missed = (scored(tmp_path / str(is_put_in), is_put_in=is_put_in) for is_put_in in (True, False))
    assert (found.true_positives, found.missed, found.tpr) == (1, 0, 1.0)
    assert (missed.true_positives, missed.missed, missed.tpr) == (0, 1, 0.0)
    (error,) = found.start_errors
    assert -60 <= error <= 60, "days between the true and the told beginning"
