"""The command line: what a person types, and what it answers with."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.text import Text

from aois.errors import UserError
from flows.cli.alerts import alerts_app
from flows.cli.archive import archive_app
from flows.cli.areas import areas_app
from flows.cli.benchmark import benchmark_app
from flows.cli.claims import claims_app
from flows.cli.desk import desk_app
from flows.cli.detectability import detectability
from flows.cli.doctor import doctor
from flows.cli.estimate import estimate
from flows.cli.export import export_app
from flows.cli.ledger import ledger_app
from flows.cli.relocation import relocation
from flows.cli.report import report
from flows.cli.search import search
from flows.cli.serve import deploy, serve
from flows.cli.verify import verify
from flows.cli.watch import rerun, watch
from flows.config.private_outputs import private_files
from flows.jobs.setting_names import check_setting_names
from flows.printable import printable

LONGEST_LINE = 2_000

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Watch flagged compounds with Sentinel-1 and Sentinel-2."
)
app.add_typer(alerts_app, name="alerts")
app.add_typer(areas_app, name="areas")
app.add_typer(claims_app, name="claims")
app.add_typer(ledger_app, name="ledger")
app.add_typer(desk_app, name="desk")
app.add_typer(benchmark_app, name="benchmark")
app.add_typer(export_app, name="export")
app.command()(watch)
app.command()(rerun)
app.command()(report)
app.command()(relocation)
app.command()(verify)
app.command()(search)
app.command()(serve)
app.command()(deploy)
app.command()(doctor)
app.command()(estimate)
app.command()(detectability)
app.add_typer(archive_app, name="archive")


@app.callback()
def names(context: typer.Context) -> None:
    """Watch flagged compounds with Sentinel-1 and Sentinel-2."""
    if context.invoked_subcommand != "doctor":  # which tells of them beside all else
        check_setting_names()


def main() -> None:
    """Run the command line; an error that has a mend is one message on standard error and exit status 2."""
    try:
        with private_files():
            app()
    except UserError as error:
        told = "\n".join(printable(line, longest=LONGEST_LINE) for line in str(error).split("\n"))
        message = Text.assemble(("error:", "red"), " ", told)
        Console(stderr=True).print(message, highlight=False, soft_wrap=True)
        sys.exit(2)
