"""One feature of an area file: what is asked of it, and how its errors are worded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictStr,
    ValidationError,
    model_validator,
)

from aois.area import Area, AreaKind, ListedClaim, Response, Sensitivity, Status
from aois.list_limits import LIMITS
from aois.outline import PROBLEM, Outline, outline_place, problem, word_for
from aois.wording import shown, text_trouble

ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_COUNTED = re.compile(r"_[0-9]+$")
MAX_MARGIN_M = 20_000  # beyond this a margin is a slip of the keyboard; chosen as the reach of a town

_MENDS = {
    "type": "write `Feature`",
    "id": "write 1 to 64 lower-case letters, digits and hyphens, the first not a hyphen, such as `north-yard`",
    "properties": "write an object of names and values",
    "geometry": "draw its polygon",
    "kind": "write `site` for a flagged compound or `region` for ground to search",
    "name": "write text, or leave it out",
    "status": "write `identified` or `suspected`, or leave it out",
    "margin_m": f"write a number of metres from 0 to {MAX_MARGIN_M}, without quotation marks, or leave it out for 500",
    "responses": "write a list of objects with date, action, claim and source, or leave it out",
    "date": "write the day as 2026-11-24",
    "action": "write `investigated` or `intervened`",
    "claim": "write text, or leave it out",
    "source": "write text, or leave it out",
    "claims": "write a list of objects with kind, number, area_m2, date, words and source, or leave it out",
    "claimed": "write `demolished`, `sealed`, `abandoned` or `works-stopped`",
    "number": "write how many structures, 1 or more, or leave it out",
    "area_m2": "write m² over 0, or leave it out",
    "words": "write text, or leave it out",
    "sensitivity": "write `restricted` or `public`, or leave it out",
}


def _day_of(raw: object) -> date:
    if isinstance(raw, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", raw):
        return date.fromisoformat(raw)
    raise ValueError


def _without_blanks(raw: object) -> object:
    """An object less its null values, which editors such as QGIS write for everything left out."""
    if not isinstance(raw, Mapping):
        return raw
    return {name: value for name, value in raw.items() if value is not None}


def _id_of(raw: object) -> object:
    if isinstance(raw, str) and ID_PATTERN.fullmatch(raw):
        return raw
    raise ValueError


def _one_line(text: str) -> str:
    if trouble := text_trouble(text, longest=LIMITS.name):
        raise problem(trouble)
    return text


def _some_lines(text: str) -> str:
    if trouble := text_trouble(text, longest=LIMITS.text, lines=True):
        raise problem(trouble)
    return text


def _not_too_many(raw: object) -> object:
    if isinstance(raw, list) and len(raw) > LIMITS.responses:
        raise problem(f"are {len(raw)}; keep at most {LIMITS.responses}")
    return raw


Line = Annotated[StrictStr, AfterValidator(_one_line)]
Lines = Annotated[StrictStr, AfterValidator(_some_lines)]


def _day_or_none(raw: object) -> date | None:
    return None if raw is None else _day_of(raw)


OptionalDay = Annotated[date | None, BeforeValidator(_day_or_none)]


class ClaimEntry(BaseModel):
    """What is claimed of a response, as a file says it; a name that is not known would silently change the claim."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["demolished", "sealed", "abandoned", "works-stopped"]
    number: int | None = Field(None, strict=True, ge=1, le=100_000)
    area_m2: float | None = Field(None, strict=True, gt=0, le=1e9, allow_inf_nan=False)
    date: OptionalDay = None
    words: Lines = ""
    source: Lines = ""

    @model_validator(mode="after")
    def _amounts(self) -> Self:
        if self.kind != "demolished" and (self.number is not None or self.area_m2 is not None):
            raise problem(f"says `{self.kind}` with a number or an area, which only `demolished` takes; leave it out")
        return self


class ResponseEntry(BaseModel):
    """What an authority did, as a file says it."""

    date: Annotated[date, BeforeValidator(_day_of)]
    action: Literal["investigated", "intervened"]
    claim: Lines = ""
    source: Lines = ""
    claims: Annotated[
        list[Annotated[ClaimEntry, BeforeValidator(_without_blanks)]], BeforeValidator(_not_too_many)
    ] = []

    def response(self) -> Response:
        """Make the response that the entry describes."""
        claims = tuple(ListedClaim(**each.model_dump()) for each in self.claims)
        return Response(self.date, self.action, self.claim, self.source, claims)


class Properties(BaseModel):
    """The properties of a feature; those it does not name are allowed and kept out."""

    kind: AreaKind
    name: Line = ""
    status: Status | None = None
    margin_m: float = Field(500.0, strict=True, ge=0, le=MAX_MARGIN_M, allow_inf_nan=False)
    responses: Annotated[
        list[Annotated[ResponseEntry, BeforeValidator(_without_blanks)]], BeforeValidator(_not_too_many)
    ] = []
    sensitivity: Sensitivity = Sensitivity.RESTRICTED

    @model_validator(mode="before")
    @classmethod
    def _no_slips(cls, raw: object) -> object:
        for name in raw if isinstance(raw, Mapping) else ():
            if slip := slip_of(str(name)):
                raise problem(slip)
        return raw


def _is_counted(name: str) -> bool:
    plain, count = _COUNTED.subn("", name.lower())
    return bool(count) and plain in Properties.model_fields


@lru_cache(maxsize=4 * LIMITS.columns)
def slip_of(name: str) -> str | None:
    """Tell what is wrong with the name of a property that is a slip of one that counts.

    A mistyped margin would silently be 500 m. A name with a counting number, such as ``NAME_1`` of a gazetteer, is
    another program's, and no slip.

    Parameters
    ----------
    name
        The name as the list writes it.

    Returns
    -------
    str with the mend, or None where the name counts or is like none that does.
    """
    if name in Properties.model_fields or _is_counted(name):
        return None
    near = get_close_matches(name.lower(), Properties.model_fields, n=1, cutoff=0.8)
    return f"`{shown(name)}` is not a property that counts; write `{near[0]}`, or rename it" if near else None


class FeatureEntry(BaseModel):
    """A GeoJSON feature that describes an area."""

    type: Literal["Feature"]
    id: Annotated[str, BeforeValidator(_id_of)]
    properties: Annotated[Properties, BeforeValidator(_without_blanks)]
    geometry: Outline

    @model_validator(mode="before")
    @classmethod
    def _settle(cls, raw: object) -> dict[str, Any]:
        """Take the id from the properties when the feature has none, and no properties as empty ones."""
        if not isinstance(raw, Mapping):
            raise problem(f"is {word_for(raw)}; write a GeoJSON Feature")
        settled: dict[str, Any] = {"properties": {}, "geometry": None}
        settled.update((name, value) for name, value in raw.items() if value is not None)
        if (found := stated_id(raw)) is not None:
            settled["id"] = found
        return settled

    def area(self) -> Area:
        """Make the area that the feature describes."""
        said = self.properties
        return Area(
            id=self.id,
            kind=said.kind,
            geometry=self.geometry.geometry,
            name=said.name,
            status=said.status,
            margin_m=said.margin_m,
            responses=tuple(each.response() for each in said.responses),
            sensitivity=said.sensitivity,
        )


def stated_id(raw: object) -> object:
    """Find the id that a feature gives itself, right or wrong.

    Parameters
    ----------
    raw
        A feature as JSON gives it, or anything else.

    Returns
    -------
    object: the feature's own id, else the one among its properties, else None.
    """
    if not isinstance(raw, Mapping):
        return None
    properties = raw.get("properties")
    inner = properties.get("id") if isinstance(properties, Mapping) else None
    return inner if raw.get("id") is None else raw["id"]


def problems_of(error: ValidationError, *, label: str) -> list[str]:
    """Word the problems of a feature for the author of the list.

    Parameters
    ----------
    error
        What pydantic found.
    label
        What the lines call the feature.

    Returns
    -------
    list of str, one line for each problem: the label, the field, the value, the mend. No line shows a position.
    """
    return [f"{label}: {_wording(each['type'], each['loc'], each['input'], each['msg'])}" for each in error.errors()]


def _wording(kind: str, loc: Sequence[int | str], value: object, message: str) -> str:
    field = _field_name(loc)
    if kind == PROBLEM:
        return f"{field} {message}".strip()
    named = [step for step in loc if isinstance(step, str)]
    if kind == "extra_forbidden":
        return f"{_field_name(loc[:-1])}: `{shown(named[-1])}` is not known; {_MENDS['claims']}"
    is_claimed = "claims" in named and named[-1] == "kind"
    mend = _MENDS["claimed" if is_claimed else "geometry" if named[0] == "geometry" else named[-1]]
    if kind == "missing":
        return f"{field} is missing; {mend}"
    return f"{field} `{_shown(value)}` cannot be used; {mend}"


def _field_name(loc: Sequence[int | str]) -> str:
    """``responses 2, date`` from pydantic's ("properties", "responses", 1, "date")."""
    if loc and loc[0] == "geometry":
        return ", ".join(filter(None, ["geometry", outline_place(loc)]))
    steps = [step for step in loc if step != "properties"] or list(loc)
    names = [f"{step}" if isinstance(step, str) else f"{step + 1}" for step in steps]
    return " ".join(names[:2]) + "".join(f", {name}" for name in names[2:])


def _shown(value: object) -> str:
    return shown(value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False))
