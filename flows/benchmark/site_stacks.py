"""Sites as they are compared: their grounds in metres by day, and on which days of a region they were active."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from aois.grid import to_utm
from flows.records.site_models import Phase, RegionModel, SiteModel

WITH_PHASES = {"positive_annotated", "positive_annotated_static", "positive_partial", "positive_partial_static"}
POSITIVE = {*WITH_PHASES, "positive_pending"}
NEGATIVE = {"negative", "positive_excluded"}
ACTIVE = (Phase.SITE_PREPARATION, Phase.ACTIVE_CONSTRUCTION)
Days = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SiteStack:
    """A site as it is compared: grounds in metres by day, and on which days of the region it was active.

    `sure` are the days on which it was active for certain, `possible` those on which it may have been.
    """

    site_id: str
    kind: str
    grounds: tuple[tuple[date, BaseGeometry, str], ...]
    union: BaseGeometry
    active: Days
    sure: Days
    possible: Days
    area_m2: float
    earliest: date | None = None
    start: date | None = None
    end: date | None = None
    is_ended: bool = False

    def at(self, day: date) -> BaseGeometry | None:
        """The ground of the last observation up to a day."""
        found = [ground for seen, ground, _ in self.grounds if seen <= day]
        return found[-1] if found else None

    @property
    def compared(self) -> list[tuple[date, BaseGeometry]]:
        """The observations that count: with activity, and the first of those after it."""
        kept: list[tuple[date, BaseGeometry]] = []
        is_over = False
        for day, ground, phase in self.grounds:
            if phase == Phase.NO_ACTIVITY or (phase == Phase.POST_CONSTRUCTION and is_over):
                continue
            is_over = is_over or phase == Phase.POST_CONSTRUCTION
            kept.append((day, ground))
        return kept


@dataclass(frozen=True)
class RegionScale:
    """The region's days and its plane."""

    region: RegionModel
    epsg: int

    @property
    def km2(self) -> float:
        """The ground of the region, km²."""
        return float(to_utm(self.region.geometry, self.epsg).area) / 1e6

    def days(self, first: date | None, last: date | None) -> Days:
        """The days of the region from one to another, True."""
        held = np.zeros((self.region.end - self.region.start).days + 1, bool)
        if first is not None and last is not None:
            low, high = ((day - self.region.start).days for day in (first, last))
            held[max(0, low) : max(0, high + 1)] = True
        return held

    def proposal(self, site: SiteModel) -> SiteStack | None:
        """A proposal within the days of the region; None where it has none."""
        active = self.days(site.start or self.region.start, site.end or self.region.end)
        grounds = self._grounds(site)
        if not active.any() or not grounds:
            return None
        union = shapely.union_all([ground for _, ground, _ in grounds])
        start = None if site.start is None else max(site.start, self.region.start)
        return SiteStack(
            site.site_id,
            "proposal",
            grounds,
            union,
            active,
            active,
            active,
            float(union.area),
            start=start,
            end=site.end,
        )

    def truth(self, site: SiteModel, *, small_m2: float) -> SiteStack | None:
        """A true site with what it counts as; None where it has no observation at all."""
        has_phases = site.status in WITH_PHASES
        grounds = self._grounds(site)
        within = tuple(one for one in grounds if self.region.start <= one[0] <= self.region.end)
        kept = within if has_phases else grounds
        if not kept:
            return None
        kind = "positive" if site.status in POSITIVE else "negative" if site.status in NEGATIVE else "ignore"
        start, earliest, end = site.start, site.start, site.end
        if has_phases:
            start, earliest, end = self._activity(grounds, within)
            before = any(_has_activity(phase) for day, _, phase in grounds if day < self.region.start)
            if before or start is None:  # works that began before the region is looked at are left out
                kind, start, earliest, end = "ignore", site.start, site.start, site.end
        if site.start is None or site.end is None:
            kind = "ignore"
        largest = max(float(ground.area) for _, ground, _ in kept)
        if kind != "negative" and largest <= small_m2:
            kind = "ignore"
        start, end = start or self.region.start, end or self.region.end
        is_ended = has_phases and any(phase == Phase.POST_CONSTRUCTION for _, _, phase in within)
        return SiteStack(
            site.site_id,
            kind,
            kept,
            shapely.union_all([ground for _, ground, _ in kept]),
            self.days(start, end),
            self.days(start, end),
            self.days(earliest or start, end),
            largest,
            earliest=max(earliest or start, self.region.start),
            start=max(start, self.region.start),
            end=min(end, self.region.end),
            is_ended=is_ended or (not has_phases and end <= self.region.end),
        )

    def _grounds(self, site: SiteModel) -> tuple[tuple[date, BaseGeometry, str], ...]:
        return tuple(
            (one.day, to_utm(one.geometry, self.epsg).buffer(0), ", ".join(one.phases)) for one in site.observations
        )

    def _activity(
        self, grounds: Sequence[tuple[date, BaseGeometry, str]], within: Sequence[tuple[date, BaseGeometry, str]]
    ) -> tuple[date | None, date | None, date | None]:
        """The latest day by which works had begun, the last one before it without works, and the first after them."""
        start = next((day for day, _, phase in within if _has_activity(phase)), None)
        if start is None:
            return None, None, None
        quiet = [day for day, _, phase in grounds if day <= start and Phase.NO_ACTIVITY in phase]
        over = (day for day, _, phase in within if set(phase.split(", ")) == {Phase.POST_CONSTRUCTION})
        end = max(start, next(over, self.region.end))
        return start, max(quiet[-1], self.region.start) if quiet else start, end


def _has_activity(phase: str) -> bool:
    return any(name in phase for name in ACTIVE)
