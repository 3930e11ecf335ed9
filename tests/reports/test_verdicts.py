"""Verdicts on the page, the filter in its link, and a policy that lets nothing in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page

from detectors.records import State
from flows.ledger import Judgement, Reason, Verdict, VerdictRecord
from flows.ledger.precision import StatedBand, contradicted_in, wilson
from flows.records.ids import EventId
from flows.reports.build import build_reports, environment_of
from flows.reports.data.verdicts import initials, said_in
from flows.reports.drawn_case import draw_case
from flows.reports.edition import public_inputs
from flows.reports.inputs import ReportInputs, Said
from flows.reports.restricted_totals import RestrictedTotals
from flows.reports.words import words_for

Open = Callable[..., tuple[Page, list[str]]]
HELD = Said("A.B.", date(2026, 11, 23), "confirmed")
FELL = Said("C.", date(2026, 11, 24), "rejected", "season")


@pytest.fixture(scope="module")
def judged(week_inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    heron = week_inputs.areas[1]
    first, second, third = heron.events
    agreed = replace(third, verdicts=(HELD, replace(FELL, by="A.B."), replace(HELD, by="A.B.")))
    events = (replace(first, verdicts=(HELD, FELL)), second, agreed)
    inputs = replace(week_inputs, areas=(replace(heron, events=events),))
    return build_reports(inputs, tmp_path_factory.mktemp("judged"), languages=("en", "fr"))


def section(report: Path, anchor: str) -> str:
    text = report.read_text(encoding="utf-8")
    found = text[text.index(f'id="{anchor}"') :]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[: found.index("</article>")]))


def test_verdicts_are_shown_with_initials_day_and_reason_and_so_is_disagreement(judged: tuple[Path, ...]) -> None:
    english, french = (section(report, "case-heron-1-a") for report in judged)
    assert "confirmed, A.B., 23 November 2026" in english
    assert "rejected (crops or season), C., 24 November 2026" in english
    assert "reviewers disagree" in english
    assert "rejeté (cultures ou saison), C., 24 novembre 2026" in french
    assert "What reviewers said" not in section(judged[0], "case-heron-1-b")
    assert "reviewers disagree" not in section(judged[0], "case-heron-1-c"), "a change of mind is no disagreement"


@pytest.mark.parametrize(
    ("name", "short"), [("Anna Berg", "A.B."), ("rita", "R."), ("a b c d", "A.B.C."), ("x@y.org", "X.Y."), ("", "?")]
)
def test_names_become_initials(name: str, short: str) -> None:
    assert initials(name) == short


def test_two_people_with_the_same_initials_are_told_apart() -> None:
    at = datetime(2026, 11, 23, 6, tzinfo=UTC)
    words = [
        Judgement(Verdict.CONFIRMED, by="anna"),
        Judgement(Verdict.REJECTED, by="adam", reason=Reason.OLD, note="a note with a name in it"),
        Judgement(Verdict.UNSURE, by="anna"),
    ]
    records = [VerdictRecord(EventId("ev-1"), one, at) for one in words]
    ledger: Any = SimpleNamespace(verdicts=lambda **_: records)
    assert said_in(ledger, "site") == {
        "ev-1": (
            Said("A.", at.date(), "confirmed"),
            Said("A. 2", at.date(), "rejected", "old"),
            Said("A.", at.date(), "unsure"),
        )
    }


def band(low: float, high: float, held: int, of: int) -> StatedBand:
    return StatedBand(low, high, of, held, *wilson(held, of))


BANDS = (band(0.0, 0.5, 4, 9), band(0.7, 0.8, 1, 1), band(0.9, 1.0, 12, 14))


def reading(report: Path) -> str:
    text = report.read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text[text.index('id="reading"') :]))


def test_the_page_says_how_many_alerts_that_stated_so_much_were_right(
    week_inputs: ReportInputs, tmp_path: Path
) -> None:
    english, french = map(
        reading, build_reports(replace(week_inputs, reviewed=BANDS), tmp_path, languages=("en", "fr"))
    )
    for said in (
        "Of 14 reviewed alerts that stated 90 % and more, reviewers found 12 to be right (60 % to 96 %).",
        "Of 1 reviewed alert that stated 70 % to 80 %, reviewers found 1 to be right (21 % to 100 %).",
        "Of 9 reviewed alerts that stated less than 50 % (a word alone), reviewers found 4 to be right (19 % to 73 %).",
    ):
        assert said in english
    assert "Sur 14 alertes vérifiées qui annonçaient 90 % et plus, les vérificateurs en ont jugé 12 justes" in french
    assert "have not decided" not in english


def test_a_page_without_verdicts_says_what_the_numbers_rest_on(week_inputs: ReportInputs, tmp_path: Path) -> None:
    (page,) = build_reports(week_inputs, tmp_path, languages=("en",))
    assert "Reviewers have not decided on any alert of this record yet." in reading(page)
    assert "Such alerts are shown with the word alone" not in reading(page)


def test_where_reviewers_contradict_a_number_the_word_stands_alone_and_the_page_says_why(
    week_inputs: ReportInputs, tmp_path: Path
) -> None:
    bands = (*BANDS[:2], band(0.9, 1.0, 5, 10))
    assert contradicted_in(bands) == {0.9}
    given = replace(week_inputs, reviewed=bands, contradicted=contradicted_in(bands))
    before, after = (
        build_reports(inputs, tmp_path / name, languages=("en",))[0].read_text(encoding="utf-8")
        for name, inputs in (("before", week_inputs), ("after", given))
    )
    of_the_band = re.findall(r"very high \(0\.9\d\)", before)
    assert of_the_band
    assert not re.search(r"very high \(", after)
    assert after.count("very high") >= len(of_the_band)
    assert re.findall(r"moderate \(0\.\d\d\)", after) == re.findall(r"moderate \(0\.\d\d\)", before) != []
    assert "Reviewers found too few of the alerts that stated 90 % and more to be right." in after


def test_the_public_edition_withholds_the_same_numbers_and_counts_no_verdicts(
    week_inputs: ReportInputs, tmp_path: Path
) -> None:
    inputs = replace(week_inputs, reviewed=(band(0.9, 1.0, 5, 10),), contradicted=frozenset({0.9}))
    shown = {view.area.id for view in inputs.areas}
    public = public_inputs(inputs, shown=shown, counts=(), crowd=RestrictedTotals(0))
    text = build_reports(public, tmp_path, languages=("en",))[0].read_text(encoding="utf-8")
    assert not re.search(r"very high \(", text)
    assert "Reviewers found too few of the alerts that stated 90 % and more to be right." in text
    assert "reviewed alert" not in text
    assert "have not decided" not in text


@pytest.mark.parametrize(
    ("confidence", "shown"), [(0.46, "moderate"), (0.57, "moderate (0.50)"), (0.87, "high (0.80)")]
)
def test_a_drawn_case_states_no_more_than_was_measured(
    week_inputs: ReportInputs, confidence: float, shown: str
) -> None:
    event = week_inputs.areas[1].events[0]
    stated = replace(event.event, confidence=confidence, state=State.CONFIRMED)
    drawn = draw_case(replace(event, event=stated), elongation=1.0)
    page = environment_of(words_for("en")).get_template("drawn.html").render(drawn=drawn, contradicted=frozenset())
    assert f"<dd>{shown}</dd>" in page


@pytest.mark.browser
def test_the_link_holds_what_is_filtered(open_page: Open, judged: tuple[Path, ...]) -> None:
    page, _ = open_page(judged[0], 1280)
    controls = page.get_by_role("search", name="Filter the events")
    controls.get_by_label("State").select_option("finished")
    controls.get_by_label("Search").fill("heron & <b>")
    assert page.evaluate("location.hash") == "#cases?text=heron+%26+%3Cb%3E&state=finished"
    controls.get_by_label("Search").fill("heron")
    address = page.evaluate("location.href")
    other = page.context.new_page()  # not the page loaded again: there the browser goes back to where one was
    other.goto(address)
    assert other.locator("#cases tbody tr:visible").count() == 1
    assert other.get_by_role("search").get_by_label("State").input_value() == "finished"
    assert other.locator("#cases").bounding_box()["y"] < 300, "it opens where the list is"
    other.get_by_role("button", name="Show all").click()
    assert other.evaluate("location.hash") == "#cases"
    assert other.locator("#cases tbody tr:visible").count() == 3


@pytest.mark.browser
def test_the_policy_names_its_script_and_style_and_lets_no_other_in(open_page: Open, judged: tuple[Path, ...]) -> None:
    text = judged[0].read_text(encoding="utf-8")
    assert "unsafe" not in re.findall(r'Content-Security-Policy" content="([^"]+)"', text)[0]
    assert ' style="' not in text
    complaints: list[str] = []
    page, _ = open_page(judged[0], 1280)
    page.on("console", lambda message: complaints.append(message.text))
    page.reload()
    assert page.locator("#week h2").evaluate("part => getComputedStyle(part).borderTopStyle") == "solid"
    assert complaints == []
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<style>h1 { position: fixed }</style>')")
    assert page.locator("h1").evaluate("part => getComputedStyle(part).position") == "static"
