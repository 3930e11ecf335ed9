"""The commands `sitewatch export`: what is on record as packs, as SMART site models, and in formats people open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detectors.records import State
from flows.benchmark.annotations import REGION_ID
from flows.cli.export_formats import formats
from flows.cli.export_pack import pack
from flows.cli.options import OutputsOption, console, existing_ledger, record_settings
from flows.config.settings import SettingsError
from flows.reports.site_models import region_around, site_models_of, write_site_models

export_app = typer.Typer(no_args_is_help=True, help="Write what is on record in the formats of others.")
export_app.command("formats")(formats)


@export_app.callback()
def export() -> None:
    """Write what is on record in the formats of others."""


export_app.command("pack")(pack)


@export_app.command("smart")
def smart(
    folder: Annotated[Path, typer.Argument(help="Where the models go: a folder that only you can read.")],
    region: Annotated[
        str, typer.Option("--region", help="The id that the region gets, such as KH_R900; XX_R000 if left out.")
    ] = "XX_R000",
    outputs: OutputsOption = None,
) -> None:
    """Write site models (GeoJSON, with phases) of all works on record; they hold positions."""
    if not REGION_ID.fullmatch(region):
        raise SettingsError(f"--region `{region}` is not an id of the programme; write it as KH_R900")
    with existing_ledger(record_settings(outputs)) as ledger:
        areas, seen = ledger.areas(), ledger.observations()
        if not seen:
            raise SettingsError("no week is on record yet; run `sitewatch watch` first")
        events = [event for area in areas for event in ledger.events(area.id)]
        finished = {
            event.event_id: next(step.on for step in ledger.history(event.event_id) if step.state is State.FINISHED)
            for event in events
            if event.state is State.FINISHED
        }
    start, until = seen[0].week.first_day, seen[-1].week.last_day
    sites = site_models_of(events, finished, region_id=region, until=until)
    write_site_models(folder, region_around(areas, region, start=start, end=until), sites)
    console.print(f"{len(sites)} site models: {folder}", highlight=False, soft_wrap=True)
    console.print("They hold positions: give them only to people who may see where places lie.", highlight=False)
