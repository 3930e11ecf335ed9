"""Walls put into the Romanian series: chance of detection against length and sub-pixel fraction."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from buildings import real_change
from replay import watch
from scipy import ndimage
from scoring import Figure, share
from series import measured, real_series

from detectors.injection import Injected, injected, wall

SPAN = (date(2019, 1, 7), date(2019, 12, 29))
BEGINS = date(2019, 5, 1)
FRACTIONS = (0.1, 0.2, 0.4, 0.7, 1.0)
LENGTHS = (10, 20, 40, 80)
APART_PX = 8
FORMS = ("straight", "L", "ring")


def trials(*, seed: int, fraction: float) -> list[tuple[float, int, str, bool, float | None]]:
    """(fraction, length, form, found, length error) of some walls watched together."""
    looks = real_series("romania")
    taken = real_change(looks, *SPAN) | ~measured(looks)
    rng = np.random.default_rng(1000 + seed)
    placed = []
    for length, form in rng.permutation([(n, f) for n in LENGTHS for f in FORMS]):
        image = _placed(taken, int(length), str(form), fraction, rng)
        if image is not None:
            taken = taken | ndimage.binary_dilation(image > 0, iterations=APART_PX)
            placed.append((int(length), str(form), Injected("wall", "concrete", image, BEGINS, seed)))
    seen = watch(injected(looks, [w for _, _, w in placed]), since=SPAN[0], until=SPAN[1])
    rows = []
    for length, form, change in placed:
        course = change.share > 0.25 * fraction
        mine = [
            e
            for e in seen.confirmed()
            if e.first_seen >= BEGINS - timedelta(15) and (e.footprint & course).sum() >= 0.3 * course.sum()
        ]
        best = max(mine, key=lambda e: (e.footprint & course).sum(), default=None)
        error = None if best is None or best.length_m is None else best.length_m / 10.0 / length - 1.0
        rows.append((fraction, length, form, best is not None, error))
    return rows


def _placed(taken: np.ndarray, length: int, form: str, fraction: float, rng: np.random.Generator) -> np.ndarray | None:
    """A wall whose whole course lies on free ground, or None where a hundred tries find none."""
    for _ in range(100):
        at = tuple(float(rng.uniform(6, size - 6)) for size in taken.shape)
        image = wall(taken.shape, at, length, form, fraction=fraction, angle=float(rng.uniform(0, np.pi)))
        whole = image.sum() > 0.95 * fraction * length * 0.9
        if whole and not (taken & (image > 0.05 * fraction)).any():
            return image
    return None


def figures(rows: list[tuple[float, int, str, bool, float | None]]) -> list[Figure]:
    """The curve, and the line that the goal names."""
    out = []
    for fraction in FRACTIONS:
        for length in LENGTHS:
            hits = [found for f, n, _, found, _ in rows if f == fraction and n == length]
            goal = "≥ 0.80" if fraction >= 0.4 and length >= 20 else ""
            out.append(share(f"wall of {length} px covering {fraction:.1f} of a pixel: found", hits, goal))
    return out
