"""The finder over real images, where they are at hand: the owner's edition leads to the place, the public one not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from detected import detected_event
from finder import Candidate, Edition, order_of, read_edition
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import grid_of
from aois.week import Week, week_of
from detectors.footprint import footprint_in
from detectors.records import State, Transition
from flows.evidence.outlines import footprint_of, outline_of
from flows.imagery.archive.store import Archive
from flows.imagery.scene import Sensor
from flows.imagery.stac.stac_source import StacSource
from flows.ledger.ledger import Ledger, open_ledger
from flows.records.event_json import EVENT_PROPERTIES
from flows.records.events import DetectedEvent
from flows.records.observations import ObservationRecord
from flows.reports.data.week import report_week

ARCHIVES = Path(__file__).parents[2].parent / "shared" / "archives"
CATALOG = ARCHIVES / "romania"
pytestmark = pytest.mark.skipif(not CATALOG.is_dir(), reason="shared/archives is not beside this checkout")

WEEK = week_of(date(2020, 9, 20))
PLACES = {"west": 0.0, "middle": 0.27, "east": 0.54}
"""Three places in one forest: how far from its western edge each lies."""


@dataclass(frozen=True)
class Real:
    """Real places with their images and one event each."""

    outputs: Path
    ledger: Ledger
    areas: Sequence[Area]
    candidates: Sequence[Candidate]


def place(area_id: str) -> Area:
    east = PLACES[area_id]
    item = json.loads(min(CATALOG.glob("*/*/*.json")).read_text())
    west, south, right, north = item["bbox"]
    dx, dy = right - west, north - south
    ground = box(west + (0.05 + east) * dx, south + 0.2 * dy, west + (0.45 + east) * dx, north - 0.2 * dy)
    return Area(area_id, AreaKind.REGION, ground)


def event(area: Area, first_seen: date) -> DetectedEvent:
    grid = grid_of(area)
    mask = np.zeros(grid.shape, bool)
    mask[8:13, 8:14] = True
    properties = dict.fromkeys(EVENT_PROPERTIES) | {
        "kind": "new-suspect-site", "change": "clearing", "state": "confirmed", "first_seen": str(first_seen),
        "area_m2": 3000.0, "confidence": 0.9, "sensors": ["sentinel-2"], "scenes": [],
    }  # fmt: skip
    steps = tuple(Transition(state, first_seen, "x") for state in (State.PROVISIONAL, State.CONFIRMED))
    return detected_event(area.id, f"ev-{area.id}", properties, outline_of(footprint_in(mask), grid), steps, True)


def fetched(area: Area, archive: Archive) -> list[tuple[str, np.ndarray]]:
    """Looks of two summers; what anybody can download of the ground around."""
    source, grid, kept = StacSource(CATALOG / "catalog.json"), grid_of(area), []
    for year in (2019, 2020):
        refs = source.search(area, grid, since=date(year, 2, 1), until=date(year, 9, 15))
        for ref in [ref for ref in refs if ref.sensor is Sensor.SENTINEL_2][-4:]:
            scene = source.fetch(area, grid, ref)
            archive.put(area.id, "stac", grid, scene)
            colours = [scene.bands.index(name) for name in ("red", "green", "blue") if name in scene.bands]
            pixels = scene.pixels[colours]
            kept.append((scene.scene_id, np.where(scene.valid, pixels, np.nanmedian(pixels))))
    return kept


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    outputs = tmp_path_factory.mktemp("real")
    archive, areas = Archive(outputs / "archive"), [place(area_id) for area_id in PLACES]
    candidates: list[Any] = []
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        ledger.record_areas(areas)
        for area in areas:
            scenes = fetched(area, archive)
            known = event(area, date(2020, 6, 1) + timedelta(days=len(candidates)))
            ledger.record_week(ObservationRecord(area.id, WEEK, (), (), 0.9, None, str(WEEK)), [known])
            footprint = footprint_of(known.event.ground, grid_of(area))
            candidates.append(Candidate(area.id, "", scenes, [known.event], [footprint]))
        yield Real(outputs, ledger, areas, candidates)


def editions(real: Real, area: Area, outputs: Path) -> tuple[Edition, Edition]:
    archive = Archive(real.outputs / "archive")
    report_week(
        WEEK, areas=[area], ledger=real.ledger, archive=archive, source_name="stac", outputs=outputs, failures={}
    )
    return read_edition(outputs / "reports" / str(WEEK)), read_edition(outputs / "public" / str(WEEK))


def test_real_pictures_lead_to_the_place_and_the_public_edition_has_none(real: Real, tmp_path: Path) -> None:
    rng, said = np.random.default_rng(5), set()
    for area in real.areas:
        owners, public = editions(real, area, tmp_path / area.id)
        pictures_alone = Edition("", owners.pictures, (), ())
        assert order_of(pictures_alone, real.candidates, rng=rng)[0] == area.id
        assert not public.pictures
        assert not public.drawings
        said.add(public.text)
    assert len(said) == 1, "the public edition of each place is the same"
    assert Week(2020, 38) == WEEK
