"""Ledgers and what goes into them. The scripts that tests start as processes of their own import this file too."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from detected import detected_event
from shapely.geometry import box, mapping
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from aois.area import Area, AreaKind, Response, Status
from aois.week import Week, week_of
from detectors.records import State, Transition
from flows.ledger import DetectedEvent, Ledger, ObservationRecord, event_id, open_ledger
from flows.ledger.tables import Base

FIRST = week_of(date(2026, 9, 7))
Fresh: TypeAlias = Callable[[], AbstractContextManager[str]]


def week(number: int) -> Week:
    """The `number`-th week of a test."""
    return FIRST.plus(number)


def area(area_id: str = "site-a") -> Area:
    """A site at sea."""
    response = Response(date(2026, 5, 2), "intervened", "all buildings demolished", "a newspaper")
    return Area(area_id, AreaKind.SITE, box(0, 0, 0.01, 0.01), status=Status.IDENTIFIED, responses=(response,))


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
    key: str,
    *states: State,
    area_id: str = "site-a",
    alert: bool = True,
    start: int = 0,
    ground: tuple[float, float, float, float] | None = None,
    steps: tuple[date, ...] = (),
    **properties: Any,
) -> DetectedEvent:
    """An event that went through `states` (provisional if none), a week for each from week `start` on.

    `ground` is a box in degrees; each key has its own if it is left out.
    """
    stages = life(*(states or (State.PROVISIONAL,)), start=start)
    confirmed = [step.on.isoformat() for step in stages if step.state is State.CONFIRMED]
    known = {
        "kind": "expansion",
        "change": "construction",
        "state": stages[-1].state,
        "first_seen": stages[0].on.isoformat(),
        "confirmed_on": confirmed[0] if confirmed else None,
        "area_m2": 2400.0,
        "area_m2_low": 1800.0,
        "area_m2_high": 3000.0,
        "length_m": None,
        "closure": None,
        "confidence": 0.8,
        "sensors": ["sentinel-2"],
        "scenes": [step.scene_id for step in stages],
    }
    geometry = json.loads(json.dumps(mapping(box(*(ground or ground_of(key))))))
    return detected_event(area_id, event_id(area_id, key), {**known, **properties}, geometry, stages, alert, steps)


def ground_of(key: str) -> tuple[float, float, float, float]:
    """A box of a thousandth of a degree that no other key has."""
    place = int(sha256(key.encode()).hexdigest()[:6], 16)
    west, south = place % 4096 / 500, place // 4096 / 500
    return west, south, west + 0.001, south + 0.001


def dump(ledger: Path | str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of a ledger, by its file or its address."""
    engine = create_engine(f"sqlite:///{ledger}" if isinstance(ledger, Path) else ledger, poolclass=NullPool)
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        rows = {name: list(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {name}"))) for name in names}
    return {name: sorted(found, key=lambda row: row[:2]) for name, found in rows.items()}


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger file that knows one site and nothing else."""
    path = tmp_path_factory.mktemp("blank") / "ledger.sqlite"
    with open_ledger(f"sqlite:///{path}") as ledger:
        ledger.record_areas([area()])
    return path


@pytest.fixture
def path(blank: Path, tmp_path: Path) -> Path:
    """A copy of the blank ledger, as a file."""
    return Path(shutil.copy(blank, tmp_path / "ledger.sqlite"))


@pytest.fixture(scope="session")
def fresh_file(blank: Path, tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """Gives the address of a ledger file that knows one site, for as long as a ``with`` lasts."""

    @contextmanager
    def fresh() -> Iterator[str]:
        folder = tmp_path_factory.mktemp("fresh")
        yield f"sqlite:///{shutil.copy(blank, folder / 'ledger.sqlite')}"
        shutil.rmtree(folder)

    return fresh


@pytest.fixture(scope="session")
def fresh_database(postgres: Any) -> Fresh:
    """The same on PostgreSQL, in databases that are emptied and used again: making one takes half a second."""
    idle: list[str] = []

    @contextmanager
    def fresh() -> Iterator[str]:
        address = idle.pop() if idle else postgres.url(postgres.create())
        with open_ledger(address) as ledger:
            ledger.record_areas([area()])
        yield address
        empty(address)
        idle.append(address)

    return fresh


def empty(address: str) -> None:
    """Forget everything in a PostgreSQL ledger but its schema, and count from one again."""
    engine = create_engine(address, poolclass=NullPool)
    with engine.begin() as connection:
        names = ", ".join(Base.metadata.tables)
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY")


@pytest.fixture(params=["fresh_file", "fresh_database"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a ledger that knows one site; tests that ask for it run on both databases."""
    with request.getfixturevalue(request.param)() as address:
        yield address


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """That ledger, open."""
    with open_ledger(url) as opened:
        yield opened


@pytest.fixture(scope="session")
def given() -> SimpleNamespace:
    """What tests record, and how they look into the file."""
    return SimpleNamespace(week=week, area=area, observation=observation, event=event, life=life, dump=dump)
