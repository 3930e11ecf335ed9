"""Change put into looks: where it is, it is there; everywhere else nothing has changed."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.sensitivity.injection import MATERIALS, RADAR_GAIN, SURROUNDINGS, Injected, block, injected, wall

DAY = date(2024, 6, 3)
SHAPE = (48, 48)
SHARES = block(SHAPE, (24.0, 24.0), 16, mixing=0.9, rng=np.random.default_rng(3))


def change(material="metal", *, since=DAY, lost=False, share=SHARES):
    return Injected("building", material, share, since, 5, lost)


def acquisitions(scenery, *, cloud=0.0):
    ground = scenery(shape=SHAPE)
    return (ground.optical(DAY - timedelta(5), cloud=cloud), ground.optical(DAY + timedelta(5), cloud=cloud))


@settings(deadline=None)
@given(
    pixels=st.integers(4, 60),
    row=st.floats(14, 34),
    column=st.floats(14, 34),
    mixing=st.floats(0.1, 1.0),
    seed=st.integers(0, 99),
)
def test_a_block_covers_what_it_says(pixels, row, column, mixing, seed):
    share = block(SHAPE, (row, column), pixels, mixing=mixing, rng=np.random.default_rng(seed))
    assert share.sum() == pytest.approx(mixing * pixels, rel=0.12)
    assert share.min() >= 0.0
    assert share.max() <= mixing + 1e-6


def test_a_block_over_the_edge_is_cut_off():
    share = block(SHAPE, (0.0, 24.0), 16, mixing=1.0, rng=np.random.default_rng(1))
    assert 4 < share.sum() < 12


@settings(deadline=None)
@given(
    length=st.sampled_from([12, 20, 40]),
    form=st.sampled_from(["straight", "L", "ring"]),
    fraction=st.floats(0.1, 1.0),
    angle=st.floats(0, np.pi),
)
def test_a_wall_covers_its_fraction_of_each_pixel_along_it(length, form, fraction, angle):
    share = wall((60, 60), (30.0, 30.0), length, form, fraction=fraction, angle=angle)
    assert share.max() <= fraction + 1e-6
    assert 0.7 * fraction * length <= share.sum() <= 1.05 * fraction * length


def test_only_from_its_day_on_and_only_where_it_is(scenery):
    before, after = acquisitions(scenery)
    first, second = injected((before, after), [change()])
    np.testing.assert_array_equal(first.pixels, before.pixels)
    outside = ~ndimage.binary_dilation(SHARES > 0, iterations=2)
    np.testing.assert_array_equal(second.pixels[:, outside], after.pixels[:, outside])
    assert (second.band("red")[SHARES > 0.8] > after.band("red")[SHARES > 0.8] + 0.1).all()


def test_what_is_lost_stood_before_and_not_after(scenery):
    before, after = acquisitions(scenery)
    first, second = injected((before, after), [change(lost=True)])
    np.testing.assert_array_equal(second.pixels, after.pixels)
    assert (first.band("red")[SHARES > 0.8] > 0.2).all()


def test_it_stands_still_on_the_ground_when_a_scene_lies_beside(scenery):
    ground = scenery(shape=SHAPE)
    straight = [ground.optical(DAY + timedelta(n)) for n in range(0, 30, 5)]
    beside = ground.optical(DAY + timedelta(40), shift=(0.0, 1.5))
    seen = injected([*straight, beside], [change()])[-1]
    gained = np.abs(seen.band("red") - beside.band("red"))
    columns = np.arange(SHAPE[1])
    middle = [(image.sum(axis=0) * columns).sum() / image.sum() for image in (gained, SHARES)]
    assert middle[0] - middle[1] == pytest.approx(1.5, abs=0.3)


def test_a_cloud_hides_it(scenery):
    _, after = acquisitions(scenery, cloud=0.6)
    (seen,) = injected((after,), [change()])
    covered = np.isin(after.scl, (3, 8, 9, 10))
    np.testing.assert_array_equal(seen.pixels[:, covered], after.pixels[:, covered])


def test_acquisitions_are_not_changed_and_the_same_call_gives_the_same(scenery):
    given_acquisitions = acquisitions(scenery)
    kept = [k.pixels.copy() for k in given_acquisitions]
    once, again = (injected(given_acquisitions, [change(), change("soil")]) for _ in range(2))
    for acquisition, pixels in zip(given_acquisitions, kept, strict=True):
        np.testing.assert_array_equal(acquisition.pixels, pixels)
    for a, b in zip(once, again, strict=True):
        np.testing.assert_array_equal(a.pixels, b.pixels)


def test_nothing_put_in_is_nothing_changed(scenery):
    given_acquisitions = acquisitions(scenery)
    assert injected(given_acquisitions, []) == given_acquisitions


def test_surroundings_take_a_roof_away(scenery):
    ground = scenery(shape=SHAPE)
    with_roof = ground.with_patch("roof", SHARES > 0.5)
    full = np.where(SHARES > 0.01, 1.0, 0.0).astype(np.float32)
    (seen,) = injected((with_roof.optical(DAY),), [change(SURROUNDINGS, share=full)])
    around = ground.optical(DAY)
    assert np.median(seen.band("red")[SHARES > 0.5]) == pytest.approx(np.median(around.band("red")), abs=0.02)


def test_polarisations_have_a_speckle_of_their_own(scenery):
    (seen,) = injected((scenery(shape=SHAPE).radar(DAY),), [change(share=np.ones(SHAPE, np.float32))])
    vv, vh = (np.log(seen.band(b)).ravel() for b in ("vv", "vh"))
    assert abs(np.corrcoef(vv, vh)[0, 1]) < 0.1
    assert np.var(vv) == pytest.approx(0.257, rel=0.15)  # ψ′(4.4): the speckle of 4.4 looks


def test_every_material_has_every_band():
    assert {len(values) for values in MATERIALS.values()} == {7}
    assert set(RADAR_GAIN) == set(MATERIALS)
    assert all(0.0 < value < 0.6 for values in MATERIALS.values() for value in values.values())


@pytest.mark.parametrize(
    ("mixed", "concrete", "soil"), [("concrete frame", 0.45, 0.3), ("rubble", 0.6, 0.3)], ids=lambda v: str(v)
)
def test_what_is_part_shade_is_the_mixture_that_it_is_said_to_be(mixed, concrete, soil):
    for band, value in MATERIALS[mixed].items():
        mixture = concrete * MATERIALS["concrete"][band] + soil * MATERIALS["soil"][band]
        assert value == pytest.approx(mixture, abs=0.002)


@pytest.mark.parametrize("material", [name for name, gain in RADAR_GAIN.items() if gain is None])
def test_radar_sees_the_ground_through_what_is_clear_to_it(material, scenery):
    look = scenery(shape=SHAPE).radar(DAY)
    (seen,) = injected((look,), [change(material, share=np.ones(SHAPE, np.float32))])
    np.testing.assert_allclose(seen.pixels, look.pixels, rtol=1e-5)
