"""The command `sitewatch verify`: what of the evidence holds, and what does not. It changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Optional

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509 import Certificate

from flows.cli.options import console
from flows.config.settings import load_settings
from flows.evidence.authorities import certificates_in
from flows.evidence.head_check import StampChecks, check_kept_heads, check_stamps, heads_among
from flows.evidence.manifests import FOLDER, EvidenceError, Link, read_chain
from flows.evidence.verifying import (
    Check,
    check_chain,
    check_files,
    check_heads,
    check_history,
    check_signatures,
    history_of,
    outputs_above,
    public_key,
    read_head,
)
from flows.ledger.errors import LedgerError
from flows.ledger.ledger import Ledger
from flows.ledger.read_only import open_read_only
from flows.pipeline.evidence_manifest import last_attested, marks_of
from flows.pipeline.ledger_access import existing_address
from flows.pipeline.record_check import check_record, notes_on
from flows.pipeline.replay_check import check_replay
from flows.printable import printable
from flows.publication.proof.pack_check import PackDemands, PackFindings, check_pack
from flows.publication.proof.pack_contents import is_pack, opened_pack

BESIDE_HEADS = (".tsq", ".tsr", ".pem")


def verify(
    path: Annotated[Path, typer.Argument(help="The outputs, the folder of an area, one file in them, or a pack.")],
    key: Annotated[
        Optional[Path], typer.Option("--key", help="The public key that must have signed, a PEM file.")  # noqa: UP045
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Also work through all weeks again in a temporary folder and compare.")
    ] = False,
    head: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--head", metavar="N:HASH", help="A head that an earlier `verify` printed; may be repeated."),
    ] = None,
    heads: Annotated[Optional[Path], typer.Option("--heads", help="A file with one such head on each line.")] = None,  # noqa: UP045
    root: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option("--root", help="A root certificate (PEM) that time stamps must be given under; may be repeated."),
    ] = None,
) -> None:
    """Check evidence: hashes, chain, record, signatures; with --replay, that the archive gives the same again."""
    trusted = [one for file in root or () for one in certificates_in(file)]
    remembered = [read_head(text) for text in (*(head or ()), *_lines(heads))]
    public = None if key is None else public_key(key)
    if is_pack(path):
        demands = PackDemands(public, tuple(trusted), tuple(remembered))
        with opened_pack(path) as contents:
            _conclude(check_pack(contents, demands, with_replay=replay))
        return
    outputs, within = outputs_above(path), path.absolute()
    settings, links = load_settings(outputs=outputs), read_chain(outputs)
    checks = [
        check_signatures(links, public),
        check_heads(links, remembered),
        check_files(outputs, links, within=within),
    ]
    stamps = _stamps(outputs, links, public, trusted)
    checks += stamps.checks
    address, notes = existing_address(settings), notes_on(outputs, links, None)
    try:
        with open_read_only(address) as record:
            found = record.audit(marks_of(links))  # before the copy is brought up to date
            notes = notes_on(outputs, links, found)
            checks.append(check_record(links, found))
            checks += _by_record(record.ledger(), links)
            if replay:
                checks.append(
                    check_replay(
                        outputs,
                        record.ledger(),
                        within=within,
                        source_name=settings.source.value,
                        history_days=settings.history_days,
                    )
                )
    except LedgerError as error:
        checks += [Check("record", "", (str(error),)), check_chain(links, last=None)]
    ordered = sorted(checks, key=lambda check: ORDER.index(check.name))
    _conclude(PackFindings(tuple(ordered), stamps.pending, tuple(notes)))


ORDER = ("chain", "head", "signature", "heads", "stamp", "record", "history", "files", "replay")


def _stamps(
    outputs: Path, links: Sequence[Link], key: Ed25519PublicKey | None, trusted: Sequence[Certificate]
) -> StampChecks:
    """What the head of each manifest and its time stamps say."""
    beside = {path.name: path.read_bytes() for path in (outputs / FOLDER).iterdir() if path.suffix in BESIDE_HEADS}
    found, wrong = heads_among({path.name: path.read_bytes() for path in (outputs / FOLDER).glob("*.head.json")})
    stamps = check_stamps(found, beside, trusted=trusted)
    return replace(stamps, checks=(check_kept_heads(found, links, key, wrong), *stamps.checks))


def _by_record(ledger: Ledger, links: Sequence[Link]) -> list[Check]:
    """What the record says of the chain, and the chain of an earlier version of the record."""
    checks, held = [check_chain(links, last=last_attested(ledger))], history_of(links)
    if held:
        limits = {name: entry["rows"] for name, entry in held.items()}
        checks.append(check_history(held, ledger.history_digests(limits=limits)))
    return checks


def _lines(path: Path | None) -> list[str]:
    """The lines of a file of heads; raises `EvidenceError` for one that cannot be read."""
    if path is None:
        return []
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError):
        raise EvidenceError(f"heads `{printable(path)}` cannot be read; name a text file of N:HASH lines") from None


def _conclude(found: PackFindings) -> None:
    """Print a line for each finding; exit status 1 where anything is wrong."""
    lines = [
        f"{'WRONG' if check.wrong else 'holds'}  {check.name}: {line}"
        for check in found.checks
        for line in check.wrong or (check.holds,)
    ]
    lines += [f"pending  {line}" for line in found.pending]
    for line in (*lines, *(f"note   {note}" for note in found.notes)):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if any(check.wrong for check in found.checks):
        raise typer.Exit(1)
