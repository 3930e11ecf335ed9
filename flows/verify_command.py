"""The command `sitewatch verify`: what of the evidence holds, and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from flows.attest import check_replay, last_attested
from flows.evidence.manifests import read_chain
from flows.evidence.verifying import (
    check_chain,
    check_files,
    check_history,
    check_signatures,
    outputs_above,
    public_key,
)
from flows.settings import load_settings
from flows.terminal import console, existing_ledger


def verify(
    path: Annotated[Path, typer.Argument(help="Outputs, or an area's folder, or one file in them.")],
    key: Annotated[Optional[Path], typer.Option("--key", help="The public key of whoever signs, PEM.")] = None,  # noqa: UP045
    replay: Annotated[bool, typer.Option("--replay", help="Also work through all weeks again, elsewhere.")] = False,
) -> None:
    """Check evidence: hashes, chain, history, signatures, and with --replay that the archive gives it again."""
    outputs, within = outputs_above(path), path.absolute()
    settings, links = load_settings(outputs=outputs), read_chain(outputs)
    with existing_ledger(settings) as ledger:
        known = {name: entry["rows"] for name, entry in links[-1].body["history"].items()}
        checks = [
            check_chain(links, last=last_attested(ledger)),
            check_signatures(links, None if key is None else public_key(key)),
            check_history(links, ledger.history_digests(limits=known)),
            check_files(outputs, links, within=within),
        ]
        if replay:
            checks.append(check_replay(outputs, ledger, settings, within=within))
    for check in checks:
        told = check.wrong or (check.holds,)
        for line in told:
            console.print(
                f"{'WRONG' if check.wrong else 'holds'}  {check.name}: {line}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
    if any(check.wrong for check in checks):
        raise typer.Exit(1)
