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
class ListedClaim:
    """What is claimed of a response, in a form that can be checked.

    Attributes
    ----------
    kind
        ``demolished``, ``sealed``, ``abandoned`` or ``works-stopped``.
    number
        How many structures are said to be demolished; None where no number is said.
    area_m2
        How much ground is said to be demolished, m²; None where that is not said.
    date
        The day from which it is said to be so; None for the day of the response.
    words
        The words as they were said; empty for the claim of the response.
    source
        Who says so; empty for the source of the response.
    """

    kind: str
    number: int | None = None
    area_m2: float | None = None
    date: date | None = None
    words: str = ""
    source: str = ""


@dataclass(frozen=True)
class Response:
    """What an authority did about a site, and who says so.

    Attributes
    ----------
    date
        The day of the response.
    action
        ``investigated`` or ``intervened``.
    claim
        What is said to have happened, free text; may be empty.
    source
        Who says so, free text; may be empty.
    claims
        What is claimed of it, in a form that can be checked.
    """

    date: date
    action: str
    claim: str = ""
    source: str = ""
    claims: tuple[ListedClaim, ...] = ()


@dataclass(frozen=True)
class Area:
    """A site or a region, and what is known of it.

    Attributes
    ----------
    id
        1 to 64 lower-case letters, digits and hyphens; unique in its list.
    kind
        Whether it is a site or a region.
    geometry
        Valid Polygon or MultiPolygon, (longitude, latitude) in degrees, EPSG:4326, outer rings anticlockwise.
    name
        One line of text for people; may be empty.
    status
        How sure the list is of a site, None where the list does not say.
    margin_m
        Ground around a site that is watched with it, metres, 0 to 20,000; without effect for a region.
    responses
        What authorities did about the site, in the order of the list.
    sensitivity
        Who may see where it is.
    """

    id: str
    kind: AreaKind
    geometry: BaseGeometry
    name: str = ""
    status: Status | None = None
    margin_m: float = 500.0
    responses: tuple[Response, ...] = ()
    sensitivity: Sensitivity = Sensitivity.RESTRICTED
