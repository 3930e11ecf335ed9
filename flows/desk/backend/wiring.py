"""Put the desk together: the record, the pages and the pictures that it shows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from flows.desk.backend.case_pages import DeskEvidence
from flows.imagery.archive.store import Archive
from flows.ledger.errors import LedgerError
from flows.ledger.ledger import Ledger
from flows.ledger.worlds import World
from flows.records.incidents import IncidentRule


def open_desk(
    ledger: Ledger,
    archive: Archive,
    outputs: Path,
    *,
    routes: Path | None = None,
    hosts: tuple[str, ...] = (),
    rule: IncidentRule | None = None,
) -> tuple[FastAPI, DeskEvidence]:
    """The desk over a record, its archive and outputs, and what it shows of each case; `routes` is their file.

    `rule` says which alerts are one incident.
    """
    from flows.desk.app import desk_app as make_app
    from flows.desk.backend.case_pages import DeskEvidence
    from flows.desk.backend.incident_record import DeskIncidents
    from flows.desk.backend.ledger_adapter import REASONS, DeskAccounts, DeskReviews
    from flows.desk.backend.pack_shelf import DeskPacks
    from flows.desk.backend.quiet_pages import DeskQuietPlaces
    from flows.desk.backend.reruns import DeskOperations
    from flows.desk.backend.site_claims import DeskClaims
    from flows.desk.desk_templates import TEMPLATES
    from flows.desk.inputs import Desk
    from flows.reports.build import TEMPLATES as REPORT
    from flows.reports.build import environment_of
    from flows.reports.words import words_for
    from flows.translations.catalogs import LANGUAGES

    pages = {lang: environment_of(words_for(lang), TEMPLATES, part="h2") for lang in LANGUAGES}
    evidence = DeskEvidence(ledger, archive, outputs, pages)
    given = Desk(
        accounts=DeskAccounts(ledger),
        reviews=DeskReviews(ledger),
        evidence=evidence,
        quiet=DeskQuietPlaces(ledger, archive),
        claims=DeskClaims(ledger),
        incidents=DeskIncidents(ledger, rule or IncidentRule()),
        packs=DeskPacks(ledger, outputs),
        references=ledger.references(),
        operations=DeskOperations(ledger, outputs, clock=now, routes=routes),
        pages=pages,
        files={name: (REPORT / name).read_bytes() for name in ("report.css", "report.js")},
        reasons=REASONS,
        is_simulated=ledger.world is World.SIMULATED,
        clock=now,
        hosts=("127.0.0.1", "localhost", *hosts),
        record_errors=(LedgerError,),
    )
    return make_app(given), evidence


def prepare_all(ledger: Ledger, evidence: DeskEvidence) -> None:
    """Pictures and series of every area that has a case are prepared, so that nobody waits for them."""
    for area_id in dict.fromkeys(case.area_id for case in ledger.reviews.cases()):
        evidence.prepare(area_id)


def now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)
