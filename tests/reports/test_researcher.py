"""A researcher at the page: on Monday, by keyboard alone, on a phone, on paper, without a script, and with axe."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page

from aois.area import Response
from flows.reports.build import build_reports
from flows.reports.inputs import ReportInputs

Open = Callable[..., tuple[Page, list[str]]]
pytestmark = pytest.mark.browser
EVIL = '"><script>document.title = "owned"</script><img src=x onerror="document.title=1">\u202e' + "مجمّع النهر" * 900
"""Markup, quotes, an override of the direction of writing, and more than 10,000 characters."""


@pytest.fixture(scope="module")
def reports(week_inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    folder = tmp_path_factory.mktemp("report")
    return build_reports(week_inputs, folder, languages=("en", "fr"))


@pytest.fixture
def page(open_page: Open, reports: tuple[Path, ...]) -> Page:
    return open_page(reports[0], 1280)[0]


def shown(page: Page) -> list[str]:
    return page.locator("#cases tbody tr:visible a").evaluate_all("links => links.map(a => a.hash.slice(6))")


def test_the_researchers_monday(page: Page, make_reference: Callable[[str], str]) -> None:
    """She reads what changed, goes to the case, swipes, narrows the list, and comes back by a link."""
    assert page.locator(".headline").inner_text().startswith("In the week of 16 to 22 November 2026")
    page.locator("#week").get_by_role("link", name="See the case: Construction, expansion, at Heron Flats").click()
    case = page.locator("#case-heron-1-a")
    page.wait_for_function("document.activeElement.id === 'case-heron-1-a'")
    pair = case.locator(".pair").first
    pair.get_by_role("button", name="Swipe").click()
    pair.get_by_role("slider").fill("20")
    controls = page.get_by_role("search", name="Filter the events")
    controls.get_by_label("State").select_option("finished")
    assert shown(page) == ["crane-4-0", "crane-4-1", "crane-4-2", "crane-4-3", "heron-1-c"]
    assert controls.locator("output").inner_text() == "5 of 10 shown"
    controls.get_by_label("Search").fill("heron DEMOLITION")
    assert shown(page) == ["heron-1-c"]
    controls.get_by_label("State").select_option("any")
    controls.get_by_label("Search").fill(make_reference("heron-1-b"))
    assert shown(page) == ["heron-1-b"], "as a message calls it"
    controls.get_by_role("button", name="Show all").click()
    controls.get_by_label("only new or changed this week").check()
    assert len(shown(page)) == 5
    page.get_by_role("link", name="Link to this case: Demolition at Heron Flats").click()
    assert page.url.endswith("#case-heron-1-c")


def test_columns_sort_both_ways_and_say_so(page: Page) -> None:
    head = page.locator("#cases thead th").nth(4)
    sizes = "rows => rows.map(row => Number(row.cells[4].dataset.key))"
    head.get_by_role("button", name="Size").click()
    assert head.get_attribute("aria-sort") == "ascending"
    upwards = page.locator("#cases tbody tr").evaluate_all(sizes)
    assert upwards == sorted(upwards)
    head.get_by_role("button", name="Size").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert page.locator("#cases tbody tr").evaluate_all(sizes) == upwards[::-1]
    page.locator("#cases thead th").first.get_by_role("button", name="Place").click()
    assert head.get_attribute("aria-sort") is None


def test_by_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Go to the report"
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.id")
    page.keyboard.press("j")
    second = page.evaluate("document.activeElement.id")
    assert [first, second] == page.locator("article.case").evaluate_all("cases => cases.slice(0, 2).map(c => c.id)")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.id") == first
    page.keyboard.press("/")
    page.keyboard.type("jk/")
    assert page.get_by_label("Search").input_value() == "jk/"
    page.get_by_label("Search").fill("")
    page.get_by_label("keyboard shortcuts on").uncheck()
    page.get_by_label("keyboard shortcuts on").blur()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_everything_that_can_be_used_is_reached_by_tab_and_shows_it(page: Page) -> None:
    usable = "a[href], button, input, select, summary"
    expected = page.locator(f"#cases :is({usable})").evaluate_all("parts => parts.filter(p => p.offsetParent).length")
    page.evaluate("document.querySelector('#cases').tabIndex = -1; document.querySelector('#cases').focus()")
    for _ in range(expected):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#cases') !== null")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#cases')") is None


def test_without_a_script_all_is_there_and_nothing_is_offered_that_does_not_work(
    open_page: Open, reports: tuple[Path, ...]
) -> None:
    page, _ = open_page(reports[0], 1280, java_script_enabled=False)
    assert len(shown(page)) == 10
    assert page.get_by_role("button").count() == 0
    assert not page.locator(".controls").is_visible()
    pair = page.locator("#case-heron-1-a .pair").first
    before, after = (pair.locator(f".{when} img").bounding_box() for when in ("before", "after"))
    assert before["y"] == after["y"]
    assert after["x"] > before["x"] + before["width"]
    page.get_by_role("link", name="Français").click()
    assert page.locator("h1").inner_text() == "16 au 22 novembre 2026"


def test_on_a_phone_nothing_overflows_and_targets_are_large_enough(open_page: Open, reports: tuple[Path, ...]) -> None:
    for report in reports:
        page, _ = open_page(report, 360)
        page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
        page.evaluate("document.querySelectorAll('.pair button').forEach(button => button.click())")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        sizes = page.locator(".tile:is(a), button:visible, summary:visible").evaluate_all(
            "parts => parts.map(p => { const b = p.getBoundingClientRect(); return Math.min(b.width, b.height) })"
        )
        assert min(sizes) >= 24  # WCAG 2.2, 2.5.8


def test_on_paper_folded_parts_are_open_controls_gone_and_cases_begin_whole(
    open_page: Open, reports: tuple[Path, ...]
) -> None:
    page, _ = open_page(reports[0], 794)
    page.emulate_media(media="print")
    assert not page.locator(".controls").is_visible()
    assert not page.locator(".swipe-row").first.is_visible()
    assert page.locator("#place-rail-6 .about").bounding_box()["height"] > 50
    assert page.locator(".case figure, .case .figures > div").evaluate_all(
        "parts => parts.every(part => getComputedStyle(part).breakInside === 'avoid')"
    )
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert 5 < pages < 25


@pytest.fixture(scope="module")
def hostile(week_inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    heron = week_inputs.areas[1]
    evil = replace(heron.area, name=EVIL, responses=(Response(date(2026, 3, 4), "intervened", EVIL, EVIL),))
    inputs = replace(
        week_inputs, areas=(replace(heron, area=evil, failure=EVIL), *week_inputs.areas[3:4]), notes=(EVIL,)
    )
    return build_reports(inputs, tmp_path_factory.mktemp("hostile"), languages=("en",))[0]


def test_hostile_names_and_notes_run_nothing_ask_nothing_and_break_nothing(open_page: Open, hostile: Path) -> None:
    page, asked = open_page(hostile, 360)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert page.title().startswith("Simulated: Sitewatch")
    assert asked == [hostile.as_uri()]
    assert page.locator("script").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_label("Search").fill("owned")
    assert len(shown(page)) == 3
    assert page.title().startswith("Simulated: Sitewatch")


def test_a_script_that_is_not_the_pages_own_does_not_run(page: Page) -> None:
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.stolen = 1' }))"
    )
    assert page.evaluate("window.stolen") is None


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_axe_finds_no_violation(open_page: Open, reports: tuple[Path, ...], lang: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page, _ = open_page(reports[0 if lang == "en" else 1], width, bypass_csp=True)  # axe is a script too
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    rules = {"runOnly": tags, "resultTypes": ["violations"]}  # what passed need not be described: a third of the time
    found = axe.Axe().run(page, options=rules).response["violations"]
    assert [(f["id"], [node["html"][:160] for node in f["nodes"][:3]]) for f in found] == []
