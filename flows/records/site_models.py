"""Site models as the IARPA SMART programme writes them: sites, when they were in which phase, and their region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import shapely
from shapely.geometry import MultiPolygon, mapping
from shapely.geometry.base import BaseGeometry

from aois.grid import to_utm, utm_epsg
from flows.records.json_object import JsonObject

VERSION = "2.0.0"
ORIGINATOR = "sitewatch"
BANDS = "CDEFGHJKLMNPQRSTUVWX"
COLUMNS = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")
ROWS = ("FGHJKLMNPQRSTUVABCDE", "ABCDEFGHJKLMNPQRSTUV")


class Phase(StrEnum):
    """A phase of works, in the programme's words and order."""

    NO_ACTIVITY = "No Activity"
    SITE_PREPARATION = "Site Preparation"
    ACTIVE_CONSTRUCTION = "Active Construction"
    POST_CONSTRUCTION = "Post Construction"
    UNKNOWN = "Unknown"


@dataclass(frozen=True)
class SiteObservation:
    """A site on one day.

    Attributes
    ----------
    day
        The day, UTC.
    phases
        The phase of each part; empty where none is said.
    geometry
        The boundary, (longitude, latitude) in degrees.
    score
        How sure it is, 0 to 1.
    source, sensor
        The image and its sensor; empty where there is none.
    """

    day: date
    phases: tuple[Phase, ...]
    geometry: BaseGeometry
    score: float = 1.0
    source: str = ""
    sensor: str = ""


@dataclass(frozen=True)
class SiteModel:
    """One site of works.

    Attributes
    ----------
    site_id, region_id
        Its own id, and that of its region.
    status
        The programme's word for what it is, such as ``positive_annotated`` or ``system_confirmed``.
    geometry
        The ground of all its observations, (longitude, latitude) in degrees.
    start, end
        The first and the last day of the model, UTC; None where it is open.
    observations
        In the order of time.
    score
        How sure it is, 0 to 1.
    """

    site_id: str
    region_id: str
    status: str
    geometry: BaseGeometry
    start: date | None
    end: date | None
    observations: tuple[SiteObservation, ...]
    score: float = 1.0


@dataclass(frozen=True)
class RegionModel:
    """A region and the days between which it is looked at.

    Attributes
    ----------
    region_id
        Two letters of the country, ``R``, ``C`` or ``S`` and three digits: ``KH_R001``.
    geometry
        Its outline, (longitude, latitude) in degrees.
    start, end
        The first and the last day, UTC.
    """

    region_id: str
    geometry: BaseGeometry
    start: date
    end: date


def site_document(site: SiteModel) -> JsonObject:
    """Write a site model as GeoJSON, as the programme's specification has it.

    Parameters
    ----------
    site
        The site.

    Returns
    -------
    JsonObject, a FeatureCollection of one feature ``site`` and one ``observation`` for each day.
    """
    summary = _summary(site, "site") | {"region_id": site.region_id}
    return _collection([_feature(summary, site.geometry), *(_observation(one) for one in site.observations)])


def region_document(region: RegionModel, sites: Sequence[SiteModel]) -> JsonObject:
    """Write a region model with a summary of each of its sites.

    Parameters
    ----------
    region
        The region.
    sites
        Its sites; may be empty.

    Returns
    -------
    JsonObject, a FeatureCollection of one feature ``region`` and one ``site_summary`` for each site.
    """
    said: JsonObject = {
        "type": "region",
        "region_id": region.region_id,
        "version": VERSION,
        "mgrs": mgrs_square(region.geometry),
        "model_content": "proposed" if sites else "empty",
        "start_date": region.start.isoformat(),
        "end_date": region.end.isoformat(),
        "originator": ORIGINATOR,
        "comments": None,
    }
    summaries = [_feature(_summary(site, "site_summary"), site.geometry) for site in sites]
    return _collection([_feature(said, region.geometry), *summaries])


def mgrs_square(geometry: BaseGeometry) -> str:
    """Name the square of 100 km of the Military Grid Reference System that holds the middle of a geometry.

    The exceptions of Norway and Svalbard are left out, as they are in `utm_epsg`.

    Parameters
    ----------
    geometry
        Any geometry, (longitude, latitude) in degrees, between 80° south and 84° north.

    Returns
    -------
    str, such as ``48PVU``.
    """
    middle = geometry.centroid
    epsg = utm_epsg(middle.x, middle.y)
    ground, zone = to_utm(middle, epsg), epsg % 100
    band = BANDS[min(int((middle.y + 80) // 8), len(BANDS) - 1)]
    column = COLUMNS[zone % 3][int(ground.x // 100_000) - 1]
    return f"{zone:02d}{band}{column}{ROWS[zone % 2][int(ground.y // 100_000) % 20]}"


def _summary(site: SiteModel, kind: str) -> JsonObject:
    is_annotation = not site.status.startswith("system_")
    return {
        "type": kind,
        "site_id": site.site_id,
        "version": VERSION,
        "mgrs": mgrs_square(site.geometry),
        "status": site.status,
        "start_date": None if site.start is None else site.start.isoformat(),
        "end_date": None if site.end is None else site.end.isoformat(),
        "model_content": "annotation" if is_annotation else "proposed",
        "originator": ORIGINATOR,
        "score": round(site.score, 3),
        "validated": "False",
    }


def _observation(one: SiteObservation) -> JsonObject:
    parts = max(len(one.phases), 1)
    ground = one.geometry if one.geometry.geom_type == "MultiPolygon" else MultiPolygon([one.geometry])
    if len(ground.geoms) != parts:  # one phase for all of it: its pieces are one boundary
        ground = MultiPolygon([one.geometry.convex_hull])
    said: JsonObject = {
        "type": "observation",
        "observation_date": one.day.isoformat(),
        "source": one.source or None,
        "sensor_name": one.sensor or None,
        "current_phase": ", ".join(one.phases) or None,
        "is_occluded": ", ".join(["False"] * parts),
        "is_site_boundary": ", ".join(["True"] * parts),
        "score": round(one.score, 3),
    }
    return _feature(said, ground)


def _feature(properties: JsonObject, geometry: BaseGeometry) -> JsonObject:
    return {"type": "Feature", "properties": properties, "geometry": mapping(shapely.set_precision(geometry, 1e-7))}


def _collection(features: Sequence[JsonObject]) -> JsonObject:
    return {"type": "FeatureCollection", "features": list(features)}
