# mypy: strict-optional=False
"""A second opinion on clouds, by the four-band model of `ukis-csmask`, as a change of the looks' own classification.

The watch has no such vote: this is how the benchmark asks whether it should. What the model calls cloud, or shadow of
cloud, gets that class; the masks of the watch then widen it, and pass over specks, as with any other cloud.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy import ndimage
from swapping import swapped

from detectors.acquisition import OPTICAL, Acquisition, Floats, Mask
from detectors.preprocessing.masks import clear_of

PACKAGES = ("ukis_csmask", "onnxruntime")  # of the extra `bench-clouds`
BANDS = ("blue", "green", "red", "nir")
CLOUD, SHADOW = 1, 2  # classes of the model
CLASS_OF = {CLOUD: 8, SHADOW: 3}  # of the scene classification
WIDENED_PX = 4  # by which the package itself widens what it masks
AROUND_PX = 25
SEASON_DAYS = 45
HAZY, VEILED = 0.02, 0.01  # of blue − red/2 above the season: hazy ground, and what a vote with a residual asks for
LEAST_CLEAR = 0.01

Opinions = Mapping[str, np.ndarray]
Asked = Callable[[Acquisition], np.ndarray]


class Vote(StrEnum):
    """What is dropped beside the classification: nothing, the model's clouds, its shadows too, or veiled clouds."""

    WITHOUT = "without"
    CLOUD = "cloud"
    SHADOW = "cloud and shadow"
    VEILED = "cloud that is veiled"


def is_installed() -> bool:
    """True where the model and what runs it are there."""
    return all(find_spec(name) is not None for name in PACKAGES)


def asked(look: Acquisition) -> np.ndarray:
    """What the model makes of a look: uint8 (y, x), 0 ground, 1 cloud, 2 shadow of cloud."""
    bands = [look.band(name) for name in BANDS]
    image = np.stack([np.where(look.valid, b, np.median(b[look.valid])) for b in bands], axis=-1).astype(np.float32)
    model = importlib.import_module("ukis_csmask.mask")  # by name: tests work without the extra
    with swapped({"onnxruntime.InferenceSession": _kept}), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the image is smaller than its tiles
        return np.asarray(model.CSmask(image, list(BANDS), product_level="l2a").csm[..., 0])


def _kept(original: Any) -> Callable[..., Any]:
    """The session of a model, opened once: the package opens it for every image, which is most of its time."""
    return lambda file, **_: _session(original, file)


@cache
def _session(original: Any, file: str) -> Any:
    options = importlib.import_module("onnxruntime").SessionOptions()
    options.intra_op_num_threads = 1
    return original(file, sess_options=options, providers=["CPUExecutionProvider"])


def opinions_on(looks: Sequence[Acquisition], ask: Asked = asked) -> dict[str, np.ndarray]:
    """The model's opinion on every optical look of which anything is clear and which has its four bands."""
    return {
        look.scene_id: ask(look)
        for look in looks
        if look.sensor == OPTICAL and set(BANDS) <= set(look.bands) and clear_of(look).mean() >= LEAST_CLEAR
    }


def voted(looks: Sequence[Acquisition], opinions: Opinions, *, by: Vote, since: date) -> tuple[Acquisition, ...]:
    """The looks with the vote in their classification; a veil is one against the looks before `since`."""
    if by is Vote.WITHOUT:
        return tuple(looks)
    veils = veil_of(looks, [k for k in looks if k.day < since]) if by is Vote.VEILED else {}
    return tuple(_voted(k, opinions.get(k.scene_id), by, veils.get(k.scene_id)) for k in looks)


def _voted(look: Acquisition, opinion: np.ndarray | None, by: Vote, veil: Floats | None) -> Acquisition:
    if opinion is None or look.scl is None:
        return look
    cloud = opinion == CLOUD
    if by is Vote.VEILED:
        cloud &= veil >= VEILED
    scl = np.where(cloud, CLASS_OF[CLOUD], look.scl)
    if by is Vote.SHADOW:
        scl = np.where(opinion == SHADOW, CLASS_OF[SHADOW], scl)
    return replace(look, scl=scl.astype(np.uint8))


def masked_by_package(opinion: np.ndarray) -> Mask:
    """What the package itself calls invalid: cloud and shadow, widened."""
    return np.asarray(ndimage.binary_dilation(opinion > 0, iterations=WIDENED_PX))


def veil_of(looks: Sequence[Acquisition], reference: Sequence[Acquisition]) -> dict[str, Floats]:
    """How far each optical look lies above its season, by scene: the veil of haze, float32 (y, x), NaN where unknown.

    It is blue − red/2, the haze-optimised transform (Zhang 2002), above the median of the clear ones of `reference`
    within `SEASON_DAYS` of the same day of any year, as a mean over the clear ones of 25 × 25 pixels.
    """
    told = {k.scene_id: k for k in (*reference, *looks) if is_told(k)}
    levels = {scene_id: np.where(clear_of(k), _transform(k), np.nan) for scene_id, k in told.items()}
    out = {}
    for look in filter(is_told, looks):
        near = [
            levels[k.scene_id]
            for k in reference
            if is_told(k) and k.scene_id != look.scene_id and _days_apart(k.day, look.day) <= SEASON_DAYS
        ]
        if near:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # pixels that no reference shows
                above = levels[look.scene_id] - np.nanmedian(near, axis=0)
            out[look.scene_id] = _mean_around(above)
    return out


def is_told(look: Acquisition) -> bool:
    """True for optical looks with blue and red."""
    return look.sensor == OPTICAL and {"blue", "red"} <= set(look.bands)


def _transform(look: Acquisition) -> np.ndarray:
    return look.band("blue") - look.band("red") / 2


def _days_apart(one: date, other: date) -> int:
    apart = abs(one.timetuple().tm_yday - other.timetuple().tm_yday)
    return min(apart, 365 - apart)


def _mean_around(values: np.ndarray) -> Floats:
    known = np.isfinite(values)
    count = ndimage.uniform_filter(known.astype(np.float64), AROUND_PX, mode="nearest")
    total = ndimage.uniform_filter(np.where(known, values, 0.0), AROUND_PX, mode="nearest")
    return np.where(count > 0.1, total / np.maximum(count, 1e-9), np.nan).astype(np.float32)
