"""Words: plural forms, numbers, dates, and a catalog that holds what the templates ask for and no more."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flows.reports
from detectors.events.site_criteria import SiteCandidate, criteria_of
from flows.reports.inputs import ReportError
from flows.reports.words import brief, printable, words_for

ROOM = Path(flows.reports.__file__).parent
WORDS = words_for("en")


def test_forms_follow_the_number() -> None:
    assert WORDS.count("unseen.weeks", 1) == "this week only"
    assert WORDS.count("unseen.weeks", 3) == "3 weeks running"
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
    with pytest.raises(ReportError, match=r"`no\.such\.key`.*catalogs/en\.toml"):
        WORDS("no.such.key")
    with pytest.raises(ReportError, match=r"`xx` has no catalog; use one of en, fr"):
        words_for("xx")


def test_text_is_made_printable_but_keeps_its_letters() -> None:
    assert printable("a\x00b\u202ec\ud800") == "a bc?"
    assert printable("مجمّع ۷") == "مجمّع ۷"
    assert brief("x" * 10_000, 80) == "x" * 79 + "…"


def leaves(table: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, value in table.items():
        key = f"{path}.{name}" if path else name
        if isinstance(value, dict) and "one" not in value:
            yield from leaves(value, key)
        else:
            yield key


def test_every_phrase_of_the_catalog_is_used_somewhere() -> None:
    sources = [*ROOM.glob("*.py"), *(ROOM / "templates").glob("*.html")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    # a key built at run time counts by its beginning: "state." ~ name, f"headline.{name}", "picture.alt_" ~ when
    built = set(re.findall(r"""["']([a-z_]+\.[a-z_]*)(?=["'] ~|\{)""", text))
    built |= {f"{group}_explained." for group in ("state", "change", "kind")}
    asked = set(re.findall(r"""["']([a-z_]+\.[a-z_]+)["']""", text))
    script = (ROOM / "templates" / "report.js").read_text(encoding="utf-8")
    asked |= {f"script.{name}" for name in re.findall(r"text\.([a-z_]+)", script)}
    unused = [
        key
        for key in leaves(dict(WORDS.table))
        if key not in asked and not any(key.startswith(start) for start in built)
    ]
    assert not unused, unused


FRENCH = words_for("fr")


def plural_forms(entry: object) -> set[str] | None:
    return set(entry) - {"zero"} if isinstance(entry, dict) else None


def places_in(entry: object) -> set[str]:
    """The names in braces; those of a singular form count as those of the plural, which may say more."""
    texts = entry.values() if isinstance(entry, dict) else [entry]
    return {name for text in texts for name in re.findall(r"\{([a-z_]+)\}", str(text))}


def test_every_catalog_has_the_same_keys_forms_and_places() -> None:
    own = {"measured.rules"}
    assert set(leaves(dict(WORDS.table))) == set(leaves(dict(FRENCH.table)))
    for key in set(leaves(dict(WORDS.table))) - own:
        english, french = WORDS.entry(key), FRENCH.entry(key)
        assert plural_forms(english) == plural_forms(french), key
        assert type(english) is type(french), key
        assert places_in(english) == places_in(french), key
        assert not isinstance(english, list) or key in ("numbers.singular",) or len(english) == len(french), key


def test_french_is_written_as_french_is() -> None:
    assert FRENCH.number(1234567.25, 1) == "1\u202f234\u202f567,2"
    assert FRENCH.day(date(2026, 12, 1)) == "1er décembre 2026"
    assert FRENCH.span(date(2026, 11, 30), date(2026, 12, 1)) == "30 novembre au 1er décembre 2026"
    assert FRENCH.count("headline.watched", 0, span="x").endswith("rien n’a été regardé.")
    assert FRENCH.count("case.pixels", 0) == "environ 0 pixel"
    sentences = [text for key in leaves(dict(FRENCH.table)) for text in texts_of(FRENCH.entry(key))]
    assert not [text for text in sentences if re.search(r"\w [:;?!»]|« ", text)], "a plain space before a mark"


def texts_of(entry: object) -> list[str]:
    if isinstance(entry, dict):
        return [text for part in entry.values() for text in texts_of(part)]
    return [text for part in entry for text in texts_of(part)] if isinstance(entry, list) else [str(entry)]


@pytest.mark.parametrize("distance_m", [0.0, 620.0, 45000.0, math.inf])
@pytest.mark.parametrize("days", [40, 900])
def test_what_the_detectors_measured_is_said_in_french(distance_m: float, days: int) -> None:
    footprint = np.zeros((90, 90), dtype=bool)
    footprint[20:60, 20:60] = True
    older = np.zeros_like(footprint)
    older[0, 0] = math.isfinite(distance_m)
    candidate = SiteCandidate(footprint, footprint, footprint, older, (), days, distance_m)
    for criterion in criteria_of(candidate, pixel_size_m=10.0):
        assert FRENCH.measured(criterion.detail) != criterion.detail, criterion.detail
        assert WORDS.measured(criterion.detail) == criterion.detail
    assert FRENCH.measured("160,000 m² newly built in 40 days") == "160\u202f000\u00a0m² nouvellement bâtis en 40 jours"
    assert FRENCH.measured("something else") == "something else"
