"""A desk over two small places at sea, served on loopback."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from detected import detected_event
from fastapi import FastAPI
from loopback import served
from made_once import made_once
from playwright.sync_api import Browser, BrowserContext, Page
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import grid_of, to_lonlat
from aois.week import Week
from detectors.footprint import footprint_in
from detectors.inference.quiet_sample import SeenClass
from detectors.records import State, Transition
from flows.config.settings import Settings
from flows.desk.backend.wiring import open_desk, prepare_all
from flows.desk.cookies import SESSION_COOKIE
from flows.desk.guard import key_hash
from flows.desk.passwords import hashed
from flows.evidence.outlines import outline_of
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import fetch_missing
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.ledger import DetectedEvent, Ledger, ObservationRecord, RunRecord, open_ledger
from flows.records.event_json import EVENT_PROPERTIES
from flows.records.ids import AreaId
from flows.records.quiet_places import QuietKind, QuietPlace

EPSG = 32631  # the Gulf of Guinea, far from any shore
WEEK = Week(2026, 47)
FIRST_SEEN = date(2026, 9, 14)
PASSWORD = "four words for tests"
PEOPLE = {"vera": "viewer", "rita": "reviewer", "rolf": "reviewer", "otto": "operator", "ada": "admin"}
EVENTS = {
    "ev-a1": ("heron", "construction", State.CONFIRMED, 24_000.0, True),
    "ev-a2": ("heron", "fencing", State.PROVISIONAL, 900.0, True),
    "ev-b1": ("ibis", "clearing", State.CONFIRMED, 9_000.0, True),
    "ev-b2": ("ibis", "demolition", State.CONFIRMED, 3_000.0, True),
    "ev-b3": ("ibis", "clearing", State.PROVISIONAL, 700.0, False),
}
ORDER = ["ev-a1", "ev-a2", "ev-b1", "ev-b2"]
EVIL = '"><script>document.title = "owned"</script><img src=x onerror="document.title=1">\u202e' + "مجمّع النهر" * 900
"""Markup, quotes, an override of the direction of writing, and nearly 10,000 characters."""


def place(area_id: str, name: str) -> Area:
    """A square site at sea; all lie at the same place, so that they share their scenes."""
    return Area(area_id, AreaKind.SITE, to_lonlat(box(500_000, 200_000, 500_200, 200_200), EPSG), name, margin_m=200)


def event(event_id: str, number: int, place_: Area) -> DetectedEvent:
    """An event with a footprint of its own."""
    area_id, change, state, area_m2, is_alert = EVENTS[event_id]
    grid = grid_of(place_)
    mask = np.zeros(grid.shape, bool)
    mask[10 + 6 * number : 14 + 6 * number, 12:26] = True
    properties = dict.fromkeys(EVENT_PROPERTIES) | {
        "kind": "expansion", "change": change, "state": state.value, "first_seen": FIRST_SEEN.isoformat(),
        "area_m2": area_m2, "area_m2_low": 0.8 * area_m2, "area_m2_high": 1.2 * area_m2, "confidence": 0.8,
        "sensors": ["sentinel-2"], "scenes": ["sentinel-2_20260914T100000", "sentinel-2_20260924T100000"],
    }  # fmt: skip
    states = [State.PROVISIONAL, State.CONFIRMED][: 1 + (state is State.CONFIRMED)]
    steps = tuple(Transition(s, FIRST_SEEN + timedelta(days=i), "scene") for i, s in enumerate(states))
    return detected_event(area_id, event_id, properties, outline_of(footprint_in(mask), grid), steps, is_alert)


def quiet_place(place_: Area) -> QuietPlace:
    """The place as one of the week's sample."""
    since = FIRST_SEEN + timedelta(days=7)
    return QuietPlace(
        place_.id, WEEK, AreaId(place_.id), QuietKind.SITE, SeenClass.WELL, 0.7, 2, since, WEEK.last_day, 0.04,
        place_.geometry,
    )  # fmt: skip


def record(ledger: Ledger, name: str = "Heron Flats") -> None:
    """Two places, five events, a run, and five people."""
    areas = [place("heron", name), place("ibis", "Ibis Sound")]
    ledger.record_areas(areas)
    for area in areas:
        known = [event(key, n, area) for n, key in enumerate(EVENTS) if EVENTS[key][0] == area.id]
        ledger.record_week(ObservationRecord(area.id, WEEK, ("a",), (), 0.9, WEEK.first_day, "chain"), known)
    ledger.quiet.record(WEEK, [quiet_place(area) for area in areas])
    ledger.start_run(
        RunRecord("run", datetime(2026, 11, 22, 12, tzinfo=UTC), "test", {"source": "simulated"}), source="simulated"
    )
    summary = {"week": str(WEEK), "areas": ["heron", "ibis"], "failures": {"ibis": "the catalog answered 503"}}
    ledger.finish_run("run", status="failed", summary=summary, at=datetime(2026, 11, 22, 13, tzinfo=UTC))


@pytest.fixture(scope="session")
def prepared() -> Path:
    """Outputs with scenes, events, people and prepared cases; not to be written to."""
    return made_once("desk", prepare)


def prepare(outputs: Path) -> None:
    """Make these outputs."""
    heron = place("heron", "Heron Flats")
    source, grid = SimulatedSource(WEEK.last_day, 1), grid_of(heron)
    refs = source.search(heron, grid, since=WEEK.last_day - timedelta(days=150), until=WEEK.last_day)
    fetch_missing(source, Archive(outputs / "archive"), heron, grid, refs[::2], on_scene=lambda _: None)
    shutil.copytree(outputs / "archive" / "heron", outputs / "archive" / "ibis", copy_function=os.link)
    kept = hashed(PASSWORD)
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        record(ledger)
        for name, role in PEOPLE.items():
            at = datetime(2026, 11, 23, 6, tzinfo=UTC)
            ledger.accounts.add(name, role=role, sees_positions=False, password_hash=kept, at=at)
        _, evidence = open_desk(ledger, Archive(outputs / "archive"), outputs)
        prepare_all(ledger, evidence)


def settings_of(outputs: Path) -> Settings:
    """The settings of a desk over those outputs."""
    return Settings(outputs=outputs, _env_file=None)


@dataclass
class Served:
    """A desk on loopback."""

    url: str
    app: FastAPI
    ledger: Ledger
    outputs: Path

    order = tuple(ORDER)
    password = PASSWORD
    people = PEOPLE

    def form_key_of(self, name: str) -> str:
        """What the forms of a session that a test has opened carry."""
        return f"form-{name}"

    def key_of(self, name: str) -> str:
        """The key of a session of somebody's, as if they had just logged in; their forms carry `form_key_of`."""
        account, now = self.ledger.accounts.find(name), datetime.now(UTC)
        assert account is not None
        key = f"{name}-{now.timestamp()}"
        self.ledger.accounts.open_session(
            key_hash(key), self.form_key_of(name), account=account.number, at=now, ends_at=now + timedelta(hours=1)
        )
        return key

    def client(self, name: str | None = None) -> httpx.Client:
        """Somebody's browser, without the browser."""
        cookies = {} if name is None else {SESSION_COOKIE: self.key_of(name)}
        return httpx.Client(base_url=self.url, cookies=cookies, timeout=30)

    def judge(self, name: str, event_id: str, verdict: str, **form: str) -> httpx.Response:
        """Somebody presses one of the buttons of a case."""
        with self.client(name) as client:
            given = {"verdict": verdict, "form_key": self.form_key_of(name), **form}
            return client.post(f"/cases/{event_id}/verdicts", data=given)


@contextmanager
def serving(outputs: Path) -> Iterator[Served]:
    """A desk over outputs, for as long as a ``with`` lasts."""
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        app, _ = open_desk(ledger, Archive(outputs / "archive"), outputs)
        with served(app) as address:
            yield Served(address, app, ledger, outputs)


def copied(prepared: Path, folder: Path) -> Path:
    """The prepared outputs, with a ledger of their own."""
    shutil.copytree(
        prepared, folder, copy_function=os.link, ignore=shutil.ignore_patterns("ledger.sqlite*", ".ledger*")
    )
    shutil.copy(prepared / "ledger.sqlite", folder / "ledger.sqlite")
    return folder


@pytest.fixture(scope="module")
def shared(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A desk for all tests of a file that leave no verdict behind which another would stumble over."""
    with serving(copied(prepared, tmp_path_factory.mktemp("shared") / "outputs")) as desk:
        yield desk


@pytest.fixture
def desk(prepared: Path, tmp_path: Path) -> Iterator[Served]:
    """A desk of a test's own."""
    with serving(copied(prepared, tmp_path / "outputs")) as served:
        yield served


@pytest.fixture
def hostile(prepared: Path, tmp_path: Path) -> Iterator[Served]:
    """A desk over a place with a hostile name, on which somebody has left a hostile note."""
    outputs = copied(prepared, tmp_path / "outputs")
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        ledger.record_areas([replace(place("heron", "x"), name=EVIL)])
    with serving(outputs) as served:
        assert served.judge("rita", "ev-a1", "unsure", note=EVIL[:9_900]).status_code == 303
        yield served


@pytest.fixture
def enter(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a desk as somebody, at a width; `page.asked` are the addresses that it asked for."""
    contexts: list[BrowserContext] = []

    def opened(served: Served, name: str, path: str = "/", *, width: int = 1280, **given: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, base_url=served.url, **given)
        contexts.append(context)
        context.add_cookies([{"name": SESSION_COOKIE, "value": served.key_of(name), "url": served.url}])
        page = context.new_page()
        page.asked = []  # type: ignore[attr-defined]
        page.on("request", lambda request: page.asked.append(request.url))  # type: ignore[attr-defined,call-overload]
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
