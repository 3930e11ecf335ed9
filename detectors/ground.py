"""What a detector is told of the place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.acquisition import Mask


@dataclass(frozen=True)
class Ground:
    """An area on its grid.

    `monitored_mask` bool (y, x): the ground on which change is reported (a site with its margin, a region less the
    surroundings of known sites). `perimeter` bool (y, x): inside a site's known perimeter; all False for a region.
    `pixel_size_m` is the side of a pixel, `intervention_distance_m` how far the nearest site with an intervention lies.
    """

    monitored_mask: Mask
    perimeter: Mask
    is_region: bool
    pixel_size_m: float = 10.0
    intervention_distance_m: float = float("inf")

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns."""
        return self.monitored_mask.shape[0], self.monitored_mask.shape[1]

    @property
    def pixel_area_m2(self) -> float:
        """Compute the area of one pixel, m²."""
        return float(self.pixel_size_m**2)


def whole(shape: tuple[int, int], *, is_region: bool = True) -> Ground:
    """Make ground that is watched everywhere, with no perimeter.

    Parameters
    ----------
    shape
        Rows and columns.
    is_region
        True for ground that is searched, False for a site.

    Returns
    -------
    Ground.
    """
    return Ground(np.ones(shape, bool), np.zeros(shape, bool), is_region)
