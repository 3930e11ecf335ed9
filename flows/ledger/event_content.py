"""What is known of an event in a week, and the story that it tells beside its state; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from detectors.records import State

STEPS = "steps"
MERGED_INTO = "merged_into"


@dataclass(frozen=True)
class Content:
    """What is known of an event in a week, as JSON."""

    properties: dict[str, Any]
    geometry: dict[str, Any]

    @property
    def state(self) -> State:
        """Return its state in that week."""
        return State(self.properties["state"])

    @property
    def steps(self) -> list[dict[str, Any]]:
        """List its steps, oldest first.

        Each has ``on``, the day on which it began, and ``added_m2``, None where nobody measured.
        """
        return list(self.properties.get(STEPS, []))

    @property
    def merged_into(self) -> str | None:
        """Return the event that took its ground, None where none did."""
        return self.properties.get(MERGED_INTO)


def measured_steps(days: Sequence[date], area_m2: float, earlier: Content | None) -> list[dict[str, Any]]:
    """List the steps of an event, at least one, with the area (m²) that each added.

    Together they make up the event.

    What it grew since the week before (`earlier`) belongs to the last step; before its second step all of it belongs
    to the first. A step that nobody measured, because the ledger met the event later, has None.
    """
    held: dict[str, float | None] = {} if earlier is None else {step["on"]: step["added_m2"] for step in earlier.steps}
    names = [day.isoformat() for day in days]
    added = {name: held.get(name) for name in names}
    last, so_far = names[-1], held.get(names[-1], 0.0)
    if len(added) == 1:
        added[last] = area_m2
    elif earlier is not None and held and so_far is not None:
        added[last] = round(so_far + area_m2 - earlier.properties["area_m2"], 1)
    return [{"on": name, "added_m2": area} for name, area in added.items()]
