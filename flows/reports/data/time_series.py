"""Measures of a piece of ground through time, for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from detectors.baseline.harmonic import expected_spread, fit_baseline, predict
from detectors.preprocessing.features import features_of
from flows.reports.data.scene_stack import Album, MaskedScene
from flows.reports.inputs import Series

Mask = npt.NDArray[np.bool_]
UNITS = {"vegetation": "", "brightness": "", "vv": "dB"}


def curves(album: Album, mask: Mask, *, first_seen: date) -> tuple[Series, ...]:
    """The mean of each measure over a footprint through time, with what the looks before the change foretell.

    `mask` is bool (y, x) on the album's ground; the labels of the series are the names of the measures. Radar is that
    of one track.
    """
    rows: dict[str, list[tuple[date, float]]] = {name: [] for name in UNITS}
    for page in (*album.optical(), *_one_track(album)):
        measured = features_of(page.look, page.clear)
        for name in UNITS:
            if name in measured.names:
                values = measured.values[measured.names.index(name)][mask]
                seen = np.isfinite(values)
                mean = float(values[seen].mean()) if seen.mean() >= 0.5 else float("nan")
                rows[name].append((page.look.day, mean * _scale(name)))
    return tuple(_series(name, points, first_seen) for name, points in rows.items() if _has_values(points))


def _one_track(album: Album) -> list[MaskedScene]:
    """The radar pages of the track with the most of them: tracks look from different sides and are never mixed."""
    pages = album.radar()
    tracks = Counter(page.look.series for page in pages).most_common(1)
    return [page for page in pages if page.look.series == tracks[0][0]]


def _scale(name: str) -> float:
    return 10.0 / float(np.log(10.0)) if name == "vv" else 1.0  # natural logarithm to decibel


def _has_values(points: Sequence[tuple[date, float]]) -> bool:
    return sum(bool(np.isfinite(v)) for _, v in points) >= 2


def _series(name: str, points: Sequence[tuple[date, float]], first_seen: date) -> Series:
    days = tuple(day for day, _ in points)
    values = np.array([value for _, value in points], np.float32)
    past = np.array([day < first_seen for day in days]) & np.isfinite(values)
    if past.sum() < 3:
        return Series(name, UNITS[name], days, values)
    numbers = np.array([day.toordinal() for day in days], np.int64)
    fit = fit_baseline(values[past][:, None, None, None], numbers[past], names=(name,))
    expected = np.array([float(predict(fit, int(n))[0, 0, 0]) for n in numbers])
    spread = np.array([float(expected_spread(fit, int(n))[0, 0, 0]) for n in numbers])
    return Series(name, UNITS[name], days, values, expected, spread)
