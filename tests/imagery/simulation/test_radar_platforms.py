"""Simulated radar of several satellites: off their place, brighter, and bad for a time, to order."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from pyproj import Transformer
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import grid_of, to_lonlat, utm_epsg
from detectors.preprocessing.registration import measure_shift
from flows.imagery.scene import ImageryError, Scene, Sensor
from flows.imagery.simulation.sensors.radar_platforms import RadarPlatform, passing
from flows.imagery.simulation.simulated_source import SimulatedSource

END = date(2026, 11, 22)
EPSG = utm_epsg(0.5, 0.8)
X, Y = Transformer.from_crs(4326, EPSG, always_xy=True).transform(0.5, 0.8)
AREA = Area("demo-quiet-town", AreaKind.SITE, to_lonlat(box(X, Y, X + 400, Y + 400), EPSG), margin_m=150.0)
GRID = grid_of(AREA)


def scenes(*platforms: RadarPlatform) -> list[Scene]:
    source = SimulatedSource(END, radar_platforms=platforms) if platforms else SimulatedSource(END)
    refs = source.search(AREA, GRID, since=date(2026, 3, 1), until=date(2026, 6, 10))
    return [source.fetch(AREA, GRID, ref) for ref in refs if ref.sensor is Sensor.SENTINEL_1]


def test_platforms_take_turns() -> None:
    two = scenes(RadarPlatform("sentinel-1a"), RadarPlatform("sentinel-1c"))
    names = [scene.provenance.platform for scene in two]
    assert set(names[::2]) | set(names[1::2]) == {"sentinel-1a", "sentinel-1c"}
    assert len(set(names[::2])) == len(set(names[1::2])) == 1
    assert {scene.provenance.platform for scene in scenes()} == {"sentinel-1a"}


@pytest.mark.parametrize("shift", [(1.0, 0.0), (-0.4, 0.3), (0.0, -2.0)])
def test_a_shift_moves_the_ground(shift: tuple[float, float]) -> None:
    before, after = scenes()[:4], scenes(RadarPlatform(shift_px=shift))[4:]
    one, other = (np.log(np.mean([k.pixels.mean(axis=0) for k in some], axis=0)) for some in (before, after))
    measured = measure_shift(one, other, clear=np.ones(GRID.shape, bool))
    assert (measured.dy, measured.dx) == pytest.approx(shift, abs=0.15)


def test_a_gain_brightens_and_changes_nothing_else() -> None:
    for plain, bright in zip(scenes(), scenes(RadarPlatform(gain_db=1.0)), strict=True):
        np.testing.assert_allclose(bright.pixels, plain.pixels * 10**0.1, rtol=1e-5)


def test_a_satellite_may_be_wrong_for_a_time() -> None:
    bad = RadarPlatform("sentinel-1c", last=date(2026, 3, 20), gain_db=-5.0)
    some = scenes(bad, RadarPlatform("sentinel-1c", first=date(2026, 3, 21)))
    for plain, seen in zip(scenes(), some, strict=True):
        factor = 10**-0.5 if seen.acquired.date() <= bad.last else 1.0
        np.testing.assert_allclose(seen.pixels, plain.pixels * factor, rtol=1e-5)


def test_what_cannot_be_simulated_is_refused() -> None:
    with pytest.raises(ImageryError, match="no simulated radar satellite is in service on 2026-03-01"):
        passing((RadarPlatform(first=date(2026, 3, 2)),), date(2026, 3, 1))
    with pytest.raises(ImageryError, match=r"5\.0 px off, and 3 px is the most"):
        passing((RadarPlatform(shift_px=(3.0, 4.0)),), date(2026, 3, 1))
