"""The page of a pack as PDF: one a place, in French too, with its fonts in it, and the same each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pypdfium2
import pytest
from pack_record import NAME, png

from detectors.records import AlertKind, Change, State
from flows.publication.pack_subject import Sharing
from flows.publication.page_file import PageWork, page_file
from flows.publication.page_pictures import page_pictures
from flows.publication.told_subject import ToldDay, ToldEvent, ToldSubject

EVENT = ToldEvent(
    "1", AlertKind.CHANGE, Change.CONSTRUCTION, State.CONFIRMED, ToldDay(date(2026, 9, 14)), ToldDay(date(2026, 9, 28)),
    24_000.0, 19_000.0, 29_000.0, None, 0.83, ("sentinel-2",), False,
)  # fmt: skip
SUBJECT = ToldSubject(NAME, (EVENT,), ToldDay(date(2026, 5, 11)), ToldDay(date(2026, 11, 22)))
PAIR = {"place-1/pictures/event-1/true-colour-pair.png": png(60, size=(400, 300))}


def pdf(*subjects: ToldSubject, pictures: Mapping[str, bytes] | None = None, **given: Any) -> bytes:
    works = [PageWork(one, pictures or {}) for one in subjects]
    [file] = page_file(works, **{"sharing": Sharing.PUBLIC, "language": "en"} | given)
    assert file.path == "page.pdf"
    return file.content


def read(content: bytes) -> list[str]:
    document: Any = pypdfium2.PdfDocument(content)
    try:
        pages = [document[n].get_textpage().get_text_range() for n in range(len(document))]
    finally:
        document.close()
    return [" ".join(page.replace("\u00a0", " ").split()) for page in pages]


def ink(content: bytes) -> float:
    """The share of a page that is not white."""
    document: Any = pypdfium2.PdfDocument(content)
    try:
        picture = document[0].render(scale=0.5).to_numpy()
    finally:
        document.close()
    return float((picture < 200).any(axis=2).mean())


def test_a_page_says_what_was_seen_and_what_it_does_not_say() -> None:
    [page] = read(pdf(SUBJECT))
    assert page.startswith(f"{NAME} Change seen from satellites, 11 May to 22 November 2026")
    assert "About 24,000 m² (between 19,000 m² and 29,000 m²)." in page
    assert "it accuses nobody" in page
    assert "Contains modified Copernicus Sentinel data 2026" in page
    assert page.endswith("Public: this may be passed on. It holds no position, no scene id and no event id.")


def test_a_french_page_has_its_accents() -> None:
    [page] = read(pdf(SUBJECT, language="fr", sharing=Sharing.RESTRICTED))
    assert "14 septembre 2026" in page
    assert "élevée" in page
    assert "données Copernicus Sentinel modifiées" in page
    assert "RESTREINT : quiconque possède ce dossier peut trouver le lieu." in page
    assert "?" not in page
    [shared] = read(pdf(SUBJECT, language="fr"))
    assert "Événement Quoi" in shared, "no word of the table is broken"


def test_a_simulated_page_says_so_first() -> None:
    [page] = read(pdf(replace(SUBJECT, events=(replace(EVENT, is_simulated=True),))))
    assert "SIMULATED. The places, the pictures" in page
    assert "Copernicus" not in page


def test_made_again_it_is_the_same() -> None:
    assert pdf(SUBJECT, pictures=PAIR) == pdf(SUBJECT, pictures=PAIR)


def test_fonts_are_in_the_file() -> None:
    assert pdf(SUBJECT).count(b"/FontFile2") >= 2


def test_pictures_are_on_the_page() -> None:
    assert ink(pdf(SUBJECT, pictures=PAIR)) > 2 * ink(pdf(SUBJECT))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_place_with_much_is_still_one_page(language: str) -> None:
    pictures = {
        f"ibis/1/{kind}-pair.png": png(90, size=(450, 340)) for kind in ("true-colour", "radar", "false-colour")
    }
    pictures |= {f"charts/{name}.png": png(30, size=(450, 300)) for name in ("built", "cleared")}
    changes = list(Change) * 5
    events = tuple(replace(EVENT, label=f"ev-{n:012d}", change=change) for n, change in enumerate(changes))
    [page] = read(pdf(replace(SUBJECT, events=events), pictures=pictures, language=language))
    assert ("8 more events are in table.csv." if language == "en" else "8 autres événements") in page


def test_each_place_has_a_page() -> None:
    pages = read(pdf(SUBJECT, replace(SUBJECT, place="Ibis Sound")))
    assert [page.split(" Change")[0] for page in pages] == [NAME, "Ibis Sound"]


def test_letters_that_the_font_lacks_are_said_to_be_missing() -> None:
    [page] = read(pdf(replace(SUBJECT, place="កំពត")))
    assert "The font of this page lacks some letters of the name." in page


def test_markup_in_a_name_is_text() -> None:
    [page] = read(pdf(replace(SUBJECT, place="<b>A</b> & <img src='x'/>")))
    assert "<b>A</b> & <img src='x'/>" in page


def test_drawings_and_charts_stand_for_pictures_in_a_public_pack() -> None:
    drawings = {f"place-1/drawings/clearing-{size}.png": png(60) for size in ("small", "large")}
    charts = {"place-1/charts/built-ground.png": png(90)}
    assert ink(pdf(SUBJECT)) < ink(pdf(SUBJECT, pictures=drawings)) < ink(pdf(SUBJECT, pictures=drawings | charts))


def test_of_one_event_there_is_a_sheet_of_each_kind_and_nothing_else() -> None:
    names = ("radar-pair", "true-colour-pair", "true-colour-before", "true-colour-after-plain", "false-colour-pair")
    shown = page_pictures({f"heron/pictures/ev-1/{name}.png": name.encode() for name in names})
    assert [one.png.decode() for one in shown.sheets] == ["true-colour-pair", "false-colour-pair", "radar-pair"]
    assert {one.event for one in shown.sheets} == {"ev-1"}
    assert shown.charts == ()


def test_of_several_events_each_has_its_sheet_and_animations_are_left_out() -> None:
    content = {f"p/pictures/event-{n}/{k}-colour-pair.png": b"" for n in (1, 2) for k in ("true", "false")}
    content |= {f"p/charts/{name}.png": name.encode() for name in ("lines", "built-ground", "cleared")}
    content |= {"p/drawings/clearing-small.png": b"drawing", "p/charts/a-built.png": b"\x89PNG....acTL"}
    shown = page_pictures(content, ["2", "1"])
    assert [one.event for one in shown.sheets] == ["2", "1", "2"]
    assert (shown.charts, shown.drawings) == ((b"built-ground", b"cleared"), (b"drawing",))


def test_what_is_sure_and_large_comes_first() -> None:
    events = tuple(
        replace(EVENT, label=label, state=state) for label, state in (("1", State.PROVISIONAL), ("2", State.CONFIRMED))
    )
    [page] = read(pdf(replace(SUBJECT, events=events)))
    assert page.index("2 Construction") < page.index("1 Construction")
