"""Evidence of a run: its manifest, and whether the archive gives the same results again."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aois.area import Kind
from flows.alerts.files import write_events
from flows.areawatch import Stores, watch_area
from flows.evidence.manifests import Link, digest_of, read_chain, signing_key, write_manifest
from flows.evidence.verifying import Check
from flows.imagery.archive import Archive
from flows.ledger.audit import Mark
from flows.ledger.errors import LedgerError
from flows.ledger.journal import Head
from flows.ledger.ledger import Ledger, open_ledger
from flows.ledger.worlds import World
from flows.plan import Asked
from flows.settings import Settings

PATIENCE_S = 60.0  # writing a manifest takes seconds


def attest(settings: Settings, ledger: Ledger, run_id: str) -> dict[str, Any] | None:
    """The run has its manifest, signed if the settings name a key; its number and hash, None where nothing changed.

    What stands in `runs` alone is no news: every run has a row there.
    """
    busy = "another run is writing its manifest; the next run writes that of this one"
    with ledger.exclusively("evidence", complaint=busy, patience_s=PATIENCE_S):
        marks = marks_of(read_chain(settings.outputs))
        head, known = ledger.journal_head(), ledger.known_marks(marks)
        follows = max(known, default=None)
        is_same = bool(marks) and marks[-1].manifest in known
        path = write_manifest(
            settings.outputs,
            run_id=run_id,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            record={"changes": head.changes, "link": head.link, "follows": follows},
            is_news=not is_same or ledger.has_changed_since(marks[-1].head, but=("runs",)),
            key=signing_key(settings.signing_key),
            is_simulated=ledger.world is World.SIMULATED,
        )
    return None if path is None else {"number": int(path.stem), "sha256": digest_of(path)}


def marks_of(links: Sequence[Link]) -> list[Mark]:
    """What the manifests of a chain say of the record's journal; those of earlier versions say nothing."""
    return [
        Mark(
            link.body["number"],
            Head(link.body["record"]["changes"], link.body["record"]["link"]),
            datetime.fromisoformat(link.body["made_at"]),
        )
        for link in links
        if "record" in link.body
    ]


def last_attested(ledger: Ledger) -> tuple[int, str] | None:
    """Number and hash of the last manifest that a run on record left; raises `LedgerError` where a run names none."""
    found = [run.summary["manifest"] for run in ledger.runs() if run.summary.get("manifest")]
    try:
        return max(((int(one["number"]), str(one["sha256"])) for one in found), default=None)
    except (TypeError, KeyError, ValueError):
        raise LedgerError("a run on record names a manifest that is none: the record was changed or damaged") from None


def check_replay(outputs: Path, ledger: Ledger, settings: Settings, *, within: Path) -> Check:
    """All weeks of the areas `within` a folder, worked through again elsewhere, give the same bytes."""
    areas = [a for a in ledger.areas() if ledger.chains(a.id) and _concerns(outputs / "areas" / a.id, within)]
    compared, wrong = 0, []
    with _elsewhere(outputs, ledger) as (again, copy):
        for area in areas:
            weeks, scenes = list(ledger.chains(area.id)), ledger.scenes(area.id)
            stores = Stores(
                settings.model_copy(update={"outputs": again, "history_days": _history_days(ledger, settings)}),
                Archive(again / "archive"),
                copy,
                None,
                scenes[0].source if scenes else settings.source.value,
                tuple(one for one in copy.areas() if one.kind is Kind.SITE),
            )
            asked = Asked(weeks[0].first_day, weeks[-1].last_day, weeks[-1].last_day, replay=True)
            watch_area(area, asked, stores, progress=lambda *_: None)
            folder = again / "areas" / area.id
            write_events(copy.events(area.id), folder / "events.geojson")
            for path in sorted((folder / "events.geojson", *folder.glob("????-??-??/*.tif"))):
                name = path.relative_to(again).as_posix()
                compared += 1
                if not (outputs / name).is_file() or digest_of(outputs / name) != digest_of(path):
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


def _linked(source: str, target: str) -> None:
    """A second name for a scene, which is written once; a copy of all else, and where there can be no second name."""
    try:
        if not source.endswith(".tif"):
            raise OSError
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _history_days(ledger: Ledger, settings: Settings) -> int:
    """How much history the last run looked back on."""
    return next(
        (int(run.settings["history_days"]) for run in ledger.runs() if "history_days" in run.settings),
        settings.history_days,
    )


def _concerns(folder: Path, within: Path) -> bool:
    return folder == within or within in folder.parents or folder in within.parents
