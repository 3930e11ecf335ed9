"""The sky over a large area: as that over a small one, drawn row by row, with clear and overcast regions in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from flows.imagery.simulation.land.canvas import Field
from flows.imagery.simulation.land.sun import Sun
from flows.imagery.simulation.noise import fractal_window
from flows.imagery.simulation.sensors.clouds import (
    CLOUD_SPACINGS,
    HAZE_SPACINGS,
    MARGIN,
    Sky,
    cloud_share,
    draw_cloud_base,
    draw_haze,
    is_hazy,
    opacity,
)

_REGIONS = (520.0, 190.0)  # pixels over which clouds are many or few
_ASIDE = MARGIN + 2  # columns beyond the scene, whose clouds may throw their shadow into it
_HALF = np.float32(np.sqrt(0.5))


@dataclass(frozen=True)
class WideSky:
    """The sky of one overpass. `words` name its random draws, `width` are the columns of the scene.

    `share` is the part that clouds cover, `softness` how their edges thin out, `thrown` the rows and columns from a
    shadow to the cloud that throws it, `haze` how strong that is, 0 where there is none.
    """

    words: tuple[object, ...]
    width: int
    share: float
    softness: float
    thrown: tuple[int, int]
    haze: float

    def over(self, rows: range, slip: tuple[int, int]) -> tuple[Sky, Sky]:
        """The sky over some rows, and the same with its shadows slipped as many pixels down and right."""
        shape = (len(rows), self.width)
        haze = self._haze(rows)
        if self.share <= 0.005:
            clear = np.zeros(shape, np.float32)
            sky = Sky(clear, clear, haze, clear)
            return sky, sky
        slipped = (self.thrown[0] - slip[0], self.thrown[1] - slip[1])
        reach = [0, self.thrown[0], slipped[0]]
        wide = range(rows.start + min(reach), rows.stop + max(reach))
        billow = self._billow(wide)
        cloud = opacity(billow, self.share, float(ndtri(1 - min(self.share, 0.999))), softness=self.softness)

        def window(field: Field, shift: tuple[int, int]) -> Field:
            top, left = rows.start - wide.start + shift[0], _ASIDE + shift[1]
            return field[top : top + shape[0], left : left + shape[1]]

        sky = Sky(window(cloud, (0, 0)), 0.9 * window(cloud, self.thrown), haze, window(billow, (0, 0)))
        return sky, replace(sky, shadow=0.9 * window(cloud, slipped))

    def _billow(self, rows: range) -> Field:
        """The field that clouds are cut from: as over a small area, and large regions of more and fewer of them."""
        columns = range(self.width + 2 * _ASIDE)
        near = fractal_window(("billow", *self.words), rows, columns, CLOUD_SPACINGS, roughness=0.62)
        far = fractal_window(("clear and overcast", *self.words), rows, columns, _REGIONS)
        return _HALF * (near + far)

    def _haze(self, rows: range) -> Field:
        if not self.haze:
            return np.zeros((len(rows), self.width), np.float32)
        uneven = fractal_window(("haze", *self.words), rows, range(self.width), (*_REGIONS, *HAZE_SPACINGS))
        return np.asarray(np.clip(0.6 + 0.5 * uneven, 0, 2) * np.float32(self.haze), np.float32)


def draw_wide_sky(words: tuple[object, ...], width: int, sun: Sun, monsoon: float, rng: np.random.Generator) -> WideSky:
    """The sky of one overpass."""
    share = cloud_share(monsoon, rng)
    softness, thrown = draw_cloud_base(sun, rng)
    haze = draw_haze(rng) if is_hazy(monsoon, share, rng) else 0.0
    return WideSky(words, width, share, softness * float(_HALF), thrown, haze)
