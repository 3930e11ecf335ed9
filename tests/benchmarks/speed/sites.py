"""A weekly pass over many sites from a warm archive, by the command that an operator uses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "helpers" / "servers"))

from measuring import Line
from shapely.geometry import box
from simulated_catalog import write_simulated

from aois.area import Area, AreaKind
from aois.grid import grid_of, to_lonlat
from aois.reading import to_feature_collection
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import fetch_missing
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.imagery.stac.stac_source import StacSource

DRAWN = 7  # places that are drawn; each is watched under several ids
WEEK_END = date(2024, 9, 15)
HISTORY_DAYS = 365
SIDE_M, MARGIN_M = 1500.0, 500.0  # 2.5 km square with its margin
EPSG = 32631
LIMIT_S, LIMIT_MIB, LIMIT_AGAIN_S = 25.0, 1024.0, 5.0


def weekly_pass(folder: Path, *, sites: int) -> list[Line]:
    """Watch the sites up to a week, put the next week's scenes into the archive, and time the watch of that week.

    What stands before that week is kept in the folder, so that another call times the week alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    warm, outputs = folder / f"warm-{sites}", folder / "outputs"
    if not warm.exists():
        first = _prepare(folder, outputs, sites)
        (outputs / "first-run.txt").write_text(str(first))
        outputs.rename(warm)
    shutil.rmtree(outputs, ignore_errors=True)
    shutil.copytree(warm, outputs, copy_function=_link_scene)
    spent = _watch(folder, until=WEEK_END)
    again = _watch(folder, until=WEEK_END)
    scenes = len(list((outputs / "archive").rglob("*.tif")))
    whole = f"{sites} sites of 2.5 km, S1 and S2, {scenes} scenes in the archive, 2 cores"
    is_full = sites >= 98
    return [
        Line(
            f"weekly pass: {whole}",
            f"{spent}, {spent.peak_mib:.0f} MiB",
            f"≤ {LIMIT_S:.0f} s, ≤ {LIMIT_MIB:.0f} MiB, of 98 sites",
            (spent.seconds <= LIMIT_S and spent.peak_mib <= LIMIT_MIB) if is_full else None,
        ),
        Line(
            "the same week once more (nothing due)",
            f"{again}",
            f"≤ {LIMIT_AGAIN_S:.0f} s, of 98 sites",
            again.seconds <= LIMIT_AGAIN_S if is_full else None,
        ),
        Line("first run with a year of history, fetching from files on disk", (warm / "first-run.txt").read_text()),
    ]


def _prepare(folder: Path, outputs: Path, sites: int) -> _Run:
    """A first run up to the week before, and the scenes of the week in the archive."""
    shutil.rmtree(outputs, ignore_errors=True)
    drawn = [_site(f"place-{n}", n) for n in range(DRAWN)]
    areas = [replace(drawn[n % DRAWN], id=f"site-{n:03d}") for n in range(sites)]
    (folder / "areas.geojson").write_text(json.dumps(to_feature_collection(areas)))
    begin = WEEK_END - timedelta(days=HISTORY_DAYS + 14)
    if not (folder / "catalog" / "catalog.json").exists():
        write_simulated(folder / "catalog", SimulatedSource(WEEK_END, 1), drawn, since=begin, until=WEEK_END)
    first = _watch(folder, until=WEEK_END - timedelta(days=7))
    _fetch_week(outputs, StacSource(folder / "catalog" / "catalog.json"), areas)
    return first


def _link_scene(source: str, target: str) -> None:
    """Scenes are written once, so a link does; anything else is the run's to change."""
    (os.link if source.endswith(".tif") and "/archive/" in source else shutil.copy2)(source, target)


@dataclass(frozen=True)
class _Run:
    seconds: float
    cpu_seconds: float
    peak_mib: float

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s ({self.cpu_seconds:.0f} s of processor time)"


def _site(name: str, number: int) -> Area:
    left = 500_000 + 5_000 * number
    return Area(
        name, AreaKind.SITE, to_lonlat(box(left, 200_000, left + SIDE_M, 200_000 + SIDE_M), EPSG), margin_m=MARGIN_M
    )


def _watch(folder: Path, *, until: date) -> _Run:
    command = [
        str(Path(sysconfig.get_path("scripts")) / "sitewatch"), "watch", "--areas", str(folder / "areas.geojson"),
        "--source", "stac", "--catalog", str(folder / "catalog" / "catalog.json"),
        "--since", str(until - timedelta(days=6)), "--until", str(until), "--outputs", str(folder / "outputs"),
    ]  # fmt: skip
    environment = os.environ | {"SITEWATCH_HISTORY_DAYS": str(HISTORY_DAYS), "PREFECT_HOME": str(folder / "prefect")}
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"the watch up to {until} ended with {status}: {said[-2000:]}")
    return _Run(time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _fetch_week(outputs: Path, source: StacSource, areas: list[Area]) -> None:
    archive = Archive(outputs / "archive")
    for area in areas:
        grid = grid_of(area)
        refs = source.search(area, grid, since=WEEK_END - timedelta(days=6), until=WEEK_END)
        fetch_missing(source, archive, area, grid, refs, on_scene=lambda _: None, parallel=2)


if __name__ == "__main__":
    for line in weekly_pass(Path(sys.argv[1]), sites=int(sys.argv[2])):
        print(line.row())
