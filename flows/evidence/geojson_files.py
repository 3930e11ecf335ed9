"""Events and alerts as GeoJSON files (RFC 7946), the same bytes for the same records."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import mapping

from flows.evidence.manifests import EvidenceError
from flows.records.event_json import feature_of
from flows.records.events import EventRecord
from flows.records.json_object import JsonObject
from flows.records.message_json import told_feature
from flows.records.messages import ToldAlert

DECIMALS = 6  # 0.1 m at the equator, a hundredth of a pixel
MODE = 0o600  # these files hold coordinates: their owner alone reads them


def write_alerts(alerts: Sequence[EventRecord], path: Path) -> bool:
    """Write these alerts and no others into the file; return True if that changed it.

    They are sorted by area, first date seen and id; polygons turn by the right-hand rule; coordinates have six
    decimals. A file that holds the same bytes already is not touched, another is replaced whole or not at all. Raises
    `EvidenceError` for an alert without its ground, and for a path that cannot be written.
    """
    return replace_file(path, alerts_content(alerts))


def alerts_content(alerts: Sequence[EventRecord]) -> bytes:
    """Return the bytes that `write_alerts` writes; raises `EvidenceError` for an alert without its ground."""
    return _collection([_tidy(feature_of(one), one) for one in sorted(alerts, key=_order)])


def write_events(events: Sequence[EventRecord], path: Path) -> bool:
    """Write these events of an area and no others into the file; in all else like `write_alerts`."""
    return write_alerts(events, path)


def write_told_alerts(alerts: Sequence[ToldAlert], path: Path, *, is_restricted: bool) -> bool:
    """Write what a message tells of these alerts, with their ground where it may be told; in all else like them."""
    ordered = sorted(alerts, key=_order)
    features = [(told_feature(one, is_restricted=is_restricted), one) for one in ordered]
    return replace_file(path, _collection([_tidy(f, one) if is_restricted else f for f, one in features]))


def _collection(features: Sequence[JsonObject]) -> bytes:
    """A FeatureCollection with one feature a line, so that two versions of a file compare line by line."""
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, allow_nan=False) for feature in features)
    body = f"\n{lines}\n" if lines else ""
    return f'{{"type": "FeatureCollection", "features": [{body}]}}\n'.encode()


def _order(event: EventRecord) -> tuple[str, date, str]:
    return event.order


def _tidy(feature: JsonObject, event: EventRecord) -> JsonObject:
    """The feature with its geometry as RFC 7946 wants it."""
    if event.geometry is None:
        raise EvidenceError(f"feature `{feature['id']}` has no geometry; pass what the ledger gives")
    drawn = mapping(shapely.orient_polygons(event.geometry))
    return {
        "type": "Feature",
        "id": feature["id"],
        "geometry": {"type": drawn["type"], "coordinates": _rounded(drawn["coordinates"])},
        "properties": feature["properties"],
    }


def _rounded(coordinates: Any) -> Any:
    """Nested coordinates as lists of rounded numbers, never a minus zero."""
    if isinstance(coordinates, float | int):
        return round(float(coordinates), DECIMALS) + 0.0
    return [_rounded(part) for part in coordinates]


def replace_file(path: Path, content: bytes) -> bool:
    """Replace what a file holds, for its owner alone; return True if that changed it.

    It is done in one step, or not at all when the file holds the same already. Raises `EvidenceError` when it cannot
    be.
    """
    try:
        if path.is_file() and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, content)
    except OSError as error:
        raise EvidenceError(
            f"file `{path}` cannot be written ({error.strerror}); check the folder and its rights"
        ) from error
    return True


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), MODE)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
