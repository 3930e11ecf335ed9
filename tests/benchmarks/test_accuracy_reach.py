"""The pure parts of the sections on truth, walls, the desert and the province."""

from __future__ import annotations

import json
from datetime import date, timedelta
from types import SimpleNamespace as Namespace

import ablations
import cases
import desert
import numpy as np
import phases
import province
import pytest
import replay
import truth
import walls
import worlds
from ground_truth import TRUTH, UNCHANGED
from made import place
from shapely.geometry import shape

from detectors.acquisition import RADAR
from detectors.footprint import footprint_in
from detectors.ground import whole
from detectors.records import Change, Criterion, State, Transition
from detectors.sensitivity.injection import Injected
from flows.imagery.simulation.land.land_mix import DRY
from flows.imagery.simulation.scenario.presets import AreaPreset, Story, recipe_of
from flows.imagery.simulation.truth import TrueChange

FILES = sorted(TRUTH.glob("*.geojson"))


def features(path):
    return json.loads(path.read_text())["features"]


def test_there_is_truth_for_every_series_that_is_scored():
    assert {path.stem for path in FILES} == {*truth.SPANS, *truth.PAIRS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_polygon_has_its_reason_and_its_dates(path):
    assert len(json.loads(path.read_text())["method"]) > 100
    ids = [f["properties"]["id"] for f in features(path)]
    assert len(set(ids)) == len(ids)
    for feature in features(path):
        p = feature["properties"]
        assert shape(feature["geometry"]).is_valid, p["id"]
        assert date.fromisoformat(p["not_before"]) < date.fromisoformat(p["seen_by"]), p["id"]
        assert p["change"] == UNCHANGED or Change(p["change"])
        assert len(p["why"]) > 10
        assert isinstance(p["is_sure"], bool)


def test_delays_count_from_the_first_acquisition_that_shows_it():
    mask = np.zeros((8, 8), bool)
    mask[2:5, 2:6] = True
    patch = truth.TruePatch("p", "clearing", mask, date(2024, 4, 1), date(2024, 4, 20), True)
    none = np.zeros_like(mask)
    weeks = [
        (date(2024, 3, 31), none, none),
        (date(2024, 4, 28), mask, none),
        (date(2024, 5, 12), mask, mask),
    ]
    met = truth._met("s", patch, weeks, _Seen())  # type: ignore[arg-type]
    assert (met.first_days, met.confirmed_days) == (8, 22)
    old = [(day, held | mask, sure | mask) for day, held, sure in weeks]
    assert truth._met("s", patch, old, _Seen()).first_days is None  # type: ignore[arg-type]


class _Seen:
    def confirmed(self):
        return []


def test_a_place_is_of_the_country_and_the_story_that_were_asked_for():
    area, grid = place(AreaPreset(DRY, Story.NEW_COMPOUND), seed=7, side_px=60)
    assert recipe_of(area, 7) == AreaPreset(DRY, Story.NEW_COMPOUND)
    assert max(abs(side - 60) for side in grid.shape) <= 2
    assert place(AreaPreset(DRY, Story.NEW_COMPOUND), seed=7, side_px=60) == (area, grid)


def suspect(tile, score, *, compound=None, is_true=True):
    criteria = (Criterion("new-built-area", score, 0.25, ""),)
    return province.Suspect(tile, score, criteria, "construction", 1e3, compound, score > 0.15, is_true, (RADAR,))


def test_a_province_is_ranked_over_all_its_tiles():
    tile = province.tiles_with_compounds(3)[0]
    compound = [suspect(tile, 0.6, compound=tile), suspect(tile, 0.1)]
    found = province.gathered(3, [[suspect(8, 0.2, is_true=False)], compound, [suspect(9, 0.7)]])
    assert [s.score for s in found.suspects] == [0.7, 0.6, 0.2, 0.1]
    assert found.rank(tile) == 2
    assert found.rank(province.tiles_with_compounds(3)[1]) is None
    lines = province.figures([found])
    assert (lines[0].value, lines[0].count) == (0.2, 5)
    (false,) = (line for line in lines if "away from every true change" in line.what)
    assert (false.value, false.count, false.why) == (pytest.approx(1 / 3), 3, "1 construction by sentinel-1")  # type: ignore[comparison-overlap]


def test_a_listing_shows_every_criterion_with_its_weight():
    rows = province.listing(province.gathered(3, [[suspect(8, 0.25)]]))
    assert rows[0] == "| rank | a compound | score | new-built-area (0.25) |"
    assert rows[2] == "| 1 | no | 0.25 | 0.25 |"


def test_five_tiles_have_a_compound_and_no_two_the_same():
    assert all(len(set(province.tiles_with_compounds(seed))) == province.COMPOUNDS for seed in range(20))


def fenced(fraction, length, *, covered=0.0, closure=None):
    found, change = covered > 0, "fencing" if covered > 0 else None
    judged = (found, change, covered, closure, closure)
    return walls.Fenced(walls.REAL, "Sentinel-2", fraction, length, "ring", "metal", *judged)


def test_walls_are_counted_by_share_and_length():
    rows = [fenced(0.4, 20, covered=1.0, closure=0.2), fenced(0.4, 20), fenced(0.1, 20)]
    lines = {f.what: f for f in walls.figures([*rows, fenced(0.7, 40, covered=0.5, closure=0.0)])}
    curve = lines["Romania, wall of 20 px covering 0.4 of a pixel: found"]
    assert (curve.value, curve.count, curve.goal) == (0.5, 2, "≥ 0.80")
    assert lines["Romania, wall of 20 px covering 0.1 of a pixel: found"].goal == ""
    assert curve.why == "of 1 missed: 1 of 20 px, 1 rings"
    assert lines["walls told as fencing: closure, error"].value == pytest.approx(0.1)
    (length,) = (line for what, line in lines.items() if what.endswith("share of their length found"))
    assert length.value == pytest.approx(0.5)  # 20 and 20 of 80 px


def test_a_phase_counts_once_it_is_a_step_of_the_event_that_holds_the_phase_before():
    broken, roofed, aside = (np.zeros((20, 20), bool) for _ in range(3))
    broken[4:12, 4:12], roofed[6:9, 6:9], aside[16:19, 16:19] = True, True, True
    phases = [
        TrueChange(change, date(2026, month, 1), "", footprint_in(where), 1.0)
        for change, month, where in (
            (Change.CLEARING, 3, broken),
            (Change.CONSTRUCTION, 5, roofed),
            (Change.CONSTRUCTION, 6, roofed),  # more of the same is no phase
            (Change.FENCING, 6, aside),  # nor what lies elsewhere
        )
    ]

    def event(*steps):
        return Namespace(key="k", footprint=footprint_in(broken), steps=steps)

    assert worlds._phases(phases, [event(date(2026, 3, 3), date(2026, 5, 20))]) == (True,)
    assert worlds._phases(phases, [event(date(2026, 3, 3))]) == (False,)
    assert worlds._phases(phases, []) == (False,)


SOIL, LATER, JULY = date(2020, 3, 5), date(2020, 6, 1), date(2020, 7, 9)


@pytest.mark.parametrize(
    ("events", "fate"),
    [
        ([((SOIL, JULY), None)], phases.STEP),
        ([((SOIL,), None)], phases.HELD),
        ([((SOIL,), None), ((JULY,), None)], phases.OWN),
        ([((SOIL,), LATER), ((JULY,), None)], phases.AFRESH),
        ([], phases.MISSED),
    ],
)
def test_what_becomes_of_roofs_on_broken_ground(events, fate):
    share = np.zeros((20, 20), np.float32)
    share[5:10, 5:10] = 1.0
    ground = Injected("broken", "soil", share, date(2020, 3, 1), 1)
    roofs = Injected("roofs", "metal", share, date(2020, 7, 1), 2)

    def event(steps, finished):
        entered = [(State.PROVISIONAL, steps[0]), *([(State.FINISHED, finished)] if finished else [])]
        transitions = tuple(Transition(state, on, "") for state, on in entered)
        times = {"first_seen": steps[0], "confirmed_on": steps[0] + timedelta(21), "steps": steps}
        return Namespace(footprint=footprint_in(share > 0), transitions=transitions, **times)

    assert phases._judged(ground, roofs, [event(*one) for one in events]).fate == fate


def test_an_event_that_was_there_before_counts_as_found_but_not_as_late():
    mask = np.zeros((20, 20), bool)
    mask[5:9, 5:9] = True
    begins = date(2026, 6, 1)
    event = Namespace(
        footprint=footprint_in(mask),
        steps=(date(2026, 3, 1),),
        first_seen=date(2026, 3, 1),
        confirmed_on=date(2026, 6, 21),
    )
    event.change = Change.CLEARING
    happened = (cases.Happened(mask, begins, Change.CONSTRUCTION, 16.0),)
    ground = whole(mask.shape)

    def run(least_share):
        some = cases.Case((), ground, begins, date(2026, 9, 1), happened, mask, least_share, False)
        return ablations._run("everything", some, Namespace(confirmed=lambda: [event]))  # type: ignore[arg-type]

    held, untimely = run(0.2), run(0.0)
    assert (held.found, held.days, held.named, held.areas, held.false) == ((True,), (None,), (False,), (1.0,), 0)
    assert untimely.found == (False,)


def test_every_watch_leaves_word_of_the_dates_behind_what_it_confirmed():
    replay.CONFIRMED_ON.clear()
    desert.trial(seed=0)
    assert replay.CONFIRMED_ON
    assert min(replay.CONFIRMED_ON) >= 3


def test_a_compound_on_desert_has_the_mean_colour_of_its_ground():
    rng = np.random.default_rng(4)
    before = desert._ground(rng)
    after, compound = desert._built(before, rng)
    assert compound.sum() > 60
    outside = (before == after).all(axis=0)
    assert outside.mean() > 0.9
    gained = after[:, ~outside].mean(axis=1) / before[:, ~outside].mean(axis=1)
    assert np.abs(gained - 1).max() < 0.15
