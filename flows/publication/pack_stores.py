"""Opens what packs are made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flows.imagery.archive.store import Archive
from flows.ledger.ledger import Ledger
from flows.publication.errors import PublicationError
from flows.publication.pack_subject import PackStores, PackSubject
from flows.reports.data.recorded_weeks import source_of


def pack_stores(outputs: Path, ledger: Ledger, archive: Archive, subjects: Sequence[PackSubject]) -> PackStores:
    """Put together what a pack of these places is made from; raises `PublicationError` where they have two sources."""
    sources = {subject.area.id: source_of(ledger, subject.area.id) for subject in subjects}
    names = sorted(set(sources.values()))
    if len(names) > 1:
        raise PublicationError(
            f"the places have imagery of different sources ({', '.join(names)}); make a pack of each"
        )
    return PackStores(outputs, ledger, archive, names[0])
