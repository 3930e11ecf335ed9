"""How large a list of areas may be: beyond that it is a mistake or an attack, and is refused before it costs time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ListLimits:
    """The limits of one file, each with its reason."""

    file_bytes: int = 50_000_000  # 20,000 circles of an import, as `areas import` writes them, are 37 MB
    areas: int = 20_000  # sixty times the largest list that the report was measured with
    points: int = 1_500_000  # of all outlines: 20,000 circles of 65 points are 1.3 million
    outline_points: int = 5_000  # of one area: to see whether it crosses itself costs up to their square, here 0.5 s
    containers: int = 3_000_000  # lists and objects of a JSON file, some 70 bytes of memory each
    elements: int = 1_000_000  # of a KML file: 50 for each of 20,000 placemarks
    depth: int = 32  # a FeatureCollection needs 8, what other programs add to it a few more
    columns: int = 500  # names of properties in a file; each that does not count is compared with those that do
    name: int = 200  # characters: a name stands in one line of a message
    text: int = 4_000  # characters of a claim or a source: a page
    responses: int = 100  # of one area
    table_steps: int = 50_000_000  # of SQLite's machine in reading a GeoPackage: 100 for each cell of 20,000 rows of 25
    listed: int = 100  # problems that are told one by one


LIMITS = ListLimits()
