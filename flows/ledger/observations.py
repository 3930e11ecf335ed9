"""What was watched and how well it was seen: areas, scenes, observations.

Sorted here and not by the database: PostgreSQL may sort texts as people do, without regard to hyphens.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import shapely
from shapely.geometry import shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from aois.area import Area, AreaKind, ListedClaim, Response, Sensitivity, Status
from aois.week import Week, week_of
from detectors.records import UnfamiliarGround
from flows.ledger.errors import LedgerError
from flows.ledger.tables import AreaRow, ObservationRow, SceneRow
from flows.records.observations import ObservationRecord, SceneRecord


def write_areas(session: Session, areas: Iterable[Area]) -> None:
    """Write areas as given; those that are not given stay as they were."""
    for area in areas:
        session.merge(_area_row(area))


def read_areas(session: Session) -> list[Area]:
    """List every area ever recorded, by id."""
    return sorted((_area(row) for row in session.scalars(select(AreaRow))), key=lambda area: area.id)


def require_area(session: Session, area_id: str) -> None:
    """Refuse an area that was never recorded; raises `LedgerError`."""
    if session.get(AreaRow, area_id) is None:
        raise LedgerError(f"area `{area_id}` is not in the ledger; record the areas before what was seen of them")


def write_scenes(session: Session, area_id: str, scenes: Iterable[SceneRecord]) -> None:
    """Write scenes of an area as given; those that are not given stay as they were."""
    require_area(session, area_id)
    for scene in scenes:
        session.merge(SceneRow(area_id=area_id, **vars(scene)))


def read_scenes(session: Session, area_id: str) -> list[SceneRecord]:
    """List the scenes of an area in the order of time."""
    scenes = [_scene(row) for row in session.scalars(select(SceneRow).where(SceneRow.area_id == area_id))]
    return sorted(scenes, key=lambda scene: (scene.acquired, scene.scene_id))


def count_refused(session: Session) -> dict[tuple[str, Week], int]:
    """Count the scenes that were fetched and refused, by source and the week of their acquisition."""
    rows = session.execute(select(SceneRow.source, SceneRow.acquired).where(SceneRow.status == "refused"))
    return dict(Counter((source, week_of(acquired.date())) for source, acquired in rows))


def write_observation(session: Session, observation: ObservationRecord) -> None:
    """Write the observation of its area and week, in place of an earlier one."""
    values = {**vars(observation), "scenes": list(observation.scenes), "sensors": list(observation.sensors)}
    values["unfamiliar"] = None if observation.unfamiliar is None else vars(observation.unfamiliar)
    session.merge(ObservationRow(**values))


def read_observations(session: Session, *, until: Week | None, area_id: str | None) -> list[ObservationRecord]:
    """List observations up to a week (all if None) of an area (of all if None), by week, then area."""
    wanted = [] if until is None else [ObservationRow.week <= until]
    wanted += [] if area_id is None else [ObservationRow.area_id == area_id]
    rows = session.scalars(select(ObservationRow).where(*wanted))
    return sorted((_observation(row) for row in rows), key=lambda seen: (seen.week, seen.area_id))


def _area_row(area: Area) -> AreaRow:
    return AreaRow(
        id=area.id,
        kind=area.kind.value,
        name=area.name,
        status=None if area.status is None else area.status.value,
        margin_m=area.margin_m,
        sensitivity=area.sensitivity.value,
        geometry=json.loads(shapely.to_geojson(area.geometry)),
        responses=[_said(response) for response in area.responses],
    )


def _said(response: Response) -> dict[str, Any]:
    """A response as JSON; one without claims as it was before responses had any."""
    said = {**vars(response), "date": response.date.isoformat()}
    claims = [
        {name: str(v) if isinstance(v, date) else v for name, v in vars(one).items() if v not in (None, "")}
        for one in said.pop("claims")
    ]
    return said | ({"claims": claims} if claims else {})


def _response(said: Mapping[str, Any]) -> Response:
    claims = tuple(
        ListedClaim(**{**one, "date": date.fromisoformat(one["date"]) if "date" in one else None})
        for one in said.get("claims", ())
    )
    return Response(**{**said, "date": date.fromisoformat(said["date"]), "claims": claims})


def _area(row: AreaRow) -> Area:
    return Area(
        id=row.id,
        kind=AreaKind(row.kind),
        geometry=shape(row.geometry),
        name=row.name,
        status=None if row.status is None else Status(row.status),
        margin_m=row.margin_m,
        responses=tuple(map(_response, row.responses)),
        sensitivity=Sensitivity(row.sensitivity),
    )


def _scene(row: SceneRow) -> SceneRecord:
    return SceneRecord(
        scene_id=row.scene_id,
        sensor=row.sensor,
        acquired=row.acquired,
        sha256=row.sha256,
        source=row.source,
        clear_share=row.clear_share,
        shift_px=row.shift_px,
        status=row.status,
        note=row.note,
    )


def _observation(row: ObservationRow) -> ObservationRecord:
    return ObservationRecord(
        area_id=row.area_id,
        week=row.week,
        scenes=tuple(row.scenes),
        sensors=tuple(row.sensors),
        seen_share=row.seen_share,
        last_clear_look=row.last_clear_look,
        chain=row.chain,
        note=row.note,
        unfamiliar=None if row.unfamiliar is None else UnfamiliarGround(**row.unfamiliar),
    )
