"""The words of a report, and measures as each language writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date
from functools import cache

from babel.dates import format_date

from detectors.records import UnfamiliarGround
from flows.records.acquisitions import DueAcquisition
from flows.reports.inputs import Extent, ReportError
from flows.translations.catalogs import LANGUAGES, SOURCE_LANGUAGE
from flows.translations.phrases import Phrases

_BIDI_CONTROLS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = [number for number in (*range(0x20), *range(0x7F, 0xA0)) if number != ord("\n")]
_NO_LETTERS = (0xFFFE, 0xFFFF)  # which XML cannot hold
_UNPRINTABLE: dict[int, str | None] = {
    **dict.fromkeys((*_BIDI_CONTROLS, *_NO_LETTERS)),
    **dict.fromkeys(_CONTROLS, " "),
}

_ROOFS = {
    "measured.roofs": re.compile(r"room for (\d+) large roofs?"),
    "measured.first_roofs": re.compile(r"room for (\d+) first roofs?"),
}
_MEASURED = {
    "measured.built": re.compile(r"(?P<n>[\d,]+) m² newly built in (?P<days>\d+) days"),
    "measured.directions": re.compile(r"a line stands in (?P<n>\d+) ?% of the directions around"),
    "measured.changed": re.compile(r"(?P<n>[\d,]+) m² of ground changed"),
    "measured.no_older": re.compile(r"no older built-up land in the area"),
    "measured.older": re.compile(r"(?P<n>[\d,]+) m from older built-up land"),
    "measured.no_first_roof": re.compile(r"no first roof yet"),
    "measured.track": re.compile(r"a thin strip leads (?P<n>[\d,]+) m away"),
    "measured.no_track": re.compile(r"no thin strip leads away"),
    "measured.clearing": re.compile(r"a clearing of (?P<n>[\d,]+) m²"),
    "measured.nothing_older": re.compile(r"nothing older stands in the area"),
    "measured.isolation": re.compile(r"(?P<n>[\d,]+) m from what stood there before"),
    "measured.no_intervention": re.compile(r"no intervention on record in the list"),
    "measured.intervention": re.compile(r"(?P<n>[\d,]+) km from the nearest site at which authorities intervened"),
}
"""The sentences in which detectors say what they measured (`detectors.events.site_criteria`), by the key of each."""


HECTARES_COARSELY_FROM_M2 = 100_000


class Words(Phrases):
    """The words of a report in one language."""

    def ground(self, area_m2: float) -> str:
        """Write an area in m², rounded to 100 m² (a pixel) from 1,000 m² on and to 10 m² below."""
        step = 100 if area_m2 >= 1000 else 10
        return self("numbers.area", n=self.number(round(area_m2 / step) * step))

    def hectares(self, extent: Extent) -> str:
        """Write an area in hectares with its interval: to 0.01 ha (one pixel), from 10 ha on to 0.1 ha."""
        decimals = 1 if abs(extent.value) >= HECTARES_COARSELY_FROM_M2 else 2
        value, low, high = (self.number(m2 / 10_000, decimals) for m2 in (extent.value, extent.low, extent.high))
        return self("accounts.extent", value=self("numbers.hectares", n=value), low=low, high=high)

    def length(self, metres: float) -> str:
        """Write a length in m, rounded to one pixel (10 m)."""
        return self("numbers.length", n=self.number(round(metres / 10) * 10))

    def percent(self, share: float) -> str:
        """Write a share of 0 to 1 as a percentage that says 0 or 100 only when it is so."""
        whole = math.floor(share * 100 + 0.5)
        if 0 < share < 1:
            whole = min(max(whole, 1), 99)
        return self("numbers.percent", n=whole)

    def unfamiliar(self, ground: UnfamiliarGround) -> str:
        """Say how much of an area is unlike any ground that the watch was fitted on, and what it waits for."""
        way = "above" if ground.is_above else "below"
        what = self(f"unfamiliar.{way}_{ground.feature}")
        return self("unfamiliar.ground", share=self.percent(ground.share), what=what)

    def acquisition(self, due: DueAcquisition) -> str:
        """Name one pass of a satellite: the satellite, its orbit where the series has one, and the day."""
        day = self.day(due.day)
        if due.orbit is None:
            words = self("acquisitions.optical", day=day)
        else:
            words = self("acquisitions.radar", orbit=due.orbit, day=day)
        return self("acquisitions.planned", acquisition=words) if due.is_planned else words

    def weeks_of_year(self, numbers: Sequence[int]) -> str:
        """Write weeks of the year, those that follow one another as one span."""
        spans: list[list[int]] = []
        for number in numbers:
            if spans and number == spans[-1][-1] + 1:
                spans[-1].append(number)
            else:
                spans.append([number])
        said = [
            self("clouds.week", n=span[0]) if len(span) == 1 else self("clouds.weeks", first=span[0], last=span[-1])
            for span in spans
        ]
        return self.listing(said)

    def short_month(self, day: date) -> str:
        """Write the month of a day in short."""
        return format_date(day, "MMM", locale=self.lang)

    def month(self, day: date) -> str:
        """Write the month of a day."""
        return format_date(day, "MMMM", locale=self.lang)

    def months(self, days: Sequence[date]) -> str:
        """Write the months of days as a list."""
        return self.listing([self.month(day) for day in days])

    def span(self, first: date, last: date) -> str:
        """Write two dates as one span, with month and year once where they are the same."""
        if first.year != last.year:
            return self("dates.span", first=self.day(first), last=self.day(last))
        return self(
            f"dates.span_{'month' if first.month == last.month else 'year'}",
            first_day=self.day_of_month(first),
            first_month=format_date(first, "MMMM", locale=self.lang),
            last=self.day(last),
        )

    def measured(self, detail: str) -> str:
        """Say what a detector measured in this language; a sentence that no rule knows stays as it is.

        Detectors write English, so English stays as it is too.
        """
        if self.lang == SOURCE_LANGUAGE:
            return detail
        for key, pattern in _ROOFS.items():
            if found := pattern.fullmatch(detail):
                return self.count(key, int(found[1]))
        for key, pattern in _MEASURED.items():
            if found := pattern.fullmatch(detail):
                numbers = {name: self.number(int(text.replace(",", ""))) for name, text in found.groupdict().items()}
                return self(key, **numbers)
        return detail

    def sensor(self, name: str) -> str:
        """Return a sensor's name as people know it; one without words stays as it is."""
        return self(f"sensors.{name}") if self.has(f"sensors.{name}") else name


@cache
def words_for(lang: str) -> Words:
    """Return the words of a language; raises `ReportError` when there is no catalog of it."""
    if lang not in LANGUAGES:
        raise ReportError(f"report language `{lang}` has no catalog; use one of {', '.join(LANGUAGES)}")
    return Words(lang)


def printable(text: str) -> str:
    """Take from a text what a page cannot hold or what would disturb its neighbours.

    Control characters become spaces, lone surrogates a question mark, and the controls that override the direction of
    writing go; right-to-left letters stay.
    """
    return text.encode("utf-8", "replace").decode("utf-8").translate(_UNPRINTABLE)


def brief(text: str, length: int = 80) -> str:
    """Return the text, cut with an ellipsis when it is longer than `length` characters."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
