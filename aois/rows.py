"""Rows of a list: a place, and what is said of it under the names that an area file uses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from aois.feature import slip_of
from aois.json_document import DocumentError, json_document
from aois.list_limits import LIMITS
from aois.wording import shown

COLUMNS = {
    "id": ("id", "site_id", "area_id"),
    "name": ("name", "title", "label", "site_name"),
    "kind": ("kind",),
    "status": ("status",),
    "margin_m": ("margin_m",),
    "responses": ("responses",),
    "sensitivity": ("sensitivity",),
}
COUNTING = frozenset(name for names in COLUMNS.values() for name in names)

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST_NUMBER = 40


class RowError(ValueError):
    """One place of a list cannot be read; the message is the field, what is wrong with it, and the mend."""


@dataclass(frozen=True)
class ListRow:
    """One place of a list, as the list has it.

    Attributes
    ----------
    where
        Where it stands, for messages: ``row 3``.
    values
        What is said of it, under the names that an area file uses; what is blank is left out.
    geometry
        GeoJSON, (longitude, latitude) in degrees, unchecked; None where the list gives none.
    """

    where: str
    values: Mapping[str, object]
    geometry: Mapping[str, object] | None


@dataclass(frozen=True)
class Table:
    """The rows of a list, what was assumed in reading them, and what could not be read."""

    rows: tuple[ListRow, ...]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def plain_number(text: str) -> float | None:
    """Read a number in digits with a decimal point.

    Stricter than `float`, which takes ``nan``, ``inf``, ``1_000`` and the digits of other scripts.

    Parameters
    ----------
    text
        The text, with or without blanks around it.

    Returns
    -------
    float, or None for every other text; infinite where the number is beyond what a float holds.
    """
    stripped = text.strip(" \t\r\n")
    is_plain = len(stripped) <= _LONGEST_NUMBER and _NUMBER.fullmatch(stripped)
    return float(stripped) if is_plain else None


def name_problems(names: Sequence[str], *, counting: Collection[str] = COUNTING) -> list[str]:
    """List what is wrong with the names of a table's columns.

    Parameters
    ----------
    names
        The names as the table has them; capitals and blanks around them do not matter.
    counting
        The names that count, in lower case.

    Returns
    -------
    list of str
        A line for each name that is a slip of one that counts, or that counts and is given twice; one line in all for
        more columns than `LIMITS` allow.
    """
    if len(names) > LIMITS.columns:
        return [f"has {len(names)} columns; keep those that count, at most {LIMITS.columns}"]
    lowered = [name.strip().lower() for name in names]
    twice = [name for name in dict.fromkeys(lowered) if name in counting and lowered.count(name) > 1]
    slips = [slip_of(name) for name in dict.fromkeys(lowered) if name not in counting]
    return [f"column `{name}` is given twice; keep one of them" for name in twice] + [slip for slip in slips if slip]


def said_once(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Collect values by their names in lower case.

    Parameters
    ----------
    pairs
        Names and values, in the order of the list.

    Returns
    -------
    dict of values by name.

    Raises
    ------
    RowError
        For a name that is a slip of one that counts, and for two different values of one that counts.
    """
    said: dict[str, object] = {}
    for name, value in pairs:
        low = name.strip().lower()
        if low not in COUNTING and (slip := slip_of(low)):
            raise RowError(slip)
        if low in COUNTING and low in said and said[low] != value:
            raise RowError(f"`{shown(low)}` is given twice; keep one of them")
        said[low] = value
    return said


def known(said: Mapping[str, object]) -> dict[str, object]:
    """Pick the values that count and give them the names that an area file uses.

    Parameters
    ----------
    said
        Values by their names in lower case.

    Returns
    -------
    dict
        The values by the names of `COLUMNS`, blanks left out. Text becomes the type of its property where it can.

    Raises
    ------
    RowError
        For an id that is neither text nor a number.
    """
    found = {ours: next((said[name] for name in names if name in said), None) for ours, names in COLUMNS.items()}
    plain = {name: value.strip() if isinstance(value, str) else value for name, value in found.items()}
    values = {name: _typed(name, value) for name, value in plain.items() if value not in (None, "")}
    if isinstance(values.get("id"), bool) or not isinstance(values.get("id", ""), str | int | float):
        raise RowError("id is neither text nor a number; write one of them, or leave it out")
    if isinstance(name := values.get("name"), int | float) and not isinstance(name, bool):
        values["name"] = str(name)
    return values


def _typed(name: str, value: object) -> object:
    """Text from a table as the type its property has; text that cannot be is left for the check to refuse."""
    if not isinstance(value, str):
        return value
    if name in ("kind", "status", "sensitivity"):
        return value.lower()
    if name == "margin_m":
        number = plain_number(value)
        return value if number is None else number
    if name == "responses":
        try:
            return json_document(value)
        except DocumentError:
            return value
    return value
