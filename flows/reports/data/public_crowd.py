"""What a quarter's public pages say of restricted places: settled by the first of them, and the same in all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from aois.area import Area
from aois.week import Week
from flows.files import atomic_write, private_folder
from flows.ledger.ledger import Ledger
from flows.printable import printable
from flows.records.observations import ObservationRecord
from flows.reports.inputs import WeekSeen
from flows.reports.restricted_totals import Member, RestrictedTotals, fewest_of, quarter_end, restricted_totals_of
from flows.telemetry.logs import log

FOLDER = "public-crowd"
KEPT = TypeAdapter(RestrictedTotals)


def settled_crowd(
    areas: Sequence[Area], week: Week, *, ledger: Ledger, observations: Sequence[ObservationRecord], outputs: Path
) -> RestrictedTotals:
    """Tell what the restricted places come to, as the first public page of the quarter told it.

    A place that is put on the list, released or taken off in mid-quarter so changes no figure: the difference would be
    that place's. The first page puts its figures into ``public-crowd/<quarter>.json``, for the owner alone; one that is
    damaged, or of a release that told more than this one does, tells nothing, with a word in the log.
    """
    until = quarter_end(week)
    path = outputs / FOLDER / f"{until.last_day.year}-Q{(until.last_day.month - 1) // 3 + 1}.json"
    if path.exists():
        return _read(path)
    crowd = restricted_totals_of(_members(areas, until, ledger, observations), until)
    if areas:
        private_folder(path.parent)
        atomic_write(path, KEPT.dump_json(crowd, indent=1) + b"\n")
    return crowd


def _read(path: Path) -> RestrictedTotals:
    try:
        content = path.read_bytes()
        kept = KEPT.validate_json(content)
    except (OSError, ValidationError) as error:
        log.error(
            "the public edition says nothing of restricted places: `%s` cannot be read (%s); put it back, or delete it "
            "once no page of its quarter is to be built again",
            printable(path),
            type(error).__name__,
        )
        return RestrictedTotals(0)
    limit = fewest_of(kept.watched)
    # Files of earlier releases do not say how many places are behind a figure; it was five.
    if "fewest" in from_json(content) and kept.fewest >= limit:
        return kept
    if kept.until is not None:
        log.warning(
            "the public edition gives no figures of restricted places for this quarter: those in `%s` have fewer "
            "places behind them than this release asks for",
            printable(path),
        )
    return RestrictedTotals(kept.watched, fewest=limit)


def _members(
    areas: Sequence[Area], until: Week, ledger: Ledger, observations: Sequence[ObservationRecord]
) -> list[Member]:
    """The places as they stood on record at the end of a week."""
    weeks: dict[str, list[WeekSeen]] = defaultdict(list)
    for one in observations:
        if one.week <= until:
            weeks[one.area_id].append(WeekSeen(one.week, one.seen_share, len(one.scenes), one.last_clear_look))
    return [
        Member(
            area,
            facts=tuple(ledger.events(area.id, as_of=until)),
            weeks=tuple(weeks[area.id]),
        )
        for area in areas
    ]
