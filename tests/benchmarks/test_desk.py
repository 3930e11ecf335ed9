"""The desk over 10,000 events and 5,000 verdicts: how long pages take. Long: run it by name.

.venv/bin/python -m pytest -m benchmark -s tests/benchmarks/test_desk.py
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest
from detected import detected_event
from loopback import served
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import grid_of, to_lonlat
from aois.week import Week
from detectors.footprint import footprint_in
from detectors.records import Change, State, Transition
from flows.desk.backend.wiring import open_desk
from flows.desk.cookies import SESSION_COOKIE
from flows.desk.guard import key_hash
from flows.evidence.outlines import outline_of
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import fetch_missing
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.ledger import DetectedEvent, Judgement, Ledger, ObservationRecord, Reason, RunRecord, Verdict, open_ledger
from flows.records.event_json import EVENT_PROPERTIES

SITES, EVENTS = 100, 100
VERDICTS = 5_000
LAST = Week(2026, 47)
FIRST_SEEN = date(2026, 9, 14)
ROUNDS = 25
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)

pytestmark = pytest.mark.benchmark


def sites(root: Path) -> list[Area]:
    """A hundred sites over the same ground, with the same half year of simulated scenes."""
    ground = box(500_000, 200_000, 500_600, 200_600)
    model = Area("site-000", AreaKind.SITE, to_lonlat(ground, 32631), "Fictional place 0", margin_m=500)
    grid, source = grid_of(model), SimulatedSource(LAST.last_day, 1)
    refs = source.search(model, grid, since=LAST.last_day - timedelta(days=180), until=LAST.last_day)
    fetch_missing(source, Archive(root), model, grid, refs, on_scene=lambda _: None)
    areas = [replace(model, id=f"site-{n:03d}", name=f"Fictional place {n}") for n in range(SITES)]
    (held,) = [path for path in (root / model.id).iterdir() if path.is_dir()]
    for area in areas[1:]:
        (root / area.id / held.name).mkdir(parents=True)
        for path in held.iterdir():
            os.link(path, root / area.id / held.name / path.name)
    return areas


def event(area: Area, number: int) -> DetectedEvent:
    mask = np.zeros(grid_of(area).shape, bool)
    row, column = divmod(number, 10)
    mask[10 + 14 * row : 15 + 14 * row, 10 + 14 * column : 15 + 14 * column] = True
    state = (State.CONFIRMED, State.PROVISIONAL)[number % 2]
    properties = dict.fromkeys(EVENT_PROPERTIES) | {
        "kind": "expansion", "change": list(Change)[number % 4].value, "state": state.value,
        "first_seen": FIRST_SEEN.isoformat(), "area_m2": 2500.0 + number, "area_m2_low": 2000.0,
        "area_m2_high": 3100.0, "confidence": 0.5 + number / 250, "sensors": ["sentinel-2"],
        "scenes": [f"sentinel-2_202609{day:02d}T100000" for day in range(14, 30)],
    }  # fmt: skip
    states = [State.PROVISIONAL, State.CONFIRMED][: 1 + (state is State.CONFIRMED)]
    steps = tuple(Transition(s, FIRST_SEEN + timedelta(days=i), "scene") for i, s in enumerate(states))
    return detected_event(
        area.id, f"ev-{area.id}-{number:03d}", properties, outline_of(footprint_in(mask), grid_of(area)), steps, True
    )


def fill(ledger: Ledger, areas: list[Area]) -> None:
    ledger.record_areas(areas)
    for area in areas:
        seen = ObservationRecord(area.id, LAST, ("a",), (), 0.9, LAST.first_day, "chain")
        ledger.record_week(seen, [event(area, number) for number in range(EVENTS)])
    ledger.start_run(RunRecord("run", NOW, "test", {"source": "simulated"}), source="simulated")
    ledger.finish_run("run", status="completed", summary={"areas": [a.id for a in areas]}, at=NOW)
    for name, role in (("rita", "reviewer"), ("otto", "admin")):
        ledger.accounts.add(name, role=role, sees_positions=False, password_hash="none", at=NOW)
    said = (Judgement(Verdict.CONFIRMED, by="rita"), Judgement(Verdict.REJECTED, by="rita", reason=Reason.SEASON))
    for number in range(VERDICTS):
        area = areas[number % SITES]
        ledger.reviews.judge(f"ev-{area.id}-{number // SITES:03d}", said[number % 3 == 0], account=1, at=NOW)


@contextmanager
def visited(outputs: Path, ledger: Ledger) -> Iterator[httpx.Client]:
    app, evidence = open_desk(ledger, Archive(outputs / "archive"), outputs)
    ledger.accounts.open_session(
        key_hash("key"), "form", account=2, at=datetime.now(UTC), ends_at=datetime.now(UTC) + timedelta(hours=1)
    )
    start = time.perf_counter()
    evidence.prepare("site-000")
    print(f"\none area of {EVENTS} cases prepared in {time.perf_counter() - start:.1f} s")
    with served(app) as address, httpx.Client(base_url=address, cookies={SESSION_COOKIE: "key"}, timeout=60) as client:
        yield client


@dataclass(frozen=True)
class Taken:
    """Milliseconds of one request: the median and the longest, and the median of what processors spent on it."""

    median: float
    longest: float
    spent: float


def taken(ask: Callable[[int], httpx.Response], expected: int = 200) -> Taken:
    waited, spent = [], []
    for number in range(ROUNDS):
        start, before = time.perf_counter(), time.process_time()
        assert ask(number).status_code == expected
        waited.append(1000 * (time.perf_counter() - start))
        spent.append(1000 * (time.process_time() - before))
    return Taken(statistics.median(waited), max(waited), statistics.median(spent))


def test_pages_take_less_than_a_tenth_of_a_second_with_10_000_events(tmp_path: Path) -> None:
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        fill(ledger, sites(tmp_path / "archive"))
        with visited(tmp_path, ledger) as client:
            start = time.perf_counter()
            assert client.get("/").status_code == 200
            print(f"first page after the start: {1000 * (time.perf_counter() - start):.0f} ms")
            case = "/cases/ev-site-000-{:03d}"
            form = {"form_key": "form", "verdict": "confirmed", "show": "all", "text": "site-000"}
            measured = {
                "queue": taken(lambda n: client.get(f"/?page={n + 1}")),
                "queue, everything": taken(lambda n: client.get(f"/?show=all&page={n + 1}")),
                "queue, searched": taken(lambda n: client.get(f"/?show=all&text=place+{n}&change=clearing")),
                "case": taken(lambda n: client.get(case.format(n))),
                "picture": taken(lambda n: client.get(case.format(n) + "/pictures/main-after.webp")),
                "verdict": taken(lambda n: client.post(case.format(n) + "/verdicts", data=form), 303),
                "verdict and next page": taken(
                    lambda n: client.post(case.format(50 + n) + "/verdicts", data=form, follow_redirects=True)
                ),
                "precision": taken(lambda n: client.get("/precision")),
                "runs": taken(lambda n: client.get("/runs")),
                "trail": taken(lambda n: client.get("/acts")),
            }
    for name, one in measured.items():
        told = (
            f"median {one.median:5.0f} ms, longest of {ROUNDS} {one.longest:5.0f} ms; {one.spent:5.0f} ms of processor"
        )
        print(f"{name:24} {told}")
    assert max(one.median for one in measured.values()) < 100
