"""What came to a place and when the next comes, and the weeks in which clouds hid it, from the scenes on record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from aois.week import Week, week_of
from flows.imagery.acquisition_plans import AcquisitionPlan, plan_over
from flows.imagery.revisit import arrivals_between, next_due
from flows.imagery.scene import Sensor
from flows.records.observations import SceneRecord
from flows.reports.inputs import AreaView, CloudyWeeks
from flows.reports.week_summary import ENOUGH_SHARE

CALENDAR_WEEKS = 53


def with_acquisitions(
    view: AreaView, scenes: Sequence[SceneRecord], week: Week, plans: Sequence[AcquisitionPlan] = ()
) -> AreaView:
    """Add to a view what scenes up to the end of a week, and plans until then, say of acquisitions and clouds."""
    known = [scene for scene in scenes if scene.acquired.date() <= week.last_day]
    passes = [(scene.scene_id, scene.acquired) for scene in known]
    plan = plan_over(view.area, plans, known_by=week.last_day)
    return replace(
        view,
        arrivals=arrivals_between(passes, week.first_day, week.last_day, plan=plan),
        next_due=next_due(passes, week.last_day, plan=plan),
        clouds=cloudy_weeks(known),
    )


def cloudy_weeks(scenes: Sequence[SceneRecord]) -> CloudyWeeks | None:
    """Count the weeks that clouds hid: Sentinel-2 passed, and no scene showed enough of the ground; None without any.

    Scenes that were refused do not count: what was wrong with them is not the weather.
    """
    best: dict[Week, float] = defaultdict(float)
    for scene in scenes:
        if scene.sensor == Sensor.SENTINEL_2 and scene.status != "refused":
            week = week_of(scene.acquired.date())
            best[week] = max(best[week], scene.clear_share)
    if not best:
        return None
    hidden = {week for week, share in best.items() if share < ENOUGH_SHARE}
    calendar = [(0, 0)] * CALENDAR_WEEKS
    for week in best:
        hid, looked = calendar[week.number - 1]
        calendar[week.number - 1] = (hid + (week in hidden), looked + 1)
    return CloudyWeeks(len(best), len(hidden), tuple(calendar))
