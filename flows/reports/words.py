"""The words of a report: one catalog a language, and numbers and dates as that language writes them."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from flows.reports.inputs import ReportError

CATALOGS = Path(__file__).parent / "catalogs"
LANGUAGES = ("en", "fr")
_BIDI_CONTROLS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = [number for number in (*range(0x20), *range(0x7F, 0xA0)) if number != ord("\n")]
_UNPRINTABLE: dict[int, str | None] = {**dict.fromkeys(_BIDI_CONTROLS), **dict.fromkeys(_CONTROLS, " ")}


@dataclass(frozen=True)
class Words:
    """A catalog in hand; `table` is nested, its leaves are format strings, lists, or plural forms."""

    lang: str
    table: Mapping[str, Any]

    def __call__(self, key: str, /, **values: object) -> str:
        """The phrase under a dotted key, filled in; raises `ReportError` when the catalog lacks it."""
        return str(self.entry(key)).format(**values)

    def entry(self, key: str) -> Any:
        """Whatever lies under a dotted key."""
        found: Any = self.table
        for part in key.split("."):
            if not isinstance(found, Mapping) or part not in found:
                raise ReportError(
                    f"catalog `{self.lang}` has no words for `{key}`; add them to catalogs/{self.lang}.toml"
                )
            found = found[part]
        return found

    def has(self, key: str) -> bool:
        """Whether there is anything under a dotted key."""
        try:
            self.entry(key)
        except ReportError:
            return False
        return True

    def count(self, key: str, number: int, /, **values: object) -> str:
        """The phrase in the form that suits a number: `zero` where the catalog has it, `one` or `other`, with `{n}`."""
        forms = self.entry(key)
        form = "one" if number in self.entry("numbers.singular") else "other"
        if number == 0 and "zero" in forms:
            form = "zero"
        return str(forms[form]).format(n=self.number(number), **values)

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with this language's separators."""
        plain = f"{value:,.{decimals}f}".replace("-", "−")
        swap = {",": self.entry("numbers.thousands"), ".": self.entry("numbers.decimal")}
        return "".join(swap.get(letter, letter) for letter in plain)

    def ground(self, area_m2: float) -> str:
        """An area in m², rounded to 100 m² (a pixel) from 1,000 m² on and to 10 m² below: finer digits mean nothing."""
        step = 100 if area_m2 >= 1000 else 10
        return self("numbers.area", n=self.number(round(area_m2 / step) * step))

    def length(self, metres: float) -> str:
        """A length in m, rounded to one pixel (10 m)."""
        return self("numbers.length", n=self.number(round(metres / 10) * 10))

    def percent(self, share: float) -> str:
        """A share of 0 to 1 as a percentage that says 0 or 100 only when it is so."""
        whole = math.floor(share * 100 + 0.5)
        if 0 < share < 1:
            whole = min(max(whole, 1), 99)
        return self("numbers.percent", n=whole)

    def day(self, day: date) -> str:
        """A date a person can read."""
        months = self.entry("dates.months")
        return self("dates.day", day=self._day_of_month(day), month=months[day.month - 1], year=day.year)

    def _day_of_month(self, day: date) -> str:
        return str(self.entry("dates.first")) if day.day == 1 else str(day.day)

    def span(self, first: date, last: date) -> str:
        """Two dates as one span, saying month and year once where they are the same."""
        same = "month" if (first.year, first.month) == (last.year, last.month) else "year"
        if first.year != last.year:
            return self("dates.span", first=self.day(first), last=self.day(last))
        months = self.entry("dates.months")
        return self(
            f"dates.span_{same}",
            first_day=self._day_of_month(first),
            first_month=months[first.month - 1],
            last=self.day(last),
        )

    def listing(self, items: Sequence[str]) -> str:
        """Items as a sentence lists them: a, b and c."""
        if len(items) < 2:
            return "".join(items)
        return self("lists.and", most=self("lists.comma").join(items[:-1]), last=items[-1])

    def measured(self, detail: str) -> str:
        """What a detector says it measured, in this language where its catalog has a rule for the sentence."""
        for rule in self.entry("measured.rules"):
            if found := re.fullmatch(rule["pattern"], detail):
                numbers = {name: self.number(int(text.replace(",", ""))) for name, text in found.groupdict().items()}
                return str(rule["text"]).format(**numbers)
        return detail

    def sensor(self, name: str) -> str:
        """A sensor's name as people know it; one the catalog does not know stays as it is."""
        return self(f"sensors.{name}") if self.has(f"sensors.{name}") else name


@cache
def words_for(lang: str) -> Words:
    """The catalog of a language; raises `ReportError` when there is none."""
    if lang not in LANGUAGES:
        raise ReportError(f"report language `{lang}` has no catalog; use one of {', '.join(LANGUAGES)}")
    return Words(lang, tomllib.loads((CATALOGS / f"{lang}.toml").read_text(encoding="utf-8")))


def printable(text: str) -> str:
    """The text without what a page cannot hold or what would disturb its neighbours.

    Control characters become spaces, lone surrogates a question mark, and the controls that override the direction of
    writing go; right-to-left letters stay.
    """
    return text.encode("utf-8", "replace").decode("utf-8").translate(_UNPRINTABLE)


def brief(text: str, length: int = 80) -> str:
    """The text, cut with an ellipsis when it is longer than `length` characters."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
