"""Whether the record is the one that the manifests stand for, as checks with words for a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flows.evidence.manifests import Link
from flows.evidence.verifying import Check, left_over, set_back_at
from flows.ledger.audit import Audit
from flows.pipeline.evidence_manifest import marks_of

NOT_EVIDENCE = (
    *("reports", "public", "public-crowd", "public-pictures.json", "desk", "metrics", "search", "backups"),
    *("catalog.json", "run-settings.json"),
)


def check_record(links: Sequence[Link], found: Audit | None) -> Check:
    """Check that every row is as the ledger wrote it, and that the manifests know the journal.

    `found` is None for a ledger of an earlier version, which keeps no journal.
    """
    marks = marks_of(links)
    if found is None:
        gone = ("the manifests know a journal, and the record has none",) if marks else ()
        return Check("record", "of an earlier version, which kept no journal: the next run begins one", gone)
    cut = [
        f"{number:06d}.json knows what the record does not hold any more: it was set back, by a restored backup or by "
        "hand; the next run says so in its manifest"
        for number in _lost(links, found)
    ]
    watch = "; if a run was cut short, is under way, or brought other scenes, watch again"
    wrong = (*found.broken, *cut, *found.changed, *(f"{line}{watch}" for line in found.later), *found.back_dated)
    return Check("record", f"{found.rows} rows as its journal of {found.head.changes} changes has them", wrong)


def notes_on(outputs: Path, links: Sequence[Link], found: Audit | None) -> list[str]:
    """List what a reader of the checks has to know beside them.

    What is covered by nothing, and what was said before.
    """
    there = [name for name in NOT_EVIDENCE if (outputs / name).exists()]
    notes = [f"not evidence, and not checked: {', '.join([*there, 'STAC catalogs and items in areas'])}"]
    notes += [f"left over by a kill, and no evidence: {', '.join(names)}" for names in [left_over(outputs)] if names]
    if "record" not in links[-1].body:
        notes.append(
            "the manifests are of an earlier version: of the record they cover transitions, remarks, versions and "
            "verdicts of events, and no other table"
        )
    if (number := set_back_at(links)) is not None:
        notes.append(
            f"before {number:06d}.json the record was set back behind the manifests of an earlier version, as by an "
            "older backup, or changed: what they say of its rows is not checked any more"
        )
    marks = marks_of(links)
    follows = [link.body["record"]["follows"] for link in links if "record" in link.body]
    for before, mark, follow in zip(marks, marks[1:], follows[1:], strict=False):
        if follow != before.manifest:
            notes.append(
                f"before {mark.manifest:06d}.json the record was set back to what it was at "
                f"{'its beginning' if follow is None else f'{follow:06d}.json'}: what came after that is not in it"
            )
    notes += [] if found is None else [f"journal, {line}" for line in found.taken_over]
    notes.append(
        "whoever can write the outputs and the record can put back an old copy of both, or make a chain anew; without "
        "your key a signature cannot be made, but only a head that you keep elsewhere gives away a shorter chain: keep "
        "the line `head`, and give it to --head the next time"
    )
    return notes


def _lost(links: Sequence[Link], found: Audit) -> list[int]:
    """Manifests whose end of the journal is gone, unless a later one that is there says that it was set back."""
    said = {
        number
        for link in links
        if "record" in link.body and link.body["number"] in found.known
        for number in range((link.body["record"]["follows"] or 0) + 1, link.body["number"])
    }
    return [mark.manifest for mark in marks_of(links) if mark.manifest not in found.known | said]
