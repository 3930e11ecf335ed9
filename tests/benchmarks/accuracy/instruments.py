# mypy: disable-error-code="no-any-return"
# mypy: strict-optional=False
"""What the parts are worth by themselves: registration under shifts, and radar under no change."""

from __future__ import annotations

import numpy as np
from scipy import ndimage, stats
from scoring import Figure, median, ratio, share
from series import real_series

from detectors.acquisition import RADAR, Acquisition
from detectors.baseline.harmonic import fit_baseline, prediction_factor
from detectors.baseline.residual import combined_backscatter, standardise
from detectors.preprocessing.align import reference_image
from detectors.preprocessing.features import features_of, registration_image
from detectors.preprocessing.masks import clear_of
from detectors.preprocessing.registration import measure_shift
from detectors.statistics import middle_and_spread

CLEAR, CLOUDY, OVERCAST = 0.97, 0.40, 0.75
FLAT, NOISE = 0.1, 0.003  # reflectance of ground without features, and a sensor's noise


def registration(*, seed: int, count: int = 40) -> list[Figure]:
    """Error of shifts up to 2 px put into clear Romanian scenes, whole and under 40 % of cloud."""
    rng = np.random.default_rng(seed)
    acquisitions = real_series("romania")
    full = max(clear_of(k).mean() for k in acquisitions)
    clear = [k for k in acquisitions if clear_of(k).mean() >= CLEAR * full]
    reference = reference_image(clear)
    errors: dict[str, list[float]] = {"clear": [], "cloud": []}
    refused: dict[str, list[bool]] = {what: [] for what in ("known", "flat", "elsewhere", "overcast")}
    for _ in range(count):
        acquisition = clear[int(rng.integers(len(clear)))]
        image, mask = np.nan_to_num(registration_image(acquisition)), clear_of(acquisition)
        own = measure_shift(reference, image, clear=mask)
        dy, dx = rng.uniform(-1.4, 1.4, 2)
        moved = ndimage.shift(image, (dy, dx), order=3, mode="nearest").astype(np.float32)
        covered = _cloud(image.shape, CLOUDY, rng)
        for name, seen in (("clear", mask), ("cloud", mask & ~covered)):
            found = measure_shift(reference, moved, clear=seen)
            if found.is_known and own.is_known:
                errors[name].append(float(np.hypot(found.dy - own.dy - dy, found.dx - own.dx - dx)))
            refused["known"].append(not found.is_known)
        flat = rng.normal(FLAT, NOISE, image.shape).astype(np.float32)
        under = mask & ~_cloud(image.shape, OVERCAST, rng)
        for what, other, seen in (
            ("flat", flat, mask),
            ("elsewhere", np.ascontiguousarray(image[::-1, ::-1]), mask),
            ("overcast", moved, under),
        ):
            refused[what].append(not measure_shift(reference, other, clear=seen).is_known)
    return [
        median("registration, shifts to 2 px, clear: error in px", errors["clear"], "≤ 0.10"),
        median("registration, the same under 40 % cloud: error in px", errors["cloud"], "≤ 0.20"),
        share("registration, the same two: refused though it can be known", refused["known"]),
        share("registration: ground without features refused", refused["flat"], "1.00"),
        share("registration: a picture of another place refused", refused["elsewhere"], "1.00"),
        share("registration: three quarters under cloud refused", refused["overcast"], "1.00"),
    ]


def _cloud(shape: tuple[int, ...], cover: float, rng: np.random.Generator) -> np.ndarray:
    field = ndimage.gaussian_filter(rng.normal(size=shape), 10)
    return field > np.quantile(field, 1 - cover)


def speckle(*, seed: int, series: int = 12) -> list[Figure]:
    """How often pure gamma speckle of 4.4 looks passes 2.5 σ, against the normal rate.

    It is both polarisations together, as lines are looked for in them, in the scatter of the image itself. Pixels of
    one average go together, and those of one baseline: the interval is drawn over series.
    """
    passed, nominal = zip(*(_passed(np.random.default_rng([seed, n])) for n in range(series)), strict=True)
    return [
        ratio(f"radar: speckle {side} by 2.5 σ / nominal rate", counts, nominal, "0.9 to 1.1")
        for side, counts in zip(("up", "down"), np.transpose(passed), strict=True)
    ]


def _passed(rng: np.random.Generator, *, acquisitions: int = 60, size: int = 96) -> tuple[np.ndarray, float]:
    """Pixels of the second half of a series over 2.5 σ up and down, int (2,), and how many the normal rate foresees."""
    power = rng.gamma(4.4, 1 / 4.4, (acquisitions, 2, size, size)) * np.array([0.08, 0.02])[:, None, None]
    everywhere = np.ones((size, size), bool)
    days = np.arange(acquisitions) * 12
    bands = ("vv", "vh")
    born = np.datetime64("2024-01-01").astype(object)
    values = np.stack(
        [
            features_of(Acquisition("", RADAR, born, bands, p.astype(np.float32), everywhere), everywhere).values
            for p in power
        ]
    )
    half = acquisitions // 2
    baseline = fit_baseline(values[:half], days[:half], names=bands)
    passed = np.zeros(2, int)
    for n in range(half, acquisitions):
        day = int(days[n])
        factor = prediction_factor(baseline, day)
        residual = standardise(values[n], baseline, day=day, factor=factor, stable_mask=everywhere)
        both = combined_backscatter(residual.z)
        both = both / middle_and_spread(both)[1]
        passed += [(both > 2.5).sum(), (both < -2.5).sum()]
    return passed, float(stats.norm.sf(2.5) * (acquisitions - half) * size * size)
