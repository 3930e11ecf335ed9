"""What a call asks for, checked before anything is fetched: a wrong call does nothing and says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aois.area import Area
from aois.demonstration import DEMONSTRATION_IDS, demonstration
from aois.reading import read_areas
from flows.config.private_outputs import mend_modes
from flows.config.settings import Settings, SettingsError, SourceName, load_settings
from flows.files import private_folder
from flows.imagery.catalog_presets import PRESETS, chosen_catalog
from flows.imagery.catalog_rules import rules_for
from flows.imagery.network.url import is_url
from flows.ledger.ledger import Ledger
from flows.pipeline.period import RunRequest

RESTRICTED = ("alerts", "archive", "areas")  # these hold coordinates: for their owner's eyes only


def areas_of(settings: Settings, only: Sequence[str] = ()) -> tuple[tuple[Area, ...], tuple[Area, ...]]:
    """Read the areas to watch and the whole list they come from; raises `SettingsError` for an unknown id.

    The demonstration lies at sea, so no satellite is asked for it.
    """
    known = demonstration() if settings.areas is None else read_areas(settings.areas)
    fictional = sorted({a.id for a in known} & set(DEMONSTRATION_IDS))
    if fictional and settings.source is not SourceName.SIMULATED:
        raise SettingsError(
            f"area `{fictional[0]}` belongs to the fictional demonstration, which source `{settings.source}` has never "
            "seen; give your own list with --areas FILE, or use --source simulated"
        )
    if settings.areas is not None and "source" not in settings.model_fields_set:
        raise SettingsError(
            f"list `{settings.areas}` is not the demonstration's, and no source of imagery is named; add --source stac "
            "for real pictures, or --source simulated for made-up ones"
        )
    unknown = sorted(set(only) - {a.id for a in known})
    if unknown:
        raise SettingsError(f"area `{unknown[0]}` is not in the list; it holds {', '.join(a.id for a in known)}")
    return tuple(a for a in known if not only or a.id in only), known


def as_recorded(settings: Settings, area_id: str, ledger: Ledger) -> Settings:
    """Complete the settings by those of the last run that watched an area.

    Its list, source and catalog count where none is given.
    """
    for run in ledger.runs():
        if area_id in run.summary.get("areas", ()):
            given = settings.model_fields_set
            names = [name for name in ("areas", "source", "catalog") if name not in given and run.settings.get(name)]
            return load_settings(**settings.model_dump(include=given), **{n: run.settings[n] for n in names})
    return settings


def rerun_call(settings: Settings, area_id: str, asked: RunRequest, ledger: Ledger) -> tuple[Settings, RunRequest]:
    """Make the call to replay one area as it is on record.

    With list, source and catalog of the last run, up to its last week.

    Raises `SettingsError` for an area that is not in the list or has no week on record.
    """
    last = ledger.last_observed(area_id)
    settings = as_recorded(settings, area_id, ledger)
    areas_of(settings, (area_id,))
    if last is None:
        raise SettingsError(f"area `{area_id}` has no week on record; run `sitewatch watch` first")
    end = min(last.last_day, asked.today)  # not the latest week: what the archive was never given is not unseen
    return settings, replace(asked, until=asked.until or end)


def check_record(settings: Settings, areas: Sequence[Area], ledger: Ledger) -> None:
    """Refuse to work over what one source has on record with the pictures of another.

    Both are of the same world: `check_world` tells worlds apart. Raises `SettingsError`.
    """
    for area in areas:
        sources = sorted({scene.source for scene in ledger.scenes(area.id)})
        if sources and settings.source.value not in sources:
            raise SettingsError(
                f"area `{area.id}` is on record from source `{sources[0]}`, and the call asks for `{settings.source}`; "
                f"add --source {sources[0]}, or name other outputs with --outputs"
            )


def check_catalog(settings: Settings) -> None:
    """Refuse a catalog that is neither a preset, an address nor a file; raises `SettingsError`."""
    location = chosen_catalog(settings.catalog_address or None).location
    if settings.source is SourceName.STAC and not is_url(location) and not Path(location).is_file():
        raise SettingsError(
            f"catalog `{location}` is not a file; name its catalog.json, an address, or one of "
            f"{', '.join(preset.name for preset in PRESETS)}"
        )
    rules_for(location, settings.catalog_hosts)  # a host that is none says so


def check_outputs(outputs: Path) -> None:
    """Make the folder of the outputs, for its owner alone; raises `SettingsError` where it cannot be written."""
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        mend_modes(outputs)  # before folders are closed below: what lies in a closed one is not looked at
        for name in RESTRICTED:
            private_folder(outputs / name)
        probe = outputs / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"outputs `{outputs}` cannot be written: {error.strerror}; name another folder with --outputs"
        ) from None
