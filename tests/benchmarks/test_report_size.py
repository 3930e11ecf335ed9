"""A week's report for 98 sites with a year of history: time, memory, bytes. Long: run it by name.

.venv/bin/python -m pytest -m benchmark -s tests/benchmarks/test_report_size.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from detected import detected_event

from aois.area import Area
from aois.demonstration import demonstration
from aois.grid import grid_of
from aois.week import Week
from detectors.footprint import footprint_in
from detectors.records import State, Transition
from flows.evidence.outlines import outline_of
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import fetch_missing
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.ledger.ledger import Ledger, open_ledger
from flows.records.event_json import EVENT_PROPERTIES
from flows.records.events import DetectedEvent
from flows.records.observations import ObservationRecord
from flows.records.runs import RunRecord

SITES, EVENTS, WEEKS = 98, 2, 52
LAST = Week(2026, 47)
FIRST_SEEN = date(2026, 8, 17)
CHILD = """
import json, resource, sys, time
from pathlib import Path
from aois.week import parse_week
from flows.imagery.archive.store import Archive
from flows.ledger.ledger import open_ledger
from flows.reports.data.week import rebuild_week

outputs = Path(sys.argv[1])
start = time.monotonic()
with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
    archive = Archive(outputs / "archive")
    rebuild_week(parse_week(sys.argv[2]), ledger=ledger, archive=archive, outputs=outputs)
seconds = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "kib": used.ru_maxrss}))
"""

pytestmark = pytest.mark.benchmark


def copies(root: Path) -> list[Area]:
    """98 sites over the same ground, each with the same year of simulated scenes."""
    model = demonstration()[0]
    source = SimulatedSource(LAST.last_day, 1)
    grid, archive = grid_of(model), Archive(root)
    refs = source.search(model, grid, since=LAST.last_day - timedelta(days=365), until=LAST.last_day)
    fetch_missing(source, archive, model, grid, refs, on_scene=lambda _: None)
    areas = [replace(model, id=f"site-{n:03d}", name=f"Fictional place {n}") for n in range(SITES)]
    (held,) = [path for path in (root / model.id).iterdir() if path.is_dir()]
    for area in areas:
        folder = root / area.id / held.name
        folder.mkdir(parents=True)
        for path in held.iterdir():
            os.link(path, folder / path.name)
    return areas


def event(area: Area, number: int, state: State) -> DetectedEvent:
    mask = np.zeros(grid_of(area).shape, bool)
    mask[30 + 30 * number : 42 + 30 * number, 40:60] = True
    properties = dict.fromkeys(EVENT_PROPERTIES) | {
        "kind": "expansion", "change": "construction", "state": state.value, "first_seen": FIRST_SEEN.isoformat(),
        "area_m2": 24000.0, "area_m2_low": 20000.0, "area_m2_high": 29000.0, "confidence": 0.9,
        "sensors": ["sentinel-2"], "scenes": [f"sentinel-2_202609{day:02d}T100000" for day in range(1, 20)],
    }  # fmt: skip
    states = [State.PROVISIONAL, State.CONFIRMED][: 1 + (state is State.CONFIRMED)]
    steps = tuple(Transition(s, FIRST_SEEN + timedelta(days=i), "scene") for i, s in enumerate(states))
    return detected_event(
        area.id, f"ev-{area.id}-{number}", properties, outline_of(footprint_in(mask), grid_of(area)), steps, True
    )


def record(ledger: Ledger, area: Area) -> None:
    """A year of weeks; both events provisional in September and confirmed later, one of them only this week."""
    for back in reversed(range(WEEKS)):
        week = LAST.plus(-back)
        known = [] if week.last_day < FIRST_SEEN else [event(area, n, _state(n, back)) for n in range(EVENTS)]
        clear = week.first_day + timedelta(days=3)
        ledger.record_week(ObservationRecord(area.id, week, ("a", "b"), (), 0.9, clear, str(week)), known)


def _state(number: int, back: int) -> State:
    return State.CONFIRMED if (back < 8 if number else back == 0) else State.PROVISIONAL


def test_98_sites_and_a_year_are_built_in_a_minute_a_gigabyte_and_15_megabytes(tmp_path: Path) -> None:
    areas = copies(tmp_path / "archive")
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        ledger.record_areas(areas)
        for area in areas:
            record(ledger, area)
        run = RunRecord("run", LAST.end, "test", {"source": "simulated"})
        ledger.start_run(run)
        summary = {"week": str(LAST), "areas": [a.id for a in areas], "failures": {}}
        ledger.finish_run("run", status="completed", summary=summary, at=LAST.end)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path), str(LAST)], capture_output=True, text=True, check=True
    )
    measured = json.loads(done.stdout)
    pages = {path.name: path.stat().st_size for path in (tmp_path / "reports" / str(LAST)).glob("*.html")}
    told = "{seconds:.0f} s, {cpu:.0f} s of processor".format(**measured)
    print(f"\n{SITES} sites, {SITES * EVENTS} events: {told}, {measured['kib'] / 1024:.0f} MiB")
    print({name: f"{size / 1e6:.1f} MB" for name, size in pages.items()})
    assert sorted(pages) == ["index.fr.html", "index.html"]
    assert max(pages.values()) < 15e6
    assert measured["kib"] < 1024**2
    assert measured["seconds"] < 60
