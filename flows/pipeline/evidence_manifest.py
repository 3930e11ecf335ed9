"""Evidence of a run: its manifest, and whether the archive gives the same results again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flows.evidence.authorities import TimestampAuthority
from flows.evidence.heads import write_heads
from flows.evidence.manifest_schema import RecordEnd
from flows.evidence.manifests import Link, digest_of, read_chain, write_manifest
from flows.evidence.stamping import keep_roots, queue_stamps
from flows.evidence.verifying import history_of
from flows.ledger.audit import JournalMark
from flows.ledger.errors import LedgerError
from flows.ledger.journal import Head
from flows.ledger.ledger import Ledger
from flows.ledger.worlds import World
from flows.records.json_object import JsonObject

PATIENCE_S = 60.0  # writing a manifest takes seconds


def attest(
    outputs: Path,
    ledger: Ledger,
    run_id: str,
    *,
    key: Ed25519PrivateKey | None,
    authorities: Sequence[TimestampAuthority] = (),
) -> JsonObject | None:
    """Write the manifest of a run and its head, signed if there is a key, and queue the stamps of the head.

    Return the manifest's number and hash, None where nothing changed. What stands in `runs` alone is no change: every
    run has a row there. `authorities` are those that shall stamp the head (`stamp_heads` asks them).
    """
    busy = "another run is writing its manifest; the next run writes that of this one"
    with ledger.exclusively("evidence", complaint=busy, patience_s=PATIENCE_S):
        links = read_chain(outputs)
        marks = marks_of(links)
        head, known = ledger.journal_head(), ledger.known_marks(marks)
        follows = max(known, default=None)
        is_same = bool(marks) and marks[-1].manifest in known
        record: RecordEnd = {"changes": head.changes, "link": head.link, "follows": follows}
        if follows is None and _is_history_set_back(ledger, links):
            record["history_set_back"] = True
        path = write_manifest(
            outputs,
            run_id=run_id,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            record=record,
            is_news=not is_same or ledger.has_changed_since(marks[-1].head, but=("runs",)),
            key=key,
            is_simulated=ledger.world is World.SIMULATED,
        )
        links = links if path is None else read_chain(outputs)
        queue_stamps(outputs, write_heads(outputs, links, key=key, authorities=keep_roots(outputs, authorities)))
    return None if path is None else {"number": int(path.stem), "sha256": digest_of(path)}


def _is_history_set_back(ledger: Ledger, links: Sequence[Link]) -> bool:
    """Whether the rows that manifests of an earlier version hashed are others, as after an older backup."""
    held = history_of(links)
    return bool(held) and ledger.history_digests(limits={name: entry["rows"] for name, entry in held.items()}) != held


def marks_of(links: Sequence[Link]) -> list[JournalMark]:
    """List what the manifests of a chain say of the record's journal; those of earlier versions say nothing."""
    return [
        JournalMark(
            link.body["number"],
            Head(link.body["record"]["changes"], link.body["record"]["link"]),
            datetime.fromisoformat(link.body["made_at"]),
        )
        for link in links
        if "record" in link.body
    ]


def last_attested(ledger: Ledger) -> tuple[int, str] | None:
    """Return number and hash of the last manifest that a run on record left.

    None where there is none. Raises `LedgerError` where what a run names is no manifest.
    """
    found = [(run.summary["manifest"], run.started_at) for run in ledger.runs() if run.summary.get("manifest")]
    try:  # a backup of another chain may name the same number; the later run is the one of these outputs
        last = max(found, key=lambda one: (int(one[0]["number"]), one[1]), default=None)
        return None if last is None else (int(last[0]["number"]), str(last[0]["sha256"]))
    except (TypeError, KeyError, ValueError):
        raise LedgerError(
            "a run on record names a file that is not a manifest: the record was changed or damaged"
        ) from None
