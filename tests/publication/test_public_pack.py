"""A careful reader looks into every byte of a public pack, and finds nothing that leads to the place."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from careful_reader import Sought, read_pack
from pack_record import EAST_M, HERON, IBIS, NAME, NORTH_M, RADAR, SCENE, TERN, TILE, WEEK, key_of, png
from PIL import Image

from flows.ledger import Ledger
from flows.ledger.ids import alert_id
from flows.publication.errors import PublicationError
from flows.publication.pack import MAKERS, Maker, PackOrder, PublicWork, make_pack
from flows.publication.pack_choice import PackChoice, subjects_of
from flows.publication.pack_subject import PackFile, PackStores, PackSubject, Progress, Sharing
from flows.publication.told_subject import ToldDay, ToldEvent, ToldSubject
from flows.reports.data.releases import Releases, write_releases

CENTER = HERON.geometry.centroid
IDS = tuple(f(key_of(HERON, change)) for change in ("construction", "fencing", "clearing") for f in (str, alert_id))
SOUGHT = Sought(
    (CENTER.x, CENTER.y),
    (EAST_M, NORTH_M),
    words=(*IDS, SCENE, RADAR, TILE, "heron", "/tmp/", str(Path.home()), "Ibis Sound"),
)


def pictures(subject: PackSubject, _stores: PackStores, _: Sharing, _lang: str, _told: Progress) -> Iterator[PackFile]:
    for name, shade in (("before", 60), ("after", 130)):
        yield PackFile(f"pictures/true-colour-{name}.png", png(shade))


def quiet(_what: str, _done: int, _total: int) -> None:
    return


def public_pack(stores: PackStores, target: Path, *, makers: tuple[Maker, ...] = MAKERS, **given: Any) -> Path:
    subjects = subjects_of(PackChoice(area="heron"), stores.ledger)
    drawing = Maker("pictures", pictures=pictures)
    make_pack(PackOrder(subjects, Sharing.PUBLIC, **given), stores, target, progress=quiet, makers=(drawing, *makers))
    return target


@pytest.mark.parametrize("given", [{}, {"coarse_dates": True, "language": "fr"}], ids=["days", "months"])
@pytest.mark.parametrize("name", ["pack", "pack.zip"])
def test_a_careful_reader_finds_nothing(stores: PackStores, tmp_path: Path, name: str, given: dict[str, Any]) -> None:
    pack = public_pack(stores, tmp_path / name, **given)
    assert read_pack(pack, SOUGHT) == []


def test_the_reader_finds_a_restricted_pack_by_all_that_it_holds(stores: PackStores, tmp_path: Path) -> None:
    subjects = subjects_of(PackChoice(area="heron"), stores.ledger)
    make_pack(PackOrder(subjects, Sharing.RESTRICTED), stores, tmp_path / "pack", progress=quiet)
    found = "\n".join(read_pack(tmp_path / "pack", SOUGHT))
    for leak in (SCENE, RADAR, TILE, IDS[0], IDS[1], "the numbers", "table.csv", "page.pdf", "caption.fr.txt"):
        assert leak in found


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(kind: bytes, data: bytes) -> bytes:
    picture = png()
    return picture[:33] + chunk(kind, data) + picture[33:]


def exif() -> bytes:
    held, tags = io.BytesIO(), Image.Exif()
    tags[0x013B] = "somebody"
    Image.new("RGB", (4, 4)).save(held, "PNG", exif=tags)
    return held.getvalue()


def zipped(text: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr(zipfile.ZipInfo("inner.txt", (1980, 1, 1, 0, 0, 0)), text)
    return held.getvalue()


LEAKS = {
    "an event id": ("a.txt", f"see {IDS[0]}".encode()),
    "the id of an incident": ("a.txt", f"see {IDS[1].replace('al-', 'in-')}".encode()),
    "a scene id in a picture": ("a.png", with_chunk(b"tEXt", b"Comment\0" + SCENE.encode())),
    "a packed scene id": ("a.png", with_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(RADAR.encode()))),
    "a packed text": ("a.png", with_chunk(b"iTXt", b"C\0\1\0en\0\0" + zlib.compress(SCENE.encode()))),
    "EXIF": ("a.png", exif()),
    "a time": ("a.png", with_chunk(b"tIME", struct.pack(">HBBBBB", 2026, 11, 29, 1, 2, 3))),
    "bytes behind the end": ("a.png", png() + b"hello"),
    "a GeoTIFF": ("a.tif", b"II*\x00"),
    "a name": (f"{IDS[0]}.txt", b"hello"),
    "another kind": ("a.kmz", zipped("hello")),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_the_gate_refuses_what_a_maker_lets_through(stores: PackStores, tmp_path: Path, leak: str) -> None:
    path, content = LEAKS[leak]
    faulty = Maker("faulty", public=lambda _: iter([PackFile(path, content)]))
    with pytest.raises(PublicationError, match="may not be in a public pack"):
        public_pack(stores, tmp_path / "pack", makers=(faulty,))
    assert not [one for one in tmp_path.iterdir() if "pack" in one.name], "nothing is left"


SEEN_LEAKS = {
    "degrees": ("a.txt", f"at {CENTER.y:.2f} N {CENTER.x:.2f} E".encode()),
    "degrees the other way": ("a.txt", f"[{CENTER.x:.3f}, {CENTER.y:.3f}]".encode()),
    "metres": ("a.txt", b"512000 E, 201000 N"),
    "a tile": ("a.txt", b"tile T31NEB"),
    "a distance": ("a.svg", b"<text>12.3 km</text>"),
    "a pass": ("a.txt", b"20260914T102849"),
    "a packed text in an inner zip": ("a.json", zipped(SCENE)),
}


@pytest.mark.parametrize("leak", [*LEAKS, *SEEN_LEAKS])
def test_the_reader_sees_what_is_planted(tmp_path: Path, leak: str) -> None:
    path, content = (LEAKS | SEEN_LEAKS)[leak]
    if leak == "another kind":
        content = zipped(SCENE)
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / path).write_bytes(content)
    for one in (tmp_path / "pack" / path, tmp_path / "pack"):
        os.utime(one, (SOUGHT.time.timestamp(),) * 2)
    assert read_pack(tmp_path / "pack", SOUGHT)


def test_the_reader_sees_times_and_comments(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as held:
        held.writestr("a.txt", "hello")
        held.comment = b"made on a machine"
    assert len(read_pack(tmp_path / "pack.zip", SOUGHT)) == 2


def test_a_restricted_place_is_refused_until_its_owner_releases_it(stores: PackStores, tmp_path: Path) -> None:
    order = PackOrder(subjects_of(PackChoice(area="ibis"), stores.ledger), Sharing.PUBLIC)
    with pytest.raises(PublicationError, match=f"--week {WEEK} --public-pictures ibis"):
        make_pack(order, stores, tmp_path / "pack", progress=quiet)
    assert not (tmp_path / "pack").exists()
    write_releases(stores.outputs, Releases().released(["ibis"], WEEK.plus(-1), later_too=False))
    with pytest.raises(PublicationError, match="is restricted"):
        make_pack(order, stores, tmp_path / "pack", progress=quiet)
    write_releases(stores.outputs, Releases().released(["ibis"], WEEK, later_too=False))
    make_pack(order, stores, tmp_path / "pack", progress=quiet)
    assert (tmp_path / "pack" / "index.json").exists()


def test_one_restricted_place_among_public_ones_is_refused(stores: PackStores, ledger: Ledger, tmp_path: Path) -> None:
    chosen = subjects_of(PackChoice(selection=(HERON.id, IBIS.id, TERN.id)), ledger)
    with pytest.raises(PublicationError, match="area `ibis` is restricted"):
        make_pack(PackOrder(chosen, Sharing.PUBLIC), stores, tmp_path / "pack", progress=quiet)


def test_what_public_makers_are_given_has_no_place_for_a_position() -> None:
    """By construction: a field that is not there cannot be written by mistake."""
    kinds = {str(one.type) for kind in (ToldEvent, ToldSubject, ToldDay) for one in fields(kind)}
    assert not {one for one in kinds if any(word in one for word in ("Geometry", "Area", "SceneId", "EventRecord"))}
    assert {one.name for one in fields(PublicWork)} == {"told", "language", "outputs", "pictures", "progress"}


def test_reasons_stay_with_whoever_made_the_pack(stores: PackStores, tmp_path: Path) -> None:
    def fails(_work: PublicWork) -> Iterator[PackFile]:
        yield PackFile("part.txt", b"a part")
        raise PublicationError(f"/srv/archive/{SCENE}.tif is torn")

    subjects = subjects_of(PackChoice(area="heron"), stores.ledger)
    makers = (Maker("pictures", public=fails), *(one for one in MAKERS if one.name != "proof"))
    order = PackOrder(subjects, Sharing.PUBLIC)
    [missing] = make_pack(order, stores, tmp_path / "pack", progress=quiet, makers=makers)
    assert SCENE in missing.why
    assert "- pictures:" in (tmp_path / "pack" / "README.txt").read_text()
    assert read_pack(tmp_path / "pack", SOUGHT) == []


def test_the_name_of_a_public_place_is_told(stores: PackStores, tmp_path: Path) -> None:
    pack = public_pack(stores, tmp_path / "pack")
    assert NAME in (pack / "caption.en.txt").read_text()
