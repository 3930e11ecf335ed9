"""Words: plural forms, numbers, dates, and a catalog that holds what the templates ask for and no more."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest

import flows.reports
from detectors.baseline.uncertainty import FLOORS
from detectors.events.site_criteria import SiteCandidate, criteria_of
from detectors.footprint import footprint_in
from detectors.records import UnfamiliarGround
from flows.reports.inputs import ReportError
from flows.reports.words import brief, printable, words_for
from flows.translations.catalogs import LANGUAGES
from flows.translations.phrases import PhraseError

ROOM = Path(flows.reports.__file__).parent
WORDS = words_for("en")


def test_forms_follow_the_number() -> None:
    assert WORDS.count("unseen.weeks", 1) == "this week only"
    assert WORDS.count("unseen.weeks", 3) == "3 weeks in a row"
    assert WORDS.count("headline.new", 0, what="") == "There is no new alert."


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 11, 16), date(2026, 11, 22), "16 to 22 November 2026"),
        (date(2026, 11, 30), date(2026, 12, 6), "30 November to 6 December 2026"),
        (date(2026, 12, 28), date(2027, 1, 3), "28 December 2026 to 3 January 2027"),
    ],
)
def test_a_span_says_month_and_year_once(first: date, last: date, said: str) -> None:
    assert WORDS.span(first, last) == said


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "0 %"), (0.001, "1 %"), (0.505, "51 %"), (0.9999, "99 %"), (1.0, "100 %")]
)
def test_a_percentage_is_never_rounded_to_nothing_or_all(share: float, said: str) -> None:
    assert WORDS.percent(share) == said


@pytest.mark.parametrize(("area", "said"), [(5234.0, "5,200 m²"), (437.0, "440 m²"), (1_250_049.0, "1,250,000 m²")])
def test_ground_is_rounded_to_what_pixels_can_tell(area: float, said: str) -> None:
    assert WORDS.ground(area) == said


def test_numbers_lists_and_sensors() -> None:
    assert WORDS.number(-1234.5, 1) == "−1,234.5"
    assert WORDS.length(863.2) == "860 m"
    assert WORDS.listing(["a", "b", "c"]) == "a, b and c"
    assert WORDS.listing([]) == ""
    assert WORDS.sensor("landsat-9") == "landsat-9"


def test_what_is_missing_is_named() -> None:
    with pytest.raises(PhraseError, match=r"no phrase `no\.such\.key`; add it to .*messages\.pot"):
        WORDS("no.such.key")
    with pytest.raises(ReportError, match=r"`xx` has no catalog; use one of en, fr"):
        words_for("xx")


def test_text_is_made_printable_but_keeps_its_letters() -> None:
    assert printable("a\x00b\u202ec\ud800") == "a bc?"
    assert printable("مجمّع ۷") == "مجمّع ۷"
    assert brief("x" * 10_000, 80) == "x" * 79 + "…"


FRENCH = words_for("fr")


def test_french_is_written_as_french_is() -> None:
    assert FRENCH.number(1234567.25, 1) == "1\u202f234\u202f567,2"
    assert FRENCH.day(date(2026, 12, 1)) == "1er décembre 2026"
    assert FRENCH.span(date(2026, 11, 30), date(2026, 12, 1)) == "30 novembre au 1er décembre 2026"
    assert FRENCH.count("headline.watched", 0, span="x").endswith("Sitewatch n’a rien observé.")
    assert FRENCH.count("case.pixels", 0) == "environ 0 pixel"


@pytest.mark.parametrize("distance_m", [0.0, 620.0, 45000.0, math.inf])
@pytest.mark.parametrize("days", [40, 900])
def test_what_the_detectors_measured_is_said_in_french(distance_m: float, days: int) -> None:
    mask = np.zeros((90, 90), dtype=bool)
    mask[20:60, 20:60] = True
    footprint = footprint_in(mask)
    candidate = SiteCandidate(footprint, footprint, footprint, distance_m, (), days, distance_m)
    for criterion in criteria_of(candidate, pixel_size_m=10.0):
        assert FRENCH.measured(criterion.detail) != criterion.detail, criterion.detail
        assert WORDS.measured(criterion.detail) == criterion.detail
    assert FRENCH.measured("160,000 m² newly built in 40 days") == "160\u202f000\u00a0m² nouvellement bâtis en 40 jours"
    assert FRENCH.measured("something else") == "something else"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("feature", FLOORS)
@pytest.mark.parametrize("is_above", [True, False])
def test_every_feature_by_which_ground_is_unfamiliar_has_words(lang: str, feature: str, is_above: bool) -> None:
    said = words_for(lang).unfamiliar(UnfamiliarGround(0.62, feature, is_above))
    assert feature not in ("vv", "vh") or "radar" in said
    assert words_for(lang).percent(0.62) in said
    assert said != words_for(lang).unfamiliar(UnfamiliarGround(0.62, feature, not is_above))
