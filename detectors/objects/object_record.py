"""An object of one week, as the evidence holds it."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.footprint import Footprint
from detectors.objects.patches import GroundObject
from detectors.records import Change


@dataclass(frozen=True)
class Detection:
    """An object of this week with what the evidence says of it.

    `built` is where something stands in it, `built_day` when that began. `is_unfamiliar` where its ground
    or its scenes are unlike any that the table of signatures was fitted on.
    """

    object: GroundObject
    gain: bool
    change: Change
    first_day: int
    strength: float
    sure_px: int
    scenes: tuple[str, ...]
    sensors: tuple[str, ...]
    dates: int
    is_ridge: bool = False
    length_px: float | None = None
    closure: float | None = None
    built_day: int | None = None
    built: Footprint | None = None
    is_unfamiliar: bool = False
