"""The commands that keep the record safe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.ledger.ledger import open_ledger
from flows.settings import load_settings
from flows.terminal import OutputsOption, console, existing_ledger

ledger_app = typer.Typer(no_args_is_help=True, help="The record: backup and restore.")


@ledger_app.command("backup")
def ledger_backup(file: Path, outputs: OutputsOption = None) -> None:
    """Write the whole record into one file, while others may go on using it."""
    with existing_ledger(load_settings(outputs=outputs)) as ledger:
        rows = ledger.back_up(file)
    console.print(f"{file}: {rows} rows. It holds coordinates: keep it where the ledger may be kept.", highlight=False)


@ledger_app.command("restore")
def ledger_restore(
    file: Path,
    replace: Annotated[bool, typer.Option("--replace", help="Over a record that holds something.")] = False,
    without_checksum: Annotated[
        bool, typer.Option("--without-checksum", help="Take a backup of an earlier version, which has none.")
    ] = False,
    outputs: OutputsOption = None,
) -> None:
    """Put a backup in the place of the record, all of it or nothing."""

    def tell(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    with open_ledger(load_settings(outputs=outputs).ledger) as ledger:
        rows = ledger.restore(file, replace=replace, without_checksum=without_checksum, tell=tell)
    console.print(f"{rows} rows restored from {file}.", highlight=False)
