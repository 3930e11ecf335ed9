"""The command line: what a person types, and what it answers with."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from rich.console import Console
from rich.text import Text

from aois.area import Kind
from aois.reading import read_areas, to_feature_collection
from flows.cli_alerts import alerts_app
from flows.cli_archive import archive_app
from flows.cli_estimate import estimate
from flows.cli_ledger import ledger_app
from flows.desk_command import desk_app
from flows.detectability_command import detectability
from flows.doctor_command import doctor
from flows.files import atomic_write
from flows.mendable import MENDABLE
from flows.printable import printable
from flows.private_outputs import private_files
from flows.report_command import report
from flows.search_command import search
from flows.serve_command import deploy, serve
from flows.setting_names import check_setting_names
from flows.settings import SettingsError, load_settings
from flows.terminal import AreasOption, console
from flows.verify_command import verify
from flows.watch_command import rerun, watch

if TYPE_CHECKING:
    pass

LONGEST_LINE = 2_000

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Watch flagged compounds with Sentinel-1 and Sentinel-2."
)
areas_app = typer.Typer(no_args_is_help=True, help="The watch list.")
app.add_typer(alerts_app, name="alerts")
app.add_typer(areas_app, name="areas")
app.add_typer(ledger_app, name="ledger")
app.add_typer(desk_app, name="desk")
app.command()(watch)
app.command()(rerun)
app.command()(report)
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
    except MENDABLE as error:
        told = "\n".join(printable(line, longest=LONGEST_LINE) for line in str(error).split("\n"))
        message = Text.assemble(("error:", "red"), " ", told)
        Console(stderr=True).print(message, highlight=False, soft_wrap=True)
        sys.exit(2)


@areas_app.command("check")
def areas_check(file: Path) -> None:
    """Check a watch list; every problem is named with its mend."""
    areas = read_areas(file)
    sites = sum(a.kind is Kind.SITE for a in areas)
    console.print(
        f"{printable(file)}: {sites} sites and {len(areas) - sites} regions, nothing to mend.", highlight=False
    )


@areas_app.command("import")
def areas_import(
    file: Path,
    to: Annotated[Optional[Path], typer.Option("--to", help="Where to write; beside the file if left out.")] = None,  # noqa: UP045
    kind: Annotated[Kind, typer.Option("--kind", help="What the entries are.")] = Kind.SITE,
) -> None:
    """Turn a CSV, KML, GeoPackage or GeoJSON list into a watch list."""
    from aois.importing import import_areas

    areas, notes = import_areas(file, kind=kind)
    target = to or file.with_suffix(".sitewatch.geojson")
    if target.exists():
        raise SettingsError(f"`{target}` exists and is not overwritten; name another with --to, or move it away")
    features = to_feature_collection(areas)["features"]
    lines = ",\n".join(json.dumps(feature, sort_keys=True) for feature in features)
    try:
        atomic_write(target, f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n')
    except OSError as error:
        raise SettingsError(f"`{target}` cannot be written: {error.strerror}; name another file with --to") from None
    for note in notes:
        console.print(note, highlight=False, markup=False)
    console.print(f"{len(areas)} areas written to {printable(target)}", highlight=False)


@areas_app.command("list")
def areas_list(areas: AreasOption = None) -> None:
    """The areas of the watch list, without their coordinates."""
    from aois.demonstration import demonstration

    settings = load_settings(areas=areas)
    for area in demonstration() if settings.areas is None else read_areas(settings.areas):
        status = f" {area.status.value}" if area.status else ""
        console.print(f"{area.id}  {area.kind.value}{status}  {printable(area.name)}", highlight=False, markup=False)
