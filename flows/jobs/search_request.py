"""What a search is asked for, checked before anything is read, and the engine it runs on."""

from __future__ import annotations

from collections.abc import Sequence

from aois.area import Area, AreaKind
from flows.config.settings import Settings, SettingsError
from flows.pipeline.request import areas_of


def regions_of(settings: Settings, only: Sequence[str] = ()) -> tuple[tuple[Area, ...], tuple[Area, ...]]:
    """The regions to search and the whole list they come from; raises `SettingsError` where there is none."""
    areas, known = areas_of(settings, only)
    regions = tuple(area for area in areas if area.kind is AreaKind.REGION)
    for area in areas:
        if only and area.kind is not AreaKind.REGION:
            raise SettingsError(f"area `{area.id}` is a site; `sitewatch watch` watches it, a search is for regions")
    if not regions:
        raise SettingsError("the list holds no region to search; add an area with `kind` region")
    return regions, known
