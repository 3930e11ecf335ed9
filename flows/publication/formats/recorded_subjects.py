"""The places on record with all that was found at them, as the subjects of files."""

from __future__ import annotations

from collections.abc import Collection

from detectors.records import State
from flows.config.settings import SettingsError
from flows.ledger.ledger import Ledger
from flows.publication.pack_subject import PackSubject


def recorded_subjects(ledger: Ledger, area_ids: Collection[str] = ()) -> list[PackSubject]:
    """List the areas with weeks on record, or those that are named, from their first week to their last.

    Events that were found to be wrong are left out. Raises `SettingsError` for a name that has no week on record.
    """
    areas, alerts = {area.id: area for area in ledger.areas()}, {one.event_id: one for one in ledger.alerts()}
    weeks = {area_id: [one.week for one in ledger.observations(area_id=area_id)] for area_id in area_ids or areas}
    missing = sorted(area_id for area_id in area_ids if not weeks[area_id] or area_id not in areas)
    if missing:
        known = ", ".join(sorted(areas)) or "none"
        raise SettingsError(f"area `{missing[0]}` has no week on record; areas on record: {known}")
    subjects = [
        PackSubject(
            areas[area_id],
            tuple(
                alerts.get(event.event_id, event)
                for event in ledger.events(area_id)
                if event.state is not State.RETRACTED
            ),
            seen[0].first_day,
            seen[-1].last_day,
        )
        for area_id, seen in sorted(weeks.items())
        if seen
    ]
    if not subjects:
        raise SettingsError("no week is on record yet; run `sitewatch watch` first")
    return subjects
