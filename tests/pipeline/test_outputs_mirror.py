"""The copy of a run's outputs in an object store: a real S3 server on loopback."""

from __future__ import annotations

import json
from typing import Any

import obstore
import pytest
from s3_store import bucket_reached

from flows.config.settings import Settings
from flows.imagery.network.bucket import Bucket
from flows.imagery.scene import ImageryError
from flows.pipeline.outputs_mirror import LIST, OutputsMirror, check_stores, copy_outputs, send_files

LEFT = {
    "catalog.json": "{}",
    "reports/2026-W47/index.html": "<p>page</p>",
    "alerts/alerts.geojson": "[]",
    "areas/yard/2026-11-22/change.tif": "raster",
    "areas/yard/events.geojson": "[]",
    "evidence/one.json": "{}",
}
KEPT = {
    "ledger.sqlite": "record",
    "areas/yard/state/w.npz": "state",
    "archive/yard/s.tif": "scene",
    "alerts/.x": "half",
    "public/2026-W47/index.html": "<p>for all</p>",
}


@pytest.fixture
def address(monkeypatch):
    with bucket_reached(monkeypatch) as url:
        yield url


@pytest.fixture
def outputs(tmp_path):
    for name, text in (LEFT | KEPT).items():
        path = tmp_path / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "outputs"


def mirror_of(settings):
    return OutputsMirror(settings.outputs, settings.outputs_store, settings.public_store)


def held(url):
    store = Bucket(url, holds="copy").store
    paths = [entry["path"] for page in obstore.list(store) for entry in page]
    return {path: bytes(obstore.get(store, path).bytes()).decode() for path in paths if path != LIST}


def test_what_a_run_leaves_is_copied_and_nothing_else(address, outputs):
    settings = Settings(outputs=outputs, outputs_url=address, source="stac", _env_file=None)
    assert copy_outputs(mirror_of(settings)) == "6 files of the outputs copied."
    assert held(address) == LEFT


def test_the_simulated_world_is_copied_to_a_folder_of_its_own(address, outputs):
    real = Settings(outputs=outputs, outputs_url=address, source="stac", _env_file=None)
    copy_outputs(mirror_of(real))
    (outputs / "alerts" / "alerts.geojson").write_text("[invented]")
    invented = Settings(outputs=outputs, outputs_url=f"{address}/", source="simulated", _env_file=None)
    assert copy_outputs(mirror_of(invented)) == "6 files of the outputs copied."
    kept = held(address)
    assert {name: text for name, text in kept.items() if not name.startswith("demonstration/")} == LEFT
    assert kept["demonstration/alerts/alerts.geojson"] == "[invented]"


def test_the_public_edition_goes_to_a_store_of_its_own_and_to_no_other(address, outputs):
    given: dict[str, Any] = {"outputs_url": f"{address}/all", "public_url": f"{address}/open", "source": "stac"}
    settings = Settings(outputs=outputs, **given, _env_file=None)
    check_stores(mirror_of(settings))
    assert copy_outputs(mirror_of(settings)) == "6 files of the outputs copied. 1 files of the public edition copied."
    kept = {name for name in held(address) if not name.endswith(LIST)}
    assert {name for name in kept if name.startswith("open/")} == {"open/public/2026-W47/index.html"}
    assert not any("public/" in name for name in kept if name.startswith("all/"))
    for inner in (f"{address}/all/open", address):
        shared = Settings(outputs=outputs, **given | {"public_url": inner}, _env_file=None)
        with pytest.raises(ImageryError, match="shares a folder with the copy of the public edition"):
            check_stores(mirror_of(shared))


def test_only_what_is_new_or_changed_is_sent_again(address, outputs):
    bucket = Bucket(address, holds="copy")
    assert send_files(outputs, bucket) == len(LEFT)
    assert send_files(outputs, bucket) == 0
    (outputs / "alerts" / "alerts.geojson").write_text("[1]")
    (outputs / "reports" / "2026-W48").mkdir()
    (outputs / "reports" / "2026-W48" / "index.html").write_text("next")
    assert send_files(outputs, bucket) == 2
    assert held(address)["alerts/alerts.geojson"] == "[1]"


def test_a_copy_that_was_cut_off_goes_on_and_what_another_machine_sent_stays(address, outputs):
    bucket = Bucket(address, holds="copy")
    obstore.put(bucket.store, "reports/2026-W47/index.html", b"<p>pa")  # sent, and the list not
    obstore.put(bucket.store, "areas/field/events.geojson", b"[2]")
    obstore.put(bucket.store, LIST, json.dumps({"areas/field/events.geojson": "its sum"}).encode())
    assert send_files(outputs, bucket) == len(LEFT)
    assert held(address) == LEFT | {"areas/field/events.geojson": "[2]"}
    listed = json.loads(bytes(obstore.get(bucket.store, LIST).bytes()))
    assert set(listed) == set(LEFT) | {"areas/field/events.geojson"}


def test_a_bucket_that_is_gone_is_said_and_fails_no_run(address, outputs):
    gone = Settings(outputs=outputs, outputs_url="s3://nowhere/folder", source="stac", _env_file=None)
    said = copy_outputs(mirror_of(gone))
    assert said.startswith("outputs not copied: copy of the outputs `s3://nowhere/folder` cannot be used")
    assert "next run" in said
    assert "hunter2" not in said


def test_an_address_of_no_object_store_is_refused_before_anything_is_done(outputs):
    with pytest.raises(ImageryError, match=r"copy of the outputs `somewhere` is not an object store"):
        check_stores(mirror_of(Settings(outputs=outputs, outputs_url="somewhere", source="stac", _env_file=None)))
    assert copy_outputs(mirror_of(Settings(outputs=outputs, _env_file=None))) == ""
