"""The archive with an object store behind it: a real S3 server on loopback."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import from_url
from stac_api import free_port

from aois.area import Area
from aois.grid import grid_of
from flows.imagery.archive import Archive
from flows.imagery.archive_mirror import Mirror
from flows.imagery.fetching import FetchReport, fetch_missing
from flows.imagery.pruning import files_of
from flows.imagery.scene import ImageryError
from flows.imagery.stac import StacSource
from flows.prune import delete_files
from flows.settings import Settings

MONTH = {"since": date(2024, 5, 1), "until": date(2024, 5, 31)}
URL = "s3://watch/archive"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket `watch`, and the environment with which it is reached; the server's address."""
    urllib.request.urlopen(urllib.request.Request(f"{s3}/moto-api/reset", method="POST")).close()
    urllib.request.urlopen(urllib.request.Request(f"{s3}/watch", method="PUT")).close()
    for name, value in (("ENDPOINT_URL", s3), ("REGION", "us-east-1"), ("ACCESS_KEY_ID", "watcher")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-s3")
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
    settings = Settings(outputs=tmp_path, archive_url=URL, _env_file=None)
    delete_files(settings, victims)
    delete_files(settings, victims)  # a second time is nothing
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
        ("outputs/archive", None, "`outputs/archive` is no object store; write it as s3://bucket/folder"),
        ("ftp://host/x", None, "`ftp://host/x` is no object store"),
    ],
)
def test_a_store_that_cannot_be_used_says_so_without_a_secret(
    bucket: str, monkeypatch: pytest.MonkeyPatch, url: str, endpoint: str | None, words: str
) -> None:
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        monkeypatch.setattr("flows.imagery.archive_mirror._RETRIES", 0)
    with pytest.raises(ImageryError, match=words) as caught:
        Mirror(url).names("a/b")
    said = str(caught.value)
    assert "\n" not in said
    assert "hunter2" not in said
    assert len(said) < 400
