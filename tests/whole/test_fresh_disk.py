"""A machine without a lasting disk: the record in PostgreSQL, the archive in a bucket, and nothing of before on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from s3_store import bucket_reached

from aois.grid import grid_of
from flows.imagery.archive.remote_copy import Mirror
from flows.imagery.archive.store import Archive
from flows.jobs.watch import write_outputs
from flows.ledger.ledger import open_ledger
from flows.pipeline.area import watch_area
from flows.pipeline.period import RunRequest
from flows.records.event_json import feature_of


@pytest.fixture
def bucket(monkeypatch):
    with bucket_reached(monkeypatch) as address:
        yield address


@dataclass
class Counting:
    """What another source has, and the scenes that were really fetched."""

    source: Any
    name: str = "simulated"

    def __post_init__(self):
        self.search, self.fetched = self.source.search, []

    def fetch(self, area, grid, ref):
        self.fetched.append(ref.scene_id)
        return self.source.fetch(area, grid, ref)


def test_a_watch_goes_on_from_the_bucket_and_the_record_alone(bucket, halfway, undisturbed, postgres, made, tmp_path):
    """Each run starts on an empty disk; the bucket lacks the last three scenes, which the provider has."""
    (area,), grid = undisturbed.areas, grid_of(undisturbed.areas[0])
    name = postgres.create()
    mirror = Mirror(bucket)
    whole = Archive(undisturbed.outputs / "archive").list(area.id, "simulated", grid)
    for entry in whole[:-3]:
        mirror.put(f"{area.id}/{entry.path.parent.name}", entry.path.name, entry.path.read_bytes())
    with halfway.ledger() as ledger:
        ledger.back_up(tmp_path / "record")
    with open_ledger(postgres.url(name)) as ledger:
        ledger.restore(tmp_path / "record", replace=True)
        for run, (new, weeks) in enumerate([(3, 5), (0, 0)]):
            source = Counting(undisturbed.source)
            bench = made.Bench(tmp_path / f"disk-{run}", undisturbed.areas, source)
            bench.outputs.mkdir()
            archive = Archive(bench.outputs / "archive", Mirror(bucket))
            stores = replace(bench.stores(ledger), archive=archive)
            outcome = watch_area(area, RunRequest(None, made.UNTIL, made.TODAY), stores, progress=lambda *_: None)
            assert source.fetched == [entry.scene_id for entry in whole[-3:]][:new]
            assert (outcome.fetched, outcome.weeks) == (new, weeks)
        expected = undisturbed.record()
        assert [feature_of(alert) for alert in ledger.alerts()] == expected["alerts"]
        assert [feature_of(event) for event in ledger.events(area.id)] == expected["events"][area.id]
        assert ledger.observations() == expected["observations"]
    first = made.Bench(tmp_path / "disk-0", undisturbed.areas).files()
    assert first
    assert first == {name: content for name, content in undisturbed.files().items() if name in first}
    assert len(mirror.names(f"{area.id}/{whole[0].path.parent.name}")) == len(whole)
    postgres.drop(name)


def test_a_bucket_that_is_gone_costs_no_file_of_the_record(bucket, undisturbed, tmp_path, made):
    """The area has failed by then; alerts, events and the catalog of what was found are written all the same."""
    with undisturbed.ledger() as ledger:
        bench = made.Bench(tmp_path / "disk", undisturbed.areas, undisturbed.source)
        archive = Archive(bench.outputs / "archive", Mirror("s3://nowhere/archive"))
        write_outputs(replace(bench.stores(ledger), archive=archive), undisturbed.areas)
    (area,) = undisturbed.areas
    written = {path.relative_to(bench.outputs).as_posix() for path in bench.outputs.rglob("*.*json")}
    assert {"catalog.json", "alerts/alerts.geojson", f"areas/{area.id}/events.geojson"} <= written


def test_events_of_an_area_that_is_watched_no_more_are_written_too(undisturbed, tmp_path, made):
    """So that all files are of one version, as `verify --replay` makes them."""
    (area,) = undisturbed.areas
    with undisturbed.ledger() as ledger:
        bench = made.Bench(tmp_path / "disk", (), undisturbed.source)
        write_outputs(bench.stores(ledger), ())
        assert (bench.outputs / "areas" / area.id / "events.geojson").exists()
