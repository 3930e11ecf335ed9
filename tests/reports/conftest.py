"""Made-up compounds, drawn as a satellite would see them, and the reports made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from shapely.geometry import box

from aois.area import Area, AreaKind, Response, Status
from aois.week import Week
from detectors.records import AlertKind, State
from flows.records.event_json import event_of
from flows.records.events import EventRecord
from flows.reports.inputs import AreaView, Chip, EventView, Pair, ReportInputs, Series, WeekCounts, WeekSeen
from flows.reports.pictures import limits_of, radar_rgb, stretch

WEEK = Week(2026, 47)
HIDDEN_AT_SEA = box(88.4321, 7.8765, 88.4399, 7.8822)


def ground(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Reflectance (3, y, x), red green blue: fields in parcels, a track, trees, noise."""
    rng = np.random.default_rng(seed)
    rows, columns = shape
    parcels = rng.uniform(0.8, 1.25, (rows // 12 + 1, columns // 17 + 1))
    tone = np.kron(parcels, np.ones((12, 17)))[:rows, :columns]
    bands = np.stack([0.085 * tone, 0.095 * tone**0.5, 0.055 * tone])
    line = (np.arange(columns) * 0.3 + rows * 0.15).astype(int) % rows
    bands[:, line, np.arange(columns)] = np.array([[0.17], [0.15], [0.11]])
    trees = rng.random(shape) < 0.04
    bands[:, trees] = np.array([[0.03], [0.05], [0.025]])
    return bands + rng.normal(0, 0.004, bands.shape)


def build(bands: np.ndarray, roofs: list[tuple[int, int, int, int]], colour: tuple[float, float, float]) -> np.ndarray:
    """The ground with rectangles of one colour on it: (top, left, height, width) each."""
    built = bands.copy()
    for top, left, height, width in roofs:
        built[:, top : top + height, left : left + width] = np.array(colour)[:, None, None]
    return built


def rectangles(shape: tuple[int, int], boxes: list[tuple[int, int, int, int]]) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    for top, left, height, width in boxes:
        mask[top : top + height, left : left + width] = True
    return mask


def ring(shape: tuple[int, int], top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = rectangles(shape, [(top, left, height, width)])
    mask[top + 1 : top + height - 1, left + 1 : left + width - 1] = False
    return mask


def chips(before: np.ndarray, after: np.ndarray, *, radar: bool = False) -> tuple[Chip, Chip]:
    valid = np.ones(before.shape[1:], dtype=bool)
    valid_after = valid.copy()
    valid_after[:4, :6] = False
    days = date(2026, 7, 3), date(2026, 11, 17)
    if radar:
        pair = [radar_rgb(bands[0] * 2, bands[2], valid=valid) for bands in (before, after)]
        sensor = "sentinel-1"
    else:
        limits = limits_of([before, after], valid=[valid, valid_after])
        pair = [
            stretch(before, valid=valid, limits=limits),
            stretch(after, valid=valid_after, limits=limits),
        ]
        sensor = "sentinel-2"
    first, second = (
        Chip(day, f"{sensor}_{day:%Y%m%d}T034511", sensor, rgb) for day, rgb in zip(days, pair, strict=True)
    )
    return first, second


def series(seed: int, label: str, unit: str, *, step: float, level: float, since: date) -> Series:
    """Two years of looks, some hidden by cloud, that leave the seasonal baseline by `step` from `since` on."""
    rng = np.random.default_rng(seed)
    days = tuple(date(2024, 11, 20) + timedelta(days=10 * i) for i in range(73))
    phase = np.array([day.toordinal() for day in days]) * 2 * np.pi / 365.25
    expected = level * (1 + 0.25 * np.sin(phase))
    spread = np.full(len(days), level * 0.06)
    values = expected + rng.normal(0, 1, len(days)) * spread + step * np.array([day >= since for day in days])
    values[rng.random(len(days)) < 0.35] = np.nan
    return Series(label, unit, days, values, expected, spread)


def alert(event_id: str, area_id: str, **given: Any) -> EventRecord:
    properties: dict[str, Any] = {
        "alert_id": f"alert-{event_id}",
        "event_id": event_id,
        "area_id": area_id,
        "kind": "expansion",
        "change": "construction",
        "state": "provisional",
        "first_seen": "2026-10-08",
        "confirmed_on": None,
        "issued_on": "2026-11-22",
        "area_m2": 5230.0,
        "area_m2_low": 4100.0,
        "area_m2_high": 6600.0,
        "length_m": None,
        "closure": None,
        "confidence": 0.62,
        "sensors": ["sentinel-2", "sentinel-1"],
        "scenes": [f"sentinel-2_202610{day:02d}T034511" for day in (8, 13, 23, 28)],
    }
    geometry: dict[str, Any] = {"type": "Point", "coordinates": [88.4366, 7.8799]}
    return event_of(properties | given, geometry)


def event(
    event_id: str, area_id: str, *, seed: int = 1, new: bool = False, changed: bool = False, **given: Any
) -> EventView:
    shape = (64, 72)
    before = build(ground(shape, seed), [(14, 12, 7, 16), (26, 12, 6, 16)], (0.24, 0.23, 0.22))
    change = given.get("change", "construction")
    first_seen = date.fromisoformat(given.get("first_seen", "2026-10-08"))
    if change == "fencing":
        outline = ring(shape, 8, 6, 46, 54)
        after = before.copy()
        after[:, outline] = np.array([[0.21], [0.18], [0.13]])
    elif change == "demolition":
        outline = rectangles(shape, [(14, 12, 7, 16)])
        after = build(before, [(14, 12, 7, 16)], (0.15, 0.12, 0.09))
    elif change == "clearing":
        outline = rectangles(shape, [(34, 34, 18, 26), (40, 30, 8, 6)])
        after = build(before, [(34, 34, 18, 26), (40, 30, 8, 6)], (0.19, 0.14, 0.09))
    else:
        roofs = [(16, 40, 6, 14), (26, 40, 6, 14), (36, 40, 9, 7)]
        outline = rectangles(shape, roofs)
        after = build(before, roofs, (0.33, 0.33, 0.34))
    step = -0.12 if change == "demolition" else 0.16
    first, second = chips(before, after)
    return EventView(
        event=alert(event_id, area_id, **given),
        before=first,
        after=second,
        outline=outline,
        perimeter=None if given.get("kind") == "new-suspect-site" else rectangles(shape, [(8, 6, 34, 30)]),
        series=(
            series(seed, "Brightness", "reflectance", step=step, level=0.2, since=first_seen),
            series(seed + 50, "Vegetation (NDVI)", "", step=-step * 2, level=0.5, since=first_seen),
        ),
        new_this_week=new,
        changed_this_week=changed,
        more=(Pair("radar", *radar_chips(before, after)),),
        thumbs=tuple(replace(chip, day=chip.day - timedelta(days=90)) for chip in (first, first, second)),
        reference=reference_of(event_id),
    )


def reference_of(event_id: str) -> str:
    """What messages call an event; not as the record would."""
    return f"ref-{sha256(ascii(event_id).encode()).hexdigest()[:12]}"


def radar_chips(before: np.ndarray, after: np.ndarray) -> tuple[Chip, Chip]:
    first, second = chips(before, after, radar=True)
    return replace(first, caption="radar", looks=3), replace(second, caption="radar", looks=1)


def seen_weeks(seed: int, *, last_share: float | None = None, count: int = 26) -> tuple[WeekSeen, ...]:
    rng = np.random.default_rng(seed)
    shares = np.where(rng.random(count) < 0.25, 0.0, rng.beta(4, 1.2, count)).round(3)
    if last_share is not None:
        shares[-1] = last_share
    weeks, clear = [], None
    for i, share in enumerate(shares):
        week = WEEK.plus(i - count + 1)
        clear = week.first_day + timedelta(days=2) if share >= 0.5 else clear
        weeks.append(WeekSeen(week, float(share), int(share * 3) + (share > 0), clear))
    return tuple(weeks)


def area(area_id: str, name: str = "", **given: Any) -> Area:
    return Area(area_id, given.pop("kind", AreaKind.SITE), HIDDEN_AT_SEA, name, **given)


def view(which: Area, *events: EventView, seed: int = 5, last_share: float | None = 0.93, **given: Any) -> AreaView:
    shape = (150, 168)
    bands = build(ground(shape, seed), [(57, 61, 7, 16), (69, 61, 6, 16), (60, 84, 20, 5)], (0.27, 0.26, 0.25))
    valid = np.ones(shape, dtype=bool)
    rgb = stretch(bands, valid=valid, limits=limits_of([bands], valid=[valid]))
    outline = np.zeros(shape, dtype=bool)
    for item in events:
        outline[43:107, 49:121] |= item.outline
    made = AreaView(
        area=which,
        grid_shape=shape,
        overview=Chip(date(2026, 11, 17), "sentinel-2_20261117T034511", "sentinel-2", rgb),
        overview_outline=outline,
        overview_perimeter=rectangles(shape, [(51, 55, 34, 40)]) if which.kind is AreaKind.SITE else None,
        weeks=seen_weeks(seed, last_share=last_share),
        events=tuple(events),
    )
    return replace(made, **given)


CRITERIA = [
    {"name": "new-built-area", "value": 0.91, "weight": 0.25, "detail": "14,200 m² newly built in 140 days"},
    {"name": "large-buildings", "value": 0.75, "weight": 0.2, "detail": "room for 3 large roofs"},
    {
        "name": "enclosing-line",
        "value": 0.58,
        "weight": 0.2,
        "detail": "a line stands in 58 % of the directions around",
    },
    {"name": "a_new_criterion", "value": 0.44, "weight": 0.15, "detail": "620 m from older built-up land"},
]


def week_counts(expansions: tuple[int, ...]) -> tuple[WeekCounts, ...]:
    """One week for each number of expansions sent, the last one this week."""
    first = WEEK.plus(1 - len(expansions))
    return tuple(
        WeekCounts(
            first.plus(i),
            {kind: n if kind is AlertKind.EXPANSION else 0 for kind in AlertKind},
            {state: n if state is State.PROVISIONAL else 0 for state in State},
            7,
            5,
        )
        for i, n in enumerate(expansions)
    )


def whole_week(source: str = "simulated") -> ReportInputs:
    """Seven areas and ten events: a week as it may well be."""
    raided = Response(
        date(2026, 3, 4), "intervened", "413 buildings demolished", "Ministry of the Interior, press release"
    )
    looked = Response(date(2025, 9, 12), "investigated", "", "")
    fenced: dict[str, Any] = {"change": "fencing", "area_m2": 4300.0, "length_m": 863.0, "closure": 0.86}
    heron = view(
        area("heron-1", "Heron Flats", status=Status.IDENTIFIED, responses=(looked, raided)),
        event("heron-1-a", "heron-1", seed=1, new=True),
        event("heron-1-b", "heron-1", seed=1, changed=True, state="confirmed", confirmed_on="2026-11-17", **fenced),
        event(
            "heron-1-c",
            "heron-1",
            seed=1,
            kind="change",
            change="demolition",
            state="finished",
            first_seen="2026-03-20",
            confirmed_on="2026-05-02",
            confidence=0.95,
            area_m2=1120.0,
            area_m2_low=800.0,
            area_m2_high=1500.0,
        ),
    )
    region = view(
        area("delta-north", "Delta, northern reach", kind=AreaKind.REGION),
        event(
            "delta-north-x",
            "delta-north",
            seed=2,
            new=True,
            kind="new-suspect-site",
            criteria=CRITERIA,
            confidence=0.71,
            area_m2=14200.0,
            area_m2_low=11900.0,
            area_m2_high=16800.0,
        ),
        seed=7,
    )
    cleared: dict[str, Any] = {"change": "clearing", "confidence": 0.38}
    bittern = view(
        area("bittern-2", "", status=Status.SUSPECTED),
        event("bittern-2-a", "bittern-2", seed=3, changed=True, state="retracted", **cleared),
        event(
            "bittern-2-b",
            "bittern-2",
            seed=4,
            new=True,
            alert_id=None,
            issued_on=None,
            sensors=["sentinel-2"],
            **cleared,
        ),
        seed=9,
        last_share=0.21,
    )
    old = [
        event(
            f"crane-4-{i}", "crane-4", seed=20 + i, state="finished", confirmed_on="2026-08-01", first_seen="2026-06-01"
        )
        for i in range(4)
    ]
    crane = view(area("crane-4", "Crane Point", status=Status.IDENTIFIED), *old, seed=11)
    teal = view(area("teal-5", "Teal Island", status=Status.IDENTIFIED, responses=(looked,)), seed=13, last_share=0.0)
    rail = view(area("rail-6", "Rail Bend", status=Status.SUSPECTED), seed=15)
    ibis = view(
        area("ibis-7", "Ibis Sound", status=Status.SUSPECTED),
        seed=17,
        failure="area `ibis-7`: the catalog answered 503 five times; run `sitewatch rerun ibis-7` later",
    )
    return ReportInputs(
        WEEK,
        source,
        (rail, heron, teal, region, crane, bittern, ibis),
        ("Sentinel-1 was not delivered on 19 November.",),
        week_counts((0, 2, 1, 0, 2)),
    )


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., tuple[Page, list[str]]]]:
    """Opens a file at a width; the page, and the addresses that it asked for (a list that goes on growing)."""
    contexts = []

    def open_file(report: Path, width: int, **given: Any) -> tuple[Page, list[str]]:
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}, **given))
        page = contexts[-1].new_page()
        asked: list[str] = []
        page.on("request", lambda request: None if request.url.startswith("data:") else asked.append(request.url))
        page.goto(report.as_uri())
        return page, asked

    yield open_file
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def week_inputs() -> ReportInputs:
    return whole_week()


@pytest.fixture
def make_counts() -> Callable[..., tuple[WeekCounts, ...]]:
    return week_counts


@pytest.fixture
def make_view() -> Callable[..., AreaView]:
    return view


@pytest.fixture
def make_event() -> Callable[..., EventView]:
    return event


@pytest.fixture
def make_reference() -> Callable[[str], str]:
    return reference_of


@pytest.fixture
def make_area() -> Callable[..., Area]:
    return area


@pytest.fixture
def make_weeks() -> Callable[..., tuple[WeekSeen, ...]]:
    return seen_weeks


@pytest.fixture
def report_week() -> Week:
    return WEEK
