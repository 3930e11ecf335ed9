"""Restricted areas whose pictures the owner released for the public edition: for single weeks, or from one week on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from aois.area import AreaError
from aois.week import Week, parse_week
from flows.config.settings import SettingsError
from flows.files import atomic_write
from flows.printable import printable
from flows.telemetry.logs import log

FILE = "public-pictures.json"
WARNING = (
    "Whoever sees these pictures can find the place to about 10 metres, by matching them with public satellite images. "
    "The public edition will also show its name, id, dates and sizes, and the claims on its list as they are written. "
    "Copies that have left the house cannot be called back."
)


class _Release(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    weeks: list[str] = []
    since: str | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    areas: dict[str, _Release] = {}


@dataclass(frozen=True)
class Releases:
    """What is released: by area, single weeks, and the week from which on every week is (not in it: none)."""

    weeks: Mapping[str, frozenset[Week]] = field(default_factory=dict)
    since: Mapping[str, Week] = field(default_factory=dict)

    def in_week(self, week: Week) -> frozenset[str]:
        """Give the ids of the areas released for a week."""
        single = {area_id for area_id, weeks in self.weeks.items() if week in weeks}
        return frozenset(single | {area_id for area_id, first in self.since.items() if first <= week})

    def released(self, area_ids: Iterable[str], week: Week, *, later_too: bool) -> Releases:
        """Return these releases with some areas released for a week, and for every later one if `later_too`."""
        weeks, since = dict(self.weeks), dict(self.since)
        for area_id in area_ids:
            weeks[area_id] = weeks.get(area_id, frozenset()) | {week}
            if later_too:
                since[area_id] = min(week, since.get(area_id, week))
        return Releases(weeks, since)

    def withdrawn(self, area_ids: Iterable[str]) -> Releases:
        """Return these releases without some areas, in every week."""
        gone = set(area_ids)
        return Releases(
            {area_id: weeks for area_id, weeks in self.weeks.items() if area_id not in gone},
            {area_id: week for area_id, week in self.since.items() if area_id not in gone},
        )


def read_releases(outputs: Path) -> Releases:
    """Read what is released; nothing where there is no file.

    Raises `SettingsError` when the file is not what it should be, with the mend.
    """
    path = outputs / FILE
    try:
        text = path.read_bytes() if path.exists() else b"{}"
        found = _File.model_validate_json(text)
        return Releases(
            {area_id: frozenset(map(parse_week, one.weeks)) for area_id, one in found.areas.items()},
            {area_id: parse_week(one.since) for area_id, one in found.areas.items() if one.since is not None},
        )
    except (OSError, ValidationError, AreaError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise SettingsError(
            f"`{path}` does not say which pictures are released ({printable(said)}); delete it and release them again "
            "with `sitewatch report --public-pictures AREA`"
        ) from None


def released_in(outputs: Path, week: Week) -> frozenset[str]:
    """Give the ids of the areas released for a week; none, with a word in the log, where the file is damaged."""
    try:
        return read_releases(outputs).in_week(week)
    except SettingsError as error:
        log.error("no picture of a restricted area is in the public edition: %s", error)
        return frozenset()


def write_releases(outputs: Path, releases: Releases) -> None:
    """Write what is released, for its owner alone. Raises `OSError` when it cannot be written."""
    ids = sorted({*releases.weeks, *releases.since})
    areas: dict[str, dict[str, object]] = {
        area_id: {
            "weeks": sorted(map(str, releases.weeks.get(area_id, ()))),
            "since": str(releases.since[area_id]) if area_id in releases.since else None,
        }
        for area_id in ids
    }
    atomic_write(outputs / FILE, json.dumps({"areas": areas}, indent=2) + "\n")
