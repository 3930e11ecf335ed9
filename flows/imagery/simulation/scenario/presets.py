"""Which country an area lies in and which story it lives through."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aois.area import Area, AreaKind
from flows.imagery.simulation.land.land_mix import DRY, MIXED, PADDIES, RURAL, TOWN, WOODED, Terrain
from flows.imagery.simulation.random_streams import generator


class Story(StrEnum):
    """What happens at an area during the watched half year."""

    EXPANSION = "expansion"
    WALL = "wall"
    DEMOLITION = "demolition"
    CLEARING = "clearing"
    NEW_COMPOUND = "new-compound"
    ORDINARY = "ordinary"
    QUIET = "quiet"


@dataclass(frozen=True)
class AreaPreset:
    """How to draw an area and what to let happen there."""

    terrain: Terrain
    story: Story


_DEMONSTRATION = {
    "demo-expansion": AreaPreset(RURAL, Story.EXPANSION),
    "demo-wall": AreaPreset(DRY, Story.WALL),
    "demo-demolition": AreaPreset(MIXED, Story.DEMOLITION),
    "demo-clearing": AreaPreset(WOODED, Story.CLEARING),
    "demo-quiet-town": AreaPreset(TOWN, Story.QUIET),
    "demo-quiet-paddy": AreaPreset(PADDIES, Story.QUIET),
    "demo-region": AreaPreset(MIXED, Story.NEW_COMPOUND),
}
_SITE_STORIES = (Story.EXPANSION, Story.WALL, Story.DEMOLITION, Story.CLEARING, Story.QUIET, Story.QUIET)
_REGION_STORIES = (Story.NEW_COMPOUND, Story.QUIET)


def recipe_of(area: Area, seed: int) -> AreaPreset:
    """The recipe of a demonstration area by its id; any other area draws one by chance, always the same one."""
    if area.id in _DEMONSTRATION:
        return _DEMONSTRATION[area.id]
    rng = generator("recipe", seed, area.id)
    stories = _SITE_STORIES if area.kind is AreaKind.SITE else _REGION_STORIES
    terrains = (RURAL, DRY, WOODED, MIXED)
    return AreaPreset(terrains[rng.integers(len(terrains))], stories[rng.integers(len(stories))])
