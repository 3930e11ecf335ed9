"""A pack carries what a stranger needs to check it and no more: replay for the one, silence for the other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest
from proven_pack import Forger, forger, pack_of, signer, signing_key_of, small_stores, stamp_all
from sea_watch import WALLED
from small_record import AREA, sitewatch
from timestamp_server import StampMaker

from aois.area import AreaKind
from flows.evidence.array_files import ArraySpaceError
from flows.evidence.authorities import read_authorities
from flows.evidence.geojson_files import write_events
from flows.evidence.manifests import EvidenceError
from flows.imagery.archive.store import Archive
from flows.ledger.ledger import open_ledger
from flows.pipeline.evidence_manifest import attest
from flows.pipeline.watch_terms import read_watch_terms, write_watch_terms
from flows.publication.pack_subject import PackStores, Sharing
from flows.publication.proof import pack_replay
from flows.publication.proof.evidence_text import LANGUAGES, TEXTS
from flows.publication.proof.pack_contents import opened_pack
from flows.publication.proof.proof_files import OUTPUTS, proof_files

TEXT_NAMES = ("EVIDENCE.md", "EVIDENCE.fr.md")
CRITERIA = [
    *("Authenticity", "Identity", "Availability", "Persistence", "Renderability", "Understandability"),
    "Chain of custody",
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small record with stamps, and the folder of its keys."""
    folder = tmp_path_factory.mktemp("small")
    ours, maker = signer(folder, "ours"), StampMaker(folder / "a", "one")
    stores, ledger = small_stores(folder / "outputs", folder / "ours.pem", maker)
    with ledger:
        yield stores, ours, maker, folder


@pytest.fixture(scope="module")
def watched(undisturbed, tmp_path_factory):
    """The pack of a real watch over one place, and what belongs to it."""
    folder = tmp_path_factory.mktemp("watched")
    bench = undisturbed.copy(folder / "outputs")
    ours, theirs, maker = signer(folder, "ours"), signer(folder, "theirs"), StampMaker(folder / "a", "one")
    with bench.ledger() as ledger:
        write_watch_terms(bench.stores(ledger))
        write_events(ledger.events(WALLED), bench.outputs / "areas" / WALLED / "events.geojson")
        authorities = read_authorities([f"{maker.roots}=http://127.0.0.1:1/tsr"])
        attest(bench.outputs, ledger, "run", key=signing_key_of(folder / "ours.pem"), authorities=authorities)
        stamp_all(bench.outputs, maker)
        stores = PackStores(bench.outputs, ledger, Archive(bench.outputs / "archive"), "simulated")
        pack = pack_of(stores, folder / "pack", ours.secret, sharing=Sharing.RESTRICTED)
    return pack, ours, theirs, maker


def verify(pack: Path, *options: object):
    """In a folder that has never seen the run."""
    elsewhere = pack.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    return sitewatch("verify", pack, *options, cwd=elsewhere)


def test_the_detectors_find_the_events_of_a_pack_again(watched):
    pack, ours, _, maker = watched
    said = verify(pack, "--key", ours.public, "--root", maker.roots, "--replay")
    assert (said.status, said.wrong) == (0, []), said.out
    assert "holds  replay: the events of 1 place, the same bytes from the scenes again" in said.out.splitlines()
    assert json.loads((pack / OUTPUTS / "areas" / WALLED / "events.geojson").read_text())["features"]


def test_scenes_that_were_left_out_show_in_the_replay(watched, tmp_path):
    """A sender who signs what they forge cannot be told by a key; the scenes tell."""
    pack, ours, _, maker = watched
    thief: Forger = forger(pack, tmp_path, ours, maker, maker)
    for scene in thief.scenes()[-20:]:
        scene.unlink()
    thief.reprove()
    thief.reindex(signed=True)
    said = verify(thief.pack, "--key", ours.public, "--root", maker.roots, "--replay")
    name = f"replay: areas/{WALLED}/events.geojson: the scenes give something else"
    assert [line for line in said.wrong if line.startswith(name)], said.out
    assert [line.partition(":")[0] for line in said.wrong] == ["replay"]


def test_what_cannot_be_replayed_is_named_and_stops_nothing(watched, tmp_path):
    pack, ours, _, maker = watched
    thief: Forger = forger(pack, tmp_path, ours, maker, maker)
    thief.flip(thief.scenes()[0], 2000)
    said = verify(thief.pack, "--replay")
    assert any("cannot be replayed: " in line for line in said.wrong), said.out
    moved = Path(shutil.copytree(pack, tmp_path / "moved"))
    terms = moved / OUTPUTS / "areas" / WALLED / "watch.json"
    terms.write_text(terms.read_text().replace('"since"', '"hence"'))
    assert any("does not say how an area was watched" in line for line in verify(moved, "--replay").wrong)


def test_a_place_that_this_machine_has_no_room_for_stops_nothing(watched, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise ArraySpaceError("no room for a large area")

    monkeypatch.setattr(pack_replay, "watch_area", full)
    with opened_pack(watched[0]) as contents:
        names = [n.removeprefix(f"{OUTPUTS}/") for n in contents.names if n.startswith(f"{OUTPUTS}/")]
        check = pack_replay.replay_pack(contents, names).check
    assert check is not None
    assert [why.partition(": ")[2] for why in check.wrong] == ["cannot be replayed: no room for a large area"]


def test_a_file_that_is_packed_in_a_way_not_known_here_cannot_be_read_and_stops_nothing(tmp_path):
    pack = tmp_path / "pack.zip"
    with ZipFile(pack, "w") as archive:
        archive.writestr("one.txt", "one")
        archive.writestr("two.txt", "two")
    content = pack.read_bytes()
    head, entry = content.index(b"PK\3\4"), content.index(b"PK\1\2")
    for at in (head + 8, entry + 10):  # the way in which the first file is packed, there and in the directory
        content = content[:at] + (99).to_bytes(2, "little") + content[at + 2 :]
    pack.write_bytes(content)
    with opened_pack(pack) as contents:
        assert contents.names == ["one.txt", "two.txt"]
        assert contents.digest("one.txt") is None
        assert contents.digest("two.txt") == sha256(b"two").hexdigest()


def test_a_public_pack_names_no_place_no_scene_and_no_file(small, tmp_path):
    stores, ours, maker, _ = small
    pack = pack_of(stores, tmp_path / "pack", ours.secret, sharing=Sharing.PUBLIC)
    names = sorted(path.relative_to(pack).as_posix() for path in pack.rglob("*") if path.is_file())
    kinds = [name.rpartition("/")[2].split(".", 1)[1] for name in names if name.startswith("proof/")]
    assert sorted(kind.split(".")[-1] for kind in kinds) == ["json", "pem", "pem", "tsr"]
    for secret in ("areas", "archive", ".tif", "scene", "watch.json"):
        said = [name for name in names if secret.encode() in (pack / name).read_bytes().lower() + name.encode()]
        assert not set(said) - set(TEXT_NAMES), (secret, said)
    assert not [name for name in names if AREA.encode() in (pack / name).read_bytes()]
    said = verify(pack, "--key", ours.public, "--root", maker.roots, "--replay")
    assert (said.status, said.wrong) == (0, []), said.out
    assert "holds  evidence: no file of the evidence is in this pack" in said.out
    assert "note   there is nothing to replay in this pack" in said.out


def test_a_pack_of_one_place_says_nothing_of_another(small, tmp_path):
    stores, ours, _, _ = small
    outputs = Path(shutil.copytree(stores.outputs, tmp_path / "outputs"))
    (outputs / "areas" / "other-place").mkdir()
    (outputs / "areas" / "other-place" / "events.geojson").write_text("the events of another place")
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        attest(outputs, ledger, "run of both", key=ours.secret)
        both = PackStores(outputs, ledger, Archive(outputs / "archive"), "simulated")
        pack = pack_of(both, tmp_path / "pack", ours.secret, sharing=Sharing.RESTRICTED)
    files = [path for path in pack.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if "other-place" in str(path) or b"other-place" in path.read_bytes()]
    assert verify(pack, "--key", ours.public).status == 0


def test_the_same_pack_is_made_twice(small, tmp_path):
    stores, ours, _, _ = small
    one, two = (pack_of(stores, tmp_path / name, ours.secret, sharing=Sharing.RESTRICTED) for name in ("1", "2"))
    contents = [
        {path.relative_to(pack).as_posix(): path.read_bytes() for path in pack.rglob("*") if path.is_file()}
        for pack in (one, two)
    ]
    assert contents[0] == contents[1]


def test_openssl_and_sha256sum_find_what_the_text_promises(small, tmp_path):
    stores, ours, _, _ = small
    pack = pack_of(stores, tmp_path / "pack", ours.secret, sharing=Sharing.RESTRICTED)
    text = (pack / "EVIDENCE.md").read_text()
    command = next(line for line in text.splitlines() if line.startswith("openssl ts"))
    command = command.replace("NUMBER", "000004").replace("AUTHORITY", "one")
    folder = pack / OUTPUTS / "evidence"
    said = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    assert "Verification: OK" in said.stdout, said.stderr
    listed = json.loads((pack / "index.json").read_text())["files"]
    lines = "".join(f"{one['sha256']}  {one['path']}\n" for one in listed)
    said = subprocess.run(["sha256sum", "--check", "--quiet"], input=lines, cwd=pack, text=True, check=False)
    assert said.returncode == 0


def test_the_text_says_what_is_stamped_signed_and_simulated(small, tmp_path):
    stores, _, _, _ = small
    made = proof_files([], stores, sharing=Sharing.PUBLIC, language="fr")
    files = {one.path: one.content.decode() for one in made if one.path in TEXT_NAMES}
    assert list(files) == ["EVIDENCE.fr.md", "EVIDENCE.md"]
    assert "one: head 4 was there on 20" in files["EVIDENCE.md"]
    assert "UTC, selon CN=Stamps of one." in files["EVIDENCE.fr.md"]
    assert "It is signed with `key-" in files["EVIDENCE.md"]
    assert "All in this pack is made up" in files["EVIDENCE.md"]
    assert not [text for text in files.values() if "$" in text]


@pytest.mark.parametrize("sharing", Sharing)
def test_the_text_has_the_criteria_of_the_berkeley_protocol_in_both_languages(sharing):
    texts = {lang: (TEXTS / f"{sharing.value}.{lang}.md").read_text(encoding="utf-8") for lang in LANGUAGES}
    heads = {lang: [line for line in text.splitlines() if line.startswith("#")] for lang, text in texts.items()}
    assert len({len(lines) for lines in heads.values()}) == 1
    assert [line.removeprefix("## ").partition(":")[0] for line in heads["en"][1:8]] == CRITERIA
    places = {lang: sorted(re.findall(r"\$\{?(\w+)", text)) for lang, text in texts.items()}
    assert places["en"] == places["fr"]
    blocks = {lang: text.split("```sh")[2] for lang, text in texts.items()}
    assert blocks["en"].split("```")[0] == blocks["fr"].split("```")[0]


def test_evidence_that_was_changed_is_not_handed_on(small, tmp_path):
    stores, _, _, _ = small
    outputs = Path(shutil.copytree(stores.outputs, tmp_path / "outputs"))
    events, terms = (outputs / "areas" / AREA / name for name in ("events.geojson", "watch.json"))
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        own = PackStores(outputs, ledger, Archive(outputs / "archive"), "simulated")
        kept = events.read_text()
        events.write_text("what somebody would like to be true")
        with pytest.raises(EvidenceError, match="is not what the last manifest says; run `sitewatch watch`"):
            pack_of(own, tmp_path / "one", None, sharing=Sharing.RESTRICTED)
        events.write_text(kept)
        terms.unlink()
        attest(outputs, ledger, "without terms", key=None)
        with pytest.raises(EvidenceError, match=r"watch\.json` is on no manifest; run `sitewatch watch`"):
            pack_of(own, tmp_path / "two", None, sharing=Sharing.RESTRICTED)
        for path in (outputs / "evidence").glob("*.head.json"):
            path.unlink()
        with pytest.raises(EvidenceError, match="has no head; run `sitewatch watch`"):
            pack_of(own, tmp_path / "three", None, sharing=Sharing.PUBLIC)


def test_a_pack_without_a_key_is_checked_without_one(small, tmp_path):
    stores, _, _, _ = small
    pack = pack_of(stores, tmp_path / "pack", None, sharing=Sharing.PUBLIC)
    said = verify(pack)
    assert (said.status, said.wrong) == (0, []), said.out
    assert "note   nobody signed the index: what is outside proof/ rests on the word of" in said.out


def test_terms_of_a_watch_are_read_back_as_they_were(small):
    stores, _, _, _ = small
    content = (stores.outputs / "areas" / AREA / "watch.json").read_bytes()
    terms = read_watch_terms(content, path="watch.json")
    (area,) = stores.ledger.areas()
    assert (terms.area.geometry, terms.area.margin_m, terms.area.kind) == (area.geometry, area.margin_m, AreaKind.SITE)
    assert (str(terms.first), str(terms.last), terms.history_days) == ("2026-W37", "2026-W38", 730)
    for broken in (b"", b"[]", content[:-20], content.replace(b"2026-09-20", b"2026-02-31"), b"[" * 100_000):
        with pytest.raises(EvidenceError, match="does not say how an area was watched"):
            read_watch_terms(broken, path="watch.json")
