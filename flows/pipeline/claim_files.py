"""Claims from a CSV file, checked row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from aois.list_limits import LIMITS
from aois.rows import plain_number
from aois.wording import shown, text_trouble
from detectors.claims.claim_rules import ClaimKind
from flows.config.settings import SettingsError
from flows.ledger.claim_rows import claim_id_of
from flows.records.claims import ClaimOrigin, ClaimRecord
from flows.records.ids import AreaId

COLUMNS = ("area_id", "kind", "said_on", "number", "area_m2", "words", "source")


def read_claims(path: Path, *, by: str, at: datetime) -> tuple[ClaimRecord, ...]:
    """Read the claims of a CSV file; raises `SettingsError` with every problem, a line each, and takes none then."""
    try:
        if path.stat().st_size > LIMITS.file_bytes:
            raise SettingsError(f"{path}: larger than {LIMITS.file_bytes // 1_000_000} MB; split it")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is no text in UTF-8; save it as CSV in UTF-8") from None
    rows = csv.DictReader(io.StringIO(text))
    names = [name.strip() for name in rows.fieldnames or ()]
    if missing := [name for name in COLUMNS[:3] if name not in names]:
        raise SettingsError(f"{path}: lacks the columns {', '.join(missing)}; the columns are {', '.join(COLUMNS)}")
    if unknown := [name for name in names if name not in COLUMNS]:
        raise SettingsError(f"{path}: column `{shown(unknown[0])}` is unknown; the columns are {', '.join(COLUMNS)}")
    claims, problems = list[ClaimRecord](), list[str]()
    for row in rows:
        try:
            claims.append(claim_from(row, by=by, at=at, origin=ClaimOrigin.FILE))
        except ValueError as error:
            problems.append(f"row {rows.line_num}: {error}")
    if problems:
        more = [f"and {len(problems) - LIMITS.listed} more"] if len(problems) > LIMITS.listed else []
        raise SettingsError("\n".join([f"{path}: no claim was taken", *problems[: LIMITS.listed], *more]))
    return tuple(claims)


def claim_from(row: Mapping[str, str | None], *, by: str, at: datetime, origin: ClaimOrigin) -> ClaimRecord:
    """Make a claim of texts; raises `ValueError` that says what is wrong and the mend."""
    said = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if said["kind"] not in list(ClaimKind):
        raise ValueError(f"kind `{shown(said['kind'])}` is none of {', '.join(ClaimKind)}; write one of them")
    try:
        day = date.fromisoformat(said["said_on"])
    except ValueError:
        raise ValueError(f"said_on `{shown(said['said_on'])}` is no date; write it as 2026-08-24") from None
    for name in ("words", "source"):
        if trouble := text_trouble(said[name], longest=LIMITS.text, lines=True):
            raise ValueError(f"{name} {trouble}")
    number = _amount(said["number"], "number", "how many structures")
    if number is not None and not number.is_integer():
        raise ValueError(f"number `{shown(said['number'])}` is no whole number; write how many structures")
    claim = ClaimRecord(
        claim_id="",
        area_id=AreaId(said["area_id"]),
        kind=ClaimKind(said["kind"]),
        said_on=day,
        number=None if number is None else int(number),
        area_m2=_amount(said["area_m2"], "area_m2", "m²"),
        words=said["words"],
        source=said["source"],
        origin=origin,
        entered_by=by,
        entered_at=at,
    )
    return replace(claim, claim_id=claim_id_of(claim))


def _amount(text: str, name: str, unit: str) -> float | None:
    if not text:
        return None
    number = plain_number(text)
    if number is None or not 0 <= number <= 1e9:
        raise ValueError(f"{name} `{shown(text)}` is no number; write {unit} in digits, or leave it out")
    return number
