"""The areas under watch, as they are once their file has been checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shapely.geometry.base import BaseGeometry

from aois.errors import UserError


class AreaError(UserError, ValueError):
    """An area or an area file cannot be used; the message names the feature, the field, the value and the mend."""


class AreaKind(StrEnum):
    """What an area is."""

    SITE = "site"
    REGION = "region"


class Status(StrEnum):
    """How sure the list is of a site."""

    IDENTIFIED = "identified"
    SUSPECTED = "suspected"


class Sensitivity(StrEnum):
    """Who may see where an area is."""

    RESTRICTED = "restricted"
    PUBLIC = "public"


@dataclass(frozen=True)
class Response:
    """What an authority did about a site, and who says so.

    `action` is ``investigated`` or ``intervened``; `claim` and `source` are free text and may be empty.
    """

    date: date
    action: str
    claim: str = ""
    source: str = ""


@dataclass(frozen=True)
class Area:
    """A site or a region: a Polygon or MultiPolygon in longitude and latitude (EPSG:4326), and what is known of it."""

    id: str
    kind: AreaKind
    geometry: BaseGeometry
    name: str = ""
    status: Status | None = None
    margin_m: float = 500.0
    responses: tuple[Response, ...] = ()
    sensitivity: Sensitivity = Sensitivity.RESTRICTED
