"""What of a week was told to nobody, since somebody muted the messages of a place."""

from __future__ import annotations

from collections.abc import Container
from datetime import timedelta

from aois.week import Week
from flows.ledger.ledger import Ledger
from flows.records.ids import AlertId
from flows.records.incidents import MuteRecord
from flows.reports.inputs import MutedFigures


def muted_figures(ledger: Ledger, week: Week, *, area_ids: Container[str]) -> MutedFigures | None:
    """Count the places whose messages were muted on the day after a week, and the alerts of it that were not sent.

    Parameters
    ----------
    ledger
        The record.
    week
        The week.
    area_ids
        Ids of the areas that count.

    Returns
    -------
    MutedFigures or None
        None where neither is any.
    """
    last: dict[AlertId, MuteRecord] = {}
    day = week.last_day + timedelta(days=1)
    for one in ledger.mutes.all():
        if one.at.date() <= day:
            last[one.alert_id] = one
    if not last:
        return None
    areas = {alert.alert_id: alert.area_id for alert in ledger.alerts() if alert.area_id in area_ids}
    under = {areas[name] for name, one in last.items() if one.until and day <= one.until and name in areas}
    unsent = sum(one.is_first and one.week == week and one.alert_id in areas for one in ledger.mutes.messages())
    return MutedFigures(len(under), unsent) if under or unsent else None
