"""`sitewatch detectability`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from flows.cli.options import AreasOption, OutputsOption, SourceOption, existing_ledger, over_record, settings_of
from flows.config.settings import SettingsError


def detectability(
    area: Annotated[str, typer.Argument(help="The area whose archived scenes are used.")],
    thorough: Annotated[bool, typer.Option("--thorough", help="Four times the trials, over two half years.")] = False,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds of probes for each set of sensors.")] = 8,
    areas: AreasOption = None,
    source: SourceOption = None,
    outputs: OutputsOption = None,
) -> None:
    """Say how small a change would have been seen in an area, and how late, from its archived scenes."""
    # numpy, scipy and the readers take a second to load: only where they are needed
    from aois.grid import grid_of
    from flows.pipeline.detectability_probes import ArchiveSelection, detectability_of, folder_of, lines_of
    from flows.pipeline.request import areas_of, as_recorded
    from flows.pipeline.sources import open_archive
    from flows.reports.detectability_curve import to_csv, to_json, to_svg

    settings = over_record(settings_of(areas, source, None, outputs))
    with existing_ledger(settings) as ledger:
        settings = as_recorded(settings, area, ledger)
    (chosen,), known = areas_of(settings, (area,))
    open_archive(settings).list(area, settings.source.value, grid_of(chosen))  # an object store behind it is asked once
    series = ArchiveSelection(settings.outputs / "archive", chosen, settings.source.value, known, settings.history_days)
    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(f"probes in {area}", total=None)
        found = detectability_of(
            series,
            rounds=rounds,
            thorough=thorough,
            workers=settings.workers,
            progress=lambda done, total: shown.update(task, completed=done, total=total),
        )
    folder = folder_of(settings.outputs, area)
    contents = {"json": to_json(found), "csv": to_csv(found), "svg": to_svg(found)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for ending, content in contents.items():
            (folder / f"detectability.{ending}").write_text(content, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"`{folder}` cannot be written: {error.strerror}; name other --outputs") from None
    console = Console(width=150, soft_wrap=True, highlight=False, markup=False)
    console.print(
        f"{area}: the smallest change seen with a chance of {found.goal:.0%} within {found.within_days} days, "
        f"{found.first} to {found.last}, {found.rounds} rounds{', simulated' if found.simulated else ''}"
    )
    for line in lines_of(found):
        console.print(line)
    console.print(f"Chart: {folder / 'detectability.svg'}")
