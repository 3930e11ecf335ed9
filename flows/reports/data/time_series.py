"""Measures of a piece of ground through time, for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from detectors.baseline.harmonic import fit_baseline, predict
from detectors.footprint import Footprint, footprint_in
from detectors.preprocessing.features import features_of, halo_px
from flows.reports.data.scene_stack import Album, AlbumPage, MaskedScene
from flows.reports.inputs import Series

Mask = npt.NDArray[np.bool_]
UNITS = {"vegetation": "", "brightness": "", "vv": "dB"}


def curves(album: Album, mask: Mask, *, first_seen: date) -> tuple[Series, ...]:
    """The mean of each measure over a footprint through time, with what the looks before the change foretell.

    `mask` is bool (y, x) on the album's ground; the labels of the series are the names of the measures. Radar is that
    of one track.
    """
    rows: dict[str, list[tuple[date, float]]] = {name: [] for name in UNITS}
    ground = footprint_in(mask)
    digest = sha256(str((ground.shape, ground.box)).encode() + ground.mask.tobytes()).hexdigest()
    for page in (*album.optical(), *_one_track(album)):
        for name, mean in _means(page, ground, digest).items():
            rows[name].append((page.day, mean * _scale(name)))
    return tuple(_series(name, points, first_seen) for name, points in rows.items() if _has_values(points))


def _means(page: AlbumPage, ground: Footprint, digest: str) -> dict[str, float]:
    """The mean of each measure of a look over a piece of ground; NaN where it shows less than half of it."""
    if isinstance(page, MaskedScene):
        return _measured(page, ground)
    if digest not in page.means:
        page.means[digest] = _measured(page.loaded(), ground)
    return page.means[digest]


def _measured(page: MaskedScene, ground: Footprint) -> dict[str, float]:
    near = ground.surroundings(halo_px(page.look))
    close, inside = page.cut(near), ground.within(near)
    features = features_of(close.look, close.clear)
    means = {}
    for name in (name for name in UNITS if name in features.names):
        values = features.values[features.names.index(name)][inside]
        seen = np.isfinite(values)
        means[name] = float(values[seen].mean()) if seen.mean() >= 0.5 else float("nan")
    return means


def _one_track(album: Album) -> list[AlbumPage]:
    """The radar pages of the track with the most of them: tracks look from different sides and are never mixed."""
    pages = album.radar()
    tracks = Counter(page.series for page in pages).most_common(1)
    return [page for page in pages if page.series == tracks[0][0]]


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
    return Series(name, UNITS[name], days, values, expected, np.full(len(days), float(fit.spread[0, 0, 0])))
