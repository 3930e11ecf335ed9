"""Which country an area lies in and which story it lives through."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aois.area import Area, Kind
from flows.imagery.simulation.land.land_mix import DRY, MIXED, PADDIES, RURAL, TOWN, WOODED, Terrain
from flows.imagery.simulation.random_streams import generator


class Story(StrEnum):
    """What happens at an area during the watched half year."""

    EXPANSION = "expansion"
    WALL = "wall"
    DEMOLITION = "demolition"
    CLEARING = "clearing"
    NEW_COMPOUND = "new-compound"
    QUIET = "quiet"


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
