"""Work through all weeks again from the archive and compare the bytes of events and rasters."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from aois.area import AreaKind
from flows.evidence.geojson_files import write_events
from flows.evidence.manifests import digest_of
from flows.evidence.rasters import is_tagged, untagged
from flows.evidence.verifying import Check
from flows.imagery.archive.store import Archive
from flows.ledger.ledger import Ledger, open_ledger
from flows.pipeline.area import watch_area
from flows.pipeline.area_replay import Stores
from flows.pipeline.period import RunRequest


def check_replay(outputs: Path, ledger: Ledger, *, within: Path, source_name: str, history_days: int) -> Check:
    """Check that all weeks of the areas `within` a folder, replayed elsewhere, give the same bytes.

    Source and history are for what the record does not say.
    """
    areas = [a for a in ledger.areas() if ledger.chains(a.id) and _concerns(outputs / "areas" / a.id, within)]
    compared, wrong = 0, []
    with _elsewhere(outputs, ledger) as (again, copy):
        for area in areas:
            weeks, scenes = list(ledger.chains(area.id)), ledger.scenes(area.id)
            stores = Stores(
                again,
                Archive(again / "archive"),
                copy,
                None,
                scenes[0].source if scenes else source_name,
                tuple(one for one in copy.areas() if one.kind is AreaKind.SITE),
                _history_days(ledger, otherwise=history_days),
            )
            asked = RunRequest(weeks[0].first_day, weeks[-1].last_day, weeks[-1].last_day, replay=True)
            watch_area(area, asked, stores, progress=lambda *_: None)
            folder = again / "areas" / area.id
            write_events(copy.events(area.id), folder / "events.geojson")
            for path in sorted((folder / "events.geojson", *folder.glob("????-??-??/*.tif"))):
                name = path.relative_to(again).as_posix()
                compared += 1
                if not _is_same(outputs / name, path):
                    wrong.append(f"{name}: the archive gives something else")
    return Check(
        "replay", f"{compared} files of {len(areas)} areas, the same bytes from the archive again", tuple(wrong)
    )


@contextmanager
def _elsewhere(outputs: Path, ledger: Ledger) -> Iterator[tuple[Path, Ledger]]:
    """A folder with the same scenes and a copy of the record, to be thrown away."""
    with tempfile.TemporaryDirectory(prefix="sitewatch-verify-") as folder:
        again = Path(folder)
        shutil.copytree(outputs / "archive", again / "archive", copy_function=_linked)
        ledger.back_up(again / "ledger.sqlite")
        with open_ledger(f"sqlite:///{again / 'ledger.sqlite'}") as copy:
            yield again, copy


def _is_same(kept: Path, again: Path) -> bool:
    """Whether a file holds the same bytes again; one of an earlier version lacks the tag of simulated rasters alone."""
    if not kept.is_file():
        return False
    digest = digest_of(kept)
    if digest == digest_of(again):
        return True
    is_tagged_now = again.suffix == ".tif" and is_tagged(again)
    return is_tagged_now and digest == sha256(untagged(again)).hexdigest()


def _linked(source: str, target: str) -> None:
    """A second name for a scene, which is written once; a copy of all else, and where there can be no second name."""
    try:
        if not source.endswith(".tif"):
            raise OSError
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _history_days(ledger: Ledger, *, otherwise: int) -> int:
    """How much history the last run looked back on."""
    return next(
        (int(run.settings["history_days"]) for run in ledger.runs() if "history_days" in run.settings),
        otherwise,
    )


def _concerns(folder: Path, within: Path) -> bool:
    return folder == within or within in folder.parents or folder in within.parents
