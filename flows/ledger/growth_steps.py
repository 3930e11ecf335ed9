"""The steps in which an event grows, and what each added; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flows.records.events import EventRecord, GrowthStep


def measured_steps(days: Sequence[date], area_m2: float, earlier: EventRecord | None) -> tuple[GrowthStep, ...]:
    """List the steps of an event, at least one, with the area (m²) that each added.

    Together they make up the event.

    What it grew since the week before (`earlier`) belongs to the last step; before its second step all of it belongs
    to the first. A step that nobody measured, because the ledger met the event later, has None.
    """
    held = {} if earlier is None else {step.on: step.added_m2 for step in earlier.steps}
    added = {day: held.get(day) for day in days}
    last = days[-1]
    so_far = held.get(last, 0.0)
    if len(added) == 1:
        added[last] = area_m2
    elif earlier is not None and held and so_far is not None:
        added[last] = round(so_far + area_m2 - earlier.area_m2, 1)
    return tuple(GrowthStep(day, area) for day, area in added.items())
