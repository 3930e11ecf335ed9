"""A pack: whole or not at all, the same bytes when made again, and nothing left out in silence."""

from __future__ import annotations

import csv
import io
import json
import stat
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pack_record import HERON, IBIS, RADAR, SCENE, TERN, key_of, png
from shapely import from_wkt
from shapely.geometry import Point

from flows.ledger.ids import alert_id
from flows.publication.errors import PublicationError
from flows.publication.pack import MAKERS, Maker, PackOrder, RestrictedWork, make_pack
from flows.publication.pack_choice import PackChoice, subjects_of
from flows.publication.pack_subject import PackFile, PackStores, PackSubject, Progress, Sharing


def pictures(subject: PackSubject, _stores: PackStores, _: Sharing, _lang: str, _told: Progress) -> Iterator[PackFile]:
    for name, shade in (("before", 60), ("after", 130)):
        yield PackFile(f"pictures/{subject.events[0].event_id}/true-colour-{name}.png", png(shade))
    yield PackFile("captions.txt", b"hello")


DRAWING = Maker("pictures", pictures=pictures)
OTHERS = tuple(maker for maker in MAKERS if maker.name not in ("pictures", "proof"))
"""All makers but that of pictures, for which `DRAWING` stands, and that of proof: this record has no evidence."""


def made(stores: PackStores, target: Path, choice: PackChoice | None = None, **given: Any) -> Path:
    order = PackOrder(subjects_of(choice or PackChoice(area="ibis"), stores.ledger), Sharing.RESTRICTED)
    given = {"progress": lambda *_: None, "makers": (DRAWING, *OTHERS), **given}
    make_pack(order, stores, target, **given)
    return target


def members(pack: Path) -> dict[str, bytes]:
    if pack.is_file():
        with zipfile.ZipFile(pack) as held:
            return {name: held.read(name) for name in held.namelist()}
    return {path.relative_to(pack).as_posix(): path.read_bytes() for path in pack.rglob("*") if path.is_file()}


def rows(pack: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((pack / "table.csv").read_text("utf-8-sig"))))


def test_made_again_it_is_the_same_to_the_last_byte(stores: PackStores, tmp_path: Path) -> None:
    for name in ("one", "two"):
        made(stores, tmp_path / f"{name}.zip")
        made(stores, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert members(tmp_path / "one") == members(tmp_path / "two") == members(tmp_path / "one.zip")
    with zipfile.ZipFile(tmp_path / "one.zip") as held:
        assert held.namelist() == sorted(held.namelist())


def test_the_index_names_every_file_with_its_digest(stores: PackStores, tmp_path: Path) -> None:
    pack = made(stores, tmp_path / "pack")
    index = json.loads((pack / "index.json").read_text())
    found = members(pack)
    del found["index.json"]
    assert {one["path"]: one["sha256"] for one in index["files"]} == {
        name: sha256(content).hexdigest() for name, content in found.items()
    }
    assert (index["sharing"], index["format"], index["not_made"]) == ("restricted", "sitewatch-pack-1", [])
    assert set(found) >= {
        "README.txt",
        "caption.en.txt",
        "caption.fr.txt",
        "table.csv",
        "page.pdf",
        "ibis/captions.txt",
    }
    assert index["shows"][0]["events"][0]["event"] == key_of(IBIS, "construction")


def test_a_signature_lies_beside_the_index_that_it_signs(stores: PackStores, tmp_path: Path) -> None:
    pack = made(stores, tmp_path / "pack", sign=lambda index: PackFile("index.sig", sha256(index.content).digest()))
    assert (pack / "index.sig").read_bytes() == sha256((pack / "index.json").read_bytes()).digest()
    assert "index.sig" not in (pack / "index.json").read_text()


def test_files_are_for_their_owner_alone(stores: PackStores, tmp_path: Path) -> None:
    pack = made(stores, tmp_path / "pack")
    made(stores, tmp_path / "pack.zip")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (pack, *pack.rglob("*"), tmp_path / "pack.zip")}
    assert modes == {0o600, 0o700}


def test_the_restricted_table_says_where_each_event_lies(stores: PackStores, tmp_path: Path) -> None:
    found = rows(made(stores, tmp_path / "pack"))
    assert [row["event_id"] for row in found] == [key_of(IBIS, "construction"), key_of(IBIS, "fencing")]
    for row in found:
        ground = from_wkt(row["outline_wkt"])
        assert ground.contains(Point(float(row["longitude"]), float(row["latitude"])))
        assert row["scenes"] == f"{SCENE} {RADAR}"
        assert row["alert_id"] == alert_id(row["event_id"])


def test_several_places_have_a_folder_each(stores: PackStores, tmp_path: Path) -> None:
    pack = made(stores, tmp_path / "pack", PackChoice(selection=(HERON.id, TERN.id, key_of(IBIS, "fencing"))))
    assert {path.name for path in pack.iterdir() if path.is_dir()} == {"heron", "ibis", "tern"}
    assert len(rows(pack)) == 5


def test_later_makers_are_given_the_pictures_of_each_place(stores: PackStores, tmp_path: Path) -> None:
    seen: list[Any] = []

    def looks(work: RestrictedWork) -> Iterator[PackFile]:
        seen.extend(sorted(each) for each in work.pictures)
        return iter(())

    made(stores, tmp_path / "pack", makers=(DRAWING, Maker("looks", restricted=looks)))
    name = f"ibis/pictures/{key_of(IBIS, 'construction')}/true-colour-"
    assert seen == [[f"{name}after.png", f"{name}before.png"]]


def test_progress_is_told(stores: PackStores, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    made(stores, tmp_path / "pack", progress=lambda *one: told.append(one))
    assert [what for what, _, _ in told] == ["pictures", "formats", "captions", "table", "page", "pack"]
    assert told[-1][1:] == (5, 5)


def test_what_cannot_be_made_is_said_and_the_rest_is_made(stores: PackStores, tmp_path: Path) -> None:
    def fails(_work: RestrictedWork) -> Iterator[PackFile]:
        raise PublicationError("the disk is round")

    pack = made(stores, tmp_path / "pack", makers=(Maker("globe", restricted=fails), *OTHERS))
    assert json.loads((pack / "index.json").read_text())["not_made"] == [{"what": "globe", "why": "the disk is round"}]
    assert "- globe: the disk is round" in (pack / "README.txt").read_text()
    assert (pack / "page.pdf").exists()


def test_what_tells_days_is_left_out_where_months_were_asked_for(stores: PackStores, tmp_path: Path) -> None:
    order = PackOrder(subjects_of(PackChoice(area="heron"), stores.ledger), Sharing.PUBLIC, coarse_dates=True)
    daily = Maker("daily", public=lambda _: iter([PackFile("days.txt", b"14 September")]), tells_days=True)
    [missing] = make_pack(order, stores, tmp_path / "pack", progress=lambda *_: None, makers=(daily, *OTHERS))
    assert missing.what == "daily"
    assert not (tmp_path / "pack" / "days.txt").exists()
    everything = b"".join(members(tmp_path / "pack").values())
    assert b"2026-09" in everything
    assert b"2026-09-" not in everything
    assert b"14 September" not in everything


@pytest.mark.parametrize("name", ["pack", "pack.zip"])
def test_a_defect_leaves_nothing_behind(stores: PackStores, tmp_path: Path, name: str) -> None:
    def breaks(_work: RestrictedWork) -> Iterator[PackFile]:
        yield PackFile("a.txt", b"a")
        raise ZeroDivisionError

    before = sorted(tmp_path.iterdir())
    with pytest.raises(ZeroDivisionError):
        made(stores, tmp_path / name, makers=(*OTHERS, Maker("broken", restricted=breaks)))
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_there_is_not_replaced(stores: PackStores, tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(b"mine")
    with pytest.raises(PublicationError, match="is there already"):
        made(stores, tmp_path / "pack.zip")
    assert (tmp_path / "pack.zip").read_bytes() == b"mine"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    with pytest.raises(PublicationError, match="is there already"):
        made(stores, tmp_path / "full")
    (tmp_path / "empty").mkdir()
    assert made(stores, tmp_path / "empty").is_dir()
    with pytest.raises(PublicationError, match="is not there; make it first"):
        made(stores, tmp_path / "nowhere" / "pack")


@pytest.mark.parametrize("path", ["../a.txt", "/a.txt", "", "a.txt"])
def test_no_file_leads_out_of_the_pack_or_comes_twice(stores: PackStores, tmp_path: Path, path: str) -> None:
    files = Maker("files", restricted=lambda _: iter([PackFile("a.txt", b"first"), PackFile(path, b"second")]))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(PublicationError, match="defect"):
        made(stores, tmp_path / "pack", makers=(files,))
    assert sorted(tmp_path.iterdir()) == before
