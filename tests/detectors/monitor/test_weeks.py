"""The same looks give the same state, from wherever the watch goes on, and no step changes what it was given."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from detectors.ground import whole
from detectors.monitor.steps import begin, end_week, observe

SHAPE = (48, 48)
PAST, SINCE, UNTIL = date(2023, 1, 2), date(2024, 4, 1), date(2024, 8, 4)


def differences(a: Any, b: Any, where: str = "state") -> list[str]:
    """The names of all parts in which two states differ; NaN equals NaN."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        alike = a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        return [] if alike else [where]
    if is_dataclass(a) and type(a) is type(b):
        return [d for f in fields(a) for d in differences(getattr(a, f.name), getattr(b, f.name), f"{where}.{f.name}")]
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        pairs = enumerate(zip(a, b, strict=True))
        return [d for n, (x, y) in pairs for d in differences(x, y, f"{where}[{n}]")]
    if isinstance(a, tuple) and isinstance(b, tuple):
        return [where]
    return [] if type(a) is type(b) and a == b else [where]


def freeze(part: Any) -> None:
    """Every array of a state is made read-only: whoever writes into it fails."""
    if isinstance(part, np.ndarray):
        part.flags.writeable = False
    elif is_dataclass(part):
        for f in fields(part):
            freeze(getattr(part, f.name))
    elif isinstance(part, tuple):
        for item in part:
            freeze(item)


@pytest.fixture(scope="module")
def acquisitions(scenery, every):
    """A clearing and a roof on it under both instruments, with cloud."""
    ground = scenery(shape=SHAPE, seed=5)
    ground = ground.with_patch("soil", ground.box(14, 14, 14, 14), date(2024, 4, 22))
    ground = ground.with_patch("roof", ground.box(17, 17, 6, 6), date(2024, 6, 17))
    optical = [*every(PAST, SINCE - timedelta(days=1), 30), *every(SINCE, UNTIL, 6)]
    radar = [*every(PAST, SINCE - timedelta(days=1), 36), *every(SINCE, UNTIL, 12)]
    return [ground.optical(d, cloud=(0, 0.4, 0)[n % 3]) for n, d in enumerate(optical)] + [
        ground.radar(d) for d in radar
    ]


@pytest.fixture(scope="module")
def outcome(acquisitions, watch):
    return watch(acquisitions, since=SINCE, until=UNTIL)


def test_something_did_happen(outcome):
    assert outcome.ever_confirmed()
    assert any(
        event_state.rebased or len(event_state.steps) > 1
        for _, state in outcome.weeks
        for event_state in state.event_states
    )


def test_a_replay_reaches_the_same_state_to_the_last_bit(acquisitions, watch, outcome):
    again = watch(reversed(acquisitions), since=SINCE, until=UNTIL)
    for (day, a), (same_day, b) in zip(outcome.weeks, again.weeks, strict=True):
        assert day == same_day
        assert differences(a, b) == []


@pytest.mark.parametrize("week", [0, 3, 6, 11, 15])
def test_going_on_from_any_week_reaches_the_same_state(acquisitions, watch, outcome, week):
    last, state = outcome.weeks[week]
    resumed = watch(acquisitions, since=last + timedelta(days=1), until=UNTIL, start=state)
    assert differences(resumed.state, outcome.state) == []


def test_no_step_writes_into_what_it_was_given(acquisitions, watch, outcome):
    state = outcome.weeks[2][1]
    freeze(state)
    frozen = [k for k in acquisitions if k.day >= SINCE]
    for acquisition in frozen:
        freeze(acquisition)
    last = outcome.weeks[2][0]
    again = watch(acquisitions, since=last + timedelta(days=1), until=UNTIL, start=state)
    assert differences(again.state, outcome.state) == []


def test_a_comparison_of_states_can_fail(outcome):
    assert differences(outcome.weeks[0][1], outcome.state)
    assert differences(outcome.weeks[-2][1].evidence, outcome.state.evidence)


def test_series_know_nothing_of_each_other(scenery):
    """Looks of one day by two instruments may come in either order."""
    ground = scenery(shape=SHAPE)
    start, _ = begin(whole(SHAPE), [ground.optical(PAST), ground.radar(PAST)])
    pair = ground.optical(SINCE), ground.radar(SINCE)
    one = observe(observe(start, pair[0])[0], pair[1])[0]
    two = observe(observe(start, pair[1])[0], pair[0])[0]
    assert differences(one, two) == []
    today = SINCE.toordinal() + 6
    assert differences(end_week(one, today=today), end_week(two, today=today)) == []
