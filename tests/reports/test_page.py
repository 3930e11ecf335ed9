"""The page as HTML: well formed, complete, harmless, the same every time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aois.area import Response
from aois.week import Week
from detectors.records import UnfamiliarGround
from flows.records.event_json import feature_of
from flows.records.ids import EventId
from flows.reports.build import build_report, build_reports, csp_hash
from flows.reports.edition import public_inputs
from flows.reports.inputs import AreaView, Chip, EventView, ReportError, ReportInputs
from flows.reports.restricted_totals import RestrictedTotals

VOID = {"meta", "link", "img", "br", "input"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %} {0} {name}",
    "javascript:alert(1)",
    "مجمّع \u202eevil\u202c النهر",
    "nul\x00 bell\x07 half\ud800",
    "x" * 10_000,
    "&amp; & &lt;",
]


class Reader(HTMLParser):
    """Reads a page and fails at the first tag that closes nothing or an id given twice."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            assert given["id"] not in self.ids, f"id {given['id']} is given twice"
            self.ids.add(given["id"])
        self.tags.append((tag, given))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


Read = Callable[[ReportInputs], tuple[str, Reader]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_page(inputs: ReportInputs) -> tuple[str, Reader]:
        source = build_report(inputs, tmp_path / "2026-W47").read_bytes().decode("utf-8")
        reader = Reader()
        reader.feed(source)
        reader.close()
        assert reader.open == []
        _check_promises(source, reader)
        return source, reader

    return read_page


def _check_promises(source: str, reader: Reader) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    assert [csp_hash(script) for script in scripts] == re.findall(r"script-src '(sha256-[^']+)'", source)
    assert sum(tag == "script" for tag, _ in reader.tags) == 2  # the page's own, and its words as data
    assert "http://" not in source
    assert "https://" not in source
    for tag, given in reader.tags:
        assert tag not in {"iframe", "object", "embed", "form", "base"}
        assert not any(name.startswith("on") for name in given)
        assert given.get("src", "data:image/").startswith("data:image/")
        assert tag != "img" or given["alt"]
        link = given.get("href", "data:,")
        assert link == "data:," or link[1:] in reader.ids, f"{link} leads nowhere"
        for label in given.get("aria-labelledby", "").split():
            assert label in reader.ids


def one_area(make_view: Callable, make_area: Callable, week: Week, *events: object, **given: Any) -> ReportInputs:
    return ReportInputs(week, "stac", (make_view(make_area("x", "Place X"), *events, **given),))


def test_a_whole_week_is_well_formed_small_and_complete(week_inputs: ReportInputs, read: Read) -> None:
    source, page = read(week_inputs)
    assert len(source.encode()) < 4_000_000
    for said in (
        "The same by radar",
        "Delta, northern reach",
        "new suspect site",
        "14,200 m²",
        "860 m",
        "86 % of a closed ring",
        "moderate (0.62)",
        "hardly seen, 21 %",
        "4 November 2026, 18 days before the end of the week",
        "the catalog answered 503 five times",
        "413 buildings demolished",
        "newly built area",
        "a new criterion",
        "What else it could be",
        "sentinel-2_20261013T034511",
        "Based on 4 images of Sentinel-2, 8 October 2026 to 28 October 2026.",
        "Sentinel-1 radar VV and VH, mean of 3 images",
        "Metal, walls and corners shine",
        "Over time",
        "Sentinel-1 was not delivered on 19 November.",
        "It is never an accusation.",
        "No alert is not the same as no change.",
    ):
        assert said in page.text, said


def test_areas_with_news_come_first_and_quiet_ones_last(week_inputs: ReportInputs, read: Read) -> None:
    source, _ = read(week_inputs)
    order = re.findall(r'(?:class="place"|class="quiet") id="place-([a-z0-9-]+)"', source)
    assert order == ["heron-1", "delta-north", "bittern-2", "crane-4", "rail-6", "teal-5", "ibis-7"]


def test_the_week_table_lists_alerts_only_new_before_changed(week_inputs: ReportInputs, read: Read) -> None:
    source, _ = read(week_inputs)
    table = source[source.index('<section id="week">') : source.index('<section id="hidden">')]
    assert re.findall(r'href="#case-([a-z0-9-]+)"', table) == ["delta-north-x", "heron-1-a", "heron-1-b", "bittern-2-a"]


def test_simulated_pages_say_so_at_the_top_and_real_ones_name_the_source(week_inputs: ReportInputs, read: Read) -> None:
    simulated, page = read(week_inputs)
    assert page.text.index("Everything on this page is simulated.") < page.text.index("16 to 22 November 2026 Week")
    assert "Copernicus" not in page.text
    assert "<title>Simulated: " in simulated
    _, page = read(replace(week_inputs, source="stac"))
    assert "simulated" not in page.text.lower()
    assert "Contains modified Copernicus Sentinel data 2024–2026." in page.text


def test_no_position_is_on_the_page(week_inputs: ReportInputs, read: Read) -> None:
    source, page = read(replace(week_inputs, source="stac"))
    assert "88.43" in json.dumps([feature_of(event.event) for view in week_inputs.areas for event in view.events])
    for digits in ("88.43", "7.87", "7.88", "coordinates", "326", "EPSG"):
        assert digits not in page.text
    assert not re.search(r"\b88\.4\d+", re.sub(r"data:image/[^\"]+", "", source))


def test_the_same_inputs_give_the_same_bytes_and_touch_nothing(week_inputs: ReportInputs, tmp_path: Path) -> None:
    path = build_report(week_inputs, tmp_path / "a")
    before = path.stat()
    again = build_report(week_inputs, tmp_path / "a")
    elsewhere = build_report(week_inputs, tmp_path / "b")
    assert again == path == tmp_path / "a" / "index.html"
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert path.read_bytes() == elsewhere.read_bytes()
    changed = build_report(replace(week_inputs, notes=("another",)), tmp_path / "a")
    assert b"another" in changed.read_bytes()
    assert [entry.name for entry in path.parent.iterdir()] == ["index.html"]


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_text_is_shown_harmlessly(evil: str, make_view, make_area, make_event, report_week, read: Read) -> None:
    criteria = [{"name": evil, "value": 7.0, "weight": 1.0, "detail": evil}]
    event = make_event(evil, evil, new=True, sensors=[evil], scenes=[evil], criteria=criteria, alert_id=evil)
    event = replace(
        event,
        before=replace(event.before, caption=evil, sensor=evil, scene_id=evil),
        series=tuple(replace(item, label=evil, unit=evil) for item in event.series),
    )
    area = make_area("x", evil, responses=(Response(date(2026, 1, 2), evil, evil, evil),))
    source, page = read(ReportInputs(report_week, evil, (make_view(area, event, failure=evil),), (evil,)))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e]", source)
    assert ("&amp;amp; &amp; &amp;lt;" in source) == (evil == "&amp; & &lt;")
    assert "49" not in page.text or "{{" not in evil


def test_a_right_to_left_name_keeps_its_letters_apart(make_view, make_area, report_week, read: Read) -> None:
    source, _ = read(ReportInputs(report_week, "stac", (make_view(make_area("x", "مجمّع النهر")),)))
    assert "<bdi>مجمّع النهر</bdi>" in source


def test_no_areas_and_nothing_seen(make_view, make_area, report_week, read: Read) -> None:
    _, page = read(ReportInputs(report_week, "stac", ()))
    assert "There is no area on the watch list." in page.text
    hidden = [
        make_view(make_area(f"a-{i}"), last_share=0.0, weeks=(), overview=None, overview_outline=None) for i in range(3)
    ]
    _, page = read(ReportInputs(report_week, "stac", tuple(hidden)))
    assert "At 3 of 3 areas" in page.text
    assert "none on record" in page.text
    assert "since the watch began" in page.text
    assert "No image is on record yet." in page.text


def test_unfamiliar_ground_is_said_once_for_each_area(make_view, make_area, report_week, read: Read) -> None:
    strange = make_view(make_area("x", "Pier"))
    last = replace(strange.weeks[-1], unfamiliar=UnfamiliarGround(0.62, "brightness", True))
    strange = replace(strange, weeks=(*strange.weeks[:-1], last))
    source, page = read(ReportInputs(report_week, "stac", (strange, make_view(make_area("y")))))
    said = "62 % of the ground is unlike any that the watch was fitted on, most of it brighter."
    assert page.text.count(said) == 1
    assert page.text.count("waits for a fourth date") == 1
    assert source.index(said) > source.index('<section id="hidden">')
    _, page = read(ReportInputs(report_week, "stac", (make_view(make_area("y")),)))
    assert "Unfamiliar ground" not in page.text


def test_missing_pictures_series_and_figures_are_said(
    make_view, make_area, make_event, report_week, read: Read
) -> None:
    full = make_event("e", "x", new=True, scenes=[], sensors=[])
    unseen = replace(full.series[0], values=np.full(73, np.nan))
    bare = replace(full, before=None, after=None, perimeter=None, series=(unseen,), more=(), thumbs=())
    _, page = read(one_area(make_view, make_area, report_week, bare))
    for said in (
        "No clear picture from before",
        "No clear picture from after",
        "Brightness: no clear measurement.",
        "no scene is named",
        "No scene is named as evidence.",
    ):
        assert said in page.text
    _, page = read(one_area(make_view, make_area, report_week, replace(bare, series=())))
    assert "There are no measurements over time for this event." in page.text


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (64, 64), (500, 420)])
def test_chips_of_any_size(shape: tuple[int, int], make_area, make_event, make_weeks, report_week, read: Read) -> None:
    chip = Chip(date(2026, 11, 1), "s", "sentinel-1", np.full((*shape, 3), 90, dtype=np.uint8), "radar")
    mask = np.ones(shape, dtype=bool)
    whole = make_event("e", "x", new=True)
    event = EventView(whole.event, chip, chip, mask, mask, whole.series, new_this_week=True, changed_this_week=False)
    weeks = make_weeks(3, count=4)
    view = AreaView(make_area("x"), shape, chip, mask, None, weeks, (event,))
    _, page = read(ReportInputs(report_week, "stac", (view,)))
    assert [tag for tag, _ in page.tags].count("img") == 3  # the overview, before, after


@pytest.mark.parametrize(("count", "folded"), [(6, False), (7, True)])
def test_many_earlier_events_are_folded_away(
    count: int, folded: bool, make_view, make_area, make_event, report_week, read: Read
) -> None:
    events = [make_event(f"e-{i}", "x") for i in range(count)]
    source, page = read(one_area(make_view, make_area, report_week, *events, make_event("news", "x", new=True)))
    assert (f"{count} earlier events that did not change this week" in page.text) == folded
    assert source.index('id="case-news"') < source.index('id="case-e-0"')


def test_events_with_one_id_still_have_their_own_anchors(
    make_view, make_area, make_event, report_week, read: Read
) -> None:
    twins = [make_event("Same id!", "x", new=True), make_event("same-id", "x", new=True)]
    _, page = read(one_area(make_view, make_area, report_week, *twins))
    assert {"case-same-id", "case-same-id-2"} <= page.ids


def test_masks_of_another_crop_are_refused(make_event) -> None:
    with pytest.raises(ReportError, match=r"chip `before` has shape \(64, 72\), its mask \(5, 5\)"):
        replace(make_event("e", "x"), outline=np.ones((5, 5), dtype=bool))
    with pytest.raises(ReportError, match="give uint8"):
        Chip(date(2026, 1, 1), "s", "sentinel-2", np.zeros((4, 4, 3)))  # type: ignore[arg-type]


def test_what_an_alert_rests_on_names_instruments_days_and_agreement(
    make_view, make_area, make_event, report_week, read: Read
) -> None:
    scenes = ["sentinel-1_20261003T034511_r21", "sentinel-2_20261008T034511", "sentinel-2_20261001T034511"]
    _, page = read(one_area(make_view, make_area, report_week, make_event("e", "x", new=True, scenes=scenes)))
    assert (
        "Based on 1 image of Sentinel-1 radar and 2 images of Sentinel-2, 1 October 2026 to 8 October 2026. "
        "Both sensors agree."
    ) in page.text


def test_official_responses_are_marked_in_the_charts_of_their_place(
    make_view, make_area, make_event, report_week, read: Read
) -> None:
    response = Response(date(2026, 3, 4), "intervened", "", "")
    source, page = read(
        ReportInputs(report_week, "stac", (make_view(make_area("x", responses=(response,)), make_event("e", "x")),))
    )
    assert source.count('class="response"') == 2
    assert "official response" in page.text
    source, page = read(ReportInputs(report_week, "stac", (make_view(make_area("x"), make_event("e", "x")),)))
    assert 'class="response"' not in source


def test_the_french_page_holds_no_english_and_both_link_to_one_another(
    week_inputs: ReportInputs, tmp_path: Path
) -> None:
    english, french = build_reports(week_inputs, tmp_path, languages=("en", "fr"))
    assert (english.name, french.name) == ("index.html", "index.fr.html")
    assert '<a class="language" href="index.fr.html" hreflang="fr" lang="fr">Français</a>' in english.read_text()
    source = french.read_text()
    assert '<html lang="fr">' in source
    assert 'href="index.html"' in source
    reader = Reader()
    reader.feed(source)
    said = reader.text
    given = (
        "area `ibis-7`: the catalog answered 503 five times",
        "Ministry of the Interior",
        "Sentinel-1 was not",
        "a new criterion",
    )
    for data in given:
        assert data in said
        said = said.replace(data, "")
    assert not re.findall(r"\b(?:the|and|of|was|were|with|this|seen|week|before|after|new)\b", said)
    assert "Dans la semaine du 16 au 22 novembre 2026, Sitewatch a observé 7 zones." in said
    assert "14\u202f200\u00a0m² nouvellement bâtis en 140 jours" in source


def test_a_language_built_alone_is_the_same_once_the_other_is_there(week_inputs: ReportInputs, tmp_path: Path) -> None:
    alone = build_report(week_inputs, tmp_path, lang="fr").read_text()
    assert 'hreflang="en"' not in alone
    both = [path.read_bytes() for path in build_reports(week_inputs, tmp_path, languages=("en", "fr"))]
    assert [build_report(week_inputs, tmp_path, lang=lang).read_bytes() for lang in ("en", "fr")] == both


def test_suspects_are_ranked_with_every_value_and_weight(
    make_view, make_area, make_event, report_week, read: Read
) -> None:
    def suspect(name: str, value: float, **given: Any) -> EventView:
        criteria = [
            {"name": "new-built-area", "value": value, "weight": 0.75, "detail": ""},
            {"name": "enclosing-line", "value": 0.2, "weight": 0.25, "detail": ""},
        ]
        return make_event(name, "r", kind="new-suspect-site", **{"criteria": criteria, **given})

    def near(event: EventView, *names: str) -> EventView:
        return replace(event, near=frozenset(map(EventId, names)))

    events = [
        suspect("low", 0.1),
        suspect("high", 0.9),
        suspect("gone", 1.0, state="retracted"),
        suspect("taken", 1.0, merged_into="high"),
        make_event("site", "r"),
    ]
    source, page = read(one_area(make_view, make_area, report_week, *events))
    section = source[source.index('<section id="suspects">') : source.index('<section id="cases">')]
    assert re.findall(r'href="#case-([a-z]+)"', section) == ["high", "low"]
    assert "newly built area weight 0.75" in page.text
    assert re.findall(r"<b>([\d.]+)</b>", section) == ["0.72", "0.12"]
    assert section.count("</svg>0.20") == 2
    chain = [
        near(suspect("yard", 0.9), "fence"),
        near(suspect("fence", 0.6, change="fencing", length_m=420.0), "yard", "pit"),
        near(suspect("pit", 0.4), "fence"),
    ]
    source, page = read(one_area(make_view, make_area, report_week, *chain))
    section = source[source.index('<section id="suspects">') : source.index('<section id="cases">')]
    assert re.findall(r'href="#case-([a-z]+)"', section) == ["yard", "fence", "pit"]
    assert re.findall(r"<b>([\d.]+)</b>", section) == ["0.72", "0.35"], "the fence is the yard's, the pit is not"
    assert "Within 100 m: Fence or wall , 420 m" in page.text
    _, page = read(one_area(make_view, make_area, report_week, make_event("site", "r")))
    assert "New patterns away from listed sites" not in page.text


def test_a_reference_leads_to_its_case_on_the_owners_page_alone(
    week_inputs: ReportInputs, make_reference: Callable[[str], str], read: Read
) -> None:
    """Each stands in its case and in the list of all events, where an event without pictures stands alone."""
    *others, last = (event for view in week_inputs.areas for event in view.events)
    areas = tuple(
        replace(view, events=tuple(replace(one, is_listed=one is last) for one in view.events))
        for view in week_inputs.areas
    )
    inputs = replace(week_inputs, areas=areas)
    source, _ = read(inputs)
    for event in others:
        of_the_case = source.split(f'<article class="case news" id="case-{event.event_id}"')[-1]
        of_the_case = of_the_case.split(f'<article class="case" id="case-{event.event_id}"')[-1].split("</article>")[0]
        rows = re.findall(r"<dt>(\w+)</dt><dd><code>([\w-]+)</code>", of_the_case)
        reference, alert_id = make_reference(event.event_id), event.event.alert_id
        named = [("Alert", alert_id)] if alert_id else []
        assert rows == [("Reference", reference), *named, ("Event", event.event_id)]
        assert source.count(reference) == 2
    assert source.count(make_reference(last.event_id)) == 1
    shown = {view.area.id for view in areas}
    public, _ = read(public_inputs(inputs, shown=shown, counts=(), crowd=RestrictedTotals(0)))
    assert "ref-" not in public
