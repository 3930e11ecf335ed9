"""The command `sitewatch benchmark smart`: the programme's own figures for a region of the public annotations."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from flows.benchmark.annotations import read_region
from flows.benchmark.region_record import proposals_in, seen_share_in, tiles_of, write_areas
from flows.benchmark.scoring import BASELINE, ClassScore, RegionScore, median_days, score_region
from flows.cli.options import CatalogOption, OutputsOption, SourceOption, console, existing_ledger, settings_of
from flows.config.settings import load_settings
from flows.files import private_folder
from flows.pipeline.period import RunRequest
from flows.records.site_models import RegionModel
from flows.reports.site_models import write_site_models

SITE_COLUMNS = ("site_id", "area_m2", "start", "end", "found_by", "start_error_days", "end_error_days", "seen")
benchmark_app = typer.Typer(no_args_is_help=True, help="Compare with annotations of others.")


@benchmark_app.callback()
def benchmark() -> None:
    """Compare with annotations of others."""


@benchmark_app.command("smart")
def smart(
    region: Annotated[str, typer.Argument(help="The region, such as BH_R001.")],
    truth: Annotated[Path, typer.Option("--truth", help="Folder with the annotations of pubgeo/IARPA-SMART.")],
    source: SourceOption = None,
    catalog: CatalogOption = None,
    tile_km: Annotated[float, typer.Option("--tile-km", help="Side of the squares in which it is watched.")] = 5.0,
    no_watch: Annotated[bool, typer.Option("--no-watch", help="Score what is on record; fetch nothing.")] = False,
    outputs: OutputsOption = None,
) -> None:
    """Watch a region of the IARPA SMART annotations, and print the programme's figures for what was found."""
    from flows.cli.watch import run_watch

    model, sites = read_region(truth, region)
    folder = outputs or load_settings().outputs / "benchmark" / region
    listed = folder / "areas.geojson"
    if not no_watch:
        write_areas(listed, tiles_of(model, side_km=tile_km))
        settings = settings_of(listed, source, catalog, folder)
        today = datetime.now(UTC).date()
        try:
            run_watch(settings, RunRequest(model.start, min(model.end, today), today), (), from_archive=False)
        except typer.Exit:
            _say("Some squares failed. The figures below count what was missed there as missed.")
    with existing_ledger(load_settings(outputs=folder)) as ledger:
        proposals = proposals_in(ledger, model)
        seen_share = seen_share_in(ledger, region)
    score = score_region(model, sites, proposals, seen_share=seen_share)
    _show(model, score)
    write_site_models(folder / "smart", model, proposals)
    _write_sites(folder / "smart" / "sites.csv", score)
    _say(f"Site by site, and what was proposed: {folder / 'smart'}")


def _show(region: RegionModel, score: RegionScore) -> None:
    span = f"{_day(region.start)} to {_day(region.end)}"
    _say(
        f"{score.region_id}: {score.km2:,.0f} km², {span}; {score.proposals} proposals, {score.ignored} sites left out."
    )
    figures = Table("figure", "here", "published baseline")
    figures.add_row("F1 (broad-area search)", f"{score.f1:.2f}", f"{BASELINE['F1']:.2f} (mean over regions)")
    figures.add_row("TPR", f"{score.tpr:.2f}", f"{BASELINE['TPR']:.2f} (mean over regions)")
    figures.add_row("precision", f"{score.precision:.2f}", "")
    figures.add_row("FAR, false alarms a km²", f"{score.far:.3f}", "")
    counts = f"{score.true_positives} found, {score.missed} missed, {score.false_alarms} false"
    figures.add_row("sites", counts, "")
    figures.add_row("begin of works", median_days(score.start_errors), "")
    figures.add_row("end of works", median_days(score.end_errors), "")
    console.print(figures)
    _show_classes("true sites by size", score.by_size)
    _show_classes("true sites by how well the ground was seen", score.by_seen)


def _show_classes(title: str, classes: tuple[ClassScore, ...]) -> None:
    if classes:
        table = Table(title, "sites", "found", "TPR (95 % interval)")
        for one in classes:
            share = f"{one.share.value:.2f} ({one.share.low:.2f} to {one.share.high:.2f})"
            table.add_row(one.name, str(one.sites), str(one.found), share)
        console.print(table)


def _write_sites(path: Path, score: RegionScore) -> None:
    private_folder(path.parent)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ("site_id", "area_m2", "start", "end", "found_by", "start_error_days", "end_error_days", "seen")
        )
        for one in score.sites:
            seen = "" if one.seen is None else round(one.seen, 3)
            row = (one.site_id, round(one.area_m2), one.start, one.end, " ".join(one.found_by))
            writer.writerow((*row, one.start_error, one.end_error, seen))


def _day(day: date) -> str:
    return day.isoformat()


def _say(line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
