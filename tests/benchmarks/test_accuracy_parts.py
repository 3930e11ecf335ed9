"""The pure parts of the accuracy benchmark: peers, curves, swaps, nuisances and verdicts."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import peers
import pytest
import replay
from ablations import Run, table, watched_by
from charts import MONITORS, ChartParameters, chart
from comparison import WHOLE, Trial
from curves import COUNTED_UP_TO, THRESHOLDS, Chance, false_objects, highest_threshold, objects_over, threshold_at
from pledges import PLEDGES
from runner import Runner
from scoring import Figure, of_missed, ratio, share
from standings import curves, figures
from steps import ABLATIONS, ALONE, EVERYTHING, EVIDENCE, after_seasons, one_step_at_a_time
from swapping import remembering, swapped
from tails import LIMITS, Tail
from tails import figures as tail_figures
from variety import SCENARIOS, Outcome
from variety import figures as variety_figures

from detectors.acquisition import RADAR
from detectors.baseline.harmonic import Baseline, fit_baseline
from detectors.evidence import belief
from detectors.evidence.signatures import CLASSES, ONE_SCENE, SEASONS, load_signatures
from detectors.ground import whole
from detectors.monitor import steps
from detectors.preprocessing.features import Features
from detectors.preprocessing.masks import clear_of
from detectors.sensor_series.series import RecentAcquisitions, SensorSeries

SIZE = 40
CHANGED = np.zeros((SIZE, SIZE), bool)
CHANGED[10:14, 20:25] = True


@pytest.fixture(scope="module")
def pair():
    """Four correlated bands before and after, a little noise, and other ground in `CHANGED` afterwards."""
    rng = np.random.default_rng(7)
    ground = rng.normal(size=(2, SIZE, SIZE))
    bands = np.einsum("bk,kyx->byx", rng.uniform(0.5, 1.5, (4, 2)), ground)
    before, after = (bands + 0.2 * rng.normal(size=bands.shape) for _ in range(2))
    after[:, CHANGED] = np.array([3.0, -2.0, 1.0, 2.0])[:, None] + 0.2 * rng.normal(size=(4, CHANGED.sum()))
    return before.astype(np.float32), after.astype(np.float32)


@pytest.mark.parametrize("method", peers.PAIR_METHODS.values(), ids=peers.PAIR_METHODS)
def test_pair_methods_rank_what_changed_above_everything_else(method, pair):
    score = method(*pair)
    inside = np.sort(score[CHANGED])
    assert inside[len(inside) // 4] > np.quantile(score[~CHANGED], 0.98)


@pytest.mark.parametrize("method", peers.PAIR_METHODS.values(), ids=peers.PAIR_METHODS)
def test_pair_methods_say_nothing_where_the_ground_was_not_seen(method, pair):
    before, after = (image.copy() for image in pair)
    before[:, :5] = np.nan
    after[:, -5:] = np.nan
    score = method(before, after)
    assert np.isnan(score[:5]).all()
    assert np.isnan(score[-5:]).all()
    assert np.isfinite(score[5:-5]).mean() > 0.99


def test_ir_mad_does_not_depend_on_gain_and_offset_of_a_band(pair):
    before, after = pair
    gain, offset = np.array([0.3, 2.0, 5.0, 1.0])[:, None, None], np.array([1.0, 0.0, -3.0, 0.5])[:, None, None]
    scaled = (gain * after + offset).astype(np.float32)
    assert peers.ir_mad(before, scaled, ridge=0.0) == pytest.approx(peers.ir_mad(before, after, ridge=0.0), rel=1e-2)


def test_mad_is_chi_squared_where_nothing_changed_and_its_rounds_only_widen_it(pair):
    before, after = (np.where(CHANGED, np.nan, image).astype(np.float32) for image in pair)
    z = peers.ir_mad(before, after, rounds=1)[~CHANGED] ** 2
    assert np.mean(z) == pytest.approx(4.0, rel=0.1)  # four bands, four degrees of freedom
    assert np.mean(z > 9.49) == pytest.approx(0.05, abs=0.02)
    assert np.mean(peers.ir_mad(before, after)[~CHANGED] ** 2) > 4.4


def test_change_vectors_are_blind_to_what_the_whole_scene_does(pair):
    before, after = pair
    assert peers.cva(before, after + 0.7) == pytest.approx(peers.cva(before, after), abs=1e-3)
    assert not peers.cva(before, before).any()


def test_same_season_takes_acquisitions_of_the_same_time_of_any_year():
    days = np.array([10, 190, 370, 555], np.int64)
    values = np.array([1.0, 5.0, 3.0, 7.0], np.float32)[:, None, None, None] * np.ones((4, 1, 2, 2), np.float32)
    assert (peers.same_season(values, days, day=735) == 2.0).all()  # days 10 and 370 lie near day 4.5 of a third year
    assert np.isnan(peers.same_season(values, days, day=830)).all()


@pytest.mark.parametrize("name", MONITORS)
def test_charts_pass_their_boundary_after_a_lasting_step_and_stay_below_it_without(name):
    rng = np.random.default_rng(3)
    days = np.arange(738_000, 738_000 + 900, 10)
    values = 0.6 + 0.1 * np.sin(2 * np.pi * days / 365.25)[:, None, None] + 0.02 * rng.normal(size=(len(days), 6, 6))
    values[70:, :2] -= 0.4
    values[::7, 3, 3] = np.nan
    history, acquisitions = (part.astype(np.float32) for part in (values[:60], values[60:]))
    score = chart(name, history, days[:60], acquisitions, days[60:], ChartParameters("NDVI", -1))
    assert score.shape == (30, 6, 6)
    assert (score[-1, :2] > 1.5).all()
    assert np.median(score[-1, 3:]) < 1.0


def test_the_highest_threshold_is_that_of_the_fourth_pixel():
    score = np.zeros((12, 12), np.float32)
    score[4:6, 4:7] = [[9.0, 8.0, 7.0], [6.0, 5.0, 4.0]]
    true = np.zeros((12, 12), bool)
    true[4, 4] = True
    assert highest_threshold(score, true) == 6.0
    assert objects_over(score, 6.0).sum() == 4
    assert not objects_over(score, 6.5).any()
    assert highest_threshold(score, np.roll(true, (5, 5), (0, 1))) == 0.0


def test_false_objects_grow_as_the_threshold_falls_and_those_of_true_change_do_not_count():
    scores = np.zeros((2, 40, 40), np.float32)
    scores[0, 2:4, 2:4], scores[1, 20:23, 20:23], scores[1, 30:33, 2:5] = 50.0, 5.0, 500.0
    true = np.zeros((40, 40), bool)
    true[31, 3] = True
    counts = false_objects(scores, counted=np.ones((40, 40), bool), true=true)
    assert [counts[np.searchsorted(THRESHOLDS, h)] for h in (100.0, 10.0, 1.0)] == [0, 1, 2]
    assert threshold_at(counts, 0) > 50.0 >= THRESHOLDS[np.searchsorted(THRESHOLDS, threshold_at(counts, 0)) - 1]
    assert threshold_at(counts, COUNTED_UP_TO) == THRESHOLDS[0]


def test_a_chance_is_taken_by_the_first_acquisition_that_is_worth_enough():
    chance = Chance(100, ((110, 2.0), (120, 5.0)))
    assert (chance.days(1.0), chance.days(4.0), chance.days(6.0)) == (10, 20, None)
    assert chance.is_found(5.0)
    assert not chance.is_found(5.1)


@pytest.mark.parametrize("ablation", [*ABLATIONS, *ALONE[1:]], ids=lambda a: a.name)
def test_every_step_that_is_left_out_is_still_there_and_comes_back(ablation):
    before = clear_of
    with swapped(ablation.swaps):
        pass
    assert clear_of is before


def test_no_two_steps_have_one_name():
    for some in (ABLATIONS, ALONE):
        assert len({ablation.name for ablation in some}) == len(some)


def believed(history: int):
    """What is believed after three acquisitions of a block that was built, and ranks where one scene was all."""
    rng, sensor = np.random.default_rng(4), "sentinel-2"
    used = vars(steps)  # where the watch looks its functions up
    table = used["load_signatures"]()
    names = table.features[sensor]
    flat = np.ones((1, SIZE, SIZE), np.float32)
    baseline = Baseline(("texture",), 0, flat[None], flat, np.ones((SIZE, SIZE), np.int16), np.eye(1))
    series = SensorSeries(sensor, sensor, names, baseline, None, None, 1.0, history, 0)
    evidence = belief.no_evidence((SIZE, SIZE))
    for n in range(3):
        z = rng.normal(size=(len(names), SIZE, SIZE)).astype(np.float32) * (1 + 2 * (rng.random((SIZE, SIZE)) < 0.1))
        z[:, CHANGED] += 3 * np.sinh(0.5 * table.row(sensor, SEASONS, "built").mean)[:, None]
        ratios, turned, lead = used["log_ratios"](
            z,
            names,
            sensor=sensor,
            history=series.history_kind,
            stable_mask=~CHANGED,
            resolution_px=1.0,
            table=table,
        )
        if series.history_kind == ONE_SCENE:
            evidence = belief.add_ranks(evidence, ratios, turned, lead, day=1000 + 20 * n)
        else:
            evidence = belief.add_ratios(evidence, ratios[0], sensor=sensor, day=1000 + 20 * n)
    return np.concatenate([evidence.probability.ravel(), evidence.ranks.ravel()])


@pytest.mark.parametrize("ablation", EVIDENCE, ids=lambda a: a.name)
def test_leaving_out_a_part_of_the_evidence_changes_what_is_believed(ablation):
    """A name that is exchanged where nobody uses it would change nothing."""
    whole = [believed(history) for history in (1, 20)]
    with swapped(ablation.swaps):
        without = [believed(history) for history in (1, 20)]
    assert all(np.isfinite(one).all() for one in without)
    assert any(not np.allclose(one, two, atol=1e-3) for one, two in zip(whole, without, strict=True))
    assert np.array_equal(believed(20), whole[1]), "and it comes back"


def seen_after_seasons(sensor: str):
    """What the watch needs to take in one acquisition of ground whose seasons differ, by as much as they are strong."""
    rng = np.random.default_rng(8)
    names, days = load_signatures().features[sensor], 739_000 + 27 * np.arange(15)
    amplitude = rng.uniform(0, 0.4, (SIZE, SIZE))
    season = np.cos(days * 2 * np.pi / 365.25)[:, None, None, None] * amplitude
    values = (0.4 + season + rng.normal(0, 0.04, (15, len(names), SIZE, SIZE))).astype(np.float32)
    values[-1] += 0.1 + amplitude * rng.normal(0, 1, (SIZE, SIZE)).astype(np.float32)
    baseline = fit_baseline(values[:-1], days[:-1], names=names)
    assert baseline.pairs == 1
    series = SensorSeries(sensor, sensor, names, baseline, None, RecentAcquisitions(), 1.0, 14, int(days[-2]))
    state, _ = steps.begin(whole((SIZE, SIZE)), ())
    features = Features(names, values[-1], np.ones((SIZE, SIZE), bool))
    return state, series, features, int(days[-1]), ~CHANGED, load_signatures()


@pytest.mark.parametrize("sensor", ["sentinel-2", "sentinel-1"])
def test_a_watch_of_one_step_at_a_time_has_the_numbers_of_the_compiled_pass(sensor):
    given = seen_after_seasons(sensor)
    evidence, shown, scatter = steps._after_seasons(*given)
    others, also_shown, also = after_seasons(*given)
    assert evidence.probability.tobytes() == others.probability.tobytes()
    assert evidence.since.tobytes() == others.since.tobytes()
    assert all(one.tobytes() == two.tobytes() for one, two in zip(shown, also_shown, strict=True))
    assert scatter == also


@pytest.mark.parametrize(
    "name",
    [
        "common motion and wider σ",
        "wider σ in restless scenes",
        "wider σ where seasons are strong",
        "asinh of z",
        "feature: contrast",
    ],
)
def test_a_step_is_left_out_of_what_the_watch_does_after_seasons(name):
    """As `ablations.runs` does; in the compiled pass none of these could be exchanged."""
    given = seen_after_seasons("sentinel-2")
    (ablation,) = (one for one in ABLATIONS if one.name == name)
    with swapped(one_step_at_a_time()):
        whole_pass = vars(steps)["_after_seasons"](*given)[0].probability
        with swapped(ablation.swaps):
            table = vars(steps)["load_signatures"]()
            without = vars(steps)["_after_seasons"](*given[:-1], table)[0].probability
    assert not np.allclose(whole_pass, without, atol=1e-3)


def test_a_case_is_watched_one_step_at_a_time():
    with swapped(watched_by()):
        assert vars(steps)["_after_seasons"] is after_seasons


def test_a_swap_of_something_unknown_is_refused():
    with (
        pytest.raises(LookupError, match="no_such_step"),
        swapped({"detectors.sensor_series.series.no_such_step": lambda f: f}),
    ):
        pass


def test_a_remembered_function_is_called_once_for_the_same_array():
    calls = []
    double = remembering({})(lambda array, *, by=2: calls.append(by) or array * by)
    first, again = double(np.ones(3)), double(np.ones(3))
    double(np.ones(3), by=3)
    assert (first == again).all()
    assert calls == [2, 3]


@pytest.mark.parametrize(
    ("value", "goal", "verdict"),
    [
        (0.96, "≥ 0.95", "met"),
        (0.94, "≥ 0.95", "SHORT"),
        (40.0, "≤ 40", "met"),
        (0.3, "≤ 0.05", "SHORT"),
        (1.05, "0.9 to 1.1", "met"),
        (1.3, "0.8 to 1.2", "SHORT"),
        (0.7, "< 0.70, Sitewatch's", "SHORT"),
        (0.1, "> 0.00", "met"),
        (1.3, "", ""),
        (float("nan"), "≤ 1", ""),
    ],
)
def test_a_figure_says_whether_its_goal_is_met(value, goal, verdict):
    assert Figure("what", value, value, value, 3, goal).verdict() == verdict


def test_a_reason_stands_only_by_a_line_that_falls_short():
    short, met, unsaid = (
        share("what", [True, False], goal, why=w) for goal, w in (("≥ 0.9", "X"), ("≥ 0.1", "X"), ("1.0", ""))
    )
    assert short.row().endswith("| SHORT | X |")
    assert met.row().endswith("| met |  |")
    assert unsaid.row().endswith("| SHORT | not looked into |")


def test_reasons_are_counted_among_those_missed():
    kinds = {"even": lambda n: n % 2 == 0, "over nine": lambda n: n > 9}
    assert of_missed([2, 3, 4], kinds) == "of 3 missed: 2 even"
    assert of_missed([3], kinds) == "of 1 missed: none of a kind known to be hard"


def test_the_ratio_of_sums_weighs_what_is_large():
    line = ratio("what", [1, 0, 30], [2, 8, 30])
    assert line.value == pytest.approx(31 / 40)
    assert line.low <= line.value <= line.high


@pytest.mark.parametrize("pledge", PLEDGES, ids=lambda p: p[0])
def test_what_the_table_says_is_held_by_a_test_is(pledge):
    _, file, name = pledge
    assert f"def test_{name}(" in (Path(__file__).parents[1] / file).read_text()


def test_the_runs_of_a_section_leave_word_of_the_dates_behind_what_they_confirmed():
    with ThreadPoolExecutor(1) as pool:
        run = Runner(pool)
        assert run(_confirming, [(3, {"more": 1}), (5, {"more": 0})], "what") == [4, 5]
    assert run.confirmed_on == [4, 5]


def _confirming(dates, *, more):
    replay.CONFIRMED_ON.append(dates + more)
    return dates + more


def _trial(recalls, counts, *, found, false):
    """One run on one ground: a method's highest thresholds for three true changes, and its false objects."""
    chances = {"peer": tuple(Chance(0, ((5, value),)) for value in recalls)}
    return Trial("field", chances, {WHOLE: found}, {WHOLE: (5, None, 9)}, {"peer": counts}, {WHOLE: false}, 2.0)


def test_a_peer_is_held_at_as_many_false_objects_as_the_whole_chain():
    counts = np.where(np.array(THRESHOLDS) > 100, 0, np.where(np.array(THRESHOLDS) > 10, 1, 5))
    strict, lax = (
        {line.what: line.value for line in figures([_trial((200.0, 50.0, 5.0), counts, found=found, false=false)])}
        for found, false in (((True, False, True), 0), ((True, False, True), 1))
    )
    assert strict["field, peer at as many false objects (0): recall"] == pytest.approx(1 / 3)
    assert lax["field, peer at as many false objects (1): recall"] == pytest.approx(2 / 3)
    assert strict[f"field, {WHOLE}: recall"] == pytest.approx(2 / 3)
    assert lax[f"field, {WHOLE}: false confirmed events a km² and year"] == 0.5


def test_a_curve_ends_where_objects_melt_together():
    counts = np.where(np.array(THRESHOLDS) > 10, 1, COUNTED_UP_TO)
    counts[np.searchsorted(THRESHOLDS, 20.0)] = 0  # two objects that became one do not count as fewer
    (curve,) = curves([_trial((200.0, 50.0, 5.0), counts, found=(True,) * 3, false=0)])
    assert np.isnan(curve.false_rate[0])
    assert set(curve.false_rate[np.isfinite(curve.false_rate)]) == {0.5}
    assert curve.recall[0] == 1.0 >= curve.recall[-1]


def test_the_table_of_ablations_says_what_gets_worse_without_a_step():
    def run(name, found, false):
        days, named = (20 if hit else None for hit in found), (True if hit else None for hit in found)
        return Run(name, True, found, tuple(days), tuple(named), false, 2.0)

    first, second, third = (ablation.name for ablation in ABLATIONS[1:4])
    rows = table(
        [
            run(EVERYTHING, (True, True, True, False), 2),
            run(first, (True, False, False, False), 2),
            run(second, (True, True, True, False), 8),
            run(third, (True, True, True, False), 0),
        ]
    )
    cells = {row.split(" | ")[0].strip("| "): [cell.strip(" |") for cell in row.split(" | ")] for row in rows[2:]}
    assert cells[first][-2:] == ["recall, real", ""]
    assert cells[second][-2:] == ["false events, real", ""]
    assert cells[third][-2:] == ["**nothing**", "false events, real"]
    assert cells[first][1].startswith("0.25 (-0.50")


def test_ground_that_gains_what_ratios_may_passes_a_limit_at_the_rate_of_chance():
    said = np.random.default_rng(2).exponential(size=(12, len(CLASSES), 20_000))
    said[:, 1] += 0.5
    passed = np.stack([(said >= limit).sum(axis=2) for limit in LIMITS], axis=2)
    seen = np.full(passed.shape[:2], 20_000)
    tail = Tail("simulated field", RADAR, ("vv",), passed, seen, np.zeros((1, 960), np.int64))
    lines = tail_figures([tail])
    assert len(lines) == len(CLASSES) * len(LIMITS)
    n = len(LIMITS)
    assert [line.value for line in lines[:n]] == pytest.approx([1.0] * n, abs=0.15)
    assert [line.value for line in lines[n : 2 * n]] == pytest.approx([np.exp(0.5)] * n, abs=0.15)
    assert {line.verdict() for line in lines[n : 2 * n]} == {"SHORT"}
    assert all(line.low <= line.value <= line.high for line in lines)


def test_kinds_of_ground_count_what_was_found_named_and_told_falsely():
    name = SCENARIOS[2][0]
    some = [
        Outcome(name, (True, False), ("construction",), 1, 0.4),
        Outcome(name, (True, True), ("construction", "clearing"), 0, 0.6),
    ]
    lines = {line.what: line for line in variety_figures(some) if line.what.startswith(name)}
    assert [round(line.value, 2) for line in lines.values()] == [0.75, 0.67, 1.0]
    assert lines[f"{name}: false confirmed events a km² and year"].count == 1
