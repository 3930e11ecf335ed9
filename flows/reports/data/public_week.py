"""The public edition of a week: what is shown of the owner's, and all restricted places together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from aois.area import Area, Sensitivity
from aois.week import Week
from flows.ledger.ledger import Ledger
from flows.records.observations import ObservationRecord
from flows.reports.data.weekly_counts import counts_of
from flows.reports.edition import public_inputs
from flows.reports.facts import facts_of
from flows.reports.inputs import ReportInputs, WeekSeen
from flows.reports.restricted_totals import Member, RestrictedTotals, quarter_end, restricted_totals_of

OWNER_FOLDER, PUBLIC_FOLDER = "reports", "public"


def public_week(
    inputs: ReportInputs, *, ledger: Ledger, observations: Sequence[ObservationRecord], released: Collection[str]
) -> ReportInputs:
    """Make what the public edition is built from.

    Parameters
    ----------
    inputs
        The owner's week.
    ledger
        The record, for restricted places as they stood at the end of the last quarter.
    observations
        Those of every area, up to the week.
    released
        Ids of restricted areas whose pictures the owner released for this week.
    """
    areas = [view.area for view in inputs.areas]
    shown = {area.id for area in areas if area.sensitivity is Sensitivity.PUBLIC or area.id in released}
    hidden = [area for area in areas if area.id not in shown]
    return public_inputs(
        inputs,
        shown=shown,
        counts=counts_of(inputs.week, ledger=ledger, area_ids=shown, observations=observations) if shown else (),
        crowd=_crowd(hidden, inputs.week, ledger, observations),
    )


def _crowd(
    areas: Sequence[Area], week: Week, ledger: Ledger, observations: Sequence[ObservationRecord]
) -> RestrictedTotals:
    until = quarter_end(week)
    members = [
        Member(
            area,
            facts=tuple(facts_of(feature) for feature in ledger.events(area.id, as_of=until)),
            weeks=tuple(
                WeekSeen(o.week, o.seen_share, len(o.scenes), o.last_clear_look)
                for o in observations
                if o.area_id == area.id and o.week <= until
            ),
        )
        for area in areas
    ]
    return restricted_totals_of(members, until)
