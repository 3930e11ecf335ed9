"""A record for packs: a public and a restricted place at sea, with real-looking scene ids, and no imagery."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from detected import detected_event
from PIL import Image
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from aois.area import Area, AreaKind, Sensitivity
from aois.grid import grid_of, to_lonlat
from aois.week import Week
from detectors.footprint import footprint_in
from detectors.records import State, Transition
from flows.evidence.outlines import outline_of
from flows.ledger import DetectedEvent, ObservationRecord, RunRecord, event_id, open_ledger
from flows.records.event_json import EVENT_PROPERTIES
from flows.records.observations import SceneRecord

EPSG, EAST_M, NORTH_M = 32631, 512_340.0, 201_230.0
"""The Gulf of Guinea, far from any shore."""
TILE = "31NEB"
SCENE = f"S2B_MSIL2A_20260914T102849_N0511_R008_T{TILE}_20260914T141500"
RADAR = "sentinel-1_20260916T175409_r132"
FIRST_WEEK, WEEK = Week(2026, 20), Week(2026, 47)
SEEN, CONFIRMED = date(2026, 9, 14), date(2026, 9, 28)
NAME = "Pêcherie de l’Œuvre"
CHANGES = {
    "construction": ("change", State.CONFIRMED, 24_310.0, None),
    "fencing": ("expansion", State.PROVISIONAL, 920.0, 341.0),
    "clearing": ("expansion", State.RETRACTED, 700.0, None),
}


def place(area_id: str, name: str, east_m: float, sensitivity: Sensitivity) -> Area:
    """A square site at sea."""
    ground = to_lonlat(box(east_m, NORTH_M, east_m + 200, NORTH_M + 200), EPSG)
    return Area(area_id, AreaKind.SITE, ground, name, margin_m=200, sensitivity=sensitivity)


HERON = place("heron", NAME, EAST_M, Sensitivity.PUBLIC)
IBIS = place("ibis", "Ibis Sound", EAST_M + 4000, Sensitivity.RESTRICTED)
TERN = place("tern", "", EAST_M + 8000, Sensitivity.PUBLIC)


def key_of(area: Area, change: str) -> str:
    """The id of an event."""
    return event_id(area.id, f"{change}-2026-09-14-23-14")


def outline(area: Area, number: int) -> BaseGeometry:
    """The ground of an event."""
    grid = grid_of(area)
    mask = np.zeros(grid.shape, bool)
    mask[8 + 7 * number : 12 + 7 * number, 12:26] = True
    return outline_of(footprint_in(mask), grid)


def event(area: Area, change: str, number: int) -> DetectedEvent:
    """An event with a footprint of its own."""
    kind, state, area_m2, length_m = CHANGES[change]
    properties = dict.fromkeys(EVENT_PROPERTIES) | {
        "kind": kind, "change": change, "state": state.value, "first_seen": SEEN.isoformat(),
        "confirmed_on": CONFIRMED.isoformat() if state is State.CONFIRMED else None,
        "area_m2": area_m2, "area_m2_low": 0.8 * area_m2, "area_m2_high": 1.2 * area_m2, "confidence": 0.83,
        "length_m": length_m, "sensors": ["sentinel-1", "sentinel-2"], "scenes": [SCENE, RADAR],
    }  # fmt: skip
    later = [state] if state is not State.PROVISIONAL else []
    days = [SEEN, CONFIRMED]
    steps = tuple(Transition(s, days[i], SCENE) for i, s in enumerate([State.PROVISIONAL, *later]))
    return detected_event(area.id, key_of(area, change), properties, outline(area, number), steps, True)


def make_record(outputs: Path) -> Path:
    """Write the record into a folder of outputs."""
    outputs.mkdir(parents=True, exist_ok=True)
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        ledger.record_areas([HERON, IBIS, TERN])
        for area in (HERON, IBIS, TERN):
            at = datetime(2026, 9, 14, 10, 28, 49, tzinfo=UTC)
            scenes = [
                SceneRecord(name, sensor, at, "0" * 64, "stac", 0.9, 0.1, "used", "")
                for name, sensor in ((SCENE, "sentinel-2"), (RADAR, "sentinel-1"))
            ]
            ledger.record_scenes(area.id, scenes)
            for week in (FIRST_WEEK, WEEK):
                known = [event(area, change, n) for n, change in enumerate(CHANGES)] if week == WEEK else []
                ledger.record_week(
                    ObservationRecord(area.id, week, (SCENE,), (), 0.9, week.first_day, f"chain-{week}"), known
                )
        began = datetime(2026, 11, 22, 12, tzinfo=UTC)
        ledger.start_run(RunRecord("run", began, "test", {"source": "stac"}), source="stac")
        summary = {"week": str(WEEK), "areas": ["heron", "ibis", "tern"], "failures": {}}
        ledger.finish_run("run", status="completed", summary=summary, at=began)
    return outputs


def png(shade: int = 120, *, size: tuple[int, int] = (240, 240)) -> bytes:
    """A picture without any metadata."""
    held = io.BytesIO()
    ramp = np.add.outer(np.arange(size[1]) % 32, np.arange(size[0]) % 48).astype(np.uint8)
    Image.fromarray(np.stack([ramp + shade, ramp + 60, ramp + 40], axis=-1)).save(held, "PNG")
    return held.getvalue()
