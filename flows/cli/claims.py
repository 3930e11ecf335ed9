"""The commands `sitewatch claims list`, `add`, `show`, `withdraw` and `footprints`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Optional

import typer

from aois.week import week_of
from flows.cli.options import OutputsOption, console, existing_ledger, record_settings
from flows.config.settings import SettingsError
from flows.ledger.ledger import Ledger
from flows.printable import printable
from flows.records.claims import AnswerRecord, ClaimOrigin, ClaimRecord

claims_app = typer.Typer(no_args_is_help=True, help="What is claimed about sites, and what was measured of it.")

ByOption = Annotated[str, typer.Option("--by", help="Who enters it.")]


@claims_app.command("list")
def claims_list(
    area: Annotated[Optional[str], typer.Option("--area", help="Only this site.")] = None,  # noqa: UP045
    outputs: OutputsOption = None,
) -> None:
    """List the claims on record with their last answers, and what makes them hard to check."""
    with existing_ledger(record_settings(outputs)) as ledger:
        claims = ledger.claims.all(area)
        last = max((o.week for o in ledger.observations()), default=week_of(datetime.now(UTC).date()))
        answers = {one.claim.claim_id: one.answer for one in ledger.claims.checked(as_of=last)}
        doubts = _doubts(ledger, claims)
    if not claims:
        console.print("No claim on record.", highlight=False)
    for claim in claims:
        said = f"withdrawn: {claim.withdrawn_why}" if claim.is_withdrawn else _said(answers.get(claim.claim_id))
        console.print(printable(f"{claim.claim_id}  {_claimed(claim)}  {said}"), highlight=False, markup=False)
    for line in doubts:
        console.print(printable(line), highlight=False, markup=False, soft_wrap=True)


@claims_app.command("add")
def claims_add(
    by: ByOption,
    area: Annotated[Optional[str], typer.Argument(help="The site; leave it out with --file.")] = None,  # noqa: UP045
    kind: Annotated[Optional[str], typer.Argument(help="demolished, sealed, abandoned or works-stopped.")] = None,  # noqa: UP045
    on: Annotated[Optional[str], typer.Option("--on", metavar="YYYY-MM-DD", help="The day it was said of.")] = None,  # noqa: UP045
    number: Annotated[Optional[str], typer.Option("--number", help="How many buildings are demolished.")] = None,  # noqa: UP045
    area_m2: Annotated[Optional[str], typer.Option("--area-m2", help="How much ground is demolished, m².")] = None,  # noqa: UP045
    words: Annotated[str, typer.Option("--words", help="The words as they were said.")] = "",
    source: Annotated[str, typer.Option("--source", help="Who says so.")] = "",
    file: Annotated[Optional[Path], typer.Option("--file", help="Claims as CSV, all or none.")] = None,  # noqa: UP045
    outputs: OutputsOption = None,
) -> None:
    """Add a claim, or all claims of a CSV file (area_id, kind, said_on, number, area_m2, words, source)."""
    from flows.pipeline.claim_files import claim_from, read_claims

    now = datetime.now(UTC)
    if file is not None:
        if area is not None or on is not None:
            raise SettingsError("--file brings claims of its own; leave the site, the kind and --on out")
        claims = read_claims(file, by=by, at=now)
    elif area is None or kind is None or on is None:
        raise SettingsError("a claim needs a site, a kind and --on; or give claims as CSV with --file")
    else:
        row = {"area_id": area, "kind": kind, "said_on": on, "number": number, "area_m2": area_m2}
        try:
            claims = (claim_from({**row, "words": words, "source": source}, by=by, at=now, origin=ClaimOrigin.COMMAND),)
        except ValueError as error:
            raise SettingsError(str(error)) from None
    with existing_ledger(record_settings(outputs)) as ledger:
        new = ledger.claims.add(claims)
        doubts = _doubts(ledger, claims)
    for claim in claims if len(claims) == 1 else ():
        console.print(printable(f"{claim.claim_id}  {_claimed(claim)}"), highlight=False, markup=False)
    console.print(f"{new} of {len(claims)} claims are new; the next watch answers them.", highlight=False, markup=False)
    for line in doubts:
        console.print(printable(line), highlight=False, markup=False, soft_wrap=True)


@claims_app.command("show")
def claims_show(claim_id: str, outputs: OutputsOption = None) -> None:
    """Show one claim with its answers week by week, without coordinates."""
    with existing_ledger(record_settings(outputs)) as ledger:
        found = [claim for claim in ledger.claims.all() if claim.claim_id == claim_id]
        if not found:
            raise SettingsError(f"claim `{claim_id}` is not on record; `sitewatch claims list` names all")
        answers = ledger.claims.answers(claim_id)
    shown = {name: value for name, value in asdict(found[0]).items() if value not in (None, "")}
    shown["answers"] = [
        {name: value for name, value in asdict(one).items() if name not in ("claim_id", "structures", "basis")}
        | {"week": str(one.week)}
        for one in answers
    ]
    shown["structures"] = [asdict(one) for one in answers[-1].structures] if answers else []
    console.print_json(json.dumps(shown, default=str))


@claims_app.command("withdraw")
def claims_withdraw(
    claim_id: str,
    by: ByOption,
    why: Annotated[str, typer.Option("--why", help="Why it is withdrawn.")],
    outputs: OutputsOption = None,
) -> None:
    """Withdraw a claim: it stays on record and is answered no more."""
    with existing_ledger(record_settings(outputs)) as ledger:
        ledger.claims.withdraw(claim_id, by=by, why=why, at=datetime.now(UTC))
    console.print(printable(f"{claim_id} is withdrawn."), highlight=False, markup=False)


@claims_app.command("footprints")
def claims_footprints(area: str, file: Path, by: ByOption, outputs: OutputsOption = None) -> None:
    """Import the footprints of a site's buildings (GeoJSON, GeoPackage, CSV of Open Buildings)."""
    from aois.footprints import footprints_within, read_footprints
    from flows.ledger.claim_rows import structure_id_of
    from flows.records.claims import StructureRecord
    from flows.records.ids import AreaId

    read, lines = read_footprints(file)
    with existing_ledger(record_settings(outputs)) as ledger:
        site = next((one for one in ledger.areas() if one.id == area), None)
        if site is None:
            raise SettingsError(f"area `{area}` is not on record; watch it once, then import footprints")
        kept, more = footprints_within(read, site)
        if not kept:
            raise SettingsError(f"{file}: no footprint lies within `{area}` and its margin; check the file")
        structures = [
            StructureRecord(structure_id_of(area, o.geometry.wkb_hex), AreaId(area), o.geometry, o.area_m2, file.name)
            for o in kept
        ]
        number = ledger.claims.add_structures(area, structures, by=by, at=datetime.now(UTC))
    for line in (*lines, *more):
        console.print(printable(line), highlight=False, markup=False, soft_wrap=True)
    console.print(
        printable(
            f"{len(kept)} structures of `{area}` are on record as import {number}; {len(read) - len(kept)} left out."
        ),
        highlight=False,
        markup=False,
    )


def _doubts(ledger: Ledger, claims: tuple[ClaimRecord, ...] | list[ClaimRecord]) -> list[str]:
    """What makes claims hard to check, site by site."""
    from flows.pipeline.claim_answers import doubts_about
    from flows.reports.data.site_structures import structures_of

    areas = {area.id: area for area in ledger.areas()}
    lines: list[str] = []
    for area_id in sorted({claim.area_id for claim in claims}):
        standing = [claim for claim in ledger.claims.all(area_id) if not claim.is_withdrawn]
        scenes = ledger.scenes(area_id)
        last = max((o.week for o in ledger.observations(area_id=area_id)), default=week_of(datetime.now(UTC).date()))
        known = structures_of(areas[area_id], by=last.last_day, until=last, ledger=ledger)
        first = scenes[0].acquired.date() if scenes else None
        lines += doubts_about(standing, known=len(known), first_look=first)
    return lines


def _claimed(claim: ClaimRecord) -> str:
    amount = f" {claim.number}" if claim.number is not None else ""
    amount = amount or (f" {claim.area_m2:,.0f} m²" if claim.area_m2 is not None else "")
    return f"{claim.area_id}  {claim.said_on}  {claim.kind}{amount}"


def _said(answer: AnswerRecord | None) -> str:
    if answer is None:
        return "no answer yet"
    interval = (
        "" if answer.low is None or answer.high is None else f" (between {answer.low:,.0f} and {answer.high:,.0f})"
    )
    return f"{answer.answer}{interval}, {answer.week}"
