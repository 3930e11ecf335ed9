"""The table of a pack's events as CSV: with positions for those who may see them, without for everybody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flows.publication.pack_subject import PackFile, PackSubject
from flows.publication.told_subject import ToldSubject
from flows.records.event_json import ALERT_PROPERTIES, properties_of
from flows.reports.exports import csv_of

PUBLIC_COLUMNS = (
    "event", "place", "kind", "change", "state", "first_seen", "confirmed_on", "area_m2", "area_m2_low",
    "area_m2_high", "length_m", "confidence", "sensors", "simulated",
)  # fmt: skip
RESTRICTED_COLUMNS = (
    "place", *ALERT_PROPERTIES, "simulated", "longitude", "latitude", "outline_wkt",
)  # fmt: skip
DIGITS = 7  # of a degree: a centimetre


def public_table(subjects: Sequence[ToldSubject]) -> Iterator[PackFile]:
    """Make the table that everybody may read."""
    rows = []
    for one in subjects:
        for event in one.events:
            said = vars(event) | {"event": event.label, "place": one.place, "simulated": event.is_simulated}
            days = {"first_seen": str(event.first_seen), "confirmed_on": str(event.confirmed_on or "")}
            rows.append(said | days | {"sensors": " ".join(event.sensors)})
    yield PackFile("table.csv", csv_of(PUBLIC_COLUMNS, rows))


def restricted_table(subjects: Sequence[PackSubject]) -> Iterator[PackFile]:
    """Make the table for those who may see where places lie: with scene ids, outlines, and a point inside each."""
    rows = []
    for one in subjects:
        for event in one.events:
            said: dict[str, object] = {**properties_of(event), "place": one.area.name or one.area.id}
            said |= {name: " ".join(map(str, value)) for name, value in said.items() if isinstance(value, list)}
            inside = event.ground.representative_point()
            said |= {"longitude": round(inside.x, DIGITS), "latitude": round(inside.y, DIGITS)}
            rows.append(said | {"outline_wkt": event.ground.wkt})
    yield PackFile("table.csv", csv_of(RESTRICTED_COLUMNS, rows))
