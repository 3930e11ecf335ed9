"""Ground made of a few numbers, and a watch over it: what is tested never helps to make its own test data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from detectors.acquisition import OPTICAL, RADAR, Acquisition
from detectors.ground import Ground, whole
from detectors.monitor.event_records import events_of
from detectors.monitor.state import AreaState
from detectors.monitor.steps import begin
from detectors.monitor.weeks import watch_weeks
from detectors.records import Event, State

BANDS = ("blue", "green", "red", "nir", "swir16")
RIM = 6  # the canvas is wider than a look by this much, so that a look may be shifted

# Reflectance in the order of BANDS; vegetation in summer and in winter.
COVERS = {
    "vegetation": ((0.03, 0.06, 0.04, 0.36, 0.17), (0.05, 0.07, 0.07, 0.24, 0.20)),
    "shadow": ((0.015, 0.03, 0.02, 0.16, 0.08), (0.025, 0.035, 0.035, 0.11, 0.09)),
    "soil": ((0.10, 0.14, 0.19, 0.26, 0.31),) * 2,
    "desert": ((0.16, 0.22, 0.29, 0.35, 0.42),) * 2,
    "roof": ((0.30, 0.31, 0.32, 0.34, 0.30),) * 2,
    "strip": ((0.22, 0.26, 0.31, 0.36, 0.40),) * 2,
    "water": ((0.06, 0.05, 0.03, 0.02, 0.01),) * 2,
}
# Linear power of vv and vh.
POWERS = {
    "vegetation": (0.080, 0.020),
    "shadow": (0.080, 0.020),
    "soil": (0.050, 0.010),
    "desert": (0.040, 0.008),
    "roof": (0.600, 0.080),
    "strip": (0.060, 0.012),
    "water": (0.008, 0.002),
}


@dataclass(frozen=True)
class Patch:
    """From a day on, until another if there is one, a mask (y, x) bears another cover."""

    cover: str
    mask: np.ndarray
    since: date
    until: date = date.max


@dataclass(frozen=True)
class Scenery:
    """Ground of one cover with relief and a season, and what happens on it."""

    shape: tuple[int, int] = (64, 64)
    cover: str = "vegetation"
    seed: int = 1
    patches: tuple[Patch, ...] = ()
    noise: float = 0.005

    def box(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """A mask with one rectangle."""
        mask = np.zeros(self.shape, bool)
        mask[top : top + height, left : left + width] = True
        return mask

    def with_patch(self, cover: str, mask: np.ndarray, since: date = date.min, until: date = date.max) -> Scenery:
        """The same ground on which a patch changes."""
        return replace(self, patches=(*self.patches, Patch(cover, mask, since, until)))

    def optical(
        self,
        day: date,
        *,
        bands: Sequence[str] = BANDS,
        cloud: float = 0.0,
        haze: float = 0.0,
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> Acquisition:
        """A Sentinel-2 look; `haze` is reflectance added to the visible, `cloud` the share under opaque cloud."""
        rng = np.random.default_rng((self.seed, day.toordinal(), 2))
        summer = 0.5 - 0.5 * np.cos(2 * np.pi * (day.timetuple().tm_yday - 15) / 365.25)
        table = {c: summer * np.array(s) + (1 - summer) * np.array(w) for c, (s, w) in COVERS.items()}
        clean = np.moveaxis(self._painted(day, table), -1, 0) * (1 + 0.12 * self._relief())
        moved = [ndimage.shift(band, shift, order=3, mode="nearest")[RIM:-RIM, RIM:-RIM] for band in clean]
        pixels = np.stack(moved) * rng.normal(1.0, 0.015) + rng.normal(0, self.noise, (len(BANDS), *self.shape))
        pixels[:3] += haze
        pixels[3:] += haze / 3
        covered = self._cloud(cloud, rng)
        pixels[:, covered] = 0.55
        scl = np.where(covered, 9, 4).astype(np.uint8)
        chosen = np.stack([pixels[BANDS.index(b)] for b in bands]).astype(np.float32)
        return Acquisition(f"s2-{day:%Y%m%d}", OPTICAL, day, tuple(bands), chosen, np.ones(self.shape, bool), scl)

    def radar(
        self,
        day: date,
        *,
        bands: Sequence[str] = ("vv", "vh"),
        track: str = ":r1",
        gain: float = 1.0,
        platform: str = "",
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> Acquisition:
        """A Sentinel-1 look with the speckle of 4.4 looks; `gain` is what the geometry of the orbit makes of it."""
        rng = np.random.default_rng((self.seed, day.toordinal(), 1))
        clean = np.moveaxis(self._painted(day, {c: np.array(p) for c, p in POWERS.items()}), -1, 0)
        clean = clean * np.exp(0.15 * self._relief())
        if shift != (0.0, 0.0):
            clean = np.stack([ndimage.shift(band, shift, order=3, mode="nearest") for band in clean])
        clean = clean[:, RIM:-RIM, RIM:-RIM]
        pixels = gain * clean * rng.gamma(4.4, 1 / 4.4, clean.shape)
        chosen = np.stack([pixels[("vv", "vh").index(b)] for b in bands]).astype(np.float32)
        return Acquisition(
            f"s1-{day:%Y%m%d}{track}",
            RADAR,
            day,
            tuple(bands),
            chosen,
            np.ones(self.shape, bool),
            track=track,
            platform=platform,
        )

    def _painted(self, day: date, table: dict[str, Any]) -> np.ndarray:
        wide = (self.shape[0] + 2 * RIM, self.shape[1] + 2 * RIM)
        canvas = np.broadcast_to(table[self.cover], (*wide, len(table[self.cover]))).copy()
        for patch in self.patches:
            if patch.since <= day < patch.until:
                canvas[np.pad(patch.mask, RIM)] = table[patch.cover]
        return canvas

    def _relief(self) -> np.ndarray:
        rng = np.random.default_rng((self.seed, 7))
        field = ndimage.gaussian_filter(rng.normal(size=(self.shape[0] + 2 * RIM, self.shape[1] + 2 * RIM)), 1.2)
        return field / field.std()

    def _cloud(self, share: float, rng: np.random.Generator) -> np.ndarray:
        field = ndimage.gaussian_filter(rng.normal(size=self.shape), 8, mode="wrap")
        return field > np.quantile(field, 1 - share) if share else np.zeros(self.shape, bool)


RANK = {State.PROVISIONAL: 0, State.CONFIRMED: 1, State.FINISHED: 2, State.RETRACTED: 3}


@dataclass(frozen=True)
class Outcome:
    """The state at the end of each week, and the events at the end of the last one."""

    weeks: tuple[tuple[date, AreaState], ...]

    @property
    def state(self) -> AreaState:
        return self.weeks[-1][1]

    @property
    def events(self) -> tuple[Event, ...]:
        return events_of(self.state, today=self.weeks[-1][0].toordinal())

    def ever_confirmed(self) -> list[Event]:
        """The events that were confirmed, whatever came after."""
        return [event for event in self.events if event.confirmed_on is not None]

    def check(self) -> Outcome:
        """Itself, once no week is found to contradict the one before, nor an event itself."""
        before: dict[str, Event] = {}
        for last, state in self.weeks:
            now = {event.key: event for event in events_of(state, today=last.toordinal())}
            assert len(now) == len(state.event_states), "keys are unique"
            assert before.keys() <= now.keys(), "an event stays on record"
            for key, event in now.items():
                _check_event(event, before.get(key), last)
            for track in state.event_states:
                assert track.confirmed_day is None or track.dates >= 3 or track.merged_into is not None
            before = now
        return self


def _check_event(event: Event, before: Event | None, last: date) -> None:
    assert event.first_seen <= event.last_seen <= last
    assert event.area_m2_low <= event.area_m2 <= event.area_m2_high
    assert 0.0 < event.confidence < 1.0
    assert event.sensors
    assert event.transitions[-1].state is event.state
    if before is not None:
        told = len(before.transitions)
        assert event.transitions[:told] == before.transitions, "what was told stays told"
        assert all(RANK[a.state] < RANK[b.state] for a, b in pairwise(event.transitions)), "never backwards"
        assert event.first_seen == before.first_seen
        assert before.confirmed_on in (None, event.confirmed_on)
        assert event.state is not State.RETRACTED or before.confirmed_on is None


def replay(
    acquisitions: Iterable[Acquisition],
    *,
    since: date,
    until: date,
    ground: Ground | None = None,
    start: AreaState | None = None,
) -> Outcome:
    """The watch from one day to another; earlier looks are its history, unless it starts from a state."""
    ordered = sorted(acquisitions, key=lambda k: (k.day, k.scene_id))
    state = start
    if state is None:
        ground = ground or whole(ordered[0].valid.shape)
        state, _ = begin(ground, [k for k in ordered if k.day < since])
    told: list[tuple[date, AreaState]] = []
    watch_weeks(state, ordered, since=since, until=until, on_week=lambda last, now: told.append((last, now)))
    return Outcome(tuple(told)).check()


def days(since: date, until: date, step: int) -> list[date]:
    """Days from one to another, both inclusive, so many apart."""
    return [since + timedelta(days=n) for n in range(0, (until - since).days + 1, step)]


@pytest.fixture(scope="session")
def scenery() -> type[Scenery]:
    return Scenery


@pytest.fixture(scope="session")
def watch() -> Callable[..., Outcome]:
    return replay


@pytest.fixture(scope="session")
def every() -> Callable[..., list[date]]:
    return days
