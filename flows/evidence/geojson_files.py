"""Events and alerts as GeoJSON files (RFC 7946), the same bytes for the same features."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape

from flows.evidence.manifests import EvidenceError

DECIMALS = 6  # 0.1 m at the equator, a hundredth of a pixel
MODE = 0o600  # these files hold coordinates: their owner alone reads them


def write_alerts(features: Sequence[Mapping[str, Any]], path: Path) -> bool:
    """Write these alerts and no others into the file; return True if that changed it.

    Features are sorted by area, first date seen and id; polygons turn by the right-hand rule; coordinates have six
    decimals. A file that holds the same bytes already is not touched, another is replaced whole or not at all. Raises
    `EvidenceError` for a feature without those properties or with a geometry that cannot be read, and for a path that
    cannot be written.
    """
    return replace_file(path, _collection(features))


def write_events(features: Sequence[Mapping[str, Any]], path: Path) -> bool:
    """Write these events of an area and no others into the file; in all else like `write_alerts`."""
    return replace_file(path, _collection(features))


def _collection(features: Sequence[Mapping[str, Any]]) -> bytes:
    """A FeatureCollection with one feature a line, so that two versions of a file compare line by line."""
    ordered = [_tidy(feature) for feature in sorted(features, key=_order)]
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, allow_nan=False) for feature in ordered)
    body = f"\n{lines}\n" if lines else ""
    return f'{{"type": "FeatureCollection", "features": [{body}]}}\n'.encode()


def _order(feature: Mapping[str, Any]) -> tuple[str, str, str]:
    try:
        properties = feature["properties"]
        return properties["area_id"], properties["first_seen"], feature["id"]
    except KeyError as error:
        raise EvidenceError(
            f"feature `{feature.get('id')}` lacks {error}; pass features as the ledger gives them"
        ) from error


def _tidy(feature: Mapping[str, Any]) -> dict[str, Any]:
    """The feature with its geometry, if it may be told, as RFC 7946 wants it."""
    if feature["geometry"] is None and feature["properties"].get("messages"):
        return {**feature}
    try:
        geometry = shapely.orient_polygons(shape(feature["geometry"]))
    except (ShapelyError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise EvidenceError(
            f"feature `{feature['id']}`: geometry cannot be read ({type(error).__name__}); pass a GeoJSON geometry"
        ) from None
    drawn = mapping(geometry)
    geometry_out = {"type": drawn["type"], "coordinates": _rounded(drawn["coordinates"])}
    return {
        "type": "Feature",
        "id": feature["id"],
        "geometry": geometry_out,
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
