"""What the page of a year is made from, and what may leave the house of it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import date

from aois.area import Area
from aois.week import Week
from flows.records.claims import CheckedClaim
from flows.records.events import Alert, EventRecord
from flows.reports.edition import EventNames, public_event, public_names, renamed, shown_claim
from flows.reports.inputs import SIMULATED, AreaTotals, Edition, WeekSeen
from flows.reports.missed import MissedFigures
from flows.reports.restricted_totals import RestrictedTotals


@dataclass(frozen=True)
class YearAlert:
    """An alert that went out in the year, as it is at the year's end, and the last verdict on it (empty: none).

    `reference` is what messages call it; it is empty in the public edition.
    """

    alert: Alert
    verdict: str = ""
    reference: str = ""


@dataclass(frozen=True)
class AreaYear:
    """One area: its totals before the year and at each month's end, its weeks on record, and its alerts."""

    area: Area
    totals: tuple[AreaTotals, ...]
    weeks: tuple[WeekSeen, ...]
    alerts: tuple[YearAlert, ...]

    @property
    def label(self) -> str:
        """Its name, or its id when it has none."""
        return self.area.name.strip() or self.area.id


@dataclass(frozen=True)
class DetectorSpan:
    """A version of the detectors, and the first and the last day on which a run of the year used it."""

    version: str
    first: date
    last: date


@dataclass(frozen=True)
class YearInputs:
    """A year up to the end of a week.

    `crowd` is there in the public edition alone: what is said of all places that are not among its `areas`. `missed`
    is the owner's alone. `versions` is empty where no run says which version it used.
    """

    year: int
    until: Week
    source: str
    areas: tuple[AreaYear, ...]
    claims: tuple[CheckedClaim, ...] = ()
    missed: MissedFigures | None = None
    versions: tuple[DetectorSpan, ...] = ()
    edition: Edition = Edition.OWNER
    crowd: RestrictedTotals | None = None

    @property
    def is_simulated(self) -> bool:
        """Whether the places, the pictures and the events are made up."""
        return self.source == SIMULATED


def public_year(
    inputs: YearInputs,
    *,
    shown: Container[str],
    crowd: RestrictedTotals,
    recorded: Sequence[EventRecord] = (),
) -> YearInputs:
    """Make what the public edition is built from: it does not hold what that edition must not show.

    The areas `shown` are there without verdicts and references, and their alerts as in the public edition of a week,
    with the numbers that they have among all events `recorded`; of all others there is `crowd` alone.
    """
    held = [one for one in inputs.areas if one.area.id in shown]
    names = public_names((*recorded, *(one.alert for area in held for one in area.alerts)))
    return replace(
        inputs,
        areas=tuple(
            replace(one, alerts=tuple(YearAlert(_public_alert(alert.alert, names)) for alert in one.alerts))
            for one in held
        ),
        claims=tuple(shown_claim(one) for one in inputs.claims if one.claim.area_id in shown),
        missed=None,
        edition=Edition.PUBLIC,
        crowd=crowd,
    )


def _public_alert(alert: Alert, names: EventNames) -> Alert:
    return renamed(Alert(**vars(public_event(alert))), names)
