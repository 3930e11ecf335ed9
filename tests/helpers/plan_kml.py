"""Acquisition plans in the form in which ESA publishes them, with passes to order.

Sentinel-1 has a folder a day and a bare ring for a footprint, Sentinel-2 a folder a mode and a polygon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

Ring = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Planned:
    """One data take to be written into a plan."""

    satellite: str
    start: datetime
    orbit: int
    ring: Ring
    mode: str = "IW"


def ring(west: float, south: float, east: float, north: float) -> Ring:
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def file_name(satellite: str, first: datetime, until: datetime) -> str:
    """As on ESA's pages: without an ending."""
    return f"{satellite}_mp_user_{first:%Y%m%dt%H%M%S}_{until:%Y%m%dt%H%M%S}".lower()


def sentinel_1_plan(*takes: Planned) -> bytes:
    marks = "".join(_mark(one, f"<LinearRing>{_coordinates(one)}</LinearRing>") for one in takes)
    return _document(f"<Folder><name>2026-11-14</name>{marks}</Folder>").encode("iso-8859-1")


def sentinel_2_plan(*takes: Planned) -> bytes:
    folders = ""
    for mode in dict.fromkeys(one.mode for one in takes):
        some = (one for one in takes if one.mode == mode)
        marks = (_mark(one, f"<Polygon><outerBoundaryIs><LinearRing>{_coordinates(one)}</LinearRing></outerBoundaryIs></Polygon>") for one in some)  # fmt: skip # noqa: E501
        folders += f"<Folder><name>{mode}</name>{''.join(marks)}</Folder>"
    return _document(folders).encode("iso-8859-1")


def _mark(one: Planned, shape: str) -> str:
    stop = one.start + timedelta(seconds=90)
    data = {
        "SatelliteId": one.satellite,
        "DatatakeId": "6AD4",
        "Mode": one.mode,
        "Swath": "NA",
        "Polarisation": "DV",
        "ObservationTimeStart": f"{one.start:%Y-%m-%dT%H:%M:%S}",
        "ObservationTimeStop": f"{stop:%Y-%m-%dT%H:%M:%S}",
        "ObservationDuration": "90",
        "OrbitAbsolute": "5280",
        "OrbitRelative": str(one.orbit),
    }
    values = "".join(f'<Data name="{name}"><value>{value}</value></Data>' for name, value in data.items())
    span = f"<begin>{one.start:%Y-%m-%dT%H:%M:%S}</begin><end>{stop:%Y-%m-%dT%H:%M:%S}</end>"
    return (
        f"<Placemark><name>{one.satellite}</name><TimeSpan>{span}</TimeSpan>"
        f"<ExtendedData>{values}</ExtendedData>{shape}</Placemark>"
    )


def _coordinates(one: Planned) -> str:
    return f"<coordinates>{' '.join(f'{lon},{lat},0' for lon, lat in one.ring)}</coordinates>"


def _document(folders: str) -> str:
    return (
        '<?xml version="1.0" encoding="iso-8859-1"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">'
        f"<Document><name>MP_USER</name>{folders}</Document></kml>"
    )
