"""How messages are put into words: one catalog a language, and figures as that language writes them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import floor, log10
from pathlib import Path
from typing import Any

from flows.alerts.errors import AlertsError
from flows.records.events import EventRecord

CATALOGS = Path(__file__).parent / "catalogs"
HECTARE_M2 = 10_000


@dataclass(frozen=True)
class Language:
    """A catalog in hand: sections of phrases, some of them in the forms `one` and `other`."""

    lang: str
    table: Mapping[str, Any]

    def say(self, key: str, /, **values: object) -> str:
        """The phrase ``section.name``, filled in; raises `AlertsError` where the catalog lacks it."""
        return str(self._entry(key)).format(**values)

    def count(self, key: str, number: int) -> str:
        """The phrase with its number, in the form that suits it."""
        form = "one" if number in self._entry("numbers.singular") else "other"
        return str(self._entry(key)[form]).format(n=self.figure(f"{number:,}"))

    def percent(self, share: float) -> str:
        """A share of 0 to 1 as a percentage."""
        return self.say("numbers.percent", n=round(100 * share))

    def figure(self, plain: str) -> str:
        """A figure with this language's separators, from one written ``1,234.5``."""
        marks = {",": self._entry("numbers.thousands"), ".": self._entry("numbers.decimal")}
        return "".join(marks.get(sign, sign) for sign in plain)

    def day(self, iso: str) -> str:
        """A day written ``2026-11-22``, as people write it."""
        day = date.fromisoformat(iso)
        form = "first" if day.day == 1 else "day"
        return self.say(f"dates.{form}", day=day.day, month=self._entry("dates.months")[day.month - 1], year=day.year)

    def listed(self, words: Sequence[str]) -> str:
        """Words as a sentence lists them."""
        if len(words) < 2:
            return "".join(words)
        return self.say("lists.and", most=", ".join(words[:-1]), last=words[-1])

    def size(self, event: EventRecord) -> str:
        """The size of an alert with its interval, and of a fence its length and how far it closes."""
        parts = [self._areas(event.area_m2, event.area_m2_low, event.area_m2_high)]
        if event.length_m is not None:
            parts.append(self.say("size.length", n=self.figure(two_figures(event.length_m))))
        if event.closure is not None:
            parts.append(self.say("size.ring", share=self.percent(event.closure)))
        return ", ".join(parts)

    def step(self, event: EventRecord) -> str:
        """Which step an alert is in and what it added; empty for one that never began again."""
        steps = event.steps
        if len(steps) < 2:
            return ""
        ordinals, number = self._entry("steps.ordinals"), len(steps)
        ordinal = ordinals[number - 1] if number <= len(ordinals) else self.say("steps.beyond", n=number)
        day, added = self.day(steps[-1].on.isoformat()), steps[-1].added_m2
        if added is None or added < 1:  # built on ground that the event held already
            return self.say("steps.begun", ordinal=ordinal, day=day)
        return self.say("steps.grown", ordinal=ordinal, day=day, size=self._area(added))

    def _area(self, area: float) -> str:
        """One area: hectares above one, else square metres."""
        if area > HECTARE_M2:
            return f"{self.figure(f'{area / HECTARE_M2:.1f}')} ha"
        return f"{self.figure(two_figures(area))} m²"

    def _areas(self, area: float, low: float, high: float) -> str:
        """Areas in one unit, that of the middle one: hectares above one, else square metres."""
        if area > HECTARE_M2:
            unit, written = "ha", [f"{value / HECTARE_M2:.1f}" for value in (area, low, high)]
        else:
            unit, written = "m²", [two_figures(value) for value in (area, low, high)]
        middle, least, most = map(self.figure, written)
        return self.say("size.area", n=middle, unit=unit, low=least, high=most)

    def _entry(self, key: str) -> Any:
        section, _, name = key.partition(".")
        try:
            return self.table[section][name]
        except KeyError:
            raise AlertsError(
                f"catalog `{self.lang}` has no words for `{key}`; add them to catalogs/{self.lang}.toml"
            ) from None


def languages() -> list[str]:
    """The languages that there are catalogs for."""
    return sorted(path.stem for path in CATALOGS.glob("*.toml"))


@cache
def language(lang: str) -> Language:
    """The catalog of a language; raises `AlertsError` when there is none."""
    if lang not in languages():
        raise AlertsError(f"language `{lang}` has no catalog; use one of {', '.join(languages())}")
    return Language(lang, tomllib.loads((CATALOGS / f"{lang}.toml").read_text(encoding="utf-8")))


def two_figures(value: float) -> str:
    """A measure with two significant figures, at least to the whole unit: more would pretend to be exact."""
    if value < 1:
        return "0" if value < 0.5 else "1"
    step = max(10 ** (floor(log10(value)) - 1), 1)
    return f"{round(value / step) * step:,}"
