"""The commands that keep the record safe."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from flows.cli.options import OutputsOption, console, existing_ledger, record_settings
from flows.config.settings import DEMONSTRATION, OUTPUTS, load_settings
from flows.ledger.ledger import open_ledger
from flows.ledger.worlds import World, world_at

ledger_app = typer.Typer(no_args_is_help=True, help="The record: backup and restore.")


@ledger_app.command("backup")
def ledger_backup(file: Path, outputs: OutputsOption = None) -> None:
    """Write the whole record into one file; runs may go on meanwhile."""
    with existing_ledger(record_settings(outputs)) as ledger:
        rows, what = ledger.back_up(file), ledger.world or "an empty record"
    console.print(
        f"{file}: {rows} rows, {what}. It holds coordinates: keep it where the ledger may be kept.", highlight=False
    )


@ledger_app.command("restore")
def ledger_restore(
    file: Path,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a record that is not empty.")] = False,
    without_checksum: Annotated[
        bool, typer.Option("--without-checksum", help="Accept a backup of an earlier version, which has no checksum.")
    ] = False,
    outputs: OutputsOption = None,
) -> None:
    """Replace the record by a backup, completely or not at all."""
    settings = load_settings(outputs=outputs)
    if not settings.model_fields_set & {"outputs", "source"}:
        is_simulated = file.is_file() and _world_of(file) is World.SIMULATED
        settings = load_settings(outputs=DEMONSTRATION if is_simulated else OUTPUTS)

    def tell(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    with open_ledger(settings.ledger) as ledger:
        rows = ledger.restore(file, replace=replace, without_checksum=without_checksum, tell=tell)
    console.print(f"{rows} rows restored from {file}.", highlight=False)


def _world_of(backup: Path) -> World | None:
    """Looked up in a copy: a backup may lie where nothing can be written."""
    with TemporaryDirectory() as folder:
        return world_at(f"sqlite:///{shutil.copyfile(backup, Path(folder) / 'backup.sqlite')}")
