"""Geometry of a GeoPackage: its header, then well-known binary, read by hand within limits.

GEOS reads collections of collections of any depth and ends the process where its stack does. Outlines need four kinds
of geometry, so these are read here, and of all others only the kind is told.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from aois.list_limits import LIMITS
from aois.rows import RowError

Positions = npt.NDArray[np.float64]
Geometry = Mapping[str, object]

_ENVELOPE_BYTES = (0, 32, 48, 48, 64)
_KINDS = {
    1: "Point", 2: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon",
    7: "GeometryCollection", 8: "CircularString", 9: "CompoundCurve", 10: "CurvePolygon", 11: "MultiCurve",
    12: "MultiSurface",
}  # fmt: skip
_OLD_HEIGHT = 0x80000000  # of the dialect before ISO, which GDAL wrote for years
_DAMAGED = "geometry is damaged; export the list again"


def geometry_of(blob: bytes, *, srs_id: int, to_degrees: Callable[[Positions], Positions]) -> Geometry:
    """Read the geometry of a GeoPackage's cell as GeoJSON, heights dropped.

    Parameters
    ----------
    blob
        The cell: header, then well-known binary.
    srs_id
        The coordinate system of the layer, which the cell must name too.
    to_degrees
        Turns positions, float64 (n, 2) with x first in that system, into (longitude, latitude) in degrees.

    Returns
    -------
    Mapping
        Points, polygons and their multiples with coordinates (longitude, latitude); of any other kind only the type.

    Raises
    ------
    RowError
        For a cell that is cut short, damaged, or in another coordinate system than its layer.
    """
    try:
        magic, version, flags = struct.unpack_from("<2sBB", blob)
        order = "<" if flags & 1 else ">"
        (named,) = struct.unpack_from(f"{order}i", blob, 4)
        start = 8 + _ENVELOPE_BYTES[flags >> 1 & 7]
        if magic != b"GP" or version != 0 or flags & 0x20:
            raise RowError(_DAMAGED)
        if named != srs_id:
            raise RowError(f"geometry names coordinate system {named}, its layer {srs_id}; export the list again")
        cursor = _Cursor(blob, start, to_degrees)
        found = cursor.geometry()
    except (struct.error, IndexError, ValueError) as error:
        raise error if isinstance(error, RowError) else RowError(_DAMAGED) from None
    if cursor.at != len(blob):
        raise RowError(_DAMAGED)
    return found


class _Cursor:
    """A place in well-known binary that moves on with what is read."""

    def __init__(self, blob: bytes, at: int, to_degrees: Callable[[Positions], Positions]) -> None:
        self.blob, self.at, self.to_degrees = blob, at, to_degrees

    def geometry(self) -> Geometry:
        order, kind, size = self._head()
        if kind == "Point":
            return {"type": kind, "coordinates": self._points(1, order, size)[0]}
        if kind == "Polygon":
            return {"type": kind, "coordinates": self._rings(order, size)}
        if kind == "MultiPoint":
            return {"type": kind, "coordinates": [self._part("Point") for _ in range(self._count(order))]}
        if kind == "MultiPolygon":
            return {"type": kind, "coordinates": [self._part("Polygon") for _ in range(self._count(order))]}
        self.at = len(self.blob)
        return {"type": kind}

    def _part(self, expected: str) -> object:
        order, kind, size = self._head()
        if kind != expected:
            raise RowError(_DAMAGED)
        return self._points(1, order, size)[0] if kind == "Point" else self._rings(order, size)

    def _head(self) -> tuple[str, str, int]:
        """Byte order, kind, and numbers a position."""
        (little,) = struct.unpack_from("B", self.blob, self.at)
        order = "<" if little == 1 else ">"
        (code,) = struct.unpack_from(f"{order}I", self.blob, self.at + 1)
        self.at += 5
        extra, kind = divmod(code & ~_OLD_HEIGHT, 1000)
        if little > 1 or kind not in _KINDS or extra > 3:
            raise RowError(_DAMAGED)
        return order, _KINDS[kind], 2 + (0, 1, 1, 2)[extra] + (1 if code & _OLD_HEIGHT else 0)

    def _count(self, order: str) -> int:
        (count,) = struct.unpack_from(f"{order}I", self.blob, self.at)
        self.at += 4
        if count > LIMITS.outline_points:
            raise RowError(f"geometry has {count} parts; draw the outline with at most {LIMITS.outline_points} points")
        return int(count)

    def _rings(self, order: str, size: int) -> list[object]:
        return [self._points(self._count(order), order, size) for _ in range(self._count(order))]

    def _points(self, count: int, order: str, size: int) -> list[list[float]]:
        values = np.frombuffer(self.blob, f"{order}f8", count * size, self.at).reshape(count, size)
        self.at += values.nbytes
        positions: list[list[float]] = self.to_degrees(values[:, :2].astype(np.float64)).tolist()
        return positions
