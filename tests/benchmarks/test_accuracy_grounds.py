"""The real grounds of the accuracy benchmark: what counts as told, as false and as right."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from types import SimpleNamespace as Namespace
from typing import Any, cast

import cases
import fit_cases
import fit_signatures
import ground_tables
import grounds
import numpy as np
import pytest
import ranking
import reliability
import replay
import series
from cases import Case, Happened
from fit_signatures import Compared, Known, samples_of, without_material
from ground_truth import ACCEPTED, GroundTruth, TrueChange
from grounds import Diary, GroundOutcome
from left_out import NEVER_FITTED, LeftOut, OtherGround, TablesWithout
from ranking import Ranked
from reliability import Stated, Statements
from runner import Jobs, Runner

from aois.errors import UserError
from detectors.footprint import footprint_in
from detectors.ground import whole
from detectors.monitor.state import MonitorParameters
from detectors.monitor.steps import begin
from detectors.records import AlertKind, Change, Event, State
from detectors.sensitivity.injection import Injected

SHAPE = (30, 30)
BEFORE, SEEN = date(2020, 1, 1), date(2020, 3, 1)


def block(rows, columns):
    mask = np.zeros(SHAPE, bool)
    mask[rows, columns] = True
    return mask


def change(mask, kind="construction", *, is_sure=True):
    return TrueChange(f"a {kind}", kind, ACCEPTED[kind], mask, BEFORE, SEEN, is_sure)


def truth(*changes, quiet=None):
    near = np.any([c.mask for c in changes], axis=0) if changes else np.zeros(SHAPE, bool)
    whole = np.ones(SHAPE, bool)
    return GroundTruth(changes, (whole if quiet is None else quiet) & ~near, near, whole, quiet is not None)


def event(mask, key="e", told=Change.CONSTRUCTION, *, first=SEEN, state=State.CONFIRMED, merged_into=None):
    return Event(
        key=key,
        change=told,
        place=AlertKind.CHANGE,
        state=state,
        first_seen=first,
        last_seen=first,
        confirmed_on=first if state is State.CONFIRMED else None,
        footprint=footprint_in(mask),
        area_m2=float(mask.sum()) * 100,
        area_m2_low=0.0,
        area_m2_high=0.0,
        length_m=None,
        closure=None,
        confidence=0.9,
        sensors=("sentinel-2",),
        scenes=("a", "b", "c"),
        transitions=(),
        merged_into=merged_into,
    )


def outcome(drawn, events, alerted=()):
    diary = Diary(drawn, alerted_on={e.key: SEEN for e in alerted})
    fates = tuple(grounds.fate_of(c, events, diary) for c in drawn.changes if c.is_sure)
    told = tuple(grounds.event_fate_of(e, drawn, diary) for e in events)
    return GroundOutcome("romania", fates, told, 900, 0, 9e-2, 1.0, 3)


PATCH = block(slice(5, 15), slice(5, 15))


@pytest.mark.parametrize(("rows", "is_told"), [(3, True), (2, False)])
def test_a_change_is_told_when_a_quarter_of_it_is_covered(rows, is_told):
    found = outcome(truth(change(PATCH)), [event(block(slice(5, 5 + rows), slice(5, 15)))])
    (fate,) = found.changes
    assert fate.recorded == pytest.approx(rows / 10)
    assert (fate.told_as is not None) is is_told


def test_what_was_taken_back_or_went_up_into_another_tells_nothing():
    events = [event(PATCH, "a", state=State.RETRACTED), event(PATCH, "b", merged_into="c")]
    assert outcome(truth(change(PATCH)), events).changes[0].recorded == 0


def test_an_event_that_ended_before_the_change_is_not_that_change():
    assert outcome(truth(change(PATCH)), [event(PATCH, first=BEFORE)]).changes[0].recorded == 0


@pytest.mark.parametrize(
    ("kind", "told", "is_right"),
    [
        ("new compound", Change.CONSTRUCTION, True),
        ("new compound", Change.CLEARING, False),
        ("demolition", Change.DEMOLITION, True),
        ("demolition", Change.CLEARING, False),
        ("ground broken", Change.CLEARING, True),
        ("landscaping over a works camp", Change.DEMOLITION, None),
    ],
)
def test_a_class_is_right_when_it_names_the_kind_that_was_drawn(kind, told, is_right):
    assert outcome(truth(change(PATCH, kind)), [event(PATCH, told=told)]).changes[0].is_right is is_right


def test_false_events_are_those_that_touch_no_change_on_ground_that_is_known():
    away, nowhere = block(slice(20, 24), slice(20, 24)), block(slice(0, 3), slice(0, 3))
    drawn = truth(change(PATCH), quiet=block(slice(18, 30), slice(18, 30)))
    found = outcome(drawn, [event(PATCH, "a"), event(away, "b"), event(nowhere, "c")])
    assert {e.key: e.is_true for e in found.events} == {"a": True, "b": False, "c": None}
    assert [e.key for e in found.false("confirmed")] == ["b"]
    assert found.false("alerted") == []


def test_an_event_on_a_change_that_is_not_sure_is_neither_true_nor_false():
    found = outcome(truth(change(PATCH, is_sure=False)), [event(PATCH)])
    assert found.changes == ()
    assert (found.events[0].is_true, found.events[0].is_right) == (None, None)


def test_days_to_an_alert_begin_with_the_first_look_that_shows_the_change(monkeypatch):
    diary = Diary(truth(change(PATCH)))
    told: list[Event] = []
    monkeypatch.setattr(grounds, "events_of", lambda state, *, today: tuple(told))
    state, _ = begin(whole(SHAPE), [])
    diary.note(date(2020, 1, 1), state)
    told.append(event(PATCH, "a"))
    diary.note(date(2020, 3, 11), state)
    assert grounds.fate_of(diary.truth.changes[0], told, diary).alert_days == 10


def test_ground_that_was_alerted_before_the_change_is_not_counted_as_told_by_it(monkeypatch):
    diary = Diary(truth(change(PATCH)))
    monkeypatch.setattr(grounds, "events_of", lambda state, *, today: (event(PATCH, "a"),))
    state, _ = begin(whole(SHAPE), [])
    diary.note(BEFORE, state)
    diary.note(date(2020, 3, 11), state)
    assert diary.first_day == {}


def test_the_tables_name_every_change_and_every_false_event():
    drawn = truth(change(PATCH), quiet=block(slice(18, 30), slice(18, 30)))
    lone = event(block(slice(20, 24), slice(20, 24)), "lone")
    text = "\n".join(ground_tables.table([outcome(drawn, [lone], [lone])]))
    assert "a construction" in text
    assert "`lone`" in text
    lines = {f.what: f for f in ground_tables.figures([outcome(drawn, [lone], [lone])])}
    assert lines["romania: false events alerted"].value == 1
    assert lines["romania: changes on record, 25% covered"].value == 0


def wide_rim(ground):
    return MonitorParameters(rim_px=len(ground))


def parameters_seen(*names):
    """A job that reads some real series and says which parameters its watch would get."""
    series.READ.extend(names)
    return replay.LEFT_OUT[0].parameters(series.READ).rim_px if replay.LEFT_OUT else None


def test_a_job_on_a_ground_that_is_left_out_is_watched_with_parameters_fitted_without_it():
    with ThreadPoolExecutor(1) as pool:
        run = Runner(pool, left_out=LeftOut(("romania", "mine-1"), wide_rim))
        jobs: Jobs = [("romania", {}), ("mine-1", "romania", {}), ("suburb", {}), ({},)]
        assert run(parameters_seen, jobs, "jobs") == [len("romania"), len("mine-1")]
        assert Runner(pool)(parameters_seen, [("romania", {})], "jobs") == [None]


def test_the_watch_itself_asks_for_the_parameters(monkeypatch):
    monkeypatch.setattr(replay, "LEFT_OUT", [LeftOut(("romania",), wide_rim)])
    monkeypatch.setattr(replay, "READ", ["suburb"])
    with pytest.raises(OtherGround):
        replay.watch([], since=BEFORE, until=SEEN)


def test_a_table_that_is_missing_is_said_before_anything_is_measured(tmp_path, monkeypatch):
    (tmp_path / "romania.json").write_text("{}")
    assert TablesWithout(tmp_path)("romania").signatures == str(tmp_path / "romania.json")
    for name in ("mine-1", "dark tile"):
        with pytest.raises(UserError, match=rf"no table fitted without {name}"):
            TablesWithout(tmp_path)(name)
    monkeypatch.setattr("left_out.FIELD", "no such field")
    with pytest.raises(UserError, match="takes no table"):
        TablesWithout(tmp_path)("romania")


def test_a_ground_that_was_never_in_the_fit_is_watched_with_the_packaged_table(tmp_path):
    assert {*grounds.GROUNDS} - {*fit_cases.CLEARED, *fit_cases.PAIRS, *fit_cases.QUIET} == {*NEVER_FITTED}
    assert TablesWithout(tmp_path)(NEVER_FITTED[0]) == MonitorParameters()


def test_a_material_that_is_left_out_of_the_fit_is_neither_changed_nor_quiet_ground():
    metal, tile = block(slice(2, 6), slice(2, 6)), block(slice(20, 24), slice(20, 24))
    changes = tuple(
        Happened(mask, BEFORE, Change.CONSTRUCTION, material=name) for mask, name in ((metal, "metal"), (tile, "tile"))
    )
    anything = block(slice(0, 10), slice(0, 10)) | block(slice(16, 28), slice(16, 28))
    case = Case((), whole(SHAPE), BEFORE, SEEN, changes, anything, 0.2, True)
    names = fit_signatures.FEATURES["sentinel-2"]
    z = np.zeros((len(names), *SHAPE), np.float32)
    z[:, metal], z[:, tile] = np.sinh(2.0), np.sinh(5.0)
    seen = Namespace(name="sentinel-2", sensor="sentinel-2", history_kind="seasons", names=names)
    known = Known("a case", "romania", case, (Compared(cast(Any, seen), SEEN.toordinal(), z),))
    before, after = map(samples_of, (known, without_material(known, "metal")))
    built, quiet = (("sentinel-2", "seasons", kind) for kind in ("built", "unchanged"))
    assert np.unique(np.round(before[built], 3)).tolist() == [2, 5]
    assert np.unique(np.round(after[built], 3)).tolist() == [5]
    assert np.unique(np.round(after[quiet], 3)).tolist() == [0]


def test_what_is_put_in_says_its_material(monkeypatch):
    def placed(*_, roofs, **__):
        return [(9, Injected("building", roof, PATCH.astype(np.float32), SEEN, n)) for n, roof in enumerate(roofs)]

    monkeypatch.setattr("buildings.places_for", placed)
    monkeypatch.setattr(cases, "real_series", lambda _: ())
    monkeypatch.setattr(cases, "injected", lambda *_: ())
    monkeypatch.setattr(cases, "_happened", lambda *_: PATCH)
    some = cases.built("romania", BEFORE, SEEN, seed=1, mixing=1.0, roofs=("thatch", "metal"))
    assert [change.material for change in some.changes] == ["thatch", "metal"]
    assert [change.material for change in cases._gone(placed(roofs=("concrete",)))] == ["concrete"]


def said(*pairs, source="a group", about=""):
    stated = tuple(Stated(p, p if p < 0.95 else None, is_true, is_true) for p, is_true in pairs)
    return Statements(source, stated, about)


def test_the_goals_are_held_against_all_grounds_left_out_and_each_name_has_its_lines():
    roofs = said((0.99, False), (0.3, True), source=reliability.ROOFS_ALONE, about="metal")
    some = [
        said(*[(0.95, True)] * 6, about="romania"),
        said(*[(0.95, True)] * 3, (0.95, False), (0.4, True), about="mine-1"),
        roofs,
    ]
    lines = {f.what: f for f in reliability.figures(some, is_left_out=True)}
    top = lines[f"{reliability.LEFT_OUT}, {reliability.TOLD}: stated 0.9 to 1.0, 0.95 in the mean: true"]
    assert (top.value, top.count, top.goal, top.verdict()) == (0.9, 10, "≥ 0.85", "met")
    every, shown = (
        lines[f"{reliability.LEFT_OUT}, {reliability.TOLD}: Brier score{rest}"]
        for rest in ("", " of numbers that are shown")
    )
    assert every.value == pytest.approx((9 * 0.05**2 + 0.95**2 + 0.6**2) / 11)
    assert shown.value == pytest.approx((9 * 0.05**2 + 0.95**2) / 10)
    assert {every.goal, shown.goal} == {"≤ 0.15"}
    for name, of, value in (("mine-1", 4, 0.75), ("romania", 6, 1.0), ("roofs of metal", 1, 0.0)):
        line = lines[f"{name} left out, {reliability.TOLD}: stated 0.9 and more: true"]
        assert (line.count, line.value, line.goal) == (of, value, "")
    brier = lines[f"mine-1 left out, {reliability.TOLD}: Brier score"]
    assert brier.count == 5
    assert brier.value == pytest.approx((3 * 0.05**2 + 0.95**2 + 0.6**2) / 5)
    assert brier.low < brier.value < brier.high
    assert not [f for f in reliability.figures(some) if "left out" in f.what]


def test_roofs_of_one_material_are_watched_with_what_was_fitted_without_it(monkeypatch):
    asked = []

    def case(kind, name, *_, **keywords):
        series.READ.append(name)
        asked.append((kind, keywords["roofs"], parameters_seen()))
        return Case((), None, BEFORE, SEEN, (), np.zeros(SHAPE, bool), 0.2, True)

    monkeypatch.setattr(reliability, "case", case)
    monkeypatch.setattr(reliability, "watch", lambda *_, **__: Namespace(events=(event(PATCH),)))
    with ThreadPoolExecutor(1) as pool:
        run = Runner(pool, left_out=LeftOut(("romania", "dark tile"), wide_rim))
        jobs: Jobs = [("dark tile", "romania", BEFORE, SEEN, {"seed": 1, "mixing": 0.75})]
        (told,) = run(reliability.of_material, jobs, "jobs")
    assert asked == [("built", ("dark tile",), len("dark tile"))]
    assert (told.source, told.about, len(told.said)) == (reliability.ROOFS_ALONE, "dark tile", 1)


def test_a_reliability_line_counts_what_was_true_among_those_that_stated_about_as_much():
    lines = {f.what: f for f in reliability.figures([said((0.92, True), (0.98, True), (1.0, False), (0.4, False))])}
    top = lines[f"a group, {reliability.TOLD}: stated 0.9 to 1.0, 0.97 in the mean: true"]
    assert (top.count, top.verdict()) == (3, "SHORT")
    assert top.value == pytest.approx(2 / 3)
    assert lines[f"a group, {reliability.TOLD}: stated 0.3 to 0.5, 0.40 in the mean: true"].value == 0
    assert not [what for what in lines if reliability.ENDED in what and "0.98" in what]


def test_the_brier_score_is_nought_for_a_sure_truth_and_a_quarter_for_an_even_guess():
    score = f"a group, {reliability.TOLD}: Brier score"
    for pairs, value in ((((1.0, True), (0.0, False)), 0.0), (((0.5, True), (0.5, False)), 0.25)):
        assert {f.what: f for f in reliability.figures([said(*pairs)])}[score].value == pytest.approx(value)


def test_an_event_on_ground_of_which_nobody_knows_says_nothing(monkeypatch):
    change_ = Happened(PATCH, SEEN, Change.CONSTRUCTION)
    some = Case((), None, BEFORE, SEEN, (change_,), block(slice(3, 17), slice(3, 17)), 0.2, True)
    monkeypatch.setattr(reliability, "case", lambda: some)
    away, rim = block(slice(20, 24), slice(20, 24)), block(slice(3, 5), slice(3, 5))
    events = (event(PATCH, "on it"), event(PATCH, "misnamed", Change.CLEARING), event(away, "away"), event(rim, "rim"))
    monkeypatch.setattr(reliability, "watch", lambda *_, **__: Namespace(events=events))
    assert [(s.is_true, s.is_right) for s in reliability.of_case().said] == [
        (True, True),
        (True, False),
        (False, False),
    ]


def test_the_diagram_shows_a_panel_for_every_group(tmp_path):
    reliability.plot([said((0.4, True)), Statements("another", ())], tmp_path)
    assert (tmp_path / "reliability.png").stat().st_size > 5000


def ranked(found, false):
    return Ranked("a kind", tuple(found), tuple(false))


def test_recall_is_read_where_one_more_object_would_be_false_too_many():
    some = [ranked((0.9, 0.6), (0.7, 0.5)), ranked((0.3, 0.0), (0.2,))]
    lines = {f.what: f.value for f in ranking.figures(some)}
    at = [lines[f"all grounds: recall at {n} false objects, one threshold"] for n in (1, 4, 9)]
    assert at == [0.5, 0.75, 0.75]  # 0.9 and 0.6 lie over the second false one, 0.5


def test_a_change_is_found_when_enough_of_it_is_covered_by_all_events_over_a_confidence():
    left, right = block(slice(5, 15), slice(5, 7)), block(slice(5, 15), slice(7, 8))
    events = [replace(event(left, "a"), confidence=0.8), replace(event(right, "b"), confidence=0.6)]
    assert ranking.found_at(PATCH, events, share_of=0.2) == 0.8
    assert ranking.found_at(PATCH, events, share_of=0.3) == 0.6
    assert ranking.found_at(PATCH, events, share_of=0.4) == 0.0
    assert ranking.held_of([event(left, state=State.RETRACTED), event(left, merged_into="b")]) == []


def test_the_ranks_of_a_case_leave_out_what_nobody_knows(monkeypatch):
    some = Case(
        (),
        None,
        BEFORE,
        SEEN,
        (Happened(PATCH, SEEN, Change.CONSTRUCTION),),
        block(slice(3, 17), slice(3, 17)),
        0.2,
        True,
    )
    monkeypatch.setattr(ranking, "case", lambda: some)
    away, rim = block(slice(20, 24), slice(20, 24)), block(slice(3, 5), slice(3, 5))
    events = (event(PATCH, "on it"), replace(event(away, "away"), confidence=0.4), event(rim, "rim"))
    monkeypatch.setattr(ranking, "watch", lambda *_, **__: Namespace(events=events))
    assert ranking.of_case() == Ranked("real series", (0.9,), (0.4,))
