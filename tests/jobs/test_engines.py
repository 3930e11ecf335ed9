"""The watch on threads, processes and Dask: one setting, the same bytes, and a killed worker loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from child import Child
from prefect_home import prefect_home
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import to_lonlat
from aois.reading import to_feature_collection
from flows.ledger.ledger import open_ledger
from flows.ledger.references import settle_secret

EPSG = 32631  # the Gulf of Guinea, far from any shore
WEEKS = 8
ENGINES = ("processes", "dask")
COMMAND = (sys.executable, "-W", "error", "-c", "from flows.cli.main import main; main()")
STORY_END = "2024-08-18"  # a wall rises at `yard-2` in the weeks that are watched
CALL = ("watch", "--source", "simulated", "--since", "2024-04-22", "--until", "2024-06-16", "--areas", "areas.geojson")
SECRET = "hunter2"
OF_THE_RUN = {"runs", "changes"}  # ids and times of each run, and the journal that hashes them
TIMES = {"made_at", "not_before", "next_attempt_at", "last_attempt_at", "sent_at", "id", "dispatch_id", "message_id"}


def square(left_m: float, size_m: float) -> object:
    return to_lonlat(box(500_000 + left_m, 200_000, 500_000 + left_m + size_m, 200_000 + size_m), EPSG)


AREAS = (
    Area("yard-2", AreaKind.SITE, square(0, 200), margin_m=200),
    Area("reef-2", AreaKind.SITE, square(5_000, 200), margin_m=200),
    Area("bay-1", AreaKind.REGION, square(-300, 900)),  # with the first site in it, which it leaves out
)


@dataclass(frozen=True)
class Watched:
    """A folder in which watches are called, and what the last one said."""

    folder: Path
    status: int = 0
    out: str = ""
    err: str = ""

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    def start(self, *options: str, workers: str = "2") -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SITEWATCH_", "PREFECT_"))}
        given = {
            "PREFECT_HOME": str(self.folder / "prefect"),
            "SITEWATCH_OUTPUTS": "outputs",
            "SITEWATCH_HISTORY_DAYS": "180",
            "SITEWATCH_LEDGER_URL": f"sqlite:///{self.folder / SECRET}.sqlite",
            "SITEWATCH_LOG_LEVEL": "INFO",
            "SITEWATCH_WORKERS": workers,
        }
        how: dict[str, Any] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "start_new_session": True,
        }
        return Child([*COMMAND, *CALL, *options], cwd=self.folder, env=kept | given, **how)

    def call(self, *options: str) -> Watched:
        with self.start(*options) as process:
            out, err = process.communicate(timeout=600)
        return Watched(self.folder, process.returncode, out, err)

    def record(self) -> dict[str, list[str]]:
        """Every row of the ledger, less ids that count up and the moments of sending."""
        found = {}
        with sqlite3.connect(self.folder / f"{SECRET}.sqlite") as ledger:
            ledger.row_factory = sqlite3.Row
            names = [name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in sorted({*names} - OF_THE_RUN):
                rows = [dict(row) for row in ledger.execute(f"SELECT * FROM {name}")]
                kept = [{column: value for column, value in row.items() if column not in TIMES} for row in rows]
                found[name] = sorted(json.dumps(row, sort_keys=True, default=str) for row in kept)
        return found

    def files(self) -> dict[str, bytes]:
        """The alerts, the events, and every raster and state."""
        outputs = self.outputs
        paths = [outputs / "alerts" / "alerts.geojson", *outputs.glob("areas/*/events.geojson")]
        paths += [*outputs.glob("areas/*/*/*.tif"), *outputs.glob("areas/*/state/*.npz")]
        return {str(path.relative_to(outputs)): path.read_bytes() for path in paths}


def prepared(folder: Path, archive: Path | None = None) -> Watched:
    """A folder with the list and the world; with the scenes of an archive, if one is given."""
    (folder / "outputs").mkdir(parents=True)
    (folder / "areas.geojson").write_text(json.dumps(to_feature_collection(AREAS)))
    if archive is not None:
        shutil.copytree(archive, folder / "outputs" / "archive")
    else:
        (folder / "outputs" / "archive").mkdir()
    world = folder / "outputs" / "archive" / "simulated-world.json"
    world.write_text(json.dumps({"story_end": STORY_END}))
    prefect_home(folder / "prefect")
    with open_ledger(f"sqlite:///{folder / SECRET}.sqlite") as ledger, ledger._writing() as session:
        settle_secret(session, "ab" * 32)  # which each record makes at random
    return Watched(folder)


@pytest.fixture(scope="module")
def on_threads(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """The watch on threads; not to be written to."""
    watched = prepared(tmp_path_factory.mktemp("threads") / "here").call()
    assert watched.status == 0, watched.err
    return watched


def workers_of(pid: int) -> list[int]:
    """The processes that work for a command, by their ids."""
    found = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):  # a process belongs to the thread that began it
        with suppress(OSError):  # the thread, or the process, has ended meanwhile
            children = map(int, listed.read_text().split())
            found += [one for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]
    return found


def workers_in_the_middle(command: subprocess.Popen[str], outputs: Path) -> list[int]:
    """The workers of a command once an area has worked through a week, so that another is to come."""
    while command.poll() is None:
        said = [path.read_text() for path in outputs.glob(".reports/*/*") if path.is_file()]
        if any('"detect"' in text for text in said) and (workers := workers_of(command.pid)):
            return workers
        time.sleep(0.02)
    raise AssertionError("it ended before any week was worked through")


def test_there_is_something_to_compare(on_threads: Watched) -> None:
    assert json.loads((on_threads.outputs / "alerts" / "alerts.geojson").read_text())["features"]
    assert len(on_threads.record()["observations"]) == WEEKS * len(AREAS)


@pytest.fixture(scope="module", params=ENGINES)
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """The same watch on another engine; not to be written to."""
    watched = prepared(tmp_path_factory.mktemp(request.param) / "here").call("--on", request.param)
    assert watched.status == 0, watched.err
    return watched


def test_engines_give_the_same_bytes_and_the_same_record(watched: Watched, on_threads: Watched) -> None:
    assert watched.files() == on_threads.files()
    assert watched.record() == on_threads.record()
    assert watched.out == on_threads.out


def test_workers_are_heard_in_the_terminal_and_no_secret_is(watched: Watched) -> None:
    for area in AREAS:
        assert f"{area.id}: done\n" in watched.err
        (line,) = [line for line in watched.err.splitlines() if "area done" in line and f"area={area.id}" in line]
        assert f"weeks={WEEKS}" in line
        assert "flow=watch" in line
    assert SECRET not in watched.out + watched.err
    kept = [path for path in (watched.folder / "prefect").rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []
    assert not list((watched.outputs / ".reports").iterdir())


@pytest.mark.parametrize("engine", ENGINES)
def test_killed_workers_lose_nothing_and_tell_nothing_twice(engine: str, on_threads: Watched, tmp_path: Path) -> None:
    watched = prepared(tmp_path / "here", on_threads.outputs / "archive")
    with watched.start("--on", engine, workers="1") as command:  # so that areas are left when it dies
        for pid in workers_in_the_middle(command, watched.outputs):
            os.kill(pid, signal.SIGKILL)
        out, err = command.communicate(timeout=600)
    if engine == "processes":  # the pool of a run is gone with one of its processes; Dask begins a worker anew
        assert command.returncode == 1, err
        assert "was killed; what is on record stands, so run it again" in out
        again = watched.call("--on", engine)
        assert (again.status, "failed:" in again.out) == (0, False), again.err
    else:
        assert command.returncode == 0, err
    assert {name: watched.files()[name] for name in on_threads.files() if name.endswith(".geojson")} == {
        name: content for name, content in on_threads.files().items() if name.endswith(".geojson")
    }
    for table in ("alerts", "messages", "events", "event_transitions", "event_versions", "observations", "scenes"):
        assert watched.record()[table] == on_threads.record()[table]


def test_workers_of_a_killed_run_end_and_let_go_of_their_areas(on_threads: Watched, tmp_path: Path) -> None:
    watched = prepared(tmp_path / "here", on_threads.outputs / "archive")
    with watched.start("--on", "processes") as command:
        assert workers_in_the_middle(command, watched.outputs)
        command.kill()
        command.communicate(timeout=600)  # workers write there too, so it ends when they have ended
    again = watched.call("--on", "threads")
    assert (again.status, "failed:" in again.out) == (0, False), again.err
    assert again.record()["observations"] == on_threads.record()["observations"]
    assert again.record()["messages"] == on_threads.record()["messages"]
