"""A small place at sea, watched for ten weeks, for tests of several rooms and for scripts that tests start."""

from __future__ import annotations

import atexit
import gc
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import grid_of, to_lonlat
from aois.reading import to_feature_collection
from flows.evidence.geojson_files import write_alerts, write_events
from flows.imagery.archive.store import INCOMING_NAME, Archive
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.imagery.source import Source
from flows.ledger.ledger import Ledger, open_ledger
from flows.pipeline.area import watch_area
from flows.pipeline.area_replay import AreaOutcome, Stores
from flows.pipeline.period import RunRequest
from flows.records.event_json import feature_of

if TYPE_CHECKING:
    from command_line import Said

if "PREFECT_HOME" not in os.environ:  # before Prefect is imported, so that no test touches the user's own
    os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="sitewatch-tests-")
    atexit.register(shutil.rmtree, os.environ["PREFECT_HOME"], ignore_errors=True)

EPSG = 32631  # the Gulf of Guinea, far from any shore
SINCE, UNTIL = date(2024, 4, 22), date(2024, 6, 30)  # ten whole weeks
HALFWAY = date(2024, 5, 26)
STORY_END = date(2024, 8, 18)  # the wall at `yard-2` rises in the second of them
TODAY = date(2024, 7, 5)
WALLED, QUIET = "yard-2", "reef-2"  # which story an id lives through is drawn from the id


def site(area_id: str, *, east_m: float = 0, size_m: float = 200, margin_m: float = 200) -> Area:
    """A square site at sea."""
    left = 500_000 + east_m
    ground = box(left, 200_000, left + size_m, 200_000 + size_m)
    return Area(area_id, AreaKind.SITE, to_lonlat(ground, EPSG), margin_m=margin_m)


def block_archive(outputs: Path, area: Area) -> None:
    """No scene of an area can be archived: a folder lies where each file would first be written."""
    folder = Archive(outputs / "archive").folder(area.id, "simulated", grid_of(area))
    incoming = folder / INCOMING_NAME
    for path in reversed((incoming, *incoming.parents)):
        if path == outputs or outputs in path.parents:
            path.mkdir(mode=0o700, exist_ok=True)


def write_list(path: Path, areas: Sequence[Area]) -> Path:
    """A watch list of these areas."""
    path.write_text(json.dumps(to_feature_collection(areas)))
    return path


def nobody(*_: object) -> None:
    """Progress that nobody follows."""


@dataclass
class Bench:
    """Outputs in a folder, and the watch over them without an orchestrator."""

    outputs: Path
    areas: tuple[Area, ...] = (site(WALLED),)
    source: Source | None = field(default_factory=lambda: SimulatedSource(STORY_END, 1))
    source_name: str = "simulated"
    sites: tuple[Area, ...] = ()
    history_days: int = 365

    def watch(
        self, since: date | None = SINCE, until: date | None = UNTIL, *, today: date = TODAY, replay: bool = False
    ) -> list[AreaOutcome]:
        """Watch every area and write the files; what was done."""
        with self.ledger() as ledger:
            ledger.record_areas(self.areas)
            asked = RunRequest(since, until, today, replay)
            outcomes = [watch_area(area, asked, self.stores(ledger), progress=nobody) for area in self.areas]
            write_alerts(ledger.alerts(), self.outputs / "alerts.geojson")
            for area in self.areas:
                write_events(ledger.events(area.id), self.outputs / f"{area.id}.geojson")
        return outcomes

    def stores(self, ledger: Ledger) -> Stores:
        """What `watch_area` is given."""
        archive = Archive(self.outputs / "archive")
        return Stores(self.outputs, archive, ledger, self.source, self.source_name, self.sites, self.history_days, 26)

    def ledger(self) -> Ledger:
        """The ledger, to be closed."""
        return open_ledger(f"sqlite:///{self.outputs / 'ledger.sqlite'}")

    def record(self) -> dict[str, Any]:
        """All that the ledger says, and the bytes of the files; the last state and the last rasters among them."""
        with self.ledger() as ledger:
            events = {area.id: [feature_of(event) for event in ledger.events(area.id)] for area in self.areas}
            said = {
                "alerts": [feature_of(alert) for alert in ledger.alerts()],
                "events": events,
                "history": {str(e["id"]): ledger.history(str(e["id"])) for found in events.values() for e in found},
                "observations": ledger.observations(),
                "scenes": {area.id: ledger.scenes(area.id) for area in self.areas},
                "messages": [(m.key, m.week) for m in ledger.pending_messages()],
            }
        return said | {"files": self.files()}

    def files(self) -> dict[str, bytes]:
        """The GeoJSON files, the last week's rasters and the last state of each area."""
        found = sorted(self.outputs.glob("*.geojson"))
        for area in self.areas:
            folder = self.outputs / "areas" / area.id
            found += sorted((folder / UNTIL.isoformat()).glob("*.tif")) + sorted(folder.glob("state/*.npz"))[-1:]
        return {str(path.relative_to(self.outputs)): path.read_bytes() for path in found}

    def copy(self, outputs: Path) -> Bench:
        """The same outputs in another folder."""
        # of the database alone, since another worker may close it at this moment
        shutil.copytree(self.outputs, outputs, ignore=shutil.ignore_patterns("*.sqlite-wal", "*.sqlite-shm"))
        return Bench(outputs, self.areas, self.source, self.source_name, self.sites, self.history_days)


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """What tests make places and benches from."""
    return SimpleNamespace(
        Bench=Bench,
        site=site,
        block_archive=block_archive,
        write_list=write_list,
        SINCE=SINCE,
        UNTIL=UNTIL,
        TODAY=TODAY,
        WALLED=WALLED,
        QUIET=QUIET,
    )


@pytest.fixture(scope="session")
def undisturbed() -> Bench:
    """The watch over one place, from its first week to its last in one go; not to be written to."""
    from made_once import made_once  # not there for the scripts

    return Bench(made_once("undisturbed", lambda folder: Bench(folder).watch()))


@pytest.fixture(scope="session")
def halfway(undisturbed: Bench, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The same watch after its fifth week, with the whole archive; not to be written to."""
    outputs = tmp_path_factory.mktemp("halfway")
    shutil.copytree(undisturbed.outputs / "archive", outputs / "archive")
    bench = Bench(outputs, undisturbed.areas, undisturbed.source)
    bench.watch(until=HALFWAY)
    return bench


@pytest.fixture
def half(halfway: Bench, tmp_path: Path) -> Bench:
    """A copy of the watch after its fifth week."""
    return halfway.copy(tmp_path / "half")


@pytest.fixture
def bench(undisturbed: Bench, tmp_path: Path) -> Bench:
    """A copy of the undisturbed watch."""
    return undisturbed.copy(tmp_path / "outputs")


@pytest.fixture
def fetched(undisturbed: Bench, tmp_path: Path) -> Callable[..., Bench]:
    """Makes outputs that hold the archive of the undisturbed watch, or most of it, and nothing else."""

    def fetched(*, without: Collection[str] = (), source: Source | None = undisturbed.source) -> Bench:
        outputs = Path(tempfile.mkdtemp(dir=tmp_path))
        shutil.copytree(undisturbed.outputs / "archive", outputs / "archive")
        for scene_id in without:
            next(outputs.glob(f"archive/*/*/{scene_id}-*.tif")).unlink()
        return Bench(outputs, undisturbed.areas, source)

    return fetched


def sitewatch(*arguments: object, cwd: Path, source: str | None = "simulated", **environment: str) -> Said:
    """Call the command line from a folder with `outputs`, and nothing else set than what is given and the source."""
    from command_line import called  # not there for the scripts, which call nothing

    given = environment | ({"source": source} if source else {})
    return called(*arguments, cwd=cwd, **{"outputs": "outputs"} | given)


@pytest.fixture(scope="session")
def call() -> Callable[..., Said]:
    """Calls the command line."""
    return sitewatch


@pytest.fixture(autouse=True)
def prefect_cleans_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """What Prefect's clients leave open is closed here, where it is no error of a later test's."""
    yield
    if "prefect_server" in request.fixturenames:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Prefect with a server and a database of its own."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield
