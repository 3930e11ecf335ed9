"""The checks that a scene passes before it enters the archive, whatever it came from."""

from __future__ import annotations

import numpy as np

from aois.grid import Grid
from flows.imagery.radiometry import BASELINE_OFFSET, BASELINE_WITH_OFFSET, baseline_number
from flows.imagery.scene import ImageryError, Scene, Sensor

HIGHEST_SCL = 11
# Far outside what either instrument measures of the ground: clouds and snow reach 1.6, corner reflectors some 1,000.
# Chosen on 2026-11-24 to tell a wrong scale or unit from an odd scene.
REFLECTANCE_LIMITS = (-1.0, 20.0)
POWER_LIMIT = 1e5
# Reflectance under −0.02 is noise over a few dark pixels; over a tenth of a scene it is an offset taken off twice.
# Chosen on 2026-11-24: with 0.1 taken off twice, half of a green scene is negative.
NEGATIVE, MANY = -0.02, 0.1
# Vegetation and water of the scene classification, of which so many pixels are enough to judge by. Over 58 real scenes
# the darkest hundredth of them reflects 0.015 in blue or red in the median and 0.073 at most; with the 0.1 of the
# offset still in them, none is under 0.1. Chosen on 2026-11-30.
DARK_CLASSES, DARK_BANDS, LEAST_DARK_PX = (4, 6), ("blue", "red"), 200
FEW = 0.01  # so many pixels may lie outside; a scene in a wrong unit has most of them there


class BadContentError(ImageryError):
    """What came is not a scene, or not this one; `content` is what came, empty where it has no bytes of its own."""

    def __init__(self, message: str, content: bytes = b"") -> None:
        """With the words for a person, and the evidence."""
        super().__init__(message)
        self.content = content


def check_scene(scene: Scene, grid: Grid) -> None:
    """The scene's arrays fit the grid and each other, and its numbers can be measurements.

    A scene without a single valid pixel passes: that nothing was seen is a result. Raises `BadContentError`, or
    `ImageryError` where the numbers deny what the item says of its offset.
    """
    expected = (len(scene.bands), *grid.shape)
    if not scene.bands or scene.pixels.shape != expected or scene.valid.shape != grid.shape:
        raise BadContentError(
            f"scene `{scene.scene_id}`: pixels of shape {scene.pixels.shape} and a mask of {scene.valid.shape} do not "
            f"fit {expected}"
        )
    if scene.pixels.dtype != np.float32 or scene.valid.dtype != np.bool_:
        raise BadContentError(
            f"scene `{scene.scene_id}`: pixels of type {scene.pixels.dtype} and a mask of {scene.valid.dtype}, not "
            f"float32 and bool"
        )
    _check_classes(scene, grid)
    _check_numbers(scene)
    _check_offset(scene)
    _check_lack_of_offset(scene)


def _check_classes(scene: Scene, grid: Grid) -> None:
    if scene.scl is None:
        return
    if scene.scl.shape != grid.shape or scene.scl.dtype != np.uint8 or scene.scl.max(initial=0) > HIGHEST_SCL:
        raise BadContentError(
            f"scene `{scene.scene_id}`: scene classification of shape {scene.scl.shape}, type {scene.scl.dtype}, up to "
            f"{scene.scl.max(initial=0)}; classes are whole numbers from 0 to {HIGHEST_SCL} on the grid"
        )


def _check_numbers(scene: Scene) -> None:
    measured = scene.pixels[:, scene.valid]
    if not measured.size:
        return
    low, high = REFLECTANCE_LIMITS if scene.sensor is Sensor.SENTINEL_2 else (0.0, POWER_LIMIT)
    outside = float(np.mean(~((measured >= low) & (measured <= high))))
    if outside > FEW:
        raise BadContentError(
            f"scene `{scene.scene_id}`: {outside:.0%} of the numbers lie outside {low:g} to {high:g}, so they are in "
            f"another unit or damaged"
        )


def _check_offset(scene: Scene) -> None:
    offset = scene.provenance.offset_applied
    if not offset or not scene.valid.any():
        return
    negative = float(np.mean(scene.pixels[:, scene.valid].min(axis=0) < NEGATIVE))
    if negative > MANY:
        raise ImageryError(
            f"scene `{scene.scene_id}`: with the offset of {offset:g} that its items declare, {negative:.0%} of the "
            f"ground has negative reflectance, so it was subtracted before; ask the owner of the catalog to correct "
            f"it, or name another"
        )


def _check_lack_of_offset(scene: Scene) -> None:
    """Plants and water are dark in blue and red: where none of them is, the offset of the baseline is still in them."""
    where = scene.provenance
    has_one = baseline_number(where.processing_baseline) >= BASELINE_WITH_OFFSET
    bands = [number for number, band in enumerate(scene.bands) if band in DARK_BANDS]
    if where.offset_applied != 0 or not has_one or scene.scl is None or not bands:
        return
    dark = scene.valid & np.isin(scene.scl, DARK_CLASSES)
    if np.count_nonzero(dark) < LEAST_DARK_PX:
        return
    lowest = float(np.percentile(scene.pixels[bands][:, dark].min(axis=0), 1))
    if lowest >= -BASELINE_OFFSET:
        raise ImageryError(
            f"scene `{scene.scene_id}`: its items declare no offset, but the darkest plants and water have a "
            f"reflectance of {lowest:.2f}, so the offset of processing baseline {where.processing_baseline} was not "
            f"taken off; ask the owner of the catalog to correct it, or name another"
        )
