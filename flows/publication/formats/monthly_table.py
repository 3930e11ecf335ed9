"""Hectares by month, site and class as a table: it holds no position, and in a public pack no week either."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from aois.week import Week, week_of
from flows.ledger.ledger import Ledger
from flows.publication.media.subject_totals import counted_ids
from flows.publication.pack_subject import PackStores, PackSubject, Sharing
from flows.records.observations import ObservationRecord
from flows.reports.data.monthly_totals import area_totals_of, month_ends
from flows.reports.drawings import two_figures
from flows.reports.exports import Row, csv_of
from flows.reports.growth import gain_of
from flows.reports.inputs import SIMULATED, AreaTotals, Extent
from flows.reports.week_summary import ENOUGH_SHARE

COLUMNS = (
    "month", "area_id", "area_name", "class", "unit", "added", "added_low", "added_high", "total", "total_low",
    "total_high", "month_is_complete", "simulated",
)  # fmt: skip
FIGURES = ("added", "added_low", "added_high", "total", "total_low", "total_high")
SIGHT = ("weeks", "weeks_seen")
"""Left out of public packs: which weeks clouds hid tells where a place lies."""
M2_A_HECTARE = 10_000
DECIMALS = 2  # a hundredth of a hectare is one pixel


def monthly_table(subjects: Iterable[PackSubject], stores: PackStores, *, sharing: Sharing) -> bytes:
    """Write what was measured by the end of each month at each site, from confirmed and finished events alone.

    `added` is what the month added to the total since the watch began. The interval adds up the ends of those of the
    events. Fences are told in metres, which have no interval. A month is told by the last week that ended in it.
    Figures of a public pack have two digits that count, as on the desk's pages for those who are shown no picture.
    """
    is_public = sharing is Sharing.PUBLIC
    columns = COLUMNS if is_public else (*COLUMNS, *SIGHT)
    world = {"simulated": stores.source_name == SIMULATED}
    rows = (row | world for subject in subjects for row in _rows(subject, stores.ledger))
    return csv_of(columns, map(_rounded, rows) if is_public else rows)


def _rounded(row: Row) -> Row:
    """The same row with figures of two digits that count."""
    figures = {name: value for name, value in row.items() if name in FIGURES and isinstance(value, int | float)}
    return row | {name: two_figures(value) + 0.0 for name, value in figures.items()}


def _rows(subject: PackSubject, ledger: Ledger) -> Iterator[Row]:
    seen = ledger.observations(area_id=subject.area.id)
    first_of_month = week_of(subject.first.replace(day=1))
    told = [one for one in seen if first_of_month <= one.week <= week_of(subject.until)]
    if not told:
        return
    ends = month_ends(told[0].week, told[-1].week)
    ids = counted_ids(subject, ledger) if subject.events else frozenset()
    standings = [_standing(subject, week, ledger, ids) for week in (told[0].week.plus(-1), *ends)]
    for week, (before, after) in zip(ends, pairwise(standings), strict=True):
        head: Row = {
            "month": f"{week.last_day:%Y-%m}",
            "area_id": subject.area.id,
            "area_name": subject.area.name,
            "month_is_complete": week.plus(1).last_day.month != week.last_day.month,
            **_sight(week, told),
        }
        yield from (head | row for row in _classes(before, after))


def _standing(subject: PackSubject, week: Week, ledger: Ledger, ids: Collection[str]) -> AreaTotals:
    known = ledger.events(subject.area.id, as_of=week) if ids else []
    return area_totals_of(week.last_day, (event for event in known if event.event_id in ids))


def _sight(week: Week, told: Sequence[ObservationRecord]) -> Row:
    """How many weeks ended in the month, and in how many of them enough of the ground was seen."""
    month = (week.last_day.year, week.last_day.month)
    within = [one for one in told if (one.week.last_day.year, one.week.last_day.month) == month]
    return {"weeks": len(within), "weeks_seen": sum(one.seen_share >= ENOUGH_SHARE for one in within)}


def _classes(before: AreaTotals, after: AreaTotals) -> Iterator[Row]:
    for name in ("built", "cleared", "demolished"):
        first, last = getattr(before, name), getattr(after, name)
        cells = _hectares("added", gain_of(first, last)) | _hectares("total", last)
        yield {"class": name, "unit": "ha"} | cells
    added = after.line_m - before.line_m
    yield {"class": "fences", "unit": "m", "added": round(added), "total": round(after.line_m)}


def _hectares(name: str, extent: Extent) -> Row:
    ends = {name: extent.value, f"{name}_low": extent.low, f"{name}_high": extent.high}
    return {key: round(value / M2_A_HECTARE, DECIMALS) + 0.0 for key, value in ends.items()}
