"""Ledgers and what goes into them. The scripts that tests start as processes of their own import this file too."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from shapely.geometry import box

from aois.area import Area, Kind, Response, Status
from aois.week import Week, week_of
from detectors.records import State, Transition
from flows.ledger import EventRecord, Ledger, ObservationRecord, event_id, open_ledger

FIRST = week_of(date(2026, 9, 7))


def week(number: int) -> Week:
    """The `number`-th week of a test."""
    return FIRST.plus(number)


def area(area_id: str = "site-a") -> Area:
    """A site at sea."""
    response = Response(date(2026, 5, 2), "intervened", "all buildings demolished", "a newspaper")
    return Area(area_id, Kind.SITE, box(0, 0, 0.01, 0.01), status=Status.IDENTIFIED, responses=(response,))


def observation(number: int, *, area_id: str = "site-a", chain: str = "") -> ObservationRecord:
    """A week in which a scene was seen."""
    last_look = week(number).first_day
    return ObservationRecord(
        area_id, week(number), (f"scene-{number}",), ("sentinel-2",), 0.75, last_look, chain or f"chain-{number}"
    )


def life(*states: State, start: int = 0) -> tuple[Transition, ...]:
    """Transitions a week apart."""
    return tuple(Transition(state, week(start + n).first_day, f"scene-{start + n}") for n, state in enumerate(states))


def event(
    key: str, *states: State, area_id: str = "site-a", alert: bool = True, start: int = 0, **properties: Any
) -> EventRecord:
    """An event that went through `states` (provisional if none), a week for each from week `start` on."""
    steps = life(*(states or (State.PROVISIONAL,)), start=start)
    confirmed = [step.on.isoformat() for step in steps if step.state is State.CONFIRMED]
    known = {
        "kind": "expansion",
        "change": "construction",
        "state": steps[-1].state,
        "first_seen": steps[0].on.isoformat(),
        "confirmed_on": confirmed[0] if confirmed else None,
        "area_m2": 2400.0,
        "area_m2_low": 1800.0,
        "area_m2_high": 3000.0,
        "length_m": None,
        "closure": None,
        "confidence": 0.8,
        "sensors": ["sentinel-2"],
        "scenes": [step.scene_id for step in steps],
    }
    ring = [[0.0, 0.0], [0.001, 0.0], [0.001, 0.001], [0.0, 0.0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return EventRecord(area_id, event_id(area_id, key), {**known, **properties}, geometry, steps, alert)


def dump(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY rowid").fetchall() for name in tables}


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger file that knows one site and nothing else."""
    path = tmp_path_factory.mktemp("blank") / "ledger.sqlite"
    with open_ledger(f"sqlite:///{path}") as ledger:
        ledger.record_areas([area()])
    return path


@pytest.fixture
def path(blank: Path, tmp_path: Path) -> Path:
    """A copy of the blank ledger."""
    return Path(shutil.copy(blank, tmp_path / "ledger.sqlite"))


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """The blank ledger, open."""
    with open_ledger(f"sqlite:///{path}") as opened:
        yield opened


@pytest.fixture(scope="session")
def given() -> SimpleNamespace:
    """What tests record, and how they look into the file."""
    return SimpleNamespace(week=week, area=area, observation=observation, event=event, life=life, dump=dump)
