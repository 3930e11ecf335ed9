"""Which country an area lies in and which story it lives through."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aois.area import Area, Kind
from flows.imagery.simulation.seeds import generator


class Story(StrEnum):
    """What happens at an area during the watched half year."""

    EXPANSION = "expansion"
    WALL = "wall"
    DEMOLITION = "demolition"
    CLEARING = "clearing"
    NEW_COMPOUND = "new-compound"
    QUIET = "quiet"


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


@dataclass(frozen=True)
class Recipe:
    """How to draw an area and what to let happen there."""

    terrain: Terrain
    story: Story


_DEMONSTRATION = {
    "demo-expansion": Recipe(RURAL, Story.EXPANSION),
    "demo-wall": Recipe(DRY, Story.WALL),
    "demo-demolition": Recipe(MIXED, Story.DEMOLITION),
    "demo-clearing": Recipe(WOODED, Story.CLEARING),
    "demo-quiet-town": Recipe(TOWN, Story.QUIET),
    "demo-quiet-paddy": Recipe(PADDIES, Story.QUIET),
    "demo-region": Recipe(MIXED, Story.NEW_COMPOUND),
}
_SITE_STORIES = (Story.EXPANSION, Story.WALL, Story.DEMOLITION, Story.CLEARING, Story.QUIET, Story.QUIET)
_REGION_STORIES = (Story.NEW_COMPOUND, Story.QUIET)


def recipe_of(area: Area, seed: int) -> Recipe:
    """The recipe of a demonstration area by its id; any other area draws one by chance, always the same one."""
    if area.id in _DEMONSTRATION:
        return _DEMONSTRATION[area.id]
    rng = generator("recipe", seed, area.id)
    stories = _SITE_STORIES if area.kind is Kind.SITE else _REGION_STORIES
    terrains = (RURAL, DRY, WOODED, MIXED)
    return Recipe(terrains[rng.integers(len(terrains))], stories[rng.integers(len(stories))])
