"""Claims, the structures that they are checked on, and answers: rows are added, never changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import shapely
from shapely.geometry import shape
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from aois.area import Area, AreaKind
from aois.week import Week
from detectors.claims.claim_rules import ClaimAnswer, ClaimKind, ClaimRule
from detectors.claims.structure_states import StructureState
from flows.ledger import accounts
from flows.ledger.errors import LedgerError
from flows.ledger.observations import require_area
from flows.ledger.outbox import Transaction
from flows.ledger.tables import AnswerRow, AreaRow, ClaimRow, ClaimWithdrawalRow, StructureRow
from flows.ledger.types import canonical_json
from flows.records.claims import (
    AnswerChange,
    AnswerRecord,
    CheckedClaim,
    ClaimOrigin,
    ClaimRecord,
    StructureRecord,
    StructureResult,
)
from flows.records.ids import AreaId
from flows.records.json_object import JsonObject

QUIET_ANSWERS = (ClaimAnswer.NOT_SEEN, ClaimAnswer.NOT_MEASURABLE)
"""Answers that are no news when they are the first."""
LIST_AUTHOR = "watch list"


@dataclass(frozen=True)
class Claims:
    """Each method is one transaction."""

    reading: Transaction
    writing: Transaction

    def add(self, claims: Sequence[ClaimRecord], *, account: int | None = None) -> int:
        """Record claims, all or none, and return how many are new; what is on record is not added again.

        Raises `LedgerError` for a claim that nobody could check, with one line that says what to write.
        """
        with self.writing() as session:
            return sum(_add(session, claim, account) for claim in claims)

    def take_list(self, areas: Iterable[Area], *, at: datetime) -> list[str]:
        """Record the claims that responses of the list hold, and return a line for each that waits for its day."""
        sites = [area for area in areas if area.kind is AreaKind.SITE]
        claims = [claim for site in sites for claim in listed_claims(site, at=at)]
        self.add([claim for claim in claims if claim.said_on <= at.date()])
        return [
            f"claim about `{claim.area_id}` of {claim.said_on}: it is dated in the future, and is taken when that day "
            "has come; if the day is wrong, correct it in the list"
            for claim in claims
            if claim.said_on > at.date()
        ]

    def withdraw(self, claim_id: str, *, by: str, why: str, at: datetime, account: int | None = None) -> None:
        """Record that a claim is withdrawn; it stays on record, and nothing is answered to it from then on."""
        with self.writing() as session:
            if session.get(ClaimRow, claim_id) is None:
                raise LedgerError(f"claim `{claim_id}` is not in the ledger; `sitewatch claims list` names all")
            if not by.strip() or not why.strip():
                raise LedgerError(f"claim `{claim_id}`: to withdraw it needs a name and a reason; give --by and --why")
            if session.get(ClaimWithdrawalRow, claim_id) is None:
                session.add(ClaimWithdrawalRow(claim_id=claim_id, withdrawn_by=by, why=why, at=at))
                if account is not None:
                    accounts.note(session, "claim-withdrawn", by=account, subject=claim_id, detail=why, at=at)

    def all(self, area_id: str | None = None) -> list[ClaimRecord]:
        """List claims (of an area), by the day, then the id."""
        with self.reading() as session:
            return _claims(session, area_id)

    def add_structures(
        self, area_id: str, structures: Sequence[StructureRecord], *, by: str, at: datetime, account: int | None = None
    ) -> int:
        """Record footprints of a site as those that count from now on, and return their import's number."""
        with self.writing() as session:
            require_area(session, area_id)
            last = select(func.max(StructureRow.import_number)).where(StructureRow.area_id == area_id)
            number = (session.scalar(last) or 0) + 1
            for one in structures:
                outline = json.loads(shapely.to_geojson(one.geometry))
                session.add(
                    StructureRow(
                        structure_id=one.structure_id,
                        area_id=area_id,
                        import_number=number,
                        geometry=outline,
                        area_m2=one.area_m2,
                        source=one.source,
                        entered_by=by,
                        entered_at=at,
                    )
                )
            if account is not None:
                accounts.note(session, "footprints", by=account, subject=area_id, detail=str(len(structures)), at=at)
            return number

    def structures(self, area_id: str) -> list[StructureRecord]:
        """List the footprints of the last import of a site, in the order of the file."""
        with self.reading() as session:
            last = select(func.max(StructureRow.import_number)).where(StructureRow.area_id == area_id)
            query = select(StructureRow).where(
                StructureRow.area_id == area_id, StructureRow.import_number == last.scalar_subquery()
            )
            return [_structure(row) for row in session.scalars(query.order_by(StructureRow.id))]

    def record_answers(self, answers: Sequence[AnswerRecord]) -> None:
        """Record the answers of a week; one that is on record for its week already is not added again."""
        with self.writing() as session:
            for answer in answers:
                said = _said_of(answer)
                known = session.scalar(
                    select(AnswerRow)
                    .where(AnswerRow.claim_id == answer.claim_id, AnswerRow.week == answer.week)
                    .order_by(AnswerRow.id.desc())
                    .limit(1)
                )
                if known is None or canonical_json(known.said) != canonical_json(said):
                    session.add(AnswerRow(claim_id=answer.claim_id, week=answer.week, said=said))

    def answers(self, claim_id: str) -> list[AnswerRecord]:
        """List the answers to a claim, one a week, in order."""
        with self.reading() as session:
            return _answers(session, [claim_id]).get(claim_id, [])

    def checked(self, *, as_of: Week, area_id: str | None = None) -> list[CheckedClaim]:
        """List the claims that stand by a week's end, each with its last answer up to that week."""
        with self.reading() as session:
            claims = [
                c for c in _claims(session, area_id) if not _is_withdrawn_by(c, as_of) and c.said_on <= as_of.last_day
            ]
            answers = _answers(session, [c.claim_id for c in claims])
        known = {name: [a for a in found if a.week <= as_of] for name, found in answers.items()}
        return [CheckedClaim(c, found[-1] if (found := known.get(c.claim_id)) else None) for c in claims]

    def changes(self, *, as_of: Week) -> list[AnswerChange]:
        """List every change of an answer up to a week, oldest first; of claims that were not withdrawn."""
        with self.reading() as session:
            claims = {c.claim_id: c for c in _claims(session, None) if not c.is_withdrawn}
            answers = _answers(session, list(claims))
        return [
            change
            for name, found in sorted(answers.items())
            for change in changes_of(claims[name], [a for a in found if a.week <= as_of])
        ]


def changes_of(claim: ClaimRecord, answers: Sequence[AnswerRecord]) -> list[AnswerChange]:
    """Find where the answer to a claim became another one: the first counts if it says anything."""
    changes: list[AnswerChange] = []
    before: ClaimAnswer | None = None
    for answer in answers:
        if answer.answer is before or (before is None and answer.answer in QUIET_ANSWERS):
            continue
        changes.append(AnswerChange(claim, before, answer, len(changes) + 1))
        before = answer.answer
    return changes


def claim_id_of(claim: ClaimRecord) -> str:
    """Return the id of a claim, made of all that was said."""
    said = [claim.area_id, claim.kind, claim.said_on.isoformat(), claim.number, claim.area_m2]
    return f"cl-{_digest([*said, claim.words, claim.source])}"


def structure_id_of(area_id: str, wkb_hex: str) -> str:
    """Return the id of a structure, made of its site and its outline."""
    return f"st-{_digest([area_id, wkb_hex])}"


def listed_claims(area: Area, *, at: datetime) -> list[ClaimRecord]:
    """Return the claims that the responses of an area hold."""
    claims = []
    for response in area.responses:
        for one in response.claims:
            claim = ClaimRecord(
                claim_id="",
                area_id=AreaId(area.id),
                kind=ClaimKind(one.kind),
                said_on=one.date or response.date,
                number=one.number,
                area_m2=one.area_m2,
                words=one.words or response.claim,
                source=one.source or response.source,
                origin=ClaimOrigin.LIST,
                entered_by=LIST_AUTHOR,
                entered_at=at,
            )
            claims.append(replace(claim, claim_id=claim_id_of(claim)))
    return claims


def _add(session: Session, claim: ClaimRecord, account: int | None) -> bool:
    require_area(session, claim.area_id)
    area = session.get(AreaRow, claim.area_id)
    if area is not None and area.kind != AreaKind.SITE:
        raise LedgerError(f"claim about `{claim.area_id}`: it is a {area.kind}; only claims about a site are checked")
    _check(claim)
    claim_id = claim_id_of(claim)
    if session.get(ClaimRow, claim_id) is not None:
        return False
    session.add(
        ClaimRow(
            claim_id=claim_id,
            area_id=claim.area_id,
            kind=claim.kind.value,
            said_on=claim.said_on,
            number=claim.number,
            area_m2=claim.area_m2,
            words=claim.words,
            source=claim.source,
            origin=claim.origin.value,
            entered_by=claim.entered_by,
            entered_at=claim.entered_at,
        )
    )
    if account is not None:
        accounts.note(session, "claim", by=account, subject=claim_id, detail=claim.area_id, at=claim.entered_at)
    return True


def _check(claim: ClaimRecord) -> None:
    """Raise `LedgerError` for a claim that nobody could check."""
    where = f"claim about `{claim.area_id}` of {claim.said_on}"
    if claim.said_on > claim.entered_at.date():
        raise LedgerError(f"{where}: it is dated in the future; write the day on which it was said")
    if not claim.entered_by.strip():
        raise LedgerError(f"{where} needs a name; say who enters it")
    if claim.kind is not ClaimKind.DEMOLISHED and (claim.number is not None or claim.area_m2 is not None):
        raise LedgerError(f"{where}: `{claim.kind}` takes no number and no area; leave them out")
    if claim.number is not None and claim.number < 1:
        raise LedgerError(f"{where}: number {claim.number} is under 1; write how many structures, or leave it out")
    if claim.area_m2 is not None and not 0 < claim.area_m2 < 1e9:
        raise LedgerError(f"{where}: area_m2 {claim.area_m2:g} is no area; write m² over 0, or leave it out")


def _is_withdrawn_by(claim: ClaimRecord, week: Week) -> bool:
    return claim.withdrawn_at is not None and claim.withdrawn_at.date() <= week.last_day


def _claims(session: Session, area_id: str | None) -> list[ClaimRecord]:
    query = select(ClaimRow, ClaimWithdrawalRow).join(
        ClaimWithdrawalRow, ClaimWithdrawalRow.claim_id == ClaimRow.claim_id, isouter=True
    )
    rows = session.execute(query if area_id is None else query.where(ClaimRow.area_id == area_id))
    found = [_claim(row, taken_back) for row, taken_back in rows]
    return sorted(found, key=lambda c: (c.area_id, c.said_on, c.claim_id))


def _claim(row: ClaimRow, taken_back: ClaimWithdrawalRow | None) -> ClaimRecord:
    return ClaimRecord(
        claim_id=row.claim_id,
        area_id=row.area_id,
        kind=ClaimKind(row.kind),
        said_on=row.said_on,
        number=row.number,
        area_m2=row.area_m2,
        words=row.words,
        source=row.source,
        origin=ClaimOrigin(row.origin),
        entered_by=row.entered_by,
        entered_at=row.entered_at,
        withdrawn_by="" if taken_back is None else taken_back.withdrawn_by,
        withdrawn_at=None if taken_back is None else taken_back.at,
        withdrawn_why="" if taken_back is None else taken_back.why,
    )


def _structure(row: StructureRow) -> StructureRecord:
    return StructureRecord(row.structure_id, row.area_id, shape(row.geometry), row.area_m2, row.source)


def _answers(session: Session, claim_ids: Collection[str]) -> dict[str, list[AnswerRecord]]:
    """The answers to each claim, the last recording of each week, in order."""
    found: dict[str, dict[Week, AnswerRecord]] = {}
    wanted = set(claim_ids)
    for row in session.scalars(select(AnswerRow).order_by(AnswerRow.id)):
        if row.claim_id in wanted:
            found.setdefault(row.claim_id, {})[row.week] = _answer(row.claim_id, row.week, row.said)
    return {name: [by_week[week] for week in sorted(by_week)] for name, by_week in found.items()}


def _said_of(answer: AnswerRecord) -> JsonObject:
    """All that an answer says as JSON, without its claim and week; what is empty is left out."""
    said = {k: v for k, v in asdict(answer).items() if k not in ("claim_id", "week", "structures") and v is not None}
    structures = [{k: v for k, v in asdict(one).items() if v is not None and v != ""} for one in answer.structures]
    plain: JsonObject = json.loads(json.dumps(said | {"structures": structures}, default=str))
    return plain


def _answer(claim_id: str, week: Week, said: Mapping[str, Any]) -> AnswerRecord:
    held = dict(said)
    structures = tuple(_result(one) for one in held.pop("structures"))
    for name in ("last_look", "works_from", "works_to"):
        held[name] = _day(held.get(name))
    held["answer"], held["rule"] = ClaimAnswer(held["answer"]), ClaimRule(held["rule"])
    return AnswerRecord(claim_id=claim_id, week=week, structures=structures, **held)


def _result(said: Mapping[str, Any]) -> StructureResult:
    days = {name: _day(said.get(name)) for name in ("earliest", "latest", "last_look")}
    return StructureResult(**{**said, **days, "state": StructureState(said["state"])})


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _digest(parts: Sequence[object]) -> str:
    return sha256(canonical_json(list(parts)).encode()).hexdigest()[:12]
