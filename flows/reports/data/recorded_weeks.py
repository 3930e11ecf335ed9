"""Which week of the record a report is asked for."""

from __future__ import annotations

from pathlib import Path

from aois.week import Week, parse_week
from flows.config.settings import SettingsError
from flows.ledger.ledger import Ledger


def week_on_record(week: str | None, ledger: Ledger, outputs: Path) -> Week:
    """The week asked for, or the last on record; raises `SettingsError` for one that is not on record."""
    weeks = sorted({o.week for o in ledger.observations()})
    if not weeks:
        raise SettingsError(f"nothing is on record in `{outputs}`; run `sitewatch watch` first")
    chosen = parse_week(week) if week else weeks[-1]
    if chosen not in weeks:
        raise SettingsError(f"week `{chosen}` is not on record; it holds {weeks[0]} to {weeks[-1]}")
    return chosen
