"""What all commands share: where they print, where the outputs are, and the record they ask."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

from flows.ledger.ledger import Ledger, open_ledger
from flows.settings import Settings, SettingsError

console = Console() if sys.stdout.isatty() else Console(width=150)

OutputsOption = Annotated[Optional[Path], typer.Option("--outputs", help="Where everything is written.")]  # noqa: UP045


def existing_ledger(settings: Settings) -> Ledger:
    """The ledger of the settings; raises `SettingsError` when there is none yet."""
    if settings.ledger_url is None and not (settings.outputs / "ledger.sqlite").exists():
        raise SettingsError(
            f"no ledger in `{settings.outputs}`; run `sitewatch watch` first or name the folder with --outputs"
        )
    return open_ledger(settings.ledger)
