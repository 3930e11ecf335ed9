"""The command `sitewatch export formats`: the record in the formats that people open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from flows.cli.options import OnlyOption, OutputsOption, console, existing_ledger, record_settings
from flows.config.settings import SettingsError


def formats(
    folder: Annotated[Path, typer.Argument(help="Where the files go: a folder that only you can read.")],
    area: OnlyOption = None,
    lang: Annotated[str, typer.Option("--lang", help="The language of names and balloons.")] = "en",
    outputs: OutputsOption = None,
) -> None:
    """Write KMZ, GeoPackage, GeoParquet, a QGIS project and hectares by month; all but the table hold positions."""
    from flows.files import private_folder
    from flows.jobs.services import Services
    from flows.publication.formats.balloon_pictures import balloon_pictures
    from flows.publication.formats.format_files import FORMAT_NAMES, format_files
    from flows.publication.formats.recorded_subjects import recorded_subjects
    from flows.publication.pack_subject import PackStores, Sharing
    from flows.reports.data.recorded_weeks import source_on_record
    from flows.reports.files import replace_file
    from flows.reports.inputs import Edition
    from flows.reports.layers import WITHOUT_GEOPARQUET, has_geoparquet
    from flows.reports.words import words_for

    language, settings = words_for(lang).lang, record_settings(outputs)
    with existing_ledger(settings) as ledger, Progress(console=Console(stderr=True), transient=True) as shown:
        subjects = recorded_subjects(ledger, area or ())
        source = source_on_record(next(iter(ledger.runs()), None), ledger, [one.area.id for one in subjects])
        stores = PackStores(settings.outputs, ledger, Services(settings, ledger).archive, source)
        task = shown.add_task("pictures", total=len(subjects))
        pictures = balloon_pictures(
            subjects, stores, progress=lambda what, done, _: shown.update(task, description=what, completed=done)
        )
        files = list(format_files(subjects, stores, sharing=Sharing.RESTRICTED, language=language, pictures=pictures))
    try:
        private_folder(folder)
        for name in set(FORMAT_NAMES) - {one.path for one in files}:
            (folder / name).unlink(missing_ok=True)  # one of an earlier export would hold others
        for one in files:
            replace_file(folder / one.path, one.content, edition=Edition.OWNER)
    except OSError as error:
        raise SettingsError(f"`{folder}` cannot be written: {error.strerror}; name another folder") from None
    if not has_geoparquet():
        console.print(WITHOUT_GEOPARQUET, highlight=False, markup=False, soft_wrap=True)
    console.print(f"{', '.join(one.path for one in files)}: {folder}", highlight=False, markup=False, soft_wrap=True)
    console.print(
        "They hold positions: give them only to people who may see where places lie.", highlight=False, soft_wrap=True
    )
