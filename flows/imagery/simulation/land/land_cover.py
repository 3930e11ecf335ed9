"""What the ground is made of, and how each surface looks to either instrument."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt


class Cover(IntEnum):
    """What is drawn on the ground. Crops, grass, trees and broken ground turn into the surfaces below with the day."""

    WATER = 0
    SOIL = 1
    FRESH = 2
    CROP = 3
    GRASS = 4
    TREES = 5
    ASPHALT = 6
    DIRT = 7
    CONCRETE = 8
    ZINC = 9
    BLUE = 10
    TILE = 11
    GREY = 12
    RUBBLE = 13
    WALL = 14
    ROCK = 15


# Surfaces beyond the covers: what crops, grass and trees are made of on a given day.
MUD, GREEN_CROP, STRAW, CHAR, DRY_GRASS, DRY_TREES = range(16, 22)
SURFACES = 22
ROOFS = (Cover.ZINC, Cover.BLUE, Cover.TILE, Cover.GREY)
OPEN_GROUND = (Cover.CROP, Cover.GRASS, Cover.SOIL)

# Surface reflectance in blue, green, red, nir, nir08, swir16, swir22. Chosen by hand after typical library spectra of
# the tropics, so that the normalised indices fall where they do in real scenes.
_REFLECTANCE: dict[int, tuple[float, ...]] = {
    Cover.WATER: (0.055, 0.070, 0.055, 0.030, 0.028, 0.015, 0.010),
    Cover.SOIL: (0.080, 0.115, 0.160, 0.235, 0.250, 0.310, 0.260),
    Cover.FRESH: (0.095, 0.140, 0.215, 0.305, 0.325, 0.390, 0.330),
    Cover.CROP: (0.080, 0.115, 0.160, 0.235, 0.250, 0.310, 0.260),
    Cover.GRASS: (0.034, 0.068, 0.048, 0.330, 0.350, 0.205, 0.105),
    Cover.TREES: (0.022, 0.044, 0.025, 0.315, 0.335, 0.150, 0.068),
    Cover.ASPHALT: (0.085, 0.095, 0.105, 0.130, 0.140, 0.150, 0.140),
    Cover.DIRT: (0.115, 0.155, 0.205, 0.270, 0.285, 0.345, 0.300),
    Cover.CONCRETE: (0.160, 0.180, 0.200, 0.240, 0.250, 0.270, 0.250),
    Cover.ZINC: (0.310, 0.330, 0.345, 0.380, 0.390, 0.400, 0.380),
    Cover.BLUE: (0.270, 0.245, 0.195, 0.255, 0.265, 0.280, 0.250),
    Cover.TILE: (0.085, 0.110, 0.190, 0.265, 0.280, 0.320, 0.300),
    Cover.GREY: (0.120, 0.130, 0.140, 0.170, 0.180, 0.200, 0.190),
    Cover.RUBBLE: (0.125, 0.145, 0.170, 0.215, 0.225, 0.255, 0.235),
    Cover.WALL: (0.205, 0.225, 0.245, 0.290, 0.300, 0.310, 0.290),
    Cover.ROCK: (0.180, 0.200, 0.220, 0.255, 0.265, 0.285, 0.265),
    MUD: (0.068, 0.088, 0.083, 0.062, 0.058, 0.030, 0.020),
    GREEN_CROP: (0.029, 0.060, 0.034, 0.420, 0.440, 0.190, 0.090),
    STRAW: (0.088, 0.130, 0.168, 0.275, 0.300, 0.330, 0.245),
    CHAR: (0.035, 0.040, 0.045, 0.062, 0.072, 0.120, 0.110),
    DRY_GRASS: (0.072, 0.105, 0.135, 0.240, 0.260, 0.300, 0.225),
    DRY_TREES: (0.035, 0.062, 0.060, 0.235, 0.255, 0.195, 0.110),
}

# Backscatter in dB, VV and VH, dry, at the middle of the swath; after published Sentinel-1 statistics by land cover.
_BACKSCATTER_DB: dict[int, tuple[float, float]] = {
    Cover.WATER: (-19.0, -27.0),
    Cover.SOIL: (-12.5, -20.0),
    Cover.FRESH: (-11.5, -19.5),
    Cover.CROP: (-12.5, -20.0),
    Cover.GRASS: (-11.0, -17.0),
    Cover.TREES: (-8.5, -14.0),
    Cover.ASPHALT: (-15.0, -23.0),
    Cover.DIRT: (-13.5, -21.0),
    Cover.CONCRETE: (-12.0, -20.0),
    Cover.ZINC: (-6.0, -14.5),
    Cover.BLUE: (-6.0, -14.5),
    Cover.TILE: (-6.5, -14.0),
    Cover.GREY: (-6.5, -14.5),
    Cover.RUBBLE: (-7.5, -14.5),
    Cover.WALL: (-7.0, -15.0),
    Cover.ROCK: (-9.0, -17.0),
    MUD: (-17.0, -25.0),
    GREEN_CROP: (-9.0, -15.5),
    STRAW: (-11.5, -18.0),
    CHAR: (-13.0, -21.0),
    DRY_GRASS: (-12.5, -18.5),
    DRY_TREES: (-9.0, -15.0),
}

# How strongly rain darkens a surface and brightens its backscatter, 0 (not at all) to 1 (bare soil).
_THIRST: dict[int, float] = {
    Cover.SOIL: 1.0,
    Cover.FRESH: 1.0,
    Cover.DIRT: 0.8,
    Cover.ROCK: 0.5,
    Cover.RUBBLE: 0.5,
    Cover.CONCRETE: 0.35,
    Cover.ASPHALT: 0.3,
    Cover.GRASS: 0.15,
    STRAW: 0.5,
    CHAR: 0.5,
    DRY_GRASS: 0.5,
    GREEN_CROP: 0.1,
}

REFLECTANCE: npt.NDArray[np.float32] = np.array([_REFLECTANCE[s] for s in range(SURFACES)], np.float32).T
BACKSCATTER_DB: npt.NDArray[np.float32] = np.array([_BACKSCATTER_DB[s] for s in range(SURFACES)], np.float32).T
THIRST: npt.NDArray[np.float32] = np.array([_THIRST.get(s, 0.0) for s in range(SURFACES)], np.float32)
