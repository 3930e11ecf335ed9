"""Layers of a GeoPackage, which is an SQLite file: plain tables, read without running anything that the file holds."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from aois.area import AreaError
from aois.binary_geometry import Positions, geometry_of
from aois.list_limits import LIMITS
from aois.reading import SMALLER, refuse_too_many
from aois.rows import COUNTING, ListRow, RowError, Table, known, name_problems
from aois.wording import shown

DECIMALS = 7  # of a degree: about a centimetre, the same on every machine after a reprojection
_STEPS = 100_000  # of SQLite's machine between two looks at how many there were
_LONGITUDE_LATITUDE = ("EPSG", 4326)
_UNNAMED = {0, 99999}  # the srs_id for geographic without a name, and GDAL's for no coordinate system
_OWN_TABLES = ("gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys")
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}


@dataclass(frozen=True)
class _Layer:
    """A layer as the tables of the GeoPackage name it."""

    name: str
    geometry_column: str
    srs_id: int

    @property
    def where(self) -> str:
        return f"layer `{shown(self.name)}`"


def read_geopackage(path: Path) -> Table:
    """Read the features of every layer of a GeoPackage.

    Parameters
    ----------
    path
        The file; it is opened read-only and stays as it is.

    Returns
    -------
    Table
        Rows with geometries in (longitude, latitude), degrees. The notes name the layers that were read and converted,
        the problems each feature that cannot be read.

    Raises
    ------
    AreaError
        For a file that cannot be read, is no GeoPackage, is larger or costs more than `LIMITS` allow, holds a layer
        that is no plain table, or has a coordinate system that cannot be converted.
    """
    try:
        spent = _Spent(path)
        with _opened(path, spent) as base:
            layers = _layers(base, path)
            tables = [_read_layer(base, layer, spent) for layer in layers]
    except sqlite3.Error as error:
        reason = "it takes too long" if "interrupted" in str(error) else shown(str(error), longest=80)
        raise AreaError(f"{path}: cannot be read ({reason}); export the list again, or as GeoJSON") from None
    notes = [note for table in tables for note in table.notes]
    if len(layers) > 1:
        notes.insert(0, f"read {len(layers)} layers: {', '.join(shown(layer.name) for layer in layers[:10])}")
    rows = tuple(row for table in tables for row in table.rows)
    return Table(rows, tuple(notes), tuple(problem for table in tables for problem in table.problems))


@contextmanager
def _opened(path: Path, spent: _Spent) -> Iterator[sqlite3.Connection]:
    """The file, read-only, with limits: no statement but a plain SELECT, no function, no endless reading."""
    real = path.resolve()
    journals = [real.with_name(f"{real.name}-{kind}") for kind in ("wal", "journal")]
    try:
        size = real.stat().st_size
        unfinished = [journal.name for journal in journals if journal.exists() and journal.stat().st_size > 0]
        real.open("rb").close()
    except OSError as error:
        raise AreaError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    if size > LIMITS.file_bytes:
        raise AreaError(f"{path}: larger than {LIMITS.file_bytes // 1_000_000} MB; {SMALLER}")
    if unfinished:
        raise AreaError(
            f"{path}: another program has it open (`{shown(unfinished[0])}` is beside it); close it there first"
        )
    uri = f"file:{quote(os.fsencode(real))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as base:
        _confine(base, spent)
        yield base


def _confine(base: sqlite3.Connection, spent: _Spent) -> None:
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
        base.execute(f"PRAGMA {pragma}")
    base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LIMITS.file_bytes)
    base.set_progress_handler(spent.look, _STEPS)
    base.set_authorizer(_authorize)


def _authorize(action: int, first: str | None, *_: object) -> int:
    is_look = action == sqlite3.SQLITE_PRAGMA and first == "table_xinfo"
    return sqlite3.SQLITE_OK if action in _ALLOWED or is_look else sqlite3.SQLITE_DENY


class _Spent:
    """What the reading of one file has cost so far: a crafted file gives more rows and bytes than it holds."""

    def __init__(self, path: Path) -> None:
        self.path, self.steps, self.rows, self.bytes = path, 0, 0, 0

    def look(self) -> int:
        """Count the steps of SQLite's machine; anything but 0 ends the statement."""
        self.steps += _STEPS
        return int(self.steps > LIMITS.table_steps)

    def row(self, cells: Sequence[object]) -> None:
        """Count a row; raises `AreaError` where it is one too many."""
        self.rows += 1
        self.bytes += sum(len(cell) for cell in cells if isinstance(cell, bytes | str))
        refuse_too_many(self.rows, path=self.path)
        if self.bytes > LIMITS.file_bytes:
            raise AreaError(f"{self.path}: damaged, it holds more than its size; export the list again")


def _layers(base: sqlite3.Connection, path: Path) -> list[_Layer]:
    """The layers that both tables of layers name, each of them a plain table; raises `AreaError` for any other."""
    plain = {
        name.lower()
        for name, kind, root in base.execute("SELECT name, type, rootpage FROM sqlite_master")
        if kind == "table" and root
    }
    if any(name not in plain for name in _OWN_TABLES):
        raise AreaError(f"{path}: not a GeoPackage; export the list again, or as GeoJSON")
    contents = base.execute("SELECT table_name, data_type FROM gpkg_contents")
    named = [str(name) for name, kind in contents if kind == "features"]
    columns = base.execute("SELECT table_name, column_name, srs_id FROM gpkg_geometry_columns")
    layers = {
        str(name).lower(): _Layer(str(name), str(column), srs if isinstance(srs, int) else -1)
        for name, column, srs in columns
    }
    if len(named) > LIMITS.columns:
        raise AreaError(f"{path}: has more than {LIMITS.columns} layers; {SMALLER}")
    for name in sorted({*map(str.lower, named)} ^ layers.keys()):
        raise AreaError(f"{path}: layer `{shown(name)}` is listed in one place and not in the other; export it again")
    for name in named:
        if name.lower() not in plain or not name.isprintable():
            raise AreaError(
                f"{path}: layer `{shown(name)}` is a view or a virtual table, which is not read; save it as a layer "
                f"of its own"
            )
    return [layers[name.lower()] for name in named]


def _read_layer(base: sqlite3.Connection, layer: _Layer, spent: _Spent) -> Table:
    columns, problems = _columns(base, layer)
    if problems:
        return Table((), problems=tuple(f"{layer.where}: {problem}" for problem in problems))
    to_degrees, notes = _projection(base, layer, spent.path)
    chosen = ", ".join(map(_quoted, [layer.geometry_column, *columns]))
    rows: list[ListRow] = []
    for number, cells in enumerate(base.execute(f"SELECT {chosen} FROM {_quoted(layer.name)} NOT INDEXED"), start=1):
        spent.row(cells)
        where = f"feature {number} of {layer.where}"
        said = {name.lower(): cell for name, cell in zip(columns, cells[1:], strict=True)}
        try:
            rows.append(ListRow(where, known(said), _geometry(cells[0], layer, to_degrees)))
        except RowError as error:
            problems.append(f"{where}: {error}")
    return Table(tuple(rows), notes, tuple(problems))


def _geometry(blob: object, layer: _Layer, to_degrees: Callable[[Positions], Positions]) -> Mapping[str, object] | None:
    if blob is None:
        return None
    if not isinstance(blob, bytes):
        raise RowError("geometry is not the geometry of a GeoPackage; export the list again")
    return geometry_of(blob, srs_id=layer.srs_id, to_degrees=to_degrees)


def _columns(base: sqlite3.Connection, layer: _Layer) -> tuple[list[str], list[str]]:
    """The columns that count, and what is wrong with the columns; the key is a serial number and passed over."""
    found = list(base.execute(f"PRAGMA table_xinfo({_quoted(layer.name)})"))
    names = [str(name) for _, name, kind, *_, key, _ in found if not (key and str(kind).upper() == "INTEGER")]
    names = [name for name in names if name.lower() != layer.geometry_column.lower()]
    counting = [name for name in names if name.lower() in COUNTING]
    computed = [str(name) for _, name, *_, hidden in found if hidden and name in {*counting, layer.geometry_column}]
    problems = [f"column `{shown(name)}` is computed; save it as plain values" for name in computed]
    return counting, [*problems, *name_problems(names)]


def _projection(
    base: sqlite3.Connection, layer: _Layer, path: Path
) -> tuple[Callable[[Positions], Positions], tuple[str, ...]]:
    """How to bring a layer into longitude and latitude, and a note where that was not plain."""
    found = base.execute(
        "SELECT organization, organization_coordsys_id, srs_name FROM gpkg_spatial_ref_sys WHERE srs_id = ?",
        (layer.srs_id,),
    ).fetchone()
    if layer.srs_id in _UNNAMED:
        return _as_they_are, (f"{layer.where} names no coordinate system; read as longitude and latitude",)
    organization, code, name = found or ("", "", "")
    if (str(organization).upper(), code) == _LONGITUDE_LATITUDE:
        return _as_they_are, ()
    try:
        system = CRS.from_authority(str(organization).upper(), str(code))
        if not (system.is_geographic or system.is_projected):
            raise CRSError("not a system of places on the map")
        transformer = Transformer.from_crs(system, 4326, always_xy=True)
    except ProjError:
        raise AreaError(
            f"{path}: {layer.where} has coordinate system `{shown(str(name or layer.srs_id), longest=60)}`, which "
            f"cannot be converted; save it in EPSG:4326"
        ) from None

    def degrees(positions: Positions) -> Positions:
        return np.column_stack(transformer.transform(positions[:, 0], positions[:, 1])).round(DECIMALS)

    return degrees, (f"{layer.where} was converted from {system.to_string()}",)


def _as_they_are(positions: Positions) -> Positions:
    return positions


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
