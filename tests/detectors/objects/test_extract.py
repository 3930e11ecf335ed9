"""What the evidence shows at the end of a week."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy import ndimage

from detectors.acquisition import OPTICAL, RADAR
from detectors.baseline.harmonic import Baseline
from detectors.evidence.belief import (
    BUILT,
    CLEARED,
    REMOVED,
    BeliefParameters,
    Evidence,
    add_ranks,
    add_ratios,
    log_odds,
    no_evidence,
)
from detectors.evidence.emission import EmissionParameters
from detectors.evidence.signatures import CLASSES, ONE_SCENE, SEASONS, load_signatures
from detectors.footprint import footprint_in
from detectors.ground import whole
from detectors.objects.extract import SAID, detections_of, may_be_wall, score_maps, wall_of
from detectors.objects.line_images import DetectedLine, LineImage
from detectors.objects.lines import Line
from detectors.objects.object_record import Detection
from detectors.objects.patches import GroundObject
from detectors.records import Change
from detectors.rounding import coded_said, coded_z
from detectors.sensor_series.pixel_state import PixelState
from detectors.sensor_series.series import RecentAcquisitions, SensorSeries

JUNE, SINCE, UNTIL = date(2024, 6, 3), date(2024, 4, 1), date(2024, 8, 25)
SHAPE = (56, 56)


@pytest.fixture(scope="module")
def built(scenery, every, watch):
    """Builds on a forest in June what covers so much of each pixel; the confirmed event."""

    def build(share: np.ndarray, colour: str = "roof"):
        ground = scenery(shape=SHAPE)
        roofs = scenery(shape=SHAPE, cover=colour)
        acquisitions = []
        for day in [*every(date(2022, 7, 4), date(2024, 3, 31), 18), *every(SINCE, UNTIL, 7)]:
            acquisition = ground.optical(day)
            mixed = share * (roofs.optical(day).pixels - acquisition.pixels) if day >= JUNE else 0.0
            acquisitions.append(
                type(acquisition)(**{**vars(acquisition), "pixels": (acquisition.pixels + mixed).astype(np.float32)})
            )
        (event,) = [
            e for e in watch(acquisitions, since=SINCE, until=UNTIL).events if e.confirmed_on and not e.merged_into
        ]
        return event

    return build


def rim(inner: float, outer: float) -> np.ndarray:
    """A block of six by six pixels with a rim that is covered less."""
    share = np.zeros(SHAPE, np.float32)
    share[23:31, 23:31] = outer
    share[24:30, 24:30] = inner
    return share


def test_the_fringe_of_a_strong_change_is_not_counted(built):
    event = built(rim(1.0, 0.2))
    assert event.area_m2 == pytest.approx(3600, rel=0.15)
    assert event.area_m2_low <= 3600 <= event.area_m2_high


def test_what_is_covered_by_half_is_counted(built):
    event = built(rim(1.0, 0.6))
    assert event.area_m2 == pytest.approx(6400, rel=0.15)


@pytest.mark.parametrize("share", [0.5, 0.7, 1.0])
@pytest.mark.parametrize(("colour", "change"), [("roof", "construction"), ("soil", "clearing")])
def test_what_it_is_does_not_depend_on_how_much_of_a_pixel_it_covers(built, share, colour, change):
    assert built(rim(share, 0.0), colour).change.value == change


def patch(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[top : top + height, left : left + width] = True
    return mask


@pytest.mark.parametrize(
    ("thing", "is_wall"),
    [
        (patch(19, 10, 3, 8), True),
        (patch(19, 10, 3, 4) | patch(20, 25, 2, 4), True),
        (patch(22, 10, 3, 8), False),
        (patch(16, 10, 8, 8), False),
        (patch(19, 10, 3, 8) | patch(30, 10, 6, 6), False),
    ],
    ids=["piece", "pieces", "beside", "roof", "with a roof"],
)
def test_a_piece_of_a_line_is_a_wall(thing, is_wall):
    line = Line(footprint_in(patch(20, 8, 1, 30)), 30.0, 9.0)
    line_image = LineImage(RADAR, np.zeros(SHAPE), np.zeros(SHAPE, bool), np.zeros((0, *SHAPE)), (), ())  # type: ignore[arg-type]
    wall = wall_of(GroundObject(*[footprint_in(thing)] * 2), (DetectedLine(line, line_image),))
    assert (wall is not None) is is_wall
    if wall is not None:
        assert wall.mask == footprint_in(thing) | line.mask
        assert wall.length_px == 30.0


def test_the_star_that_kernels_draw_on_a_roof_makes_it_no_wall():
    roof = patch(20, 20, 6, 6)
    star = Line(footprint_in(roof & (np.indices(SHAPE).sum(axis=0) % 2 == 0)), 20.0, 9.0)
    line_image = LineImage(RADAR, np.zeros(SHAPE), np.zeros(SHAPE, bool), np.zeros((0, *SHAPE)), (), ())  # type: ignore[arg-type]
    assert wall_of(GroundObject(*[footprint_in(roof)] * 2), (DetectedLine(star, line_image),)) is None


@pytest.mark.parametrize(
    ("sensor", "thing", "may_be"),
    [
        (OPTICAL, patch(19, 10, 2, 18), True),
        (OPTICAL, patch(19, 10, 4, 8), False),
        (RADAR, patch(19, 10, 4, 8), True),
    ],
    ids=["strip", "clearing", "radar"],
)
def test_what_optics_alone_show_as_no_strip_is_no_piece_of_a_wall(sensor, thing, may_be):
    holding = {(s, gain): thing & (s == sensor and gain) for s in (OPTICAL, RADAR) for gain in (True, False)}
    assert may_be_wall(holding, GroundObject(*[footprint_in(thing)] * 2)) is may_be


# -- what the evidence holds ----------------------------------------------------------------------------------------

FIRST, STEP = 739_000, 5
BLOCK = patch(20, 20, 8, 8)
STRONG = -0.6 * np.log(EmissionParameters().least_false)
TOLD = BeliefParameters().rank_told
# Every object is as likely as any: which of them are is the matter of `patches` and of the fit.
LIKELY = dict.fromkeys((SEASONS, ONE_SCENE), (0.0, 0.0, 0.0, 3.0))
TABLE = replace(load_signatures(), objects=LIKELY, built_lead=dict.fromkeys((SEASONS, ONE_SCENE), 0.0))


def said_of(masks: dict[int, np.ndarray], strength: float = STRONG) -> np.ndarray:
    """What an acquisition says: for a class on its mask, against all else."""
    out = np.full((len(CLASSES), *SHAPE), -2.0, np.float32)
    for number, mask in masks.items():
        out[number][mask] = strength
    return out


def evidence_of(
    masks: dict[int, np.ndarray], *, sensor: str = OPTICAL, count: int = 3, start: Evidence | None = None
) -> Evidence:
    """What is believed after so many acquisitions that say the same."""
    evidence = start or no_evidence(SHAPE)
    for n in range(count):
        evidence = add_ratios(evidence, said_of(masks), sensor=sensor, day=FIRST + STEP * n)
    return evidence


def series_of(
    gain: np.ndarray,
    *,
    sensor: str = OPTICAL,
    loss: np.ndarray | None = None,
    count: int = 3,
    strength: float = 2.0 * SAID,
    shown: np.ndarray | None = None,
) -> SensorSeries:
    """A series whose last acquisitions say so much on a mask of gains and on one of losses; `shown` is |z|."""
    name = "vegetation" if sensor == OPTICAL else "vv"
    signs = np.stack([gain, np.zeros(SHAPE, bool) if loss is None else loss])
    said = np.where(signs, strength, -2.0).astype(np.float32)
    z = np.where(signs.any(axis=0), 6.0, 0.0) if shown is None else shown
    stack = np.broadcast_to(z.astype(np.float32), (count, 1, *SHAPE)).copy()
    recent = RecentAcquisitions(
        tuple(f"{sensor}-{n}" for n in range(count)),
        tuple(FIRST + STEP * n for n in range(count)),
        z=tuple(coded_z(stack)),
        said=tuple(coded_said(np.broadcast_to(said, (count, 2, *SHAPE)))),
    )
    flat = np.ones((1, *SHAPE), np.float32)
    baseline = Baseline((name,), 0, flat[None], flat, np.full(SHAPE, 20, np.int16), np.eye(1))
    return SensorSeries(sensor, sensor, (name,), baseline, None, recent, 1.0, 20, FIRST - 1)


def found(evidence: Evidence, *all_series: SensorSeries, hidden: np.ndarray | None = None) -> tuple[Detection, ...]:
    ground = whole(SHAPE)
    if hidden is not None:
        ground = replace(ground, monitored_mask=~hidden)
    return detections_of(PixelState(ground, all_series, evidence), TABLE)[0]


def test_without_evidence_there_is_no_object():
    assert found(no_evidence(SHAPE), series_of(np.zeros(SHAPE, bool))) == ()


@pytest.mark.parametrize(
    ("number", "change"),
    [(CLEARED, Change.CLEARING), (BUILT, Change.CONSTRUCTION), (REMOVED, Change.DEMOLITION)],
    ids=CLASSES,
)
def test_a_change_is_named_by_its_class_and_dated_by_its_first_acquisition(number, change):
    is_gain, nowhere = number != REMOVED, np.zeros(SHAPE, bool)
    series = series_of(BLOCK if is_gain else nowhere, loss=nowhere if is_gain else BLOCK)
    (item,) = found(evidence_of({number: BLOCK}), series)
    assert (item.change, item.gain, item.first_day) == (change, is_gain, FIRST)
    assert np.array_equal(item.object.mask.frame(), BLOCK)
    assert item.sure_px == BLOCK.sum()
    assert (item.scenes, item.sensors, item.dates) == (series.recent.scene_ids, (OPTICAL,), 3)
    assert (item.built_day is not None) == (number == BUILT)
    assert item.built is None or item.built == footprint_in(BLOCK & (number == BUILT))


def test_a_bared_yard_with_roofs_in_it_is_construction_and_remembers_where_they_stand():
    roofs, late = patch(20, 20, 4, 8), FIRST + 3 * STEP
    evidence = evidence_of({CLEARED: BLOCK})
    for n in range(6):
        said = said_of({CLEARED: BLOCK & ~roofs, BUILT: roofs})
        evidence = add_ratios(evidence, said, sensor=OPTICAL, day=late + STEP * n)
    (item,) = found(evidence, series_of(BLOCK))
    assert item.change is Change.CONSTRUCTION
    assert np.array_equal(item.object.mask.frame(), BLOCK)
    assert item.built == footprint_in(roofs)
    assert item.first_day == FIRST < late <= item.built_day


def test_gains_come_before_losses():
    away = patch(40, 40, 6, 6)
    items = found(evidence_of({BUILT: BLOCK, REMOVED: away}), series_of(BLOCK, loss=away))
    assert [item.gain for item in items] == [True, False]


def test_ground_that_is_not_watched_holds_no_object():
    (item,) = found(evidence_of({BUILT: BLOCK}), series_of(BLOCK), hidden=patch(20, 20, 4, 8))
    assert np.array_equal(item.object.mask.frame(), patch(24, 20, 4, 8))


def test_a_lone_acquisition_is_one_date_and_no_pixel_is_likelier_changed_than_not():
    """Three dates confirm (`lifecycle`)."""
    most = -np.log(EmissionParameters().least_false)
    for number in (CLEARED, BUILT):
        evidence = add_ratios(no_evidence(SHAPE), said_of({number: BLOCK}, most), sensor=OPTICAL, day=FIRST)
        items = found(evidence, series_of(BLOCK, count=1))
        assert all(item.dates == 1 for item in items)
        assert (log_odds(evidence) < 0).all()


# -- witnesses and sensors ------------------------------------------------------------------------------------------


def test_an_acquisition_that_did_not_see_half_of_it_is_no_witness():
    series = series_of(BLOCK)
    unknown = coded_said(np.array([np.nan], np.float32))
    series.recent.said[1][:, patch(20, 20, 5, 8)] = unknown
    series.recent.said[2][:, patch(20, 20, 3, 8)] = unknown
    (item,) = found(evidence_of({BUILT: BLOCK}), series)
    assert (item.scenes, item.dates) == ((series.recent.scene_ids[0], series.recent.scene_ids[2]), 2)


def test_an_acquisition_that_says_little_of_it_is_no_witness():
    series = series_of(BLOCK)
    series.recent.said[1][:, BLOCK] = coded_said(np.array([0.9 * SAID], np.float32))
    (item,) = found(evidence_of({BUILT: BLOCK}), series)
    assert item.scenes == (series.recent.scene_ids[0], series.recent.scene_ids[2])


def test_what_it_said_of_a_loss_bears_out_no_gain():
    series = series_of(np.zeros(SHAPE, bool), loss=BLOCK)
    (item,) = found(evidence_of({BUILT: BLOCK}), series)
    assert (item.scenes, item.dates) == ((), 0)


def test_acquisitions_before_it_began_are_no_witnesses():
    evidence = add_ratios(no_evidence(SHAPE), said_of({}), sensor=OPTICAL, day=FIRST)
    for n in (1, 2, 3):
        evidence = add_ratios(evidence, said_of({BUILT: BLOCK}), sensor=OPTICAL, day=FIRST + STEP * n)
    (item,) = found(evidence, series_of(BLOCK, count=4))
    assert (item.first_day, item.dates) == (FIRST + STEP, 3)


@pytest.mark.parametrize(
    ("holding", "sensors"),
    [((OPTICAL,), (OPTICAL,)), ((RADAR,), (RADAR,)), ((OPTICAL, RADAR), (RADAR, OPTICAL))],
    ids=["optics", "radar", "both"],
)
def test_sensors_are_those_that_hold_it_and_two_on_one_day_are_one_date(holding, sensors):
    evidence = no_evidence(SHAPE)
    for sensor in holding:
        evidence = evidence_of({BUILT: BLOCK}, sensor=sensor, start=evidence)
    (item,) = found(evidence, series_of(BLOCK), series_of(BLOCK, sensor=RADAR))
    assert item.sensors == sensors
    assert item.dates == 3


# -- shapes ---------------------------------------------------------------------------------------------------------


def ring() -> np.ndarray:
    rows, columns = np.indices(SHAPE) - 27.5
    return np.abs(np.hypot(rows, columns) - 15) <= 1.2


@pytest.mark.parametrize("number", [CLEARED, BUILT], ids=["cleared", "built"])
@pytest.mark.parametrize("shape", [ring(), patch(20, 8, 2, 36)], ids=["ring", "strip"])
def test_a_ring_and_a_strip_are_fences_whatever_they_are_made_of(number, shape):
    (item,) = found(evidence_of({number: shape}), series_of(shape))
    assert item.change is Change.FENCING
    assert item.length_px == pytest.approx(2 * np.pi * 15 if shape[28].any() else 36, rel=0.15)
    assert (item.closure > 0.9) == bool(shape[28].any())


def test_a_strip_that_was_taken_away_is_no_fence():
    strip = patch(20, 8, 2, 36)
    (item,) = found(evidence_of({REMOVED: strip}), series_of(np.zeros(SHAPE, bool), loss=strip))
    assert (item.change, item.length_px, item.closure) == (Change.DEMOLITION, None, None)


def test_pixels_that_changed_by_a_fraction_of_the_surest_are_fringe():
    wide = ndimage.binary_dilation(BLOCK, structure=np.ones((3, 3)))
    for share, expected in ((0.1, BLOCK), (0.9, wide)):
        shown = np.where(BLOCK, 8.0, np.where(wide, 8.0 * share, 0.0))
        (item,) = found(evidence_of({BUILT: wide}), series_of(wide, shown=shown))
        assert np.array_equal(item.object.mask.frame(), expected)


# -- after one scene ------------------------------------------------------------------------------------------------


def ranked(masks: dict[int, np.ndarray], turned: dict[int, np.ndarray]) -> Evidence:
    """Ranks that count on some masks, and others of the turned acquisition."""
    scales = 1 + len(EmissionParameters().places_px)
    forward, backward = (np.zeros((scales, len(CLASSES), *SHAPE), np.float32) for _ in range(2))
    for of, out in ((masks, forward), (turned, backward)):
        for number, mask in of.items():
            out[0, number][mask] = TOLD + 1.0
    return add_ranks(no_evidence(SHAPE), forward, backward, forward[0, BUILT] - forward[0, CLEARED], day=FIRST)


def test_after_one_scene_a_gain_is_told_by_its_ranks():
    (item,) = found(ranked({BUILT: BLOCK}, {}), series_of(BLOCK, count=1))
    assert (item.change, item.gain, item.first_day, item.dates) == (Change.CONSTRUCTION, True, FIRST, 1)
    assert np.array_equal(item.object.mask.frame(), BLOCK)


def test_after_one_scene_no_loss_is_told():
    """One earlier acquisition cannot tell a house pulled down from a building site that was finished."""
    assert found(ranked({REMOVED: BLOCK}, {}), series_of(np.zeros(SHAPE, bool), loss=BLOCK, count=1)) == ()


def test_what_chance_brings_as_well_is_not_told():
    away = patch(40, 40, 8, 8)
    assert found(ranked({BUILT: BLOCK}, {BUILT: away}), series_of(BLOCK, count=1)) == ()
    two = found(ranked({BUILT: BLOCK | patch(5, 5, 8, 8)}, {BUILT: away}), series_of(BLOCK, count=1))
    assert len(two) == 2
    (alone,) = found(ranked({BUILT: BLOCK}, {}), series_of(BLOCK, count=1))
    assert all(0 < item.strength < alone.strength for item in two)


def test_maps_are_drawn_of_the_history_and_of_ranks_where_there_are_any():
    history = score_maps(PixelState(whole(SHAPE), (), evidence_of({BUILT: BLOCK})), TABLE)
    assert [maps.history for maps in history] == [SEASONS]
    both = score_maps(PixelState(whole(SHAPE), (), ranked({BUILT: BLOCK}, {})), TABLE)
    assert [maps.history for maps in both] == [SEASONS, ONE_SCENE]
    for maps in (*history, *both):
        assert not (np.isfinite(maps.gain) & np.isfinite(maps.loss)).any(), "a pixel gains or loses, never both"
    assert (history[0].lead[BLOCK] > 0).all()
