"""The pure parts of the sections on truth, walls, the desert and the province."""

from __future__ import annotations

import json
from datetime import date

import desert
import numpy as np
import province
import pytest
import truth
import walls
from made import place
from shapely.geometry import shape

from detectors.records import Change, Criterion
from flows.imagery.simulation.recipes import DRY, Recipe, Story, recipe_of

FILES = sorted(truth.TRUTH.glob("*.geojson"))


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
        assert Change(p["change"])
        assert len(p["why"]) > 10
        assert isinstance(p["is_sure"], bool)


def test_delays_count_from_the_first_look_that_shows_it():
    mask = np.zeros((8, 8), bool)
    mask[2:5, 2:6] = True
    patch = truth.TruePatch("p", "clearing", mask, date(2024, 4, 1), date(2024, 4, 20), True)
    none = np.zeros_like(mask)
    weeks = [
        (date(2024, 3, 31), none, none),
        (date(2024, 4, 28), mask, none),
        (date(2024, 5, 12), mask, mask),
    ]
    met = truth._met("s", patch, weeks, _Seen())
    assert (met.first_days, met.confirmed_days) == (8, 22)
    old = [(day, held | mask, sure | mask) for day, held, sure in weeks]
    assert truth._met("s", patch, old, _Seen()).first_days is None


class _Seen:
    def confirmed(self):
        return []


def test_a_place_is_of_the_country_and_the_story_that_were_asked_for():
    area, grid = place(Recipe(DRY, Story.NEW_COMPOUND), seed=7, side_px=60)
    assert recipe_of(area, 7) == Recipe(DRY, Story.NEW_COMPOUND)
    assert max(abs(side - 60) for side in grid.shape) <= 2
    assert place(Recipe(DRY, Story.NEW_COMPOUND), seed=7, side_px=60) == (area, grid)


def suspect(tile, score, *, compound=None):
    return province.Suspect(tile, score, (Criterion("new-built-area", score, 0.25, ""),), "construction", 1e3, compound)


def test_a_province_is_ranked_over_all_its_tiles():
    tile = province.tiles_with_compounds(3)[0]
    found = province.gathered(
        3, [[suspect(8, 0.2)], [suspect(tile, 0.6, compound=tile), suspect(tile, 0.1)], [suspect(9, 0.7)]]
    )
    assert [s.score for s in found.suspects] == [0.7, 0.6, 0.2, 0.1]
    assert found.rank(tile) == 2
    assert found.rank(province.tiles_with_compounds(3)[1]) is None
    lines = province.figures([found])
    assert (lines[0].value, lines[0].count) == (0.2, 5)


def test_a_listing_shows_every_criterion_with_its_weight():
    rows = province.listing(province.gathered(3, [[suspect(8, 0.25)]]))
    assert rows[0] == "| rank | a compound | score | new-built-area (0.25) |"
    assert rows[2] == "| 1 | no | 0.25 | 0.25 |"


def test_five_tiles_have_a_compound_and_no_two_the_same():
    assert all(len(set(province.tiles_with_compounds(seed))) == province.COMPOUNDS for seed in range(20))


def fenced(fraction, length, *, found, closure=None, dates=None):
    change = "fencing" if found else None
    return walls.Fenced(walls.REAL, "Sentinel-2", fraction, length, "ring", "metal", found, change, dates, closure)


def test_walls_are_counted_by_share_and_length_and_few_dates_are_seen():
    rows = [
        fenced(0.4, 20, found=True, closure=0.2, dates=5),
        fenced(0.4, 20, found=False),
        fenced(0.1, 20, found=False),
    ]
    lines = {f.what: f for f in walls.figures([*rows, fenced(0.7, 40, found=True, closure=0.0, dates=2)])}
    curve = lines["Romania, wall of 20 px covering 0.4 of a pixel: found"]
    assert (curve.value, curve.count, curve.goal) == (0.5, 2, "≥ 0.80")
    assert lines["Romania, wall of 20 px covering 0.1 of a pixel: found"].goal == ""
    assert lines["walls: closure, error"].value == pytest.approx(0.1)
    assert lines["walls confirmed on fewer than three dates"].value == 0.5


def test_a_compound_on_desert_has_the_mean_colour_of_its_ground():
    rng = np.random.default_rng(4)
    before = desert._ground(rng)
    after, compound = desert._built(before, rng)
    assert compound.sum() > 60
    outside = (before == after).all(axis=0)
    assert outside.mean() > 0.9
    gained = after[:, ~outside].mean(axis=1) / before[:, ~outside].mean(axis=1)
    assert np.abs(gained - 1).max() < 0.15
