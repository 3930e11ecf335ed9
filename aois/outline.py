"""Polygons as they stand in a GeoJSON file, checked ring by ring.

The messages name a ring and a point by number and never print a position: they end up in logs, and the places they
speak of are restricted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Annotated, Literal, Self

import numpy as np
import shapely
from pydantic import BaseModel, BeforeValidator, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError
from shapely.geometry import LinearRing, Point
from shapely.geometry.base import BaseGeometry

from aois.list_limits import LIMITS
from aois.wording import shown

Position = tuple[float, float]
PROBLEM = "sitewatch"  # the type of errors whose message is complete as it is
DEGREE_M = 111_320.0

_WRONG_TYPES = {
    "Point": "import the list with `sitewatch areas import`, which draws a circle around each point",
    "MultiPoint": "give each point a feature of its own and import the list with `sitewatch areas import`",
    "LineString": "draw the perimeter as a Polygon, not as a line",
    "MultiLineString": "draw the perimeter as a Polygon, not as lines",
    "GeometryCollection": "keep only its Polygon or MultiPolygon",
}
_INVALID = {
    "Hole lies outside shell": "a hole lies outside its outer ring; move it inside or make it a polygon of its own",
    "Holes are nested": "a hole lies inside another hole; remove one of them",
    "Nested shells": "a part lies inside another part; remove one of them",
    "Duplicate Rings": "a ring occurs twice; remove one of them",
    "Interior is disconnected": "its holes cut it in two; draw the pieces as a MultiPolygon",
}
_OVERLAP = "its rings cross or overlap each other; move them apart or join them"


def problem(text: str) -> PydanticCustomError:
    """Make an error whose text pydantic carries to the reader word for word.

    Parameters
    ----------
    text
        What is wrong and the mend, complete but for the name of the field.

    Returns
    -------
    PydanticCustomError of type `PROBLEM`, to be raised.
    """
    return PydanticCustomError(PROBLEM, "{text}", {"text": text})


def _place_problem(longitude: float, latitude: float) -> str | None:
    """What is wrong with a position, with the mend, or None when it lies in the world."""
    if longitude != longitude or latitude != latitude:
        return "is not a number (NaN); write longitude and latitude in degrees"
    if abs(longitude) <= 180 and abs(latitude) <= 90:
        return None
    if abs(longitude) <= 90 and abs(latitude) <= 180:
        return (
            f"has latitude {_outward(latitude)}, outside the world (-90 to 90); did you swap longitude and latitude? "
            f"Longitude comes first"
        )
    name, value = ("longitude", longitude) if abs(longitude) > 180 else ("latitude", latitude)
    return (
        f"has {name} {_outward(value)}, outside the world; write degrees of longitude and latitude (EPSG:4326), "
        f"not metres of another coordinate system"
    )


def _outward(degrees: float) -> str:
    """A value outside the world, to one decimal and rounded away from zero so that it still looks outside."""
    if abs(degrees) > 1e9:
        return "beyond 1e9"
    return f"{math.copysign(math.ceil(abs(degrees) * 10) / 10, degrees):.1f}"


def _ring_of(raw: object) -> tuple[Position, ...]:
    """A closed ring that does not cross itself, heights dropped."""
    if not isinstance(raw, list | tuple):
        raise problem(f"is {word_for(raw)}; write a list of [longitude, latitude] points")
    _refuse_many_points(len(raw))
    positions = _plain_positions(raw) or tuple(position_of(point, number) for number, point in enumerate(raw, start=1))
    if len(positions) < 4:
        raise problem(f"has {len(positions)} points; draw at least 4, the last the same as the first")
    if positions[0] != positions[-1]:
        gap_m = math.dist(positions[0], positions[-1]) * DEGREE_M
        raise problem(f"is not closed: about {gap_m:.1f} m lie between its ends; repeat the first point as the last")
    _refuse_crossing(positions)
    return positions


def _refuse_many_points(count: int) -> None:
    if count > LIMITS.outline_points:
        raise problem(f"has {count} points; draw the outline with at most {LIMITS.outline_points}")


def _plain_positions(raw: Sequence[object]) -> tuple[Position, ...] | None:
    """The positions of a ring all of whose points are numbers in the world; None where one has to be looked at."""
    try:
        kinds = set(map(type, chain.from_iterable(raw)))  # type: ignore[arg-type]
        if not kinds <= {int, float} or not set(map(type, raw)) <= {list, tuple}:
            return None
        values = np.array(raw, dtype=np.float64)[:, :2]
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if values.shape[1] != 2 or not (np.abs(values) <= (180.0, 90.0)).all():
        return None
    return tuple(map(tuple, values.tolist()))


def position_of(raw: object, number: int) -> Position:
    """Read a point as longitude and latitude, its height dropped.

    Parameters
    ----------
    raw
        A point as JSON gives it: [longitude, latitude] or [longitude, latitude, height].
    number
        What an error calls the point: its place in the ring, from 1.

    Returns
    -------
    float, float: longitude, -180 to 180, and latitude, -90 to 90, in degrees.

    Raises
    ------
    PydanticCustomError
        For what is no pair of numbers, is NaN, or lies outside the world. It shows no position within the world.
    """
    if not isinstance(raw, list | tuple) or len(raw) < 2:
        raise problem(f"point {number} is {word_for(raw)}; write it as [longitude, latitude]")
    for value in raw[:2]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise problem(f"point {number} holds {word_for(value)} where a number belongs; write degrees")
    longitude, latitude = raw[:2]
    if trouble := _place_problem(longitude, latitude):
        raise problem(f"point {number} {trouble}")
    return float(longitude), float(latitude)


def _refuse_crossing(positions: tuple[Position, ...]) -> None:
    polygon = shapely.polygons(np.array(positions))
    if polygon.is_valid:
        return
    reason = shapely.is_valid_reason(polygon)
    if polygon.area == 0 and LinearRing(positions).convex_hull.geom_type != "Polygon":
        raise problem("has all its points on one line; draw the outline of an area")
    where = reason.partition("[")[2].rstrip("]").split()
    crossing = Point(*map(float, where[:2]))
    near = min(range(len(positions)), key=lambda index: crossing.distance(Point(positions[index]))) + 1
    raise problem(f"crosses or touches itself near point {near}; move that point so that the outline is a simple loop")


def word_for(raw: object) -> str:
    """Name the kind of a value, in place of the value, which may be a position.

    Parameters
    ----------
    raw
        A value as JSON gives it.

    Returns
    -------
    str such as ``null``, ``text``, ``a number`` or ``a list of 3``.
    """
    words = {type(None): "null", bool: "true or false", str: "text", dict: "an object"}
    if isinstance(raw, list | tuple):
        return f"a list of {len(raw)}"
    return words.get(type(raw), "a number")


def _require_polygon(raw: object) -> object:
    if raw is None:
        raise problem("is missing; draw its polygon")
    kind = raw.get("type") if isinstance(raw, dict) else None
    if kind in ("Polygon", "MultiPolygon"):
        return raw
    if not isinstance(kind, str):
        raise problem(f"is {word_for(raw)} without a type; write a Polygon or MultiPolygon with its coordinates")
    raise problem(f"is a `{shown(kind)}`; {_WRONG_TYPES.get(kind, 'write a Polygon or MultiPolygon')}")


def _require_some(raw: object) -> object:
    if not isinstance(raw, list | tuple):
        raise problem(f"has {word_for(raw)} for its rings; write a list of rings, the outer one first")
    if not raw:
        raise problem("is empty; draw its polygon")
    return raw


def _require_valid(geometry: BaseGeometry) -> None:
    """Refuse what is wrong between rings that are each right."""
    if not geometry.is_valid:
        reason = shapely.is_valid_reason(geometry).partition("[")[0]
        raise problem(f"is not valid: {_INVALID.get(reason, _OVERLAP)}")


Ring = Annotated[tuple[Position, ...], PlainValidator(_ring_of)]
Rings = Annotated[list[Ring], BeforeValidator(_require_some)]


class PolygonOutline(BaseModel):
    """A GeoJSON Polygon: an outer ring, then its holes."""

    type: Literal["Polygon"]
    coordinates: Rings

    @model_validator(mode="after")
    def _rings_fit(self) -> Self:
        _refuse_many_points(sum(map(len, self.coordinates)))
        if len(self.coordinates) > 1:  # a lone ring was looked at on its own
            _require_valid(self.geometry)
        return self

    @cached_property
    def geometry(self) -> BaseGeometry:
        """Build the polygon, outer ring anticlockwise as RFC 7946 asks."""
        return _polygon(self.coordinates)


class MultiPolygonOutline(BaseModel):
    """A GeoJSON MultiPolygon: several polygons that do not overlap."""

    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Rings], BeforeValidator(_require_some)]

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        _refuse_many_points(sum(len(ring) for rings in self.coordinates for ring in rings))
        _require_valid(self.geometry)
        return self

    @cached_property
    def geometry(self) -> BaseGeometry:
        """Build the polygons, outer rings anticlockwise as RFC 7946 asks."""
        return shapely.multipolygons([_polygon(rings) for rings in self.coordinates])


Outline = Annotated[
    PolygonOutline | MultiPolygonOutline, Field(discriminator="type"), BeforeValidator(_require_polygon)
]


def _polygon(rings: Sequence[Sequence[Position]]) -> BaseGeometry:
    outer, *holes = [shapely.linearrings(np.array(ring)) for ring in rings]
    return shapely.orient_polygons(shapely.polygons(outer, holes or None))


def point_count(feature: object) -> int:
    """Count the points of a feature's Polygon or MultiPolygon, right or wrong.

    Parameters
    ----------
    feature
        A feature as JSON gives it, or anything else.

    Returns
    -------
    int, 0 for any other geometry and for what is no feature.
    """
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if geometry is None or kind not in ("Polygon", "MultiPolygon"):
        return 0
    parts = _items(geometry.get("coordinates"))
    rings = [ring for part in parts for ring in _items(part)] if kind == "MultiPolygon" else parts
    return sum(len(_items(ring)) for ring in rings)


def _items(raw: object) -> Sequence[object]:
    return raw if isinstance(raw, list | tuple) else ()


def outline_place(loc: Sequence[int | str]) -> str:
    """Word a place inside an outline.

    Parameters
    ----------
    loc
        Where pydantic found an error: (…, "MultiPolygon", "coordinates", 1, 0), counted from 0.

    Returns
    -------
    str such as ``part 2, ring 1``, counted from 1; empty for the outline as a whole.
    """
    numbers = [step + 1 for step in loc if isinstance(step, int)]
    names = ("part", "ring") if "MultiPolygon" in loc else ("ring",)
    return ", ".join(f"{name} {number}" for name, number in zip(names, numbers, strict=False))
