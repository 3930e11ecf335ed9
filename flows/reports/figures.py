"""Chips as the page shows them: a picture as a data URI, and the lines and the scale bar that lie over it."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from PIL import Image

from flows.reports import pictures
from flows.reports.inputs import Chip, Mask, Rgb

OVERVIEW_SIDE_PX = 420
QUALITY, THUMB_QUALITY = 82, 55  # for finding one's way and for looking at; what is evidence is kept as measured
KEPT = 16_384  # pictures of a week, some 20 kB each, until they are forgotten
CASE_SCALE_M = 100
SCALES_M = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
LARGEST_SCALE_SHARE = 0.4


@dataclass(frozen=True)
class Picture:
    """A chip ready for the page.

    `width` and `height` are the frame in pixels of the chip, in which `change` and `perimeter` are SVG path data;
    `scale_percent` is the length of the scale bar as a percentage of the width.
    """

    chip: Chip
    uri: str
    width: int
    height: int
    change: str
    perimeter: str
    scale_m: int
    scale_percent: float


def case_picture(chip: Chip, *, pixel_size_m: float, is_evidence: bool, uri: str = "") -> Picture:
    """The chip pixel by pixel, without loss where it is evidence, with a scale bar of 100 m where it fits.

    It is found at `uri` where one is given, and stands in the page otherwise.

    The lines over it are those of the case, drawn once for all of its pictures.
    """
    shape = chip.rgb.shape[0], chip.rgb.shape[1]
    scale_m = min(CASE_SCALE_M, fitting_scale(shape[1] * pixel_size_m))
    return Picture(
        chip=chip,
        uri=uri or data_uri(chip.rgb, lossless=is_evidence),
        width=shape[1],
        height=shape[0],
        change="",
        perimeter="",
        scale_m=scale_m,
        scale_percent=_percent_of(scale_m, shape[1] * pixel_size_m),
    )


def thumb_picture(chip: Chip, uri: str = "") -> Picture:
    """The chip, at `uri` where one is given, else compressed as far as a small picture bears."""
    height, width = chip.rgb.shape[:2]
    uri = uri or data_uri(chip.rgb, lossless=False, quality=THUMB_QUALITY)
    return Picture(chip, uri, width, height, "", "", 0, 0.0)


def overview_picture(
    chip: Chip, *, outline: Mask | None, perimeter: Mask | None, grid_shape: tuple[int, int], pixel_size_m: float
) -> Picture:
    """The chip reduced to at most `OVERVIEW_SIDE_PX`; its scale follows from the size of the grid that it shows."""
    shape = chip.rgb.shape[0], chip.rgb.shape[1]
    factor = pictures.reduction_for(shape, side_px=OVERVIEW_SIDE_PX)
    rgb = pictures.reduce_by(chip.rgb, factor=factor)
    width, height = rgb.shape[1] * factor, rgb.shape[0] * factor
    width_m = pixel_size_m * grid_shape[1] * width / shape[1]
    scale_m = fitting_scale(width_m)
    return Picture(
        chip=chip,
        uri=data_uri(rgb, lossless=False),
        width=width,
        height=height,
        change=path_of(outline),
        perimeter=path_of(perimeter),
        scale_m=scale_m,
        scale_percent=_percent_of(scale_m, width_m),
    )


def data_uri(rgb: Rgb, *, lossless: bool, quality: int = QUALITY) -> str:
    """The picture as a WebP data URI without a date or place in it, so the same pixels give the same bytes."""
    digest = hashlib.sha256(rgb.tobytes()).digest()
    return _encoded(_Pixels(digest, rgb.shape, lossless, 100 if lossless else quality, rgb))


@dataclass(frozen=True)
class _Pixels:
    """A picture and how it is encoded, told apart from others without comparing every element."""

    digest: bytes
    shape: tuple[int, ...]
    lossless: bool
    quality: int
    rgb: Rgb = field(compare=False)


@lru_cache(maxsize=KEPT)
def _encoded(pixels: _Pixels) -> str:
    """Kept, since both editions of a week in each of its languages show the same pictures."""
    held = io.BytesIO()
    Image.fromarray(pixels.rgb).save(held, "webp", lossless=pixels.lossless, quality=pixels.quality, method=4)
    return f"data:image/webp;base64,{base64.b64encode(held.getvalue()).decode('ascii')}"


def forget_pictures() -> None:
    """Free the pictures that were encoded for a week once all of its pages are written."""
    _encoded.cache_clear()


def path_of(mask: Mask | None) -> str:
    """SVG path data of the lines around a mask's True pixels, empty without any."""
    return "" if mask is None else "".join(_closed(ring) for ring in pictures.outline_of(mask))


def _closed(ring: pictures.Ring) -> str:
    steps: Iterable[str] = (f"{x} {y}" for x, y in ring[:-1])
    return "M" + "L".join(steps) + "Z"


def fitting_scale(width_m: float) -> int:
    """Choose the longest bar of a round length that takes at most `LARGEST_SCALE_SHARE` of a width; metres."""
    fitting = [scale for scale in SCALES_M if scale <= LARGEST_SCALE_SHARE * width_m]
    return fitting[-1] if fitting else SCALES_M[0]


def _percent_of(scale_m: int, width_m: float) -> float:
    return round(100.0 * scale_m / width_m, 2)
