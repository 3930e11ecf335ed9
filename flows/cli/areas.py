"""The commands `sitewatch areas check`, `import`, `split` and `list`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Optional

import typer

from aois.area import Area, AreaError, AreaKind, Sensitivity
from aois.list_limits import LIMITS
from aois.reading import check_features, read_areas, refuse_if_any, to_feature_collection
from flows.cli.options import AreasOption, console
from flows.config.settings import SettingsError, load_settings
from flows.files import atomic_write
from flows.printable import printable

areas_app = typer.Typer(no_args_is_help=True, help="The watch list.")


@areas_app.command("check")
def areas_check(file: Path) -> None:
    """Check a watch list; every problem is listed with its correction."""
    areas = read_areas(file)
    sites = sum(a.kind is AreaKind.SITE for a in areas)
    console.print(
        f"{printable(file)}: {sites} sites and {len(areas) - sites} regions, nothing to mend.", highlight=False
    )


@areas_app.command("import")
def areas_import(
    file: Path,
    to: Annotated[Optional[Path], typer.Option("--to", help="The file to write; beside the list if left out.")] = None,  # noqa: UP045
    kind: Annotated[AreaKind, typer.Option("--kind", help="Whether the entries are sites or regions.")] = AreaKind.SITE,
) -> None:
    """Turn a CSV, KML, GeoPackage or GeoJSON list into a watch list."""
    from aois.importing import import_areas

    areas, notes = import_areas(file, kind=kind)
    target = to or file.with_suffix(".sitewatch.geojson")
    _write_list(areas, target)
    for note in notes:
        console.print(note, highlight=False, markup=False)
    console.print(f"{len(areas)} areas written to {printable(target)}", highlight=False)


@areas_app.command("split")
def areas_split(
    file: Path,
    to: Annotated[Path, typer.Option("--to", help="The file to write.")],
    side_km: Annotated[float, typer.Option("--side-km", help="How wide and high a part may be, km, 2 to 100.")] = 20.0,
) -> None:
    """Cut the regions of a watch list into parts without gap or overlap; sites and small regions stay as they are."""
    from aois.splitting import split_region

    areas = read_areas(file, has_grids=False)
    parts = {area.id: split_region(area, side_m=1000.0 * side_km) for area in areas}
    found = tuple(part for one in parts.values() for part in one)
    if len(found) > LIMITS.areas:
        raise AreaError(f"{len(found)} parts are more than a list may hold, {LIMITS.areas}; choose a larger --side-km")
    for name, made in parts.items():
        if taken := {part.id for part in made if part.id != name} & parts.keys():
            raise AreaError(f"area `{name}` would be cut into `{min(taken)}`, an id of the list; rename one of them")
    refuse_if_any(check_features(to_feature_collection(found)["features"])[1], path=file)
    _write_list(found, to)
    for name, made in parts.items():
        if len(made) > 1:
            restricted = made[0].sensitivity is Sensitivity.RESTRICTED
            note = ", each a restricted place of its own in the totals of the public edition" if restricted else ""
            console.print(f"{name}: {len(made)} parts{note}", highlight=False, markup=False)
    console.print(f"{len(found)} areas written to {printable(to)}", highlight=False)


def _write_list(areas: Sequence[Area], target: Path) -> None:
    if target.exists():
        raise SettingsError(f"`{target}` exists and is not overwritten; name another with --to, or move it away")
    features = to_feature_collection(areas)["features"]
    lines = ",\n".join(json.dumps(feature, sort_keys=True) for feature in features)
    try:
        atomic_write(target, f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n')
    except OSError as error:
        raise SettingsError(f"`{target}` cannot be written: {error.strerror}; name another file with --to") from None


@areas_app.command("list")
def areas_list(areas: AreasOption = None) -> None:
    """List the areas of the watch list, without their coordinates."""
    from aois.demonstration import demonstration

    settings = load_settings(areas=areas)
    for area in demonstration() if settings.areas is None else read_areas(settings.areas):
        status = f" {area.status.value}" if area.status else ""
        console.print(f"{area.id}  {area.kind.value}{status}  {printable(area.name)}", highlight=False, markup=False)
