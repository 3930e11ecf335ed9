"""Which week of the record a report is asked for, and which source its imagery is from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aois.area import Area
from aois.week import Week, parse_week
from flows.config.settings import SettingsError
from flows.ledger.ledger import Ledger
from flows.ledger.worlds import SIMULATED_SOURCE, World, world_of
from flows.records.runs import RunRecord

UNKNOWN = "unknown"


def week_on_record(week: str | None, ledger: Ledger, outputs: Path) -> Week:
    """The week asked for, or the last on record; raises `SettingsError` for one that is not on record."""
    weeks = sorted({o.week for o in ledger.observations()})
    if not weeks:
        raise SettingsError(f"nothing is on record in `{outputs}`; run `sitewatch watch` first")
    chosen = parse_week(week) if week else weeks[-1]
    if chosen not in weeks:
        raise SettingsError(f"week `{chosen}` is not on record; it holds {weeks[0]} to {weeks[-1]}")
    return chosen


def source_on_record(run: RunRecord | None, ledger: Ledger, area_ids: Iterable[str]) -> str:
    """Return the name of the imagery source of a run.

    A run that does not say it has the source of the latest scene on record of these areas. Where there is no scene
    either, a simulated record still says that it is simulated, so that nobody takes its report for one of real ground.
    """
    if run is not None and run.settings.get("source"):
        return str(run.settings["source"])
    if scenes := [scene for area_id in area_ids for scene in ledger.scenes(area_id)]:
        return max(scenes, key=lambda scene: scene.acquired).source
    return SIMULATED_SOURCE if ledger.world is World.SIMULATED else UNKNOWN


def is_of_world(area: Area, world: World, ledger: Ledger) -> bool:
    """Tell whether what is on record of an area is of a world: by its scenes where the record holds both."""
    if ledger.world is not World.MIXED:
        return True
    is_simulated = any(world_of(scene.source) is World.SIMULATED for scene in ledger.scenes(area.id))
    return is_simulated == (world is World.SIMULATED)


def source_of(ledger: Ledger, area_id: str) -> str:
    """The source of the last run that watched an area."""
    runs = ledger.runs()
    run = next((run for run in runs if area_id in run.summary.get("areas", ())), runs[0] if runs else None)
    return source_on_record(run, ledger, [area_id])
