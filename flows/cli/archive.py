"""`sitewatch archive`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

from flows.cli.options import AreasOption, SourceOption, existing_ledger, over_record, settings_of
from flows.config.settings import SettingsError
from flows.pipeline.record_world import check_world

archive_app = typer.Typer(no_args_is_help=True, help="The archive of scenes.")


@archive_app.callback()
def archive() -> None:
    """Keep this a group of commands."""


@archive_app.command("prune")
def prune(
    older_than: Annotated[
        Optional[int], typer.Option("--older-than", min=1, help="Only scenes that are older than this number of days.")  # noqa: UP045
    ] = None,
    max_gb: Annotated[
        Optional[float], typer.Option("--max-gb", min=0, help="The largest size of the archive, in GB.")  # noqa: UP045
    ] = None,
    is_real: Annotated[
        bool, typer.Option("--delete", help="Delete the scenes; without it nothing is deleted.")
    ] = False,
    areas: AreasOption = None,
    source: SourceOption = None,
    outputs: Annotated[
        Optional[Path], typer.Option("--outputs", help="The folder of the outputs, which holds the archive.")  # noqa: UP045
    ] = None,
) -> None:
    """List scenes that no watch and no alert needs; with --delete, delete them."""
    from flows.jobs.services import Services
    from flows.pipeline.archive_limits import delete_files, find_prunable, limits_of
    from flows.pipeline.request import areas_of

    settings = over_record(settings_of(areas, source, None, outputs))
    given = {"archive_max_days": older_than, "archive_max_gb": max_gb}
    settings = settings.model_copy(update={name: value for name, value in given.items() if value is not None})
    today = datetime.now(UTC).date()
    before, most_bytes = limits_of(settings.archive_max_days, settings.archive_max_gb, today=today)
    if before is None and most_bytes is None:
        raise SettingsError(
            "no limit says what may be deleted; give --older-than DAYS, --max-gb SIZE, or both, or set "
            "SITEWATCH_ARCHIVE_MAX_DAYS or SITEWATCH_ARCHIVE_MAX_GB"
        )
    _, known = areas_of(settings)
    check_world(settings)  # else the scenes of the other would be nobody's
    with existing_ledger(settings) as ledger:
        stores = Services(settings, ledger).stores(known)
        found = find_prunable(stores, known, before=before, most_bytes=most_bytes)
    console = Console(width=150, soft_wrap=True, highlight=False, markup=False)
    for folder in sorted({file.folder for file in found.files}):
        console.print(f"{folder}: {sum(file.folder == folder for file in found.files)} files")
    if is_real:
        delete_files(stores.archive, found.files)
    words = "deleted" if is_real else "to delete; nothing was, add --delete"
    console.print(f"{len(found.files)} files, {found.freed_bytes / 1e6:.2f} of {found.all_bytes / 1e6:.2f} MB, {words}")
    if most_bytes is not None and found.all_bytes - found.freed_bytes > most_bytes:
        console.print("the limit is still exceeded: what is left is of a watched area or is evidence for an alert")


@archive_app.command("adopt")
def adopt(
    area: Annotated[str, typer.Argument(help="The area of the scenes.")],
    scene: Annotated[Optional[list[str]], typer.Option("--scene", help="The id of a scene; may be repeated.")] = None,  # noqa: UP045
    version: Annotated[
        Optional[str], typer.Option("--version", help="The first characters of the version's SHA-256.")  # noqa: UP045
    ] = None,
    by: Annotated[Optional[str], typer.Option("--by", help="Who decides this; without it nothing is changed.")] = None,  # noqa: UP045
    why: Annotated[str, typer.Option("--why", help="The reason, for the record.")] = "",
    areas: AreasOption = None,
    source: SourceOption = None,
    outputs: Annotated[
        Optional[Path], typer.Option("--outputs", help="The folder of the outputs, which holds the archive.")  # noqa: UP045
    ] = None,
) -> None:
    """List other versions of scenes; try those of --scene; with --by, use them and replay their weeks."""
    from flows.cli.watch import run_watch
    from flows.jobs.services import Services
    from flows.pipeline.period import RunRequest
    from flows.pipeline.request import areas_of, as_recorded
    from flows.pipeline.scene_versions import adopt as take
    from flows.pipeline.scene_versions import adoption_of, choose, offers, try_out

    console = Console(width=150, soft_wrap=True, highlight=False, markup=False)
    settings, now = over_record(settings_of(areas, source, None, outputs)), datetime.now(UTC)
    with existing_ledger(settings) as ledger:
        settings, last = as_recorded(settings, area, ledger), ledger.last_observed(area)
        if last is None:
            raise SettingsError(f"area `{area}` has no week on record; run `sitewatch watch` first")
        (watched,), known = areas_of(settings, (area,))
        stores = Services(settings, ledger).stores(known)
        found = offers(stores.archive, stores.source_name, watched)
        if not scene:
            for offer in found:
                console.print(f"{offer.in_use.scene_id}: {offer.words}")
            console.print(f"{area}: {len(found)} versions that are not in use")
            return
        chosen = [choose(found, watched, scene_id=one, version=version) for one in dict.fromkeys(scene)]
        choices = [(offer, adoption_of(offer, by=by or "nobody", why=why, at=now)) for offer in chosen]
        for offer in chosen:
            console.print(f"{offer.in_use.scene_id}: {offer.words}")
        if by is None:
            trial = try_out(stores, watched, choices, today=now.date(), progress=lambda *_: None)
            for line in trial.lines:
                console.print(line)
            console.print("nothing was changed; add --by NAME to adopt it")
            return
        check_world(settings)
        take(stores.archive, stores.source_name, watched, choices)
    console.print(f"adopted by {by}; the weeks from the first of these scenes on are worked through again")
    run_watch(settings, RunRequest(None, min(last.last_day, now.date()), now.date()), (area,), from_archive=True)
