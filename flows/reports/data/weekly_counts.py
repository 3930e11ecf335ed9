"""The weeks in figures, for the report to set this one against those before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from aois.week import Week
from detectors.records import AlertKind, State
from flows.ledger.ledger import Ledger
from flows.records.events import Alert
from flows.records.ids import AlertId
from flows.records.observations import ObservationRecord
from flows.reports.inputs import WeekCounts
from flows.reports.week_summary import ENOUGH_SHARE

WEEKS_BEFORE = 4


def counts_of(
    week: Week, *, ledger: Ledger, area_ids: Collection[str], observations: Sequence[ObservationRecord]
) -> tuple[WeekCounts, ...]:
    """A week and up to four before it that are on record, oldest first, counted over the areas given."""
    recorded = {o.week for o in observations} | {week}
    weeks = [w for back in range(WEEKS_BEFORE, -1, -1) if (w := week.plus(-back)) in recorded]
    known = {w: _alerts(ledger, w, area_ids) for w in {*weeks, *(w.plus(-1) for w in weeks)}}
    return tuple(_count(w, known[w], known[w.plus(-1)], area_ids, observations) for w in weeks)


def _alerts(ledger: Ledger, week: Week, area_ids: Collection[str]) -> dict[AlertId, Alert]:
    return {alert.alert_id: alert for alert in ledger.alerts(as_of=week) if alert.area_id in area_ids}


def _count(
    week: Week,
    now: dict[AlertId, Alert],
    before: dict[AlertId, Alert],
    area_ids: Collection[str],
    observations: Sequence[ObservationRecord],
) -> WeekCounts:
    issued = Counter(a.kind for a in now.values() if a.issued_on == week.last_day)
    moved = Counter(a.state for key, a in now.items() if key not in before or before[key].state is not a.state)
    seen = [o for o in observations if o.week == week and o.area_id in area_ids and o.seen_share >= ENOUGH_SHARE]
    return WeekCounts(
        week=week,
        issued={kind: issued[kind] for kind in AlertKind},
        entered={state: moved[state] for state in State},
        watched=len(area_ids),
        seen=len(seen),
    )
