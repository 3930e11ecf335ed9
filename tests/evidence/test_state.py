"""What the watch has learned survives being put away: the same arrays, and the same next step."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.acquisition import OPTICAL, RADAR, Acquisition, StoredAcquisition
from detectors.evidence.belief import held_mask
from detectors.ground import Ground
from detectors.monitor.event_records import events_of
from detectors.monitor.state import AreaState
from detectors.monitor.steps import begin, end_week, observe
from flows.evidence.state import load_state, save_state

SHAPE = (40, 40)
START = date(2024, 1, 1)
BUILT = START + timedelta(days=150)


def read(scene_id: str) -> Acquisition:
    return look(int(scene_id[-2:]))


def look(n: int) -> Acquisition:
    """Every third look is radar; from the fifteenth on a bright block stands in the middle."""
    rng, day = np.random.default_rng(n), START + timedelta(days=10 * n)
    is_built = day >= BUILT
    if n % 3 == 2:
        power = np.full((2, *SHAPE), 0.05)
        power[:, 16:23, 16:23] *= 12.0 if is_built else 1.0
        pixels = (power * rng.gamma(4.4, 1 / 4.4, power.shape)).astype(np.float32)
        radar = Acquisition(f"s1-{n:02}", RADAR, day, ("vv", "vh"), pixels, np.ones(SHAPE, bool), track=":r7")
        return replace(radar, platform="sentinel-1a")
    relief = np.random.default_rng(99).normal(1, 0.2, SHAPE)
    bands = np.array([0.10, 0.14, 0.18, 0.27])[:, None, None] * relief
    if is_built:
        bands[:, 16:23, 16:23] = np.array([0.33, 0.34, 0.35, 0.36])[:, None, None]
    pixels = (bands + rng.normal(0, 0.003, bands.shape)).astype(np.float32)
    return Acquisition(f"s2-{n:02}", OPTICAL, day, ("blue", "green", "red", "nir"), pixels, np.ones(SHAPE, bool))


def advanced(state: AreaState, numbers: range) -> AreaState:
    for n in numbers:
        state, _ = observe(state, look(n))
        state = end_week(state, today=look(n).day.toordinal())
    return state


@pytest.fixture(scope="module")
def state() -> AreaState:
    monitored_mask = np.ones(SHAPE, bool)
    monitored_mask[:2] = False
    ground = Ground(monitored_mask, np.zeros(SHAPE, bool), is_region=True, intervention_distance_m=float("inf"))
    started, _ = begin(ground, [look(n) for n in range(12)])
    return advanced(started, range(12, 24))


@pytest.fixture(scope="module")
def saved(state, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("states") / "2024-W35-0123456789abcdef.npz"
    save_state(state, path)
    return path


def differences(a: Any, b: Any, where: str = "state") -> list[str]:
    """The names of all parts in which two states differ, types and dtypes included; NaN equals NaN."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        alike = a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        return [] if alike else [where]
    if isinstance(a, Acquisition | StoredAcquisition):
        return [] if (a.scene_id, a.series, a.day) == (b.scene_id, b.series, b.day) else [where]
    if is_dataclass(a) and type(a) is type(b):
        return [d for f in fields(a) for d in differences(getattr(a, f.name), getattr(b, f.name), f"{where}.{f.name}")]
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        pairs = enumerate(zip(a, b, strict=True))
        return [d for n, (x, y) in pairs for d in differences(x, y, f"{where}[{n}]")]
    return [] if type(a) is type(b) and a == b else [where]


def test_the_state_that_is_tested_holds_something_of_everything(state):
    assert len(state.all_series) == 2
    assert [len(c.positions) for c in state.all_series] == [1, 0]
    assert state.event_states
    assert state.event_states[0].confirmed_day is not None
    assert held_mask(state.evidence).any() or state.event_states[0].rebased


def test_every_part_comes_back(state, saved):
    assert differences(load_state(saved, read=read), state) == []


def test_the_next_steps_are_the_same(state, saved):
    restored = load_state(saved, read=read)
    one, two = advanced(state, range(24, 30)), advanced(restored, range(24, 30))
    assert differences(one, two) == []
    today = look(29).day.toordinal()
    assert differences(events_of(one, today=today), events_of(two, today=today)) == []


def test_a_comparison_can_fail(state, saved):
    assert differences(load_state(saved, read=read), advanced(state, range(24, 25)))


def test_the_same_state_is_the_same_file(state, saved, tmp_path):
    save_state(state, tmp_path / "again.npz")
    save_state(load_state(saved, read=read), tmp_path / "restored.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "restored.npz").read_bytes() == saved.read_bytes()


def test_a_state_before_the_first_look_is_a_state(tmp_path):
    empty, _ = begin(Ground(np.ones(SHAPE, bool), np.zeros(SHAPE, bool), is_region=False), [])
    save_state(empty, tmp_path / "empty.npz")
    assert differences(load_state(tmp_path / "empty.npz", read=read), empty) == []


def test_saving_again_replaces_and_leaves_nothing_behind(state, tmp_path):
    path = tmp_path / "deep" / "state.npz"
    save_state(state, path)
    later = replace(state, concluded=state.concluded + 7)
    save_state(later, path)
    assert load_state(path, read=read).concluded == later.concluded
    assert [p.name for p in path.parent.iterdir()] == ["state.npz"]


def test_no_file_is_no_state(tmp_path):
    assert load_state(tmp_path / "none.npz", read=read) is None


@pytest.mark.parametrize(
    "content", [b"", b"nothing of the kind", b"PK\x03\x04" + b"\0" * 40], ids=["empty", "text", "zip"]
)
def test_another_file_is_no_state(tmp_path, content):
    path = tmp_path / "state.npz"
    path.write_bytes(content)
    assert load_state(path, read=read) is None


def test_arrays_of_something_else_are_no_state(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.arange(3))
    trees = {
        "tree": '{"record": "Stranger", "fields": {}}',
        "older": '{"record": "AreaState", "fields": {"x": 1}}',
        "list": "[1, 2]",
        "lacking": '{"array": "a0", "shape": [2], "dtype": "<f4"}',
    }
    for name, tree in trees.items():
        with ZipFile(tmp_path / f"{name}.npz", "w") as members:
            members.writestr("tree.json", tree)
    for name in ("other", *trees):
        assert load_state(tmp_path / f"{name}.npz", read=read) is None


@pytest.fixture(scope="module")
def spoilt_path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("spoilt") / "state.npz"


@settings(deadline=None, max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(share=st.floats(0, 0.999))
def test_a_file_cut_short_is_no_state(saved, spoilt_path, share):
    content = saved.read_bytes()
    spoilt_path.write_bytes(content[: int(share * len(content))])
    assert load_state(spoilt_path, read=read) is None


@pytest.mark.parametrize("entry", ["first", "last"])
@pytest.mark.parametrize(
    ("place", "flipped"),
    [(6, 167), (8, 25), (10, 214), (10, 8), (10, 14)],
    ids=["version", "password", "packing", "deflate", "lzma"],
)
def test_a_container_that_calls_for_something_else_is_no_state(saved, spoilt_path, place, flipped, entry):
    content = bytearray(saved.read_bytes())
    find = content.index if entry == "first" else content.rindex
    content[find(b"PK\x01\x02") + place] ^= flipped
    spoilt_path.write_bytes(content)
    assert load_state(spoilt_path, read=read) is None


@settings(deadline=None, max_examples=150, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(where=st.one_of(st.floats(0, 1), st.floats(0.9, 1)), flipped=st.integers(1, 255))
def test_a_damaged_file_never_gives_another_state(state, saved, spoilt_path, where, flipped):
    """A byte turned over in a name or a time of the container may go unnoticed; one in the numbers may not."""
    content = bytearray(saved.read_bytes())
    content[min(int(where * len(content)), len(content) - 1)] ^= flipped
    spoilt_path.write_bytes(content)
    loaded = load_state(spoilt_path, read=read)
    assert loaded is None or differences(loaded, state) == []


@pytest.mark.parametrize("commit", ["d759477", "9b268a4", "64e881a"])
def test_a_state_of_an_older_version_is_passed_over(commit):
    """What held other evidence or was written otherwise: the weeks are replayed from the archive instead."""
    assert load_state(Path(__file__).parent / f"state-{commit}.npz", read=read) is None
