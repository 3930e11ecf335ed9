"""What was seen of an area: its scenes, and one observation a week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from aois.week import Week
from detectors.records import UnfamiliarGround


@dataclass(frozen=True)
class SceneRecord:
    """One scene of an area and what became of it.

    Attributes
    ----------
    scene_id, sensor
        Id in the source's catalog, and the sensor that took it.
    acquired
        When it was taken, UTC.
    sha256
        Digest of the archived file, hexadecimal.
    source
        The source that it was fetched from.
    clear_share
        Share of the watched ground that is clear in it, 0 to 1.
    shift_px
        How far registration moved it, pixels; None when it was not registered.
    status
        ``used``, ``refused`` (the note says why) or ``unseen`` (too little clear ground).
    note
        Why it was not used, or why it counts as unfamiliar; empty for any other.
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

    Attributes
    ----------
    area_id, week
        The area and the week.
    scenes, sensors
        Ids of the scenes taken in the week, and the sensors of those that were used.
    seen_share
        Share of the watched ground that is clear in the clearest scene of the week, 0 to 1; 0 where there is none.
    last_clear_look
        Day of the last acquisition that showed enough clear ground, UTC; None where there was none yet.
    chain
        Digest of everything the week was computed from. Another digest for the same week means that it has to be worked
        through again.
    note
        Scenes that were refused or unfamiliar, and why, and promised acquisitions that did not come, by the rhythm of
        the orbits and by the acquisition plans that were kept with the week; empty where there was neither.
    unfamiliar
        How much of the ground is unlike any that the detector was fitted on; None where little is.
    """

    area_id: str
    week: Week
    scenes: tuple[str, ...]
    sensors: tuple[str, ...]
    seen_share: float
    last_clear_look: date | None
    chain: str
    note: str = ""
    unfamiliar: UnfamiliarGround | None = None
