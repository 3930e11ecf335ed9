"""What the acquisition plans said of an area for one week, as it is kept beside the scenes of that week."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aois.week import Week, week_of
from flows.imagery.acquisition_plans import AreaPlan, PlannedPass, PlannedTime
from flows.imagery.archive.entry import SHA_IN_NAME
from flows.imagery.scene import ImageryError, Sensor

WEEK_PLAN_SUFFIX = ".plan.json"


@dataclass(frozen=True)
class WeekPlan:
    """What was planned over an area, as the plans that had begun by the end of a week say; without the ground seen."""

    week: Week
    plan: AreaPlan

    def content(self) -> bytes:
        """The plan as it is kept."""
        said = {
            "week": self.week.first_day.isoformat(),
            "passes": [
                {"platform": p.platform, "sensor": p.sensor.value, "orbit": p.orbit, "start": p.start.isoformat()}
                for p in self.plan.passes
            ],
            "planned": [
                {"platforms": sorted(t.platforms), "first": t.first.isoformat(), "until": t.until.isoformat()}
                for t in self.plan.times
            ],
        }
        return (json.dumps(said, indent=1, sort_keys=True) + "\n").encode()

    @property
    def sha256(self) -> str:
        """The digest of what is kept, hexadecimal."""
        return hashlib.sha256(self.content()).hexdigest()

    @property
    def file_name(self) -> str:
        """The name under which it is kept, which holds the start of its own hash."""
        return f"{self.week}-{self.sha256[:SHA_IN_NAME]}{WEEK_PLAN_SUFFIX}"


def read_week_plan(path: Path) -> WeekPlan:
    """A plan that was kept; raises `ImageryError` for a file that is none, or not the one of its name."""
    try:
        said = json.loads(path.read_bytes())
        times = tuple(PlannedTime(frozenset(t["platforms"]), *_times(t, "first", "until")) for t in said["planned"])
        passes = tuple(
            PlannedPass(p["platform"], Sensor(p["sensor"]), int(p["orbit"]), *_times(p, "start"))
            for p in said["passes"]
        )
        found = WeekPlan(week_of(datetime.fromisoformat(said["week"]).date()), AreaPlan(passes, times))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ImageryError(f"{path} is not a plan of a week ({error}); restore it from a copy") from error
    if found.file_name != path.name:
        raise ImageryError(f"{path} is damaged: its content is not that of its name; restore it from a copy")
    return found


def _times(said: dict[str, Any], *names: str) -> list[datetime]:
    return [datetime.fromisoformat(said[name]) for name in names]
