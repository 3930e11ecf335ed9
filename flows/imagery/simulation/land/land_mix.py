"""What share of the simulated land is water, field, wood and town."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Terrain:
    """Shares of the land (together about 1), from the lowest ground to the highest, and the share of it under town."""

    water: float
    paddy: float
    upland: float
    grass: float
    scrub: float
    wood: float
    town: float


RURAL = Terrain(water=0.02, paddy=0.30, upland=0.22, grass=0.14, scrub=0.20, wood=0.12, town=0.06)


PADDIES = Terrain(water=0.02, paddy=0.82, upland=0.06, grass=0.03, scrub=0.04, wood=0.03, town=0.03)


TOWN = Terrain(water=0.02, paddy=0.20, upland=0.18, grass=0.25, scrub=0.20, wood=0.15, town=0.72)


DRY = Terrain(water=0.01, paddy=0.08, upland=0.16, grass=0.33, scrub=0.34, wood=0.08, town=0.03)


WOODED = Terrain(water=0.01, paddy=0.12, upland=0.15, grass=0.12, scrub=0.28, wood=0.32, town=0.04)


MIXED = Terrain(water=0.02, paddy=0.30, upland=0.20, grass=0.14, scrub=0.20, wood=0.14, town=0.12)
