"""On unfamiliar ground the watch asks for more before it tells, and says so."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from detectors.acquisition import OPTICAL, RADAR
from detectors.evidence import signatures
from detectors.evidence.signatures import LEVELS, PACKAGED, load_signatures
from detectors.footprint import footprint_in
from detectors.ground import whole
from detectors.monitor.state import MonitorParameters
from detectors.monitor.steps import begin, observe
from detectors.monitor.unfamiliar import unfamiliar_ground, with_familiarity
from detectors.objects.object_record import Detection
from detectors.objects.patches import GroundObject
from detectors.records import Change, State

SHAPE = (64, 64)
PAST, SINCE, JUNE, UNTIL = date(2022, 7, 4), date(2024, 4, 1), date(2024, 6, 3), date(2024, 8, 4)
WRITTEN = json.loads(Path(signatures.__file__).with_name(PACKAGED).read_text())


@pytest.fixture(scope="module")
def acquisitions(scenery, every):
    """Roofs on a field from June on, seen every week."""
    ground = scenery(shape=SHAPE)
    built = ground.with_patch("roof", ground.box(20, 20, 8, 8), JUNE)
    return [built.optical(day) for day in [*every(PAST, SINCE - timedelta(days=1), 18), *every(SINCE, UNTIL, 7)]]


@pytest.fixture
def table_with(tmp_path):
    """The path of a table that knows one ground, as bright as asked, and scenes that scattered as much as asked."""

    def write(*, brighter: float | None = None, scatter: float = 9.0) -> str:
        rows = [row for row in WRITTEN["rows"] if row["history"] != LEVELS]
        if brighter is not None:
            names = WRITTEN["features"][OPTICAL]
            mean = [brighter if name == "brightness" else 0.0 for name in names]
            covariance = (np.diag([1.0 if name == "brightness" else 1e6 for name in names]) * 400).tolist()
            rows.append({"sensor": OPTICAL, "history": LEVELS, "ground": "one", "mean": mean, "covariance": covariance})
        limits = {sensor: dict.fromkeys(of, scatter) for sensor, of in WRITTEN["scatter"].items()}
        path = tmp_path / f"{brighter}-{scatter}.json"
        path.write_text(json.dumps({**WRITTEN, "rows": rows, "scatter": limits}))
        return str(path)

    return write


@pytest.fixture
def event_by(acquisitions, watch):
    """The event that a watch with some table confirms."""

    def watched(table: str):
        past = [k for k in acquisitions if k.day < SINCE]
        start, _ = begin(whole(SHAPE), past, parameters=MonitorParameters(signatures=table))
        outcome = watch(acquisitions, since=SINCE, until=UNTIL, start=start)
        (event,) = outcome.ever_confirmed()
        return event

    return watched


def test_unfamiliar_ground_waits_for_one_more_date(event_by, table_with):
    known = event_by(table_with(brighter=8.0))
    strange = event_by(table_with(brighter=400.0))
    assert (known.is_unfamiliar, strange.is_unfamiliar) == (False, True)
    assert strange.confirmed_on == known.confirmed_on + timedelta(days=7)
    assert strange.first_seen == known.first_seen


def test_a_table_of_before_changes_nothing(event_by, table_with):
    assert event_by(table_with()).confirmed_on == event_by(table_with(brighter=8.0)).confirmed_on


def test_unfamiliar_scenes_wait_for_one_more_date_too(event_by, table_with):
    usual, strange = event_by(table_with()), event_by(table_with(scatter=-1.0))
    assert strange.is_unfamiliar
    assert strange.confirmed_on == usual.confirmed_on + timedelta(days=7)


def test_a_scene_that_scatters_more_than_any_is_reported(acquisitions, table_with):
    for scatter, is_unfamiliar in ((-1.0, True), (9.0, False)):
        table = table_with(scatter=scatter)
        past = [k for k in acquisitions if k.day < SINCE]
        state, told = begin(whole(SHAPE), past, parameters=MonitorParameters(signatures=table))
        assert not any(report.is_unfamiliar for report in told), "a history is compared with nothing"
        scene = acquisitions[len(past)]
        state, report = observe(state, scene)
        assert (report.status, report.is_unfamiliar) == ("used", is_unfamiliar)
        assert ("more than any scene" in report.note) == is_unfamiliar
        assert state.all_series[0].recent.unfamiliar == ((scene.scene_id,) if is_unfamiliar else ())


@pytest.fixture
def begun(acquisitions, scenery):
    """A state of both instruments before the first week."""
    ground = scenery(shape=SHAPE)
    radar = [ground.radar(k.day) for k in acquisitions[:9]]
    return begin(whole(SHAPE), [*acquisitions[:9], *radar])[0]


def test_ground_is_said_to_be_unfamiliar_by_its_share_and_its_worst_feature(begun, table_with):
    (found,) = {unfamiliar_ground(begun, load_signatures(table_with(brighter=400.0)))}
    assert (found.share, found.feature, found.is_above) == (1.0, "brightness", False)
    assert unfamiliar_ground(begun, load_signatures(table_with(brighter=8.0))) is None
    assert unfamiliar_ground(begun, load_signatures(table_with())) is None


def detection(mask: np.ndarray, *scenes: str, sensors: tuple[str, ...] = (OPTICAL,)) -> Detection:
    return Detection(
        GroundObject(*[footprint_in(mask)] * 2), True, Change.CLEARING, 0, 0.9, 9, scenes, sensors, len(scenes)
    )


def test_an_event_is_unfamiliar_by_most_of_its_own_ground_to_a_sensor_that_holds_it(begun, table_with):
    table = load_signatures(table_with(brighter=8.0))
    level = begun.all_series[1].baseline.coefficients.copy()
    names = begun.all_series[1].names
    level[names.index("brightness"), 0, :, :20] += 5.0
    series = begun.all_series[1]
    changed = replace(series, baseline=replace(series.baseline, coefficients=level))
    state = replace(begun, all_series=(begun.all_series[0], changed))
    masks = [np.zeros(SHAPE, bool) for _ in range(2)]
    masks[0][5:15, 5:25], masks[1][5:15, 15:35] = True, True
    found = [detection(masks[0]), detection(masks[1]), detection(masks[0], sensors=(RADAR,))]
    assert [k.is_unfamiliar for k in with_familiarity(tuple(found), state, table)] == [True, False, False]


def test_one_familiar_scene_among_its_witnesses_is_enough(begun, table_with):
    table = load_signatures(table_with(brighter=8.0))
    series = begun.all_series[1]
    strange = replace(series, recent=replace(series.recent, unfamiliar=("a", "b")))
    state = replace(begun, all_series=(begun.all_series[0], strange))
    mask = np.ones(SHAPE, bool)
    found = (detection(mask, "a", "b"), detection(mask, "a", "c"), detection(mask))
    assert [k.is_unfamiliar for k in with_familiarity(found, state, table)] == [True, False, False]


def test_a_provisional_event_says_it_before_it_is_confirmed(acquisitions, watch, table_with):
    table = table_with(brighter=400.0)
    past = [k for k in acquisitions if k.day < SINCE]
    start, _ = begin(whole(SHAPE), past, parameters=MonitorParameters(signatures=table))
    outcome = watch(acquisitions, since=SINCE, until=JUNE + timedelta(days=20), start=start)
    (event,) = outcome.events
    assert (event.state, event.is_unfamiliar) == (State.PROVISIONAL, True)


def test_half_a_landscape_that_burns_is_unlike_any_scene_of_the_fit_and_haze_is_not(acquisitions):
    past = [k for k in acquisitions if k.day < SINCE]
    state, _ = begin(whole(SHAPE), past)
    scene = acquisitions[len(past)]
    cloudy = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=SHAPE), 6)
    smoke = np.clip(cloudy / cloudy.std() + 1, 0, None) * np.array([0.05] * 3 + [0.02] * 2)[:, None, None]
    burnt = np.where(cloudy > 0, np.array([0.5, 0.5, 0.5, 0.3, 0.9])[:, None, None], 1.0)
    for pixels, is_unfamiliar in ((scene.pixels, False), (scene.pixels + smoke, False), (scene.pixels * burnt, True)):
        _, report = observe(state, replace(scene, pixels=pixels.astype(np.float32)))
        assert (report.status, report.is_unfamiliar) == ("used", is_unfamiliar)
