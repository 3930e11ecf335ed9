"""Hectares by month, and what of it may be public."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import format_subjects
import pytest
from format_subjects import Made
from small_record import make, sitewatch

from aois.week import Week
from detectors.records import Change, State
from flows.publication.formats.monthly_table import monthly_table
from flows.publication.pack_subject import Sharing
from flows.records.events import EventRecord
from flows.records.ids import AreaId, EventId
from flows.records.observations import ObservationRecord

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with format_subjects.opened(tmp_path_factory.mktemp("months") / "outputs") as made:
        yield made


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_a_month_says_what_was_added_of_each_class_with_its_interval(made: Made) -> None:
    """Two events of 2,400 m² (1,800 to 3,000) are confirmed in the second week of September."""
    rows = table(made.files()["hectares_by_month.csv"])
    assert [(row["month"], row["area_id"], row["class"], row["unit"]) for row in rows] == [
        ("2026-09", "reef-1", "built", "ha"),
        ("2026-09", "reef-1", "cleared", "ha"),
        ("2026-09", "reef-1", "demolished", "ha"),
        ("2026-09", "reef-1", "fences", "m"),
    ]
    built = rows[0]
    assert [built[name] for name in ("added", "added_low", "added_high")] == ["0.48", "0.36", "0.6"]
    assert [built[name] for name in ("total", "total_low", "total_high")] == ["0.48", "0.36", "0.6"]
    assert (built["weeks"], built["weeks_seen"], built["month_is_complete"]) == ("3", "3", "true")
    assert (rows[3]["total"], rows[3]["total_low"]) == ("0", "")


def test_only_the_events_of_the_pack_count(made: Made) -> None:
    reef = made.subjects[0]
    alone = replace(made, subjects=[replace(reef, events=reef.events[:1])])
    assert table(alone.files()["hectares_by_month.csv"])[0]["total"] == "0.24"


def test_the_public_pack_gets_the_table_alone_without_weeks(made: Made) -> None:
    files = made.files(sharing=Sharing.PUBLIC)
    assert list(files) == ["hectares_by_month.csv"]
    (row, *_) = table(files["hectares_by_month.csv"])
    assert {"weeks", "weeks_seen"}.isdisjoint(row)
    text = files["hectares_by_month.csv"].decode("utf-8-sig")
    assert "2026-09-" not in text  # a month, never a day
    for secret in ("ev-", "scene", "0.001", "geom"):
        assert secret not in text


def test_a_language_that_is_not_there_is_refused(made: Made) -> None:
    with pytest.raises(ValueError, match="report language `xx` has no catalog"):
        made.files("xx")


def test_the_command_writes_for_the_owner_and_says_that_it_holds_positions(tmp_path: Path) -> None:
    make(tmp_path / "outputs")
    said = sitewatch("export", "formats", "out", "--outputs", "outputs", "--lang", "fr", cwd=tmp_path)
    assert (said.status, said.err.strip()) == (0, "")
    assert "They hold positions: give them only to people who may see where places lie." in said.out
    files = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert set(files) == {
        "events.gpkg",
        "events.kmz",
        "events.parquet",
        "hectares_by_month.csv",
        "sitewatch.qgz",
    }
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    before = {name: (path.read_bytes(), path.stat().st_mtime_ns) for name, path in files.items()}
    sitewatch("export", "formats", "out", "--outputs", "outputs", "--lang", "fr", "--area", "reef-1", cwd=tmp_path)
    assert {name: (path.read_bytes(), path.stat().st_mtime_ns) for name, path in files.items()} == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--area", "nowhere"], "area `nowhere` has no week on record; areas on record: reef-1"),
        (["--lang", "xx"], "report language `xx` has no catalog; use one of en, fr"),
    ],
)
def test_the_command_refuses_what_is_not_there(tmp_path: Path, options: list[str], told: str) -> None:
    make(tmp_path / "outputs")
    said = sitewatch("export", "formats", "out", "--outputs", "outputs", *options, cwd=tmp_path)
    assert (said.status, said.err.strip()) == (2, f"error: {told}")
    assert not (tmp_path / "out").exists()


def test_what_became_part_of_an_event_counts_until_it_did() -> None:
    """As in the chart of the same pack, so that the two never disagree."""
    one = format_subjects.event(Change.CONSTRUCTION, State.CONFIRMED)
    other = replace(one, event_id=EventId("ev-other"))
    weeks = [Week(2026, number) for number in range(37, 46)]
    october = Week(2026, 41)

    class Ledger:
        def observations(self, *, area_id: str) -> list[ObservationRecord]:
            return [ObservationRecord(AreaId(area_id), w, (), (), 1.0, w.first_day, str(w)) for w in weeks]

        def events(self, _area_id: str, *, as_of: Week) -> list[EventRecord]:
            if as_of < october:
                return [one, other]
            return [replace(one, area_m2=4800.0), replace(other, merged_into=one.event_id)]

    subject = replace(format_subjects.shoal(), events=(one,), first=weeks[0].first_day, until=weeks[-1].last_day)
    stores: Any = SimpleNamespace(ledger=Ledger(), source_name="stac")
    rows = table(monthly_table([subject], stores, sharing=Sharing.RESTRICTED))
    built = {row["month"]: (row["added"], row["total"]) for row in rows if row["class"] == "built"}
    assert built == {"2026-09": ("0.0", "0.48"), "2026-10": ("0.0", "0.48"), "2026-11": ("0.0", "0.48")}
