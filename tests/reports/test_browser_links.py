"""Links to the same place and day elsewhere: only where positions may be seen, with a warning, never by themselves."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import html

from flows.reports.browser_links import BROWSER, browser_links
from flows.reports.build import build_report
from flows.reports.edition import public_inputs
from flows.reports.inputs import Edition, ReportInputs
from flows.reports.restricted_totals import RestrictedTotals
from flows.reports.words import words_for

ROOM = Path(__file__).parents[2] / "flows"
HOST = urlsplit(BROWSER).hostname


def links_in(page: Path) -> list[Any]:
    return [one for one in html.parse(page).iter("a") if str(one.get("href", "")).startswith("http")]


def test_a_link_leads_to_the_middle_of_the_change_on_the_day_of_the_picture(make_event: Any) -> None:
    links = browser_links(make_event("x", "reef"))
    assert [(one.sensor, one.day.isoformat()) for one in links] == [
        ("sentinel-1", "2026-07-03"),
        ("sentinel-2", "2026-07-03"),
        ("sentinel-1", "2026-11-17"),
        ("sentinel-2", "2026-11-17"),
    ]
    asked = {name: value[0] for name, value in parse_qs(urlsplit(links[3].address).query).items()}
    assert (asked["lat"], asked["lng"]) == ("7.87990", "88.43660")
    assert (asked["datasetId"], asked["fromTime"]) == ("S2_L2A_CDAS", "2026-11-17T00:00:00.000Z")
    assert asked["toTime"] == "2026-11-17T23:59:59.999Z"


def test_an_event_without_pictures_has_no_link(make_event: Any) -> None:
    assert browser_links(replace(make_event("x", "reef"), before=None, after=None, more=())) == ()


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_restricted_page_has_the_links_with_the_warning_beside_them(
    week_inputs: ReportInputs, tmp_path: Path, lang: str
) -> None:
    page = build_report(replace(week_inputs, is_restricted=True), tmp_path, lang=lang)
    links = links_in(page)
    assert len(links) >= 10
    assert {urlsplit(one.get("href")).hostname for one in links} == {HOST}
    assert {one.get("rel") for one in links} == {"noreferrer noopener"}
    warning = words_for(lang)("browser.warning")
    assert all(warning in one.getparent().getparent().getparent().text_content() for one in links)
    text = page.read_text(encoding="utf-8")
    assert 'http-equiv="x-dns-prefetch-control" content="off"' in text
    assert not re.search(r'rel="[^"]*(prefetch|preconnect|prerender|preload)', text)


def test_no_other_page_has_one(week_inputs: ReportInputs, tmp_path: Path) -> None:
    shown = {view.area.id for view in week_inputs.areas}
    public = public_inputs(week_inputs, shown=shown, counts=(), crowd=RestrictedTotals(0))
    assert links_in(build_report(week_inputs, tmp_path / "owner")) == []
    assert links_in(build_report(public, tmp_path / "public")) == []
    asked_for_both = replace(week_inputs, edition=Edition.PUBLIC, is_restricted=True)
    assert links_in(build_report(asked_for_both, tmp_path / "both")) == []
    for page in tmp_path.rglob("*.html"):
        assert HOST not in page.read_text(encoding="utf-8")


def test_what_leaves_the_house_knows_nothing_of_them() -> None:
    """Neither messages nor packs nor public pages are made by code that could write such an address."""
    named = {
        path.relative_to(ROOM).as_posix()
        for path in ROOM.rglob("*.py")
        if re.search(r"browser_links|browser\.dataspace", path.read_text(encoding="utf-8"))
    }
    assert named == {
        "desk/backend/case_pages.py",
        "desk/inputs.py",
        "reports/browser_links.py",
        "reports/case.py",
        "reports/report_page.py",
    }
