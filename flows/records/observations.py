"""What was seen of an area: its scenes, and one observation a week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from aois.week import Week


@dataclass(frozen=True)
class SceneRecord:
    """One scene of an area and what became of it.

    `status` is ``used``, ``refused`` (the note says why) or ``unseen`` (too little clear ground). `clear_share` is 0 to
    1; `shift_px` is how far registration moved it, None when it was not registered.
    """

    scene_id: str
    sensor: str
    acquired: datetime
    sha256: str
    source: str
    clear_share: float
    shift_px: float | None
    status: str
    note: str = ""


@dataclass(frozen=True)
class ObservationRecord:
    """How well an area was seen in a week, whether or not anything changed.

    `seen_share` is the share of ground seen clearly, 0 to 1. `chain` is the digest of everything the week was computed
    from; another digest for the same week means that it has to be worked through again.
    """

    area_id: str
    week: Week
    scenes: tuple[str, ...]
    sensors: tuple[str, ...]
    seen_share: float
    last_clear_look: date | None
    chain: str
    note: str = ""
