"""Back the record up, and delete what of the archive nobody needs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.evidence.stamping import stamp_heads
from flows.jobs.job_run import Chore, chore
from flows.pipeline.archive_limits import delete_files, find_prunable, limits_of
from flows.pipeline.evidence_manifest import attest
from flows.pipeline.request import areas_of

BACKUPS = "backups"


@flow(name="upkeep")
def upkeep() -> Any:
    """The record is backed up, and what nobody needs of the archive is gone if the settings say that it may go."""
    with chore("upkeep") as one:
        with one.watch.step("backup"):
            rows = _back_up(one)
        with one.watch.step("prune"):
            pruned = _prune(one)
        services, run_id = one.services, str(one.summary["run_id"])
        is_news = bool(pruned["pruned_files"])
        manifest = attest(services.outputs, services.ledger, run_id, key=services.signing_key) if is_news else None
        stamps = stamp_heads(services.outputs, services.authorities).words
        one.summary.update(rows_backed_up=rows, manifest=manifest, stamps=stamps, **pruned)
    return Completed(message=f"{rows} rows backed up")


def _back_up(one: Chore) -> int:
    if not one.operating.keep_backups:
        return 0
    folder = one.services.outputs / BACKUPS
    folder.mkdir(mode=0o700, exist_ok=True)
    rows = one.services.ledger.back_up(folder / f"ledger-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.backup")
    for old in sorted(folder.glob("ledger-*.backup"))[: -one.operating.keep_backups]:
        old.unlink()
    return rows


def _prune(one: Chore) -> dict[str, Any]:
    services, days, size = one.services, one.operating.keep_days, one.operating.keep_gb
    if days is None and size is None:
        return {"pruned_files": 0, "archive_bytes": _size(services.archive.root)}
    _, known = areas_of(services.settings)
    before, most = limits_of(days, size, today=datetime.now(UTC).date())
    found = find_prunable(services.stores(known), known, before=before, most_bytes=most)
    delete_files(services.archive, found.files)
    return {"pruned_files": len(found.files), "archive_bytes": found.all_bytes - found.freed_bytes}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
