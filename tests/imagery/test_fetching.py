"""Bringing what a source offers into the archive."""

from __future__ import annotations

import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aois.area import Area
from aois.grid import Grid
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import fetch_missing, missing
from flows.imagery.scene import SceneRef
from flows.imagery.stac.stac_source import StacSource

ALL = {"since": date(2023, 1, 1), "until": date(2023, 12, 31)}


def test_only_what_the_archive_lacks_is_fetched_and_a_failure_stops_nothing(
    catalog: Any, flat: Any, area: Area, grid: Grid, tmp_path: Path
) -> None:
    for day in (1, 2, 3):
        folder = catalog.add(f"item-{day}", f"2023-05-0{day}T10:00:00Z", {"red": flat(1000 * day)})
        if day == 2:
            broken = folder / "red.tif"
            whole = broken.read_bytes()
            broken.unlink()
    source, archive = StacSource(catalog.write()), Archive(tmp_path / "archive")
    refs = source.search(area, grid, **ALL)
    seen: list[SceneRef] = []

    first = fetch_missing(source, archive, area, grid, refs, on_scene=seen.append)
    assert first.fetched == (refs[0].scene_id, refs[2].scene_id)
    ((failed_id, reason),) = first.failed
    assert failed_id == refs[1].scene_id
    assert "item `item-2`: asset `red`" in reason
    assert seen == refs
    assert missing(refs, archive.list(area.id, source.name, grid)) == [refs[1]]

    broken.write_bytes(whole)
    seen.clear()
    second = fetch_missing(source, archive, area, grid, refs, on_scene=seen.append)
    assert (second.fetched, second.failed) == ((refs[1].scene_id,), ())
    assert seen == [refs[1]]
    assert missing(refs, archive.list(area.id, source.name, grid)) == []


class Slow:
    """Gives what another source has, the earlier the later, and counts how many are asked for at once."""

    def __init__(self, source: StacSource) -> None:
        self.name, self.search = source.name, source.search
        self._source, self._lock = source, threading.Lock()
        self.now, self.most, self.waits = 0, 0, [0.15, 0.1, 0.05, 0.0, 0.0, 0.0]

    def fetch(self, area: Area, grid: Grid, ref: SceneRef) -> Any:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            wait_s = self.waits.pop(0)
        time.sleep(wait_s)
        with self._lock:
            self.now -= 1
        return self._source.fetch(area, grid, ref)


@pytest.mark.parametrize("parallel", [1, 3])
def test_scenes_are_fetched_side_by_side_within_bounds_and_archived_in_order(
    catalog: Any, flat: Any, area: Area, grid: Grid, tmp_path: Path, parallel: int
) -> None:
    for day in range(1, 7):
        catalog.add(f"item-{day}", f"2023-05-0{day}T10:00:00Z", {"red": flat(1000 * day)})
    source: Any = Slow(StacSource(catalog.write()))
    archive = Archive(tmp_path / "archive")
    refs = source.search(area, grid, **ALL)
    seen: list[SceneRef] = []
    report = fetch_missing(source, archive, area, grid, refs, on_scene=seen.append, parallel=parallel)
    assert seen == refs
    assert report.fetched == tuple(ref.scene_id for ref in refs)
    assert source.most == parallel
    (index,) = (tmp_path / "archive").glob("sea-1/stac-*/index.jsonl")
    lines = [line for line in index.read_text().splitlines() if line]
    assert [ref.scene_id in line for ref, line in zip(refs, lines, strict=True)] == [True] * 6
