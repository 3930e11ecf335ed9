"""What a place would have shown: probes drawn, followed, and made into curves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.ground import whole
from detectors.monitor.steps import begin
from detectors.monitor.weeks import watch_weeks
from detectors.records import State
from detectors.sensitivity.detectability import (
    BUILDING,
    DetectabilityParameters,
    Probe,
    ProbeKind,
    Visibility,
    cropped,
    curves_of,
    draw_probes,
    kinds_of,
    watch_probes,
)
from detectors.sensitivity.injection import Injected, injected

MONDAY = date(2024, 4, 29)
P = DetectabilityParameters()
ROOF = ProbeKind(BUILDING, "bright roof", 0.9)


def draw(free, *, number=0, seed=1):
    return draw_probes(free, since=MONDAY, last=MONDAY + timedelta(60), number=number, seed=seed)


@pytest.fixture(scope="module")
def summer(scenery, every):
    """Two years of looks at a wood and the summer after, the state before it, and its end."""
    ground, until = scenery(shape=(48, 48)), MONDAY + timedelta(days=7 * 20 - 1)
    acquisitions = [ground.optical(day) for day in every(MONDAY - timedelta(700), MONDAY - timedelta(1), 25)]
    acquisitions += [ground.optical(day) for day in every(MONDAY, until, 8)]
    state, _ = begin(whole((48, 48)), [k for k in acquisitions if k.day < MONDAY])
    return tuple(acquisitions), state, until


def test_probes_keep_to_free_ground_and_apart():
    free = np.ones((120, 120), bool)
    free[:, :50] = False
    probes = draw(free)
    assert len(probes) >= 5
    ground = np.stack([probe.change.share > 0.02 for probe in probes])
    assert not ground[:, ~free].any()
    assert ground.sum(axis=0).max() == 1


def test_the_same_draw_is_the_same_and_another_is_another():
    free = np.ones((90, 90), bool)
    shares = [np.stack([p.change.share for p in draw(free, number=n)]).sum(axis=0) for n in (0, 0, 1)]
    np.testing.assert_array_equal(shares[0], shares[1])
    assert (shares[0] != shares[2]).any()


def test_rounds_come_to_every_kind_even_on_little_ground():
    free = np.ones((46, 46), bool)
    tried = {(p.kind, p.size_px) for n in range(8) for p in draw(free, number=n)}
    small = {cell for cell in kinds_of(P) if cell[1] < 40}
    assert small <= tried


def test_no_room_no_probe():
    assert draw(np.zeros((60, 60), bool)) == ()


def test_a_large_roof_in_a_wood_is_seen_and_confirmed_and_a_shadow_of_one_is_not(summer):
    acquisitions, state, until = summer
    share = np.zeros((48, 48), np.float32)
    share[20:26, 20:26] = 0.9
    faint = np.where(share > 0, 0.004, 0).astype(np.float32)
    visibilities = [
        watch_probes([_probe(s, since=MONDAY)], state, acquisitions, since=MONDAY, until=until)[0]
        for s in (share, faint)
    ]
    assert visibilities[0].seen
    assert 0 < visibilities[0].seen_days <= visibilities[0].confirmed_days <= 60
    assert visibilities[0].acquisitions == sum(
        MONDAY <= k.day <= MONDAY + timedelta(P.within_days) for k in acquisitions
    )
    assert (visibilities[1].seen, visibilities[1].seen_days, visibilities[1].confirmed_days) == (False, None, None)


def _probe(share, *, since):
    return Probe(ROOF, 36, Injected("building", "metal", share, since, 1))


@settings(max_examples=6, deadline=None)
@given(dates=st.integers(1, 3), seed=st.integers(0, 50), side=st.integers(3, 10))
def test_whatever_stands_there_is_not_confirmed_on_fewer_than_three_dates(summer, dates, seed, side):
    acquisitions, state, _ = summer
    share = np.zeros((48, 48), np.float32)
    share[18 : 18 + side, 18 : 18 + side] = 1.0
    probe = Injected("building", "metal", share, MONDAY, seed)
    later = [k for k in injected(acquisitions, [probe]) if k.day >= MONDAY][:dates]
    end, _ = watch_weeks(state, later, since=MONDAY, until=MONDAY + timedelta(55))
    confirmed = any(t.confirmed_day is not None or t.state is State.CONFIRMED for t in end.event_states)
    assert dates >= 3 or not confirmed


def visibilities(*rows):
    return [
        Visibility(ROOF, size, n < seen, 10 if n < seen else None, 20 if n < seen else None, 9)
        for size, seen, of in rows
        for n in range(of)
    ]


def test_the_smallest_size_is_where_the_curve_reaches_the_goal():
    (curve,) = curves_of(visibilities((4, 2, 10), (9, 8, 10), (36, 10, 10)))
    assert curve.smallest_px == 9
    assert [row.seen for row in curve.sizes] == [2, 8, 10]
    assert curve.sizes[1].low < 0.8 < curve.sizes[1].high
    assert curve.sizes[1].seen_days == 10.0


def test_a_lucky_small_size_is_not_believed_over_larger_ones_missed():
    (curve,) = curves_of(visibilities((4, 9, 10), (9, 5, 10), (36, 10, 10)))
    assert curve.sizes[0].chance == curve.sizes[1].chance == pytest.approx(0.7)
    assert curve.smallest_px == 36


def test_a_goal_never_reached_has_no_size():
    (curve,) = curves_of(visibilities((4, 0, 5), (9, 3, 5)))
    assert curve.smallest_px is None
    assert curve.sizes[0].seen_days is None


@given(st.lists(st.tuples(st.sampled_from(P.building_px), st.integers(0, 6)), min_size=1, max_size=5))
def test_chance_never_falls_with_size(rows):
    (curve,) = curves_of(visibilities(*((size, seen, 6) for size, seen in rows)))
    chances = [row.chance for row in curve.sizes]
    assert chances == sorted(chances)


def test_a_large_region_is_asked_about_by_its_middle(scenery):
    ground = scenery(shape=(90, 120))
    acquisition = ground.optical(MONDAY)
    monitored_mask = ground.box(10, 60, 70, 50)
    (part,), about = cropped([acquisition], _ground(monitored_mask), side_px=60)
    assert part.valid.shape == about.shape == (60, 60)
    np.testing.assert_array_equal(part.pixels, acquisition.pixels[:, 14:74, 54:114])
    assert cropped([acquisition], _ground(monitored_mask), side_px=120)[1].shape == (90, 120)


def _ground(monitored_mask):
    return replace(whole(monitored_mask.shape), monitored_mask=monitored_mask)
