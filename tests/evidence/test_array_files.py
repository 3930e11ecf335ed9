"""An area whose arrays lie in files is watched strip by strip as one in memory is: the same events, the same bytes."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.acquisition import OPTICAL, RADAR, Acquisition, StoredAcquisition
from detectors.array_space import IN_MEMORY, by_strips, strips_of
from detectors.ground import Ground
from detectors.monitor.event_records import events_of
from detectors.monitor.state import AreaState
from detectors.monitor.steps import begin
from detectors.monitor.weeks import watch_weeks
from detectors.sensor_series.series import observed_again
from flows.evidence import state as saved_state
from flows.evidence.array_files import ArrayFiles, ArraySpaceError, FileArray
from flows.evidence.state import load_state, save_state
from flows.pipeline.detector_outputs import layers_of

SHAPE = (61, 47)
START, SINCE = date(2024, 1, 1), date(2024, 9, 2)
UNTIL = SINCE + timedelta(days=7 * 14 - 1)


def scene(day: date) -> Acquisition:
    """Sentinel-2 on even days, radar on odd ones: a clearing across the middle, a roof and a wall on it, and cloud."""
    rng, is_radar = np.random.default_rng(day.toordinal()), day.toordinal() % 2 == 1
    cleared, built = day >= SINCE + timedelta(days=10), day >= SINCE + timedelta(days=35)
    if is_radar:
        power = np.full((2, *SHAPE), 0.05)
        power[:, 26:34, 15:27] *= 12.0 if built else 1.0
        pixels = (power * rng.gamma(4.4, 1 / 4.4, power.shape)).astype(np.float32)
        return Acquisition(f"s1-{day}", RADAR, day, ("vv", "vh"), pixels, np.ones(SHAPE, bool), track=":r7")
    relief = np.random.default_rng(99).normal(1, 0.1, SHAPE)
    bands = np.array([0.03, 0.06, 0.04, 0.36, 0.17])[:, None, None] * relief
    if cleared:
        bands[:, 22:40, 10:32] = np.array([0.10, 0.14, 0.19, 0.26, 0.31])[:, None, None]
    if built:
        bands[:, 26:34, 15:27] = np.array([0.33, 0.34, 0.35, 0.36, 0.33])[:, None, None]
    pixels = (bands + rng.normal(0, 0.003, bands.shape)).astype(np.float32)
    valid = np.ones(SHAPE, bool)
    valid[:, : 12 if day.day % 3 == 0 else 0] = False
    return Acquisition(f"s2-{day}", OPTICAL, day, ("blue", "green", "red", "nir", "swir16"), pixels, valid)


def days() -> list[date]:
    """Every ninth day of the past, and the days of the watch: so that both sensors have their turn."""
    past = [START + timedelta(days=n) for n in range(0, (SINCE - START).days, 9)]
    return past + [SINCE + timedelta(days=n) for n in range(0, (UNTIL - SINCE).days, 3)]


def stored(day: date) -> StoredAcquisition:
    """The same scene, read when it is asked for."""
    whole = scene(day)
    return StoredAcquisition(whole.scene_id, whole.sensor, whole.day, whole.track, whole.platform, lambda: scene(day))


def read(scene_id: str) -> Acquisition:
    return scene(date.fromisoformat(scene_id[3:]))


def watched(space: Any, *, is_stored: bool = False) -> AreaState:
    ground = Ground(np.ones(SHAPE, bool), np.zeros(SHAPE, bool), is_region=True, intervention_distance_m=float("inf"))
    scenes = [stored(day) if is_stored else scene(day) for day in days()]
    state, _ = begin(ground, [one for one in scenes if one.day < SINCE], space=space)
    return watch_weeks(state, scenes, since=SINCE, until=UNTIL)[0]


def arrays(part: Any, where: str = "state") -> dict[str, bytes]:
    """Every array of a state by where it is, as bytes."""
    if isinstance(part, np.ndarray | FileArray):
        return {where: np.ascontiguousarray(part).tobytes()}
    if isinstance(part, Acquisition | StoredAcquisition):
        return {where: part.scene_id.encode()}
    if is_dataclass(part):
        kept = [f.name for f in fields(part) if f.name != "space"]
        return {k: v for name in kept for k, v in arrays(getattr(part, name), f"{where}.{name}").items()}
    if isinstance(part, tuple):
        return {k: v for n, item in enumerate(part) for k, v in arrays(item, f"{where}[{n}]").items()}
    return {where: repr(part).encode()}


@pytest.fixture(scope="module")
def in_memory() -> AreaState:
    return watched(IN_MEMORY)


def test_something_happened_across_the_strips(in_memory):
    events = events_of(in_memory, today=UNTIL.toordinal())
    assert any(e.confirmed_on and len(e.steps) and e.footprint.mask.shape[0] > 8 for e in events)
    assert any(t.rebased for t in in_memory.event_states)


@pytest.mark.parametrize("rows", [1, 7, 61])
def test_strips_of_any_size_give_the_same_events_and_bytes(in_memory, tmp_path, rows):
    space = ArrayFiles(tmp_path, strip_px=rows * SHAPE[1], smallest_bytes=0)
    state = watched(space, is_stored=True)
    assert isinstance(state.evidence.probability, FileArray)
    assert isinstance(state.all_series[0].baseline.coefficients, FileArray)
    assert {k for k, v in arrays(state).items() if arrays(in_memory).get(k) != v} == set()
    today = UNTIL.toordinal()
    one, other = (events_of(s, today=today) for s in (in_memory, state))
    assert repr(one) == repr(other)
    for a, b in zip(layers_of(in_memory, one), layers_of(state, other), strict=True):
        assert a.values.tobytes() == b.values.tobytes()


def test_a_saved_state_comes_to_lie_in_files_and_goes_on_alike(in_memory, tmp_path):
    space = ArrayFiles(tmp_path / "arrays", strip_px=9 * SHAPE[1], smallest_bytes=512)
    save_state(watched(space), tmp_path / "a.npz")
    save_state(in_memory, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = load_state(tmp_path / "a.npz", read=read, space=space)
    optical = again.series(OPTICAL)
    kept: tuple[Any, ...] = (again.evidence.ranked, optical.baseline.coefficients, optical.recent.z[0])
    assert all(isinstance(array, FileArray) for array in kept)
    whole = (again.since, again.ground.monitored_mask, optical.reference)
    assert all(isinstance(array, np.ndarray) for array in whole)
    later = [scene(UNTIL + timedelta(days=n)) for n in range(1, 22, 2)]
    since, until = UNTIL + timedelta(days=1), UNTIL + timedelta(days=21)
    one, other = (watch_weeks(state, later, since=since, until=until)[0] for state in (in_memory, again))
    assert arrays(one) == arrays(other)


@pytest.mark.parametrize("in_files", [False, True], ids=["memory", "files"])
def test_a_watch_that_is_put_away_every_week_comes_to_the_same_bytes(in_memory, tmp_path, in_files):
    space = ArrayFiles(tmp_path, strip_px=9 * SHAPE[1], smallest_bytes=512) if in_files else IN_MEMORY
    scenes = [stored(day) if in_files else scene(day) for day in days()]
    state, _ = begin(in_memory.ground, [one for one in scenes if one.day < SINCE], space=space)
    for monday in (SINCE + timedelta(days=7 * n) for n in range(14)):
        save_state(state, tmp_path / "a.npz")
        state = load_state(tmp_path / "a.npz", read=read, space=space)
        state, _ = watch_weeks(state, scenes, since=monday, until=monday + timedelta(days=6))
    assert arrays(state) == arrays(in_memory)


def test_no_acquisition_is_measured_again_while_clouds_hide_what_is_left_of_an_event(monkeypatch):
    def clouded(day: date) -> Acquisition:
        one = scene(day)
        if one.sensor == OPTICAL and day >= SINCE + timedelta(days=50):
            one.valid[:, 22:] = False
        return one

    measured: list[int] = []

    def again(*given: Any, **named: Any) -> Any:
        measured.append(1)
        return observed_again(*given, **named)

    monkeypatch.setattr("detectors.monitor.rebase.observed_again", again)
    ground = Ground(np.ones(SHAPE, bool), np.zeros(SHAPE, bool), is_region=True, intervention_distance_m=float("inf"))
    more = [UNTIL + timedelta(days=n) for n in range(1, 50, 3)]
    scenes = [clouded(day) for day in (*days(), *more)]
    state, _ = begin(ground, [one for one in scenes if one.day < SINCE])
    state, _ = watch_weeks(state, scenes, since=SINCE, until=UNTIL)
    assert any(t.rebased for t in state.event_states)
    assert measured
    measured.clear()
    watch_weeks(state, scenes, since=UNTIL + timedelta(days=1), until=UNTIL + timedelta(days=49))
    assert not measured


def test_damage_to_a_large_array_is_found(tmp_path):
    space = ArrayFiles(tmp_path / "arrays")
    large = np.arange(1 << 19, dtype=np.float32).reshape(512, 1024)
    ground = Ground(np.ones(SHAPE, bool), np.zeros(SHAPE, bool), is_region=True)
    state = begin(ground, [])[0]
    state = replace(state, evidence=replace(state.evidence, lead=large.T))  # lies column by column
    save_state(state, tmp_path / "a.npz")
    found = load_state(tmp_path / "a.npz", read=read, space=space)
    assert isinstance(found.evidence.lead, FileArray)
    assert np.array_equal(found.evidence.lead[3:5, 7:9], large.T[3:5, 7:9])
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    assert load_state(tmp_path / "a.npz", read=read, space=space) is None


def test_a_part_of_an_array_is_written_to(tmp_path):
    space = ArrayFiles(tmp_path, smallest_bytes=0)
    own = space.copy(np.arange(12.0).reshape(3, 4))
    own[1] = 7.0
    assert own[1:, :2].tolist() == [[7.0, 7.0], [8.0, 9.0]]
    assert np.asarray(space.copy(own)).tolist() == np.asarray(own).tolist()


def test_a_full_disk_leaves_nothing_and_says_what_to_do(in_memory, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(saved_state, "write_packed", full)
    with pytest.raises(ArraySpaceError, match=r"No space left on device.*free space"):
        save_state(in_memory, tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ArraySpaceError, match=r"4 MB of a large area.*free space"):
        ArrayFiles(tmp_path).empty((1024, 1024), np.float32)


def test_what_a_kill_left_half_written_goes_with_the_next_state(tmp_path):
    ground = Ground(np.ones(SHAPE, bool), np.zeros(SHAPE, bool), is_region=True)
    (tmp_path / ".2024-W36-0123456789abcdef.npz.4711.tmp").write_bytes(b"half")
    save_state(begin(ground, [])[0], tmp_path / "a.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_a_large_area_may_open_more_files_than_a_process_begins_with(tmp_path):
    code = """
import resource, sys
from pathlib import Path
import numpy as np
from flows.evidence.array_files import ArrayFiles, ArraySpaceError
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 256))
space = ArrayFiles(Path(sys.argv[1]), smallest_bytes=0)
held = [space.empty((2, 2), np.float32) for _ in range(200)]
try:
    held += [space.empty((2, 2), np.float32) for _ in range(200)]
except ArraySpaceError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", code, tmp_path], check=True, capture_output=True, text=True).stdout
    assert "ulimit -n" in told


def test_arrays_in_files_take_no_memory_and_no_name(tmp_path):
    space = ArrayFiles(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    array = space.empty((64, 1024, 1024), np.float32)  # 256 MiB
    for n in range(64):
        array[n] = n
    assert float(array[63, 5, 5]) == 63.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert list(tmp_path.iterdir()) == []


def test_an_area_is_cut_into_whole_rows():
    space = ArrayFiles(Path(), strip_px=100)
    strips = list(strips_of((23, 30), space))
    assert [(rows.start, rows.stop) for rows, _ in strips] == [(n, min(n + 3, 23)) for n in range(0, 23, 3)]
    layer = np.arange(23 * 30).reshape(23, 30)
    assert np.array_equal(by_strips((23, 30), space, lambda box: layer[box]), layer)
