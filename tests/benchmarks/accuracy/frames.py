# mypy: disable-error-code="assignment"
"""What every peer is given: the optical looks that the watch itself uses, on its reference, behind its own mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from charts import ChartParameters, chart
from peers import PAIR_METHODS, pushed, same_season
from sequential_peers import Reading

from detectors.acquisition import OPTICAL, Acquisition, Floats, Mask
from detectors.preprocessing.align import align_acquisition, reference_image
from detectors.preprocessing.registration import apply_shift
from detectors.statistics import median


@dataclass(frozen=True)
class Tuning:
    """How the peers are set on one kind of ground.

    `composites` say, for each method that compares two images, of how many last clear looks the ground now is the
    median; `charts` how each control chart is set, and `bayts` which index it reads and which way that moves.
    """

    composites: Mapping[str, int]
    charts: Mapping[str, ChartParameters]
    bayts: ChartParameters


@dataclass(frozen=True)
class Frames:
    """Looks side by side: `values` float32 (time, band, y, x), NaN where not clear; `days` int64 (time,)."""

    days: npt.NDArray[np.int64]
    bands: tuple[str, ...]
    values: Floats

    def index(self, name: str) -> Floats:
        """One index of every look, float32 (time, y, x)."""
        return INDICES[name](self)

    def band(self, name: str) -> Floats:
        """One band of every look, float32 (time, y, x)."""
        return self.values[:, self.bands.index(name)]


def _ratio(a: Floats, b: Floats) -> Floats:
    return np.asarray((a - b) / np.maximum(a + b, 0.01), np.float32)


def _brightness(frames: Frames) -> Floats:
    visible = [frames.band(name) for name in ("blue", "green", "red") if name in frames.bands]
    return np.asarray(np.mean(visible, axis=0), np.float32)


INDICES: dict[str, Callable[[Frames], Floats]] = {
    "NDVI": lambda f: _ratio(f.band("nir"), f.band("red")),
    "NDBI": lambda f: _ratio(f.band("swir16"), f.band("nir")),
    "BSI": lambda f: _ratio(f.band("swir16") + f.band("red"), f.band("nir") + f.band("blue")),
    "brightness": _brightness,
    "blue": lambda f: f.band("blue"),
}


def reference_of(acquisitions: Sequence[Acquisition]) -> Floats | None:
    """The image that the optical looks of a history are registered to."""
    return reference_image([k for k in acquisitions if k.sensor == OPTICAL])


def frames_of(acquisitions: Sequence[Acquisition], *, reference: Floats | None, monitored_mask: Mask) -> Frames:
    """The optical looks that can be used, registered and masked as the watch does it."""
    days, stack, bands = [], [], ()
    for acquisition in (k for k in acquisitions if k.sensor == OPTICAL):
        reading = align_acquisition(acquisition, reference=reference, monitored_mask=monitored_mask)
        if reading.report.status == "used":
            pixels, _ = apply_shift(acquisition.pixels, acquisition.valid, reading.report.shift)
            stack.append(np.where(reading.features.clear, pixels, np.nan).astype(np.float32))
            days.append(reading.report.day)
            bands = acquisition.bands
    shape = (0, len(bands), *monitored_mask.shape)
    return Frames(np.array(days, np.int64), bands, np.stack(stack) if stack else np.empty(shape, np.float32))


def pair_scores(history: Frames, seen: Frames, composites: Mapping[str, int]) -> dict[str, Floats]:
    """The score of every method that compares two images, after every look; float32 (time, y, x), 0 where unknown.

    The ground before is the median of the history's looks of the same season, of all of them where none saw it.
    """
    ever = median(history.values)
    last = np.repeat(ever[None], max(composites.values()), axis=0)
    for values in history.values:
        last = pushed(last, values, np.isfinite(values[0]))
    out: dict[str, list[Floats]] = {name: [] for name in composites}
    for values, day in zip(seen.values, seen.days, strict=True):
        last = pushed(last, values, np.isfinite(values[0]))
        season = same_season(history.values, history.days, day=int(day))
        before = np.where(np.isfinite(season), season, ever)
        after = {acquisitions: median(last[-acquisitions:]) for acquisitions in set(composites.values())}
        for name, acquisitions in composites.items():
            out[name].append(np.nan_to_num(PAIR_METHODS[name](before, after[acquisitions])))
    return {name: np.stack(scores) for name, scores in out.items()}


def optical_reading(history: Frames, seen: Frames, p: ChartParameters) -> Reading:
    """One index of optical looks, as `bayts` reads it."""
    return Reading(history.index(p.index), history.days, seen.index(p.index), seen.days, p.sign or 1)


def chart_scores(history: Frames, seen: Frames, charts: Mapping[str, ChartParameters]) -> dict[str, Floats]:
    """The score of every control chart on the index chosen for it, after every look; float32 (time, y, x)."""
    return {
        name: chart(name, history.index(p.index), history.days, seen.index(p.index), seen.days, p)
        for name, p in charts.items()
    }
