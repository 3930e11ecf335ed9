"""How messages are put into words: the phrases of a language, and figures as that language writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import floor, log10

from flows.alerts.errors import AlertsError
from flows.records.events import EventRecord
from flows.translations.catalogs import LANGUAGES, MESSAGE_LANGUAGES, SOURCE_LANGUAGE, reviewer_of
from flows.translations.phrases import Phrases

HECTARE_M2 = 10_000


@dataclass(frozen=True)
class Language:
    """The phrases of messages in one language."""

    phrases: Phrases

    @property
    def lang(self) -> str:
        """The language's short name."""
        return self.phrases.lang

    def say(self, key: str, /, **values: object) -> str:
        """Return the phrase ``section.name`` of messages, filled in."""
        return self.phrases(f"alerts.{key}", **values)

    def unreviewed(self) -> tuple[str, ...]:
        """Return that no native speaker has checked these words yet, in the language and in English; else nothing."""
        if self.lang in LANGUAGES or reviewer_of(self.lang):
            return ()
        own, english = self.say("body.unreviewed"), language(SOURCE_LANGUAGE).say("body.unreviewed")
        return (f"{own} / {english}",)

    def count(self, key: str, number: int) -> str:
        """Return the phrase with its number, in the form that suits it."""
        return self.phrases.count(f"alerts.{key}", number)

    def percent(self, share: float) -> str:
        """Write a share of 0 to 1 as a percentage."""
        return self.say("numbers.percent", n=round(100 * share))

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number with this language's separators."""
        return self.phrases.number(value, decimals)

    def day(self, iso: str) -> str:
        """Write a day given as ``2026-11-22`` as people write it."""
        return self.phrases.day(date.fromisoformat(iso))

    def listed(self, words: Sequence[str]) -> str:
        """Write words as a sentence lists them."""
        return self.phrases.listing(words)

    def size(self, event: EventRecord) -> str:
        """The size of an alert with its interval, and of a fence its length and how far it closes."""
        parts = [self._areas(event.area_m2, event.area_m2_low, event.area_m2_high)]
        if event.length_m is not None:
            parts.append(self.say("size.length", n=self.number(two_figures(event.length_m))))
        if event.closure is not None:
            parts.append(self.say("size.ring", share=self.percent(event.closure)))
        return ", ".join(parts)

    def step(self, event: EventRecord) -> str:
        """Which step an alert is in and what it added; empty for one that never began again."""
        steps = event.steps
        if len(steps) < 2:
            return ""
        ordinals, number = self.phrases.items("alerts.steps.ordinals"), len(steps)
        ordinal = ordinals[number - 1] if number <= len(ordinals) else self.say("steps.beyond", n=number)
        day, added = self.day(steps[-1].on.isoformat()), steps[-1].added_m2
        if added is None or added < 1:  # built on ground that the event held already
            return self.say("steps.begun", ordinal=ordinal, day=day)
        return self.say("steps.grown", ordinal=ordinal, day=day, size=self._area(added))

    def _area(self, area: float) -> str:
        """One area: hectares above one, else square metres."""
        if area > HECTARE_M2:
            return f"{self.number(area / HECTARE_M2, 1)} ha"
        return f"{self.number(two_figures(area))} m²"

    def _areas(self, area: float, low: float, high: float) -> str:
        """Areas in one unit, that of the middle one: hectares above one, else square metres."""
        if area > HECTARE_M2:
            unit, written = "ha", [self.number(value / HECTARE_M2, 1) for value in (area, low, high)]
        else:
            unit, written = "m²", [self.number(two_figures(value)) for value in (area, low, high)]
        middle, least, most = written
        return self.say("size.area", n=middle, unit=unit, low=least, high=most)


@cache
def language(lang: str) -> Language:
    """Return the phrases of a language; raises `AlertsError` when there is no catalog of it."""
    if lang not in MESSAGE_LANGUAGES:
        raise AlertsError(f"language `{lang}` has no catalog; use one of {', '.join(MESSAGE_LANGUAGES)}")
    return Language(Phrases(lang))


def two_figures(value: float) -> int:
    """Round a measure to two significant figures, at least to the whole unit: more would pretend to be exact."""
    if value < 1:
        return 0 if value < 0.5 else 1
    step = int(max(10 ** (floor(log10(value)) - 1), 1))
    return round(value / step) * step
