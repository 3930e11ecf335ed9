"""The archive with an object store behind it: a real S3 server on loopback."""

from __future__ import annotations

import os
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import obstore
import pytest
from child import Child
from loopback import free_port
from obstore.store import from_url
from s3_store import URL, empty_bucket, s3_server

from aois.area import Area
from aois.grid import grid_of
from flows.imagery.archive.pruning import files_of
from flows.imagery.archive.remote_copy import Mirror
from flows.imagery.archive.store import Archive
from flows.imagery.archive.versions import Adoption
from flows.imagery.fetching import FetchReport, fetch_missing
from flows.imagery.scene import ImageryError
from flows.imagery.stac.stac_source import StacSource
from flows.pipeline.archive_limits import delete_files

MONTH = {"since": date(2024, 5, 1), "until": date(2024, 5, 31)}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket `watch`, and the environment with which it is reached; the server's address."""
    for name, value in empty_bucket(s3).items():
        monkeypatch.setenv(name, value)
    return s3


def fetch(shelf: Path, area: Area, archive: Archive) -> FetchReport:
    source, grid = StacSource(shelf / "catalog.json"), grid_of(area)
    refs = source.search(area, grid, **MONTH)
    return fetch_missing(source, archive, area, grid, refs, on_scene=lambda _: None)


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.glob("yard-2/*/*.tif"))}


def kept(root: Path) -> dict[str, bytes]:
    mirror = Mirror(URL)
    folders = {Path(name).parent.as_posix() for name in files(root)}
    return {f"{folder}/{name}": mirror.get(folder, name) for folder in folders for name in mirror.names(folder)}


def test_another_machine_finds_every_scene_and_fetches_none(
    bucket: str, shelf: Path, yard: Area, tmp_path: Path
) -> None:
    one, other = (Archive(tmp_path / name, Mirror(URL)) for name in ("one", "other"))
    assert len(fetch(shelf, yard, one).fetched) == 8
    assert kept(tmp_path / "one") == files(tmp_path / "one")
    assert fetch(shelf, yard, other).fetched == ()
    assert files(tmp_path / "other") == files(tmp_path / "one")
    grid = grid_of(yard)
    entries = [[(e.scene_id, e.sha256) for e in a.list(yard.id, "stac", grid)] for a in (one, other)]
    assert entries[0] == entries[1]
    assert other.get(yard.id, "stac", grid, entries[0][0][0]).valid.any()


def test_what_a_kill_left_undone_is_brought_level_in_both_directions(
    bucket: str, shelf: Path, yard: Area, tmp_path: Path
) -> None:
    """Half of the scenes were never sent, and half of the files are gone."""
    root = tmp_path / "archive"
    fetch(shelf, yard, Archive(root))
    whole = files(root)
    mirror = Mirror(URL)
    for name, content in list(whole.items())[:4]:
        folder, _, file = name.rpartition("/")
        mirror.put(folder, file, content)
        if file < sorted(n.rpartition("/")[2] for n in whole)[3]:
            (root / name).unlink()
    archive = Archive(root, Mirror(URL))
    assert len(archive.list(yard.id, "stac", grid_of(yard))) == 8
    assert files(root) == whole == kept(root)


def test_a_file_in_the_store_is_written_once_and_never_over(bucket: str) -> None:
    mirror = Mirror(URL)
    mirror.put("a/b", "x-2cf24dba5fb0.tif", b"hello")
    mirror.put("a/b", "x-2cf24dba5fb0.tif", b"other")
    assert mirror.get("a/b", "x-2cf24dba5fb0.tif") == b"hello"
    assert mirror.names("a/b") == {"x-2cf24dba5fb0.tif"}
    assert mirror.names("a") == set()


def test_what_is_deleted_does_not_come_back(bucket: str, shelf: Path, yard: Area, tmp_path: Path) -> None:
    fetch(shelf, yard, Archive(tmp_path, Mirror(URL)))
    victims = files_of(tmp_path)[:3]
    archive = Archive(tmp_path, Mirror(URL))
    delete_files(archive, victims)
    delete_files(archive, victims)  # a second time is nothing
    assert len(kept(tmp_path)) == 5
    assert len(Archive(tmp_path, Mirror(URL)).list(yard.id, "stac", grid_of(yard))) == 5


def test_damage_in_the_store_is_found_by_the_hash(bucket: str, shelf: Path, yard: Area, tmp_path: Path) -> None:
    fetch(shelf, yard, Archive(tmp_path / "one", Mirror(URL)))
    name = min(files(tmp_path / "one"))
    obstore.put(from_url(URL, client_options={"allow_http": True}), name, b"spoilt")
    with pytest.raises(ImageryError, match=r"archive `s3://watch/archive`: .* is damaged, its SHA-256 begins with"):
        Archive(tmp_path / "other", Mirror(URL)).list(yard.id, "stac", grid_of(yard))


@pytest.mark.parametrize(
    ("url", "endpoint", "words"),
    [
        ("s3://nowhere/archive", None, "s3://nowhere/archive` cannot be used"),
        (URL, "unused", "s3://watch/archive` cannot be used"),
        ("outputs/archive", None, "`outputs/archive` is not an object store; write it as s3://bucket/folder"),
        ("ftp://host/x", None, "`ftp://host/x` is not an object store"),
    ],
)
def test_a_store_that_cannot_be_used_says_so_without_a_secret(
    bucket: str, monkeypatch: pytest.MonkeyPatch, url: str, endpoint: str | None, words: str
) -> None:
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ImageryError, match=words) as caught:
        Mirror(url).names("a/b")
    said = str(caught.value)
    assert "\n" not in said
    assert "hunter2" not in said
    assert len(said) < 400


CHILD = """
import sys
from datetime import date
from pathlib import Path
from shapely.geometry import box
from aois.area import Area, AreaKind
from aois.grid import grid_of, to_lonlat
from flows.imagery.archive.store import Archive
from flows.imagery.archive.remote_copy import Mirror
from flows.imagery.fetching import fetch_missing
from flows.imagery.stac.stac_source import StacSource
catalog, root, url = sys.argv[1:]
area = Area("yard-2", AreaKind.SITE, to_lonlat(box(500_000, 200_000, 500_200, 200_200), 32631), margin_m=100)
source, grid = StacSource(catalog), grid_of(area)
refs = source.search(area, grid, since=date(2024, 5, 1), until=date(2024, 5, 31))
fetch_missing(source, Archive(Path(root), Mirror(url)), area, grid, refs, on_scene=lambda _: None)
"""


@pytest.mark.parametrize("disk", ["the same disk", "a fresh disk"])
def test_a_kill_between_the_two_writes_loses_nothing(
    bucket: str, shelf: Path, yard: Area, tmp_path: Path, disk: str
) -> None:
    """The process stops where the fourth scene stands in the store and not on the disk: its file there is a pipe."""
    root, grid = tmp_path / "archive", grid_of(yard)
    refs = StacSource(shelf / "catalog.json").search(yard, grid, **MONTH)
    first = Archive(root, Mirror(URL))
    source = StacSource(shelf / "catalog.json")
    fetch_missing(source, first, yard, grid, refs[:3], on_scene=lambda _: None)
    (folder,) = root.glob("yard-2/stac-*")
    pipe = folder / ".incoming.tmp"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", CHILD, str(shelf / "catalog.json"), str(root), URL]
    with Child(command) as child:
        until = time.monotonic() + 60
        while len(Mirror(URL).names(f"yard-2/{folder.name}")) < 4:
            assert child.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        os.kill(child.pid, signal.SIGKILL)
    pipe.unlink()
    assert len(files(root)) == 3
    place = root if disk == "the same disk" else tmp_path / "fresh"
    report = fetch(shelf, yard, Archive(place, Mirror(URL)))
    assert report.fetched == tuple(ref.scene_id for ref in refs[4:])
    fetch(shelf, yard, Archive(tmp_path / "clean"))
    assert files(place) == files(tmp_path / "clean") == kept(place)


def test_a_scene_that_the_store_does_not_take_is_not_used(
    bucket: str, shelf: Path, yard: Area, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(tmp_path, Mirror(URL))
    assert archive.list(yard.id, "stac", grid_of(yard)) == []
    urllib.request.urlopen(urllib.request.Request(f"{bucket}/moto-api/reset", method="POST")).close()
    report = fetch(shelf, yard, archive)
    assert report.fetched == ()
    assert {reason.split(" (")[0] for _, reason in report.failed} == {f"archive `{URL}` cannot be used"}
    assert files(tmp_path) == {}


def test_versions_and_decisions_are_on_every_disk(bucket: str, shelf: Path, yard: Area, tmp_path: Path) -> None:
    grid, one = grid_of(yard), Archive(tmp_path / "one", Mirror(URL))
    fetch(shelf, yard, one)
    old = next(e for e in one.list(yard.id, "stac", grid) if e.baseline)
    scene = one.get(yard.id, "stac", grid, old.scene_id)
    newer = replace(scene, provenance=replace(scene.provenance, processing_baseline="05.12"))
    beside = one.add(yard.id, "stac.revised-05.12", grid, newer)
    when = datetime(2024, 7, 1, tzinfo=UTC)
    decision = Adoption(old.scene_id, beside.sha256, old.sha256, "05.12", "stac.revised-05.12", "ada", when, "")
    one.adopt(yard.id, "stac", grid, beside, decision)

    other = Archive(tmp_path / "other", Mirror(URL))
    assert other.source_names(yard.id, grid) == ("stac", "stac.revised-05.12")
    assert other.adoptions(yard.id, "stac", grid) == (decision,)
    assert len(other.versions(yard.id, "stac", grid)) == 9
    used = [[(e.scene_id, e.sha256) for e in a.list(yard.id, "stac", grid)] for a in (one, other)]
    assert used[0] == used[1]
    assert (old.scene_id, beside.sha256) in used[0]


def test_a_file_that_was_damaged_on_the_disk_is_not_sent(bucket: str, shelf: Path, yard: Area, tmp_path: Path) -> None:
    fetch(shelf, yard, Archive(tmp_path))
    victim = tmp_path / min(files(tmp_path))
    victim.write_bytes(b"spoilt")
    with pytest.raises(ImageryError, match=r"is damaged and not sent to the object store; restore it from a copy"):
        Archive(tmp_path, Mirror(URL)).list(yard.id, "stac", grid_of(yard))
