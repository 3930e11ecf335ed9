"""The public edition of a week: what is shown of the owner's, and all restricted places together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from flows.ledger.ledger import Ledger
from flows.records.observations import ObservationRecord
from flows.reports.data.public_crowd import settled_crowd
from flows.reports.data.weekly_counts import counts_of
from flows.reports.edition import may_be_shown, public_inputs
from flows.reports.inputs import ReportInputs

OWNER_FOLDER, PUBLIC_FOLDER = "reports", "public"


def public_week(
    inputs: ReportInputs,
    *,
    ledger: Ledger,
    observations: Sequence[ObservationRecord],
    released: Collection[str],
    outputs: Path,
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
    outputs
        Where what the quarter's pages say of restricted places is kept.
    """
    areas = [view.area for view in inputs.areas]
    shown = {area.id for area in areas if may_be_shown(area, released)}
    hidden = [area for area in areas if area.id not in shown]
    return public_inputs(
        inputs,
        shown=shown,
        counts=counts_of(inputs.week, ledger=ledger, area_ids=shown, observations=observations) if shown else (),
        crowd=settled_crowd(hidden, inputs.week, ledger=ledger, observations=observations, outputs=outputs),
        recorded=[event for area_id in shown for event in ledger.events(area_id, as_of=inputs.week)],
    )
