"""The page in a real browser: no request but the file itself, and nothing wider than a phone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page

from flows.records.ids import AlertId, EventId
from flows.reports.build import build_report
from flows.reports.inputs import ReportInputs

Open = Callable[..., tuple[Page, list[str]]]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(week_inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    heron = week_inputs.areas[1]
    long_name = replace(heron, area=replace(heron.area, name="W" * 10_000))
    inputs = replace(
        week_inputs, areas=(*week_inputs.areas, replace(long_name, area=replace(long_name.area, id="w-8")))
    )
    return build_report(inputs, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def make_folded(week_inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of one place with so many earlier events that they are folded away."""
    heron = week_inputs.areas[1]
    old = heron.events[2]
    keys = map("e-{}".format, range(8))
    events = tuple(replace(old, event=replace(old.event, event_id=EventId(key), alert_id=AlertId(key))) for key in keys)
    inputs = replace(week_inputs, areas=(replace(heron, events=events),))
    return build_report(inputs, tmp_path_factory.mktemp("folded"))


def test_nothing_is_asked_of_anyone(open_page: Open, report: Path) -> None:
    complaints: list[str] = []
    page, asked = open_page(report, 1280)
    page.on("console", lambda message: complaints.append(message.text))
    page.reload()
    assert set(asked) == {report.as_uri()}
    assert complaints == []
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


@pytest.mark.parametrize("width", [320, 360, 700, 870, 1280])
def test_nothing_is_wider_than_the_screen(open_page: Open, report: Path, width: int) -> None:
    page, _ = open_page(report, width)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_reads_without_javascript_and_links_lead_to_cases(open_page: Open, report: Path) -> None:
    page, _ = open_page(report, 360, java_script_enabled=False)
    assert page.get_by_text("Everything on this page is simulated.").is_visible()
    page.get_by_role("link", name="See the case: Construction, new suspect site, at Delta, northern reach").click()
    assert page.url.endswith("#case-delta-north-x")
    assert page.locator("#case-delta-north-x").bounding_box()["y"] < 400


def test_paper_shows_what_the_screen_folds_away(open_page: Open, report: Path) -> None:
    page, _ = open_page(report, 794)
    folded = page.locator("#place-rail-6 .about")
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.bounding_box()["height"] > 50
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_two_pictures_swipe_over_one_another_and_go_back_side_by_side(open_page: Open, report: Path) -> None:
    page, _ = open_page(report, 1280)
    pair = page.locator("#case-heron-1-a .pair").first
    before, after = (pair.locator(f".{when} .frame") for when in ("before", "after"))
    assert after.bounding_box()["x"] > before.bounding_box()["x"] + 100
    pair.get_by_role("button", name="Swipe").click()
    assert after.bounding_box() == before.bounding_box()
    pair.get_by_role("slider", name="Swipe between before and after: Construction, Heron Flats").fill("80")
    assert after.evaluate("frame => getComputedStyle(frame).clipPath") == "inset(0px 0px 0px 80%)"
    pair.get_by_role("button", name="Side by side").press("Enter")
    assert after.bounding_box()["x"] > before.bounding_box()["x"] + 100


def test_a_link_to_a_folded_case_opens_it(open_page: Open, make_folded: Path) -> None:
    page, _ = open_page(make_folded, 1280)
    case = page.locator("#case-e-3")
    assert not case.is_visible()
    page.evaluate("location.hash = '#case-e-3'")
    page.wait_for_function("document.activeElement.id === 'case-e-3'")
    assert case.is_visible()
