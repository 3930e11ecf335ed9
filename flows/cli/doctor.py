"""The command `sitewatch doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from flows.cli.options import OutputsOption, console, record_settings
from flows.config.deployment import load_operating
from flows.jobs.doctor import CheckResult, examine


def doctor(
    is_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    outputs: OutputsOption = None,
) -> None:
    """Say what would stop the next run, and what to do. Exit status 0: nothing would; 1: something would."""
    findings = examine(record_settings(outputs), load_operating(), now=datetime.now(UTC))
    if is_json:
        console.print_json(json.dumps([asdict(one) for one in findings]))
    else:
        table = Table("check", "", "found", "what to do")
        for one in findings:
            table.add_row(one.check, one.verdict.value, one.found, one.mend)
        console.print(table)
    if any(one.verdict is CheckResult.BAD for one in findings):
        raise typer.Exit(1)
