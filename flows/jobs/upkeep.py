"""Back the record up, and delete what of the archive nobody needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.jobs.job_run import Chore, chore
from flows.pipeline.archive_limits import delete_files, find_prunable
from flows.pipeline.evidence_manifest import attest
from flows.pipeline.request import areas_of

GB = 1e9


BACKUPS = "backups"


@flow(name="upkeep")
def upkeep() -> Any:
    """The record is backed up, and what nobody needs of the archive is gone if the settings say that it may go."""
    with chore("upkeep") as one:
        with one.watch.step("backup"):
            rows = _back_up(one)
        with one.watch.step("prune"):
            pruned = _prune(one)
        manifest = attest(one.settings, one.ledger, str(one.summary["run_id"])) if pruned["pruned_files"] else None
        one.summary.update(rows_backed_up=rows, manifest=manifest, **pruned)
    return Completed(message=f"{rows} rows backed up")


def _back_up(one: Chore) -> int:
    if not one.operating.keep_backups:
        return 0
    folder = one.settings.outputs / BACKUPS
    folder.mkdir(mode=0o700, exist_ok=True)
    rows = one.ledger.back_up(folder / f"ledger-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.backup")
    for old in sorted(folder.glob("ledger-*.backup"))[: -one.operating.keep_backups]:
        old.unlink()
    return rows


def _prune(one: Chore) -> dict[str, Any]:
    settings, days, size = one.settings, one.operating.keep_days, one.operating.keep_gb
    if days is None and size is None:
        return {"pruned_files": 0, "archive_bytes": _size(settings.outputs / "archive")}
    _, known = areas_of(settings)
    before = None if days is None else datetime.now(UTC).date() - timedelta(days=days)
    most = None if size is None else round(size * GB)
    found = find_prunable(settings, one.ledger, known, before=before, most_bytes=most)
    delete_files(settings, found.files)
    return {"pruned_files": len(found.files), "archive_bytes": found.all_bytes - found.freed_bytes}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
