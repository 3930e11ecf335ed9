"""Placemarks of KML and KMZ, each number read strictly: what cannot be read is told with the placemark's name."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lxml import etree
from pydantic_core import PydanticCustomError

from aois.area import AreaError
from aois.list_limits import LIMITS
from aois.outline import Position, position_of
from aois.reading import SMALLER, read_bytes, refuse_too_many
from aois.rows import ListRow, RowError, Table, known, plain_number, said_once
from aois.wording import shown

Geometry = Mapping[str, object]
_POINTS = "write each as longitude,latitude or longitude,latitude,height in decimal degrees, blanks only between points"
_GEOMETRIES = {"Point", "Polygon", "MultiGeometry", "LineString", "LinearRing", "Track", "MultiTrack", "Model"}
_MULTI = {"Point": "MultiPoint", "Polygon": "MultiPolygon", "LineString": "MultiLineString"}
_NAMED_FOLDERS = 10


def read_kml(path: Path) -> Table:
    """Read the placemarks of a KML file.

    Parameters
    ----------
    path
        The file, not over `LIMITS.file_bytes`.

    Returns
    -------
    Table
        A row for each placemark, geometries in (longitude, latitude), degrees. The problems name each that cannot be
        read, and each link to another file, which is not fetched.

    Raises
    ------
    AreaError
        For a file that cannot be read, is no KML, has a DOCTYPE, or is larger than `LIMITS` allow.
    """
    return _placemarks(_root(read_bytes(path), path), path)


def read_kmz(path: Path) -> Table:
    """Read the placemarks of the KML file in a KMZ.

    Parameters
    ----------
    path
        The file, not over `LIMITS.file_bytes`, packed or unpacked.

    Returns
    -------
    Table, as `read_kml` gives it.

    Raises
    ------
    AreaError
        For a file that cannot be read as a KMZ, that holds no KML or several, and as in `read_kml`.
    """
    return _placemarks(_root(_unzipped(path), path), path)


def _unzipped(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(path))) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".kml")]
            if len(names) != 1:
                raise AreaError(f"{path}: holds {len(names)} KML files; import the one that is meant by itself")
            with archive.open(names[0]) as file:
                content = file.read(LIMITS.file_bytes + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        if isinstance(error, AreaError):
            raise
        raise AreaError(f"{path}: not a KMZ that can be read; export the list again as KML") from None
    if len(content) > LIMITS.file_bytes:
        raise AreaError(f"{path}: larger than {LIMITS.file_bytes // 1_000_000} MB unpacked; {SMALLER}")
    return content


def _root(content: bytes, path: Path) -> etree._Element:
    """The root of a KML document: no DTD, so no entities; nothing from the network; a limit on elements."""
    events = etree.iterparse(
        io.BytesIO(content),
        events=("start",),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for number, (_, element) in enumerate(events, start=1):
            if number == 1 and element.getroottree().docinfo.internalDTD is not None:
                raise AreaError(f"{path}: has a DOCTYPE, which KML does not need; take it out")
            if number > LIMITS.elements:
                raise AreaError(f"{path}: has more than {LIMITS.elements} elements; {SMALLER}")
    except etree.XMLSyntaxError as error:
        reason = shown(str(error.msg), longest=120)
        raise AreaError(f"{path}: not KML that can be read ({reason}); export the list again as KML") from None
    root = events.root
    if root is None or _kind(root) != "kml":
        raise AreaError(f"{path}: not KML, which begins with <kml>; export the list again as KML")
    return root


def _placemarks(root: etree._Element, path: Path) -> Table:
    rows: list[ListRow] = []
    problems: list[str] = []
    folders: dict[str, None] = {}
    for number, mark in enumerate(root.iter("{*}Placemark"), start=1):
        refuse_too_many(number, path=path)
        folders.update(dict.fromkeys(_folder_of(mark)))
        where = f"placemark {number}" + (f" `{shown(name)}`" if (name := _name(mark)) else "")
        try:
            rows.append(ListRow(where, known(_said(mark, name)), _geometry(mark)))
        except RowError as error:
            problems.append(f"{where}: {error}")
    problems += [
        f"network link `{shown(_name(link))}` leads to another file, which is not fetched; save what it shows as KML"
        for link in root.iter("{*}NetworkLink")
    ]
    return Table(tuple(rows), _folder_notes([*folders]), tuple(problems))


def _folder_notes(names: Sequence[str]) -> tuple[str, ...]:
    if len(names) < 2:
        return ()
    more = f" and {len(names) - _NAMED_FOLDERS} more" if len(names) > _NAMED_FOLDERS else ""
    return (f"read {len(names)} folders: {', '.join(names[:_NAMED_FOLDERS])}{more}",)


def _folder_of(mark: etree._Element) -> Iterator[str]:
    parent = mark.getparent()
    if parent is not None and _kind(parent) == "Folder":
        yield shown(_name(parent))


def _kind(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: etree._Element, kind: str) -> list[etree._Element]:
    return [child for child in element if _kind(child) == kind]


def _text(element: etree._Element) -> str:
    """The text of an element, blanks and line ends between words as one blank."""
    return " ".join("".join(element.itertext()).split())


def _name(element: etree._Element) -> str:
    names = _children(element, "name")
    return _text(names[0]) if names else ""


def _said(mark: etree._Element, name: str) -> dict[str, object]:
    """What a placemark says of itself: its name, and its extended data in any of the three ways to write them.

    Its own id is passed over: it is a serial number of the drawing program.
    """
    pairs: list[tuple[str, object]] = [("name", name)] if name else []
    for data in (each for extended in _children(mark, "ExtendedData") for each in extended):
        if _kind(data) == "Data":
            pairs += [(data.get("name", ""), _text(value)) for value in _children(data, "value")]
        elif _kind(data) == "SchemaData":
            pairs += [(value.get("name", ""), _text(value)) for value in data]
        else:
            pairs.append((_kind(data), _text(data)))
    return said_once(pairs)


def _geometry(mark: etree._Element) -> Geometry | None:
    found = [child for child in mark if _kind(child) in _GEOMETRIES]
    if len(found) > 1:
        raise RowError(f"holds {len(found)} geometries side by side; give each a placemark of its own")
    return _shape(found[0]) if found else None


def _shape(element: etree._Element) -> Geometry:
    kind = _kind(element)
    if kind == "Point":
        return {"type": kind, "coordinates": _point(element)}
    if kind == "Polygon":
        return {"type": kind, "coordinates": _rings(element)}
    if kind == "MultiGeometry":
        return _several([_shape(child) for child in element if _kind(child) in _GEOMETRIES])
    return {"type": "LineString" if kind == "LinearRing" else kind}


def _several(parts: Sequence[Geometry]) -> Geometry:
    """Parts of one kind as one geometry of many; several kinds are a collection, which the check refuses."""
    if not parts:
        raise RowError("holds a MultiGeometry without parts; draw its polygon")
    kinds = {str(part["type"]) for part in parts}
    if len(kinds) > 1 or not kinds <= _MULTI.keys():
        return {"type": "GeometryCollection"}
    return {"type": _MULTI[kinds.pop()], "coordinates": [part.get("coordinates") for part in parts]}


def _point(element: etree._Element) -> Position:
    positions = _positions(element, "its Point")
    if len(positions) > 1:
        raise RowError(f"its Point has {len(positions)} points; keep one, or draw a Polygon")
    pieces = _text(_children(element, "coordinates")[0]).split(",")
    if len(pieces) == 2 and _are_whole(pieces):
        raise RowError(
            "its Point may be half of one with decimal commas; write 104.0,9.0 where whole degrees are meant"
        )
    return positions[0]


def _rings(polygon: etree._Element) -> list[tuple[Position, ...]]:
    outer = [ring for edge in _children(polygon, "outerBoundaryIs") for ring in _children(edge, "LinearRing")]
    inner = [ring for edge in _children(polygon, "innerBoundaryIs") for ring in _children(edge, "LinearRing")]
    if len(outer) != 1:
        raise RowError(f"its Polygon has {len(outer)} outer rings; draw one")
    return [_positions(ring, f"ring {number}") for number, ring in enumerate([*outer, *inner], start=1)]


def _positions(element: etree._Element, where: str) -> tuple[Position, ...]:
    """The positions of one ``<coordinates>``; what is wrong is told by the number of the point, never by its text."""
    found = _children(element, "coordinates")
    tokens = (found[0].text or "").split() if len(found) == 1 and not len(found[0]) else []
    if not tokens:
        raise RowError(f"{where} has no coordinates; {_POINTS}")
    return tuple(_position(token, number, where) for number, token in enumerate(tokens, start=1))


def _position(token: str, number: int, where: str) -> Position:
    pieces = token.split(",")
    values = [value for value in map(plain_number, pieces) if value is not None]
    if _has_decimal_commas(pieces, values):
        raise RowError(f"{where}, point {number} seems to have decimal commas; write 0.75, not 0,75")
    if len(values) < len(pieces) or len(values) < 2:
        raise RowError(f"{where}, point {number} cannot be read; {_POINTS}")
    try:
        return position_of(values, number)
    except PydanticCustomError as error:
        raise RowError(f"{where}, {error.message()}") from None


def _has_decimal_commas(pieces: Sequence[str], values: Sequence[float]) -> bool:
    """True for more than three numbers, and for three whole ones: ``104,9,11`` is 104.9, 11 and no place at 11 m.

    Three whole numbers with a height of 0 are the corner of a box along whole degrees.
    """
    return len(pieces) > 3 or (len(pieces) == 3 and _are_whole(pieces) and len(values) == 3 and values[2] != 0)


def _are_whole(pieces: Sequence[str]) -> bool:
    return all(piece.lstrip("+-").isdigit() for piece in pieces)
