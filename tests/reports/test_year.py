"""The page of a year: its figures, its two editions, and what a browser and a printer make of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import small_record
from command_line import called
from playwright.sync_api import Page
from shapely.geometry import box

from aois.area import Area, AreaKind, Sensitivity, Status
from aois.week import Week
from detectors.claims.claim_rules import ClaimAnswer, ClaimKind, ClaimRule
from detectors.records import AlertKind, Change, State
from flows.records.claims import AnswerRecord, CheckedClaim, ClaimOrigin, ClaimRecord
from flows.records.event_json import alert_of, event_of
from flows.records.events import Alert
from flows.records.ids import AlertId, AreaId
from flows.records.runs import RunRecord
from flows.reports.build_year import build_year
from flows.reports.data.year import is_last_of_year, report_year, versions_in
from flows.reports.edition import public_names
from flows.reports.inputs import AreaTotals, Edition, Extent, ReportError, WeekSeen
from flows.reports.restricted_totals import RestrictedTotals
from flows.reports.words import words_for
from flows.reports.year_inputs import AreaYear, DetectorSpan, YearAlert, YearInputs, public_year
from flows.reports.year_page import months_of, weeks_of, year_headline, year_page_of
from flows.reports.year_pdf import print_pdf

Open = Callable[..., tuple[Page, list[str]]]
NONE = Extent(0.0, 0.0, 0.0)
UNTIL = Week(2026, 52)
CHROMIUM = shutil.which("chromium")


def totals(day: date, built: float, demolished: float = 0.0, *, line_m: float = 0.0) -> AreaTotals:
    """Totals at the end of a day, each with an interval of a tenth."""
    extents = (Extent(value, 0.9 * value, 1.1 * value) for value in (built, demolished))
    first, last = extents
    return AreaTotals(day, first, NONE, last, line_m, None)


def area(area_id: str, kind: AreaKind = AreaKind.SITE, sensitivity: Sensitivity = Sensitivity.PUBLIC) -> Area:
    status = Status.IDENTIFIED if kind is AreaKind.SITE else None
    ground = box(88.4321, 7.8765, 88.4399, 7.8822)
    return Area(area_id, kind, ground, name=f"The {area_id}", status=status, sensitivity=sensitivity)


def an_alert(alert_id: str, area_id: str, kind: AlertKind, change: Change = Change.CONSTRUCTION) -> Alert:
    properties: dict[str, Any] = {
        "event_id": f"ev-{alert_id}", "area_id": area_id, "kind": kind.value, "change": change.value,
        "state": State.CONFIRMED.value, "first_seen": "2026-05-01", "confirmed_on": "2026-06-01",
        "area_m2": 2400.0, "area_m2_low": 1800.0, "area_m2_high": 3000.0, "length_m": None, "closure": None,
        "confidence": 0.9, "sensors": ["sentinel-2"], "scenes": ["sentinel-2_20260501T034511"],
    }  # fmt: skip
    event = event_of(properties, {"type": "Point", "coordinates": [88.4366, 7.8799]})
    return alert_of(event, AlertId(alert_id), date(2026, 6, 7))


def seen(*shares: float) -> tuple[WeekSeen, ...]:
    return tuple(WeekSeen(Week(2026, 1).plus(n), share, 2, None) for n, share in enumerate(shares))


CLAIM = ClaimRecord(
    claim_id="cl-1", area_id=AreaId("heron"), kind=ClaimKind.DEMOLISHED, said_on=date(2026, 5, 2), number=3,
    words="All <b>three</b> were razed.", origin=ClaimOrigin.LIST, entered_by="Anna Desk",
    entered_at=datetime(2026, 5, 3, tzinfo=UTC),
)  # fmt: skip
ANSWER = AnswerRecord(
    claim_id="cl-1", week=UNTIL, answer=ClaimAnswer.CONTRADICTED, rule=ClaimRule.AT_MOST_TOO_FEW, low=0.0, high=1.0,
    known=3, standing=3,
)  # fmt: skip


@pytest.fixture
def inputs() -> YearInputs:
    """Two sites and a region; the heron is restricted."""
    before = date(2025, 12, 28)
    heron = AreaYear(
        area("heron", sensitivity=Sensitivity.RESTRICTED),
        (totals(before, 1000.0), totals(date(2026, 1, 25), 1000.0), totals(date(2026, 2, 22), 21_000.0)),
        seen(1.0, 0.2, 0.0, 0.1, 0.9),
        (YearAlert(an_alert("al-1", "heron", AlertKind.CHANGE), "confirmed"),),
    )
    teal = AreaYear(
        area("teal"),
        (totals(date(2026, 2, 1), 0.0), totals(date(2026, 2, 22), 0.0, 4000.0, line_m=240.0)),
        seen(0.6, 0.6),
        (YearAlert(an_alert("al-2", "teal", AlertKind.CHANGE, Change.DEMOLITION), "rejected"),),
    )
    region = AreaYear(
        area("mudflat", AreaKind.REGION),
        (totals(before, 0.0), totals(date(2026, 2, 22), 99_000.0)),
        seen(1.0),
        (YearAlert(an_alert("al-3", "mudflat", AlertKind.NEW_SUSPECT_SITE), reference="ref-3"),),
    )
    return YearInputs(2026, UNTIL, "stac", (teal, heron, region), (CheckedClaim(CLAIM, ANSWER),))


def test_a_month_holds_what_was_added_in_it() -> None:
    gains = months_of(
        (totals(date(2025, 11, 30), 100.0), totals(date(2025, 12, 28), 500.0), totals(date(2026, 2, 22), 800.0)), 2026
    )
    assert [gain and round(gain.built.value) for gain in gains] == [None, 300, *[None] * 10]
    assert (round(gains[1].built.low), round(gains[1].built.high)) == (270, 330)


def test_the_months_add_up_to_the_year(inputs: YearInputs) -> None:
    page = year_page_of(inputs)
    known = [gain for gain in page.months if gain is not None]
    assert sum(gain.built.value for gain in known) == pytest.approx(page.whole.built.value) == 20_000
    assert sum(gain.demolished.value for gain in known) == page.whole.demolished.value == 4000
    assert [gain.sites for gain in known] == [1, 2]
    assert page.whole.line_m == 240


def test_sites_are_ranked_by_how_much_moved_and_regions_are_none_of_them(inputs: YearInputs) -> None:
    page = year_page_of(inputs)
    assert [site.area_id for site in page.sites] == ["heron", "teal"]
    first, second = (site.bars for site in page.sites)
    assert first.ticks == second.ticks, "one scale"
    assert [(one.region, one.alert.alert.alert_id) for one in page.suspects] == [("The mudflat", "al-3")]


def test_weeks_not_seen_are_told_by_site(inputs: YearInputs) -> None:
    (heron, teal) = year_page_of(inputs).sites
    assert (heron.weeks_good, heron.weeks_known, heron.longest_gap) == (2, 5, 3)
    assert (teal.weeks_good, teal.weeks_known, teal.longest_gap) == (2, 2, 0)
    assert len(heron.strip) == 52
    assert heron.strip[5:] == (None,) * 47


def test_a_year_has_the_weeks_that_end_in_it() -> None:
    assert (weeks_of(2026)[0], weeks_of(2026)[-1], len(weeks_of(2026))) == (Week(2026, 1), Week(2026, 52), 52)
    assert [is_last_of_year(week) for week in (Week(2026, 51), Week(2026, 52), Week(2026, 53))] == [False, True, False]


def test_verdicts_are_counted_over_the_alerts_of_the_year(inputs: YearInputs) -> None:
    everything, *by_change = year_page_of(inputs).precision
    counted = (everything.confirmed, everything.rejected, everything.unsure, everything.waiting, everything.share)
    assert counted == (1, 1, 0, 1, 0.5)
    assert [one.group for one in by_change] == ["construction", "demolition"]


def test_the_first_paragraph_says_what_the_year_came_to(inputs: YearInputs) -> None:
    told = year_headline(year_page_of(inputs), words_for("en"))
    assert told.startswith("In the year that ended on 27 December 2026, 2 sites were watched.")
    assert "Newly built ground: 2.00\u00a0ha (1.80 to 2.20)." in told
    assert "3 alerts went out. 1 claim was made about these sites." in told
    assert "57" in told, "4 of 7 weeks"
    early = replace(inputs, until=Week(2026, 40))
    assert year_headline(year_page_of(early), words_for("en")).startswith("In the year up to 4 October 2026,")


def test_the_page_names_versions_and_what_they_mean(inputs: YearInputs, tmp_path: Path) -> None:
    spans = (
        DetectorSpan("8", date(2026, 1, 5), date(2026, 5, 4)),
        DetectorSpan("9", date(2026, 5, 11), date(2026, 12, 28)),
    )
    (page,) = build_year(replace(inputs, versions=spans), tmp_path, languages=("en",))
    text = page.read_text(encoding="utf-8")
    assert "Version 9: runs from 11 May 2026 to 28 December 2026" in text
    assert "The detectors changed during the year." in text
    runs = [RunRecord(str(day), day, "1", {"detectors": "9"}) for day in (datetime(2026, 5, 11, tzinfo=UTC),)]
    assert versions_in(2026, [*runs, RunRecord("old", datetime(2026, 1, 5, tzinfo=UTC), "1")]) == (
        DetectorSpan("9", date(2026, 5, 11), date(2026, 5, 11)),
    )
    assert versions_in(2025, runs) == ()


def test_the_public_edition_tells_of_restricted_places_in_totals_alone(inputs: YearInputs, tmp_path: Path) -> None:
    whole = year_page_of(inputs)
    public = public_year(inputs, shown={"teal", "mudflat"}, crowd=RestrictedTotals(1))
    assert year_page_of(public).whole.built.value == 0 < whole.whole.built.value
    owner = build_year(inputs, tmp_path / "owner" / "2026", languages=("en", "fr"))
    shared = build_year(public, tmp_path / "public" / "2026", languages=("en", "fr"))
    for lang, page in zip(("en", "fr"), shared, strict=True):
        text = page.read_text(encoding="utf-8")
        for hidden in ("heron", "al-1", "razed", "Anna", "sentinel-2_2026", "88.4", "7.87"):
            assert hidden not in text, (lang, hidden)
        assert "The teal" in text
        assert "al-3" not in text, "ids are digests that lead to a pixel"
        assert "ref-" not in text, "messages would lead to a place"
        assert "<code>mudflat-1</code>" in text
        assert 'id="verdicts"' not in text
        assert 'class="strip"' not in text, "weeks of cloud are those of one place"
        assert 'id="restricted"' in text
        assert page.stat().st_mode & 0o777 == 0o644
        assert page.stat().st_mtime == UNTIL.end.timestamp()
    told = owner[0].read_text(encoding="utf-8")
    assert "All &lt;b&gt;three&lt;/b&gt; were razed." in told
    assert "Anna" not in told
    assert '<code>al-3</code></th>\n<td role="cell" data-label="Reference"><div><code>ref-3</code>' in told
    assert owner[0].stat().st_mode & 0o777 == 0o600


def test_an_alert_has_the_number_that_it_has_among_all_events_on_record(inputs: YearInputs) -> None:
    earlier = replace(an_alert("al-0", "mudflat", AlertKind.NEW_SUSPECT_SITE), first_seen=date(2024, 2, 1))
    told = an_alert("al-3", "mudflat", AlertKind.NEW_SUSPECT_SITE)
    public = public_year(inputs, shown={"mudflat"}, crowd=RestrictedTotals(2), recorded=[told, earlier])
    [[alert]] = [area.alerts for area in public.areas]
    assert (alert.alert.event_id, alert.alert.alert_id) == ("mudflat-2", "mudflat-2")
    assert (alert.alert.geometry, alert.alert.criteria, alert.alert.detected_as) == (None, (), None)
    assert public_names([told, earlier, told]) == {"ev-al-0": "mudflat-1", "ev-al-3": "mudflat-2"}


def test_where_every_place_is_restricted_the_public_page_gives_their_number(inputs: YearInputs, tmp_path: Path) -> None:
    public = public_year(inputs, shown=(), crowd=RestrictedTotals(3))
    (page,) = build_year(public, tmp_path, languages=("en",))
    text = page.read_text(encoding="utf-8")
    assert "3 restricted places were watched. They are told only in totals." in text
    assert not re.search(r"teal|heron|mudflat|<svg", text)


def test_the_same_inputs_give_the_same_bytes_and_a_changed_page_drops_its_print(
    inputs: YearInputs, tmp_path: Path
) -> None:
    (page,) = build_year(inputs, tmp_path, languages=("en",))
    first, printed = page.read_bytes(), page.with_suffix(".pdf")
    printed.write_bytes(b"print")
    build_year(inputs, tmp_path, languages=("en",))
    assert (page.read_bytes(), printed.exists()) == (first, True)
    build_year(replace(inputs, areas=inputs.areas[:1]), tmp_path, languages=("en",))
    assert (page.read_bytes() == first, printed.exists()) == (False, False)


def test_simulated_years_say_so(inputs: YearInputs, tmp_path: Path) -> None:
    (page,) = build_year(replace(inputs, source="simulated"), tmp_path, languages=("en",))
    text = page.read_text(encoding="utf-8")
    assert "<title>Simulated: Sitewatch, the year 2026</title>" in text
    assert "Everything on this page is simulated." in text
    assert "Copernicus" not in text


def test_a_year_is_built_from_the_record_by_the_command(tmp_path: Path) -> None:
    record = small_record.make(tmp_path / "outputs")
    said = called("report", "--year", 2026, "--outputs", record.outputs, cwd=tmp_path)
    assert (said.status, said.err) == (0, "")
    owner, public = (record.outputs / name / "2026" / "index.html" for name in ("reports", "public"))
    assert said.out.splitlines() == [f"Report: {owner}", f"Public edition: {public}"]
    assert {path.name for path in owner.parent.iterdir()} == {"index.html", "index.fr.html"}
    text = owner.read_text(encoding="utf-8")
    assert "reef-1" in text
    assert "0.48\u00a0ha (0.36 to 0.60)" in text, "two events of 2,400 m²"
    assert "contradicted" in text, "the claim's answer"
    assert "reef-1" not in public.read_text(encoding="utf-8")
    with record.ledger() as ledger:
        assert report_year(2026, ledger=ledger, outputs=record.outputs).until == Week(2026, 39)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (("--year", 2024), "nothing of the year 2024 is on record; it holds 2026"),
        (("--year", 2026, "--week", "2026-W38"), "--year goes with --lang, --pdf and --outputs only"),
        (("--pdf",), "--pdf prints the page of a year; name one"),
    ],
)
def test_a_wrong_call_is_told_how_to_mend_it(tmp_path: Path, given: tuple[object, ...], complaint: str) -> None:
    record = small_record.make(tmp_path / "outputs")
    said = called("report", *given, "--outputs", record.outputs, cwd=tmp_path)
    assert said.status == 2
    assert complaint in said.err


def test_without_a_browser_it_says_what_to_install(inputs: YearInputs, tmp_path: Path) -> None:
    (page,) = build_year(inputs, tmp_path, languages=("en",))
    with pytest.raises(ReportError, match=r"no Chromium is installed .* apt-get install chromium"):
        print_pdf(page, at=UNTIL.end, edition=Edition.OWNER, browsers=("no-such-browser",))
    with pytest.raises(ReportError, match="Chromium could not print"):
        print_pdf(page, at=UNTIL.end, edition=Edition.OWNER, browsers=("false",))
    assert not page.with_suffix(".pdf").exists()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_print_has_an_outline_and_links_to_each_part(inputs: YearInputs, tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "2026"
    pages = build_year(inputs, folder, languages=("en",))
    printed = print_pdf(pages[0], at=UNTIL.end, edition=Edition.OWNER)
    content = printed.read_bytes()
    assert content.startswith(b"%PDF-")
    assert b"/Outlines" in content
    for title in (b"Site by site", b"What was claimed, and what was measured", b"The year 2026"):
        assert b"/Title (" + title + b")" in content
    assert content.count(b"/Subtype /Link") >= pages[0].read_text(encoding="utf-8").count('<li><a href="#')
    assert b"HeadlessChrome" not in content
    assert b"/CreationDate (D:20261228" in content, "the end of the week, not the time of printing"
    assert printed.stat().st_mode & 0o777 == 0o600


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_it_reads_without_a_script_asks_nobody_and_fits(
    open_page: Open, inputs: YearInputs, tmp_path: Path, lang: str, width: int
) -> None:
    (report,) = build_year(inputs, tmp_path, languages=(lang,))
    page, asked = open_page(report, width, java_script_enabled=False)
    assert asked == [report.as_uri()]
    assert page.locator("nav.contents a").count() >= 7
    page.locator("nav.contents a").nth(1).click()
    assert page.url.endswith("#sites")
    page, _ = open_page(report, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dead = "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.querySelector(a.hash)).length"
    assert page.evaluate(dead) == 0


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(open_page: Open, inputs: YearInputs, tmp_path: Path, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    (report,) = build_year(inputs, tmp_path, languages=("en",))
    page, _ = open_page(report, width, bypass_csp=True)  # axe is a script too
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = axe.Axe().run(page, options={"runOnly": tags, "resultTypes": ["violations"]}).response["violations"]
    assert [(f["id"], [node["html"][:160] for node in f["nodes"][:3]]) for f in found] == []
