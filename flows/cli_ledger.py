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
    outputs: OutputsOption = None,
) -> None:
    """Put a backup in the place of the record, all of it or nothing."""
    with open_ledger(load_settings(outputs=outputs).ledger) as ledger:
        rows = ledger.restore(file, replace=replace)
    console.print(f"{rows} rows restored from {file}.", highlight=False)
