"""Sub-pixel registration of a scene to a stable reference.

Phase correlation (Kuglin and Hines 1975) with the peak refined by an upsampled matrix Fourier transform
(Guizar-Sicairos, Thurman and Fienup 2008, doi 10.1364/OL.33.000156). Townshend 1992: a residual of at most 0.2 px
keeps the error of a difference over vegetation under 10 %.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from detectors.acquisition import Acquisition, Floats, Mask
from detectors.statistics import median_of

WHOLE_PX, TILES, TILE_PX, APART_PX = 1 << 20, 36, 128, 16
"""Up to so many pixels all of an area is registered; of a larger one so many tiles of so long a side, spread evenly, so
that cloud or sea over a part of it hides a part of them. They are laid side by side, so far apart that no filter of
`measure_shift` reaches from one to the next."""


@dataclass(frozen=True)
class RegistrationParameters:
    """Limits of registration.

    `largest_shift_px` is what is searched, beyond it a scene is refused; `smallest_peak` is the height of the
    correlation peak, in standard deviations of the correlation surface, under which the shift is not known;
    `smallest_clear` is the share of pixels both images must show; `upsampling` is the fraction of a pixel resolved.
    `fading_px` is the width over which an image fades out towards a mask. Chosen on the Romanian series and on
    simulated shifts.
    """

    largest_shift_px: float = 2.5
    smallest_peak: float = 9.0
    smallest_clear: float = 0.3
    upsampling: int = 20
    high_pass_px: float = 4.0
    fading_px: float = 5.0


@dataclass(frozen=True)
class Shift:
    """How far an image lies from the reference, in pixels (south and east positive), and the height of the peak.

    `is_known` is False where the images hold too little in common to tell: then `dy` and `dx` are 0.
    """

    dy: float
    dx: float
    peak: float
    is_known: bool

    @property
    def length(self) -> float:
        """Compute its length in pixels."""
        return float(np.hypot(self.dy, self.dx))


UNKNOWN = Shift(0.0, 0.0, 0.0, is_known=False)
OF_TILES = RegistrationParameters(smallest_clear=0.1)
"""For tiles of a large area: a tenth of what they show is more than all of most areas that are registered whole."""


def registration_part(acquisition: Acquisition) -> Acquisition:
    """Take out of an acquisition the part on which its shift is measured.

    Parameters
    ----------
    acquisition
        One scene as numbers.

    Returns
    -------
    Acquisition, the same where the area is not large.
    """
    part = tiles_of(acquisition.valid)
    if part is acquisition.valid:
        return acquisition
    scl = None if acquisition.scl is None else tiles_of(acquisition.scl)
    return replace(acquisition, pixels=tiles_of(acquisition.pixels), valid=part, scl=scl)


def tiles_of(layers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Put the tiles of a large area on which shifts are measured side by side.

    Parameters
    ----------
    layers
        (…, y, x), of the whole area.

    Returns
    -------
    ndarray (…, y, x) with 0 between the tiles; `layers` themselves where the area is not large.
    """
    height, width = layers.shape[-2:]
    if height * width <= WHOLE_PX:
        return layers
    (down, rows), (across, columns) = (_places(height, width), _places(width, height))
    out = np.zeros(
        (*layers.shape[:-2], len(down) * (rows + APART_PX), len(across) * (columns + APART_PX)), layers.dtype
    )
    for n, top in enumerate(down):
        for m, left in enumerate(across):
            y, x = n * (rows + APART_PX), m * (columns + APART_PX)
            out[..., y : y + rows, x : x + columns] = layers[..., top : top + rows, left : left + columns]
    return out


def _places(side: int, other: int) -> tuple[list[int], int]:
    """Where tiles begin along a side of an area, each in the middle of as much ground, and how long they are."""
    along, beside = max(1, side // TILE_PX), max(1, other // TILE_PX)
    even = round(TILES**0.5)
    number = min(along, even if beside >= even else TILES // beside)
    length = min(side, TILE_PX)
    return [(side * (2 * n + 1) // number - length) // 2 for n in range(number)], length


def measure_shift(
    reference: Floats, image: Floats, *, clear: Mask, parameters: RegistrationParameters | None = None
) -> Shift:
    """Measure the shift that carries `reference` onto `image`.

    Parameters
    ----------
    reference
        float32 (y, x), any unit; NaN counts as not clear.
    image
        float32 (y, x), any unit; NaN where not seen.
    clear
        bool (y, x), where both show the ground.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    Shift; `Shift(0, 0, peak, False)` when under `smallest_clear` is clear or the peak does not stand out.
    """
    p = parameters or RegistrationParameters()
    both = clear & np.isfinite(reference) & np.isfinite(image)
    if both.mean() < p.smallest_clear:
        return UNKNOWN
    spectrum = _cross_power(*_edges((reference, image), both, p))
    surface = fft.irfft2(spectrum, s=reference.shape).real
    reach = int(np.ceil(p.largest_shift_px)) + 1
    window = np.roll(surface, (reach, reach), axis=(0, 1))[: 2 * reach + 1, : 2 * reach + 1]
    row, column = np.unravel_index(int(np.argmax(window)), window.shape)
    spread = float(surface.std())
    peak = float(window[row, column] / spread) if spread > 0 else 0.0
    if peak < p.smallest_peak:
        return Shift(0.0, 0.0, peak, is_known=False)
    dy, dx = _refine(spectrum, (int(row) - reach, int(column) - reach), reference.shape, p.upsampling)
    return Shift(dy, dx, peak, is_known=True)


def apply_shift(pixels: Floats, valid: Mask, shift: Shift) -> tuple[Floats, Mask]:
    """Move pixels back onto the reference by cubic interpolation.

    Pixels whose interpolation would touch an unmeasured one are dropped. A shift under 0.05 px changes nothing.

    Parameters
    ----------
    pixels
        float32 (band, y, x).
    valid
        bool (y, x), True where measured.
    shift
        As `measure_shift` gives it.

    Returns
    -------
    float32 (band, y, x), bool (y, x): the pixels, and where they are still measured.
    """
    if shift.length < 0.05:
        return pixels, valid
    back = (-shift.dy, -shift.dx)
    eroded = ndimage.shift(valid.astype(np.float32), back, order=1, mode="constant", cval=0.0)
    kept, out = np.asarray(eroded > 0.99), np.empty(pixels.shape, np.float32)
    for moved, band, level in zip(out, pixels, _fill(pixels, valid), strict=True):  # whole scenes are large
        ndimage.shift(np.where(valid, band, level), back, output=moved, order=3, mode="nearest")
        moved[~kept] = np.nan
    return out, kept


def _fill(pixels: Floats, valid: Mask) -> npt.NDArray[np.float32]:
    if not valid.any():
        return np.zeros((len(pixels), 1, 1), np.float32)
    return np.asarray([[[np.median(band[valid])]] for band in pixels], np.float32)


def _edges(images: tuple[Floats, Floats], both: Mask, p: RegistrationParameters) -> list[Floats]:
    """Edges only: each image less its surroundings, clipped, fading to zero at the rim and towards unclear parts."""
    share = np.maximum(ndimage.gaussian_filter(both.astype(np.float32), p.high_pass_px), 1e-3)
    taper = np.outer(*(np.hanning(side + 2)[1:-1] for side in both.shape)) ** 0.25
    # the edge of a mask lies at the same place in both images: left sharp, it says that nothing moved
    rim = ndimage.distance_transform_edt(np.pad(both, 1))[1:-1, 1:-1]
    faded = ndimage.gaussian_filter(np.clip(rim / p.fading_px, 0.0, 1.0), 1.0)
    found = []
    for image in images:
        blur = ndimage.gaussian_filter(np.where(both, image, 0.0), p.high_pass_px)
        edges = np.where(both, image - blur / share, 0.0)
        limit = 4.0 * (median_of(edges, both, magnitude=True) or 0.0) + 1e-9
        found.append(np.asarray(np.clip(edges, -limit, limit) * taper * faded, np.float32))
    return found


def _cross_power(reference: Floats, image: Floats) -> npt.NDArray[np.complex64]:
    product = fft.rfft2(image) * np.conj(fft.rfft2(reference))
    size = np.abs(product)
    fy = fft.fftfreq(reference.shape[0])[:, None]
    fx = fft.rfftfreq(reference.shape[1])[None, :]
    # the highest frequencies hold noise and the sensor's aliasing
    weight = np.exp(-(fy**2 + fx**2) / (2 * 0.18**2))
    return np.asarray(weight * product / np.maximum(size, 1e-3 * float(size.mean()) + 1e-30), np.complex64)


def _refine(
    spectrum: npt.NDArray[np.complex64], near: tuple[int, int], shape: tuple[int, ...], upsampling: int
) -> tuple[float, float]:
    """The peak of the correlation within one pixel of `near`, to 1/`upsampling` of a pixel and a parabola."""
    steps = np.arange(-upsampling, upsampling + 1) / upsampling
    fy = fft.fftfreq(shape[0])
    fx = fft.rfftfreq(shape[1])
    doubled = np.where((fx == 0) | (fx == 0.5), 1.0, 2.0)
    rows = np.exp(2j * np.pi * np.outer(near[0] + steps, fy))
    columns = np.exp(2j * np.pi * np.outer(fx, near[1] + steps)) * doubled[:, None]
    fine = (rows @ spectrum @ columns).real
    row, column = np.unravel_index(int(np.argmax(fine)), fine.shape)
    return near[0] + float(steps[row]), near[1] + float(steps[column])
