"""What a replay of one area needs beside its scenes, as a file of the evidence: `areas/<id>/watch.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aois.area import Area, AreaKind
from aois.reading import check_features, to_feature_collection
from aois.week import Week, week_of
from detectors import VERSION
from flows.evidence.catalog import SIMULATED
from flows.evidence.geojson_files import replace_file
from flows.evidence.manifests import EvidenceError
from flows.ledger.ledger import Ledger
from flows.ledger.worlds import World, world_of
from flows.pipeline.area_replay import Stores
from flows.printable import printable
from flows.records.json_object import JsonObject

FILE = "watch.json"
_Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class _Terms(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    area: JsonObject
    detectors: str
    source: str
    history_days: Annotated[int, Field(ge=0, le=3660)]
    since: _Day
    until: _Day
    simulated: bool = Field(alias=SIMULATED)


@dataclass(frozen=True)
class WatchTerms:
    """The ground and margin of an area, the version of the detectors, the source, and the weeks on record."""

    area: Area
    detectors: str
    source: str
    history_days: int
    first: Week
    last: Week


def write_watch_terms(stores: Stores) -> None:
    """Write the file of every area that has weeks on record; unchanged files stay."""
    for area in stores.ledger.areas():
        if terms := terms_of(area, stores.ledger, source_name=stores.source_name, history_days=stores.history_days):
            replace_file(stores.outputs / "areas" / area.id / FILE, terms)


def terms_of(area: Area, ledger: Ledger, *, source_name: str, history_days: int) -> bytes | None:
    """Return what the file of an area says; None where it has no week on record.

    Source and history are for what the record does not say.
    """
    weeks, scenes = sorted(ledger.chains(area.id)), ledger.scenes(area.id)
    if not weeks:
        return None
    (feature,) = to_feature_collection([area])["features"]
    source = scenes[0].source if scenes else source_name
    feature["properties"] = {name: feature["properties"][name] for name in ("kind", "margin_m")}
    said = {
        "area": feature,
        "detectors": VERSION,
        "source": source,
        "history_days": history_days,
        "since": weeks[0].first_day.isoformat(),
        "until": weeks[-1].last_day.isoformat(),
        SIMULATED: world_of(source) is World.SIMULATED,
    }
    return (json.dumps(said, indent=1, sort_keys=True) + "\n").encode()


def read_watch_terms(content: bytes, *, path: Path | str) -> WatchTerms:
    """Read such a file; raises `EvidenceError` for any other, which `path` names."""
    try:
        said = _Terms.model_validate_json(content)
        areas, problems = check_features([said.area])
        first, last = (week_of(date.fromisoformat(day)) for day in (said.since, said.until))
    except (ValidationError, ValueError, RecursionError):
        problems, areas = ("it is damaged",), ()
    if problems or not areas or first > last:
        raise EvidenceError(f"`{printable(path)}` does not say how an area was watched; put back the file of the run")
    return WatchTerms(areas[0], said.detectors, said.source, said.history_days, first, last)


def is_replayable(terms: WatchTerms) -> bool:
    """Return whether scenes and terms are all that a replay needs: a region also needs the list of known sites."""
    return terms.area.kind is AreaKind.SITE
