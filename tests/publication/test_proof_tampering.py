"""Whoever changes a pack is given away by `sitewatch verify PACK`, kind by kind, where there is only the pack."""

from __future__ import annotations

import base64
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from proven_pack import EVIDENCE, PICTURE, Forger, forger, pack_of, public_pem, signer, small_stores
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
from small_record import AREA, sitewatch
from timestamp_server import StampMaker

from flows.evidence.heads import parse_head
from flows.evidence.stamping import stamp_request
from flows.publication.pack_subject import Sharing


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """A pack that nobody touched, with its key and its authority; and a forger's own."""
    folder = tmp_path_factory.mktemp("honest")
    ours, theirs = signer(folder, "ours"), signer(folder, "theirs")
    maker, other = StampMaker(folder / "a", "one"), StampMaker(folder / "b", "one")
    stores, ledger = small_stores(folder / "outputs", folder / "ours.pem", maker)
    with ledger:
        pack = pack_of(stores, folder / "pack", ours.secret, sharing=Sharing.RESTRICTED)
    return pack, ours, theirs, maker, other


@pytest.fixture
def thief(honest, tmp_path):
    pack, _, theirs, maker, other = honest
    return forger(pack, tmp_path, theirs, other, maker)


def head_of(thief: Forger, number: int):
    return parse_head(thief.head(number).read_bytes())


def swap(one, other):
    one_content, other_content = one.read_bytes(), other.read_bytes()
    one.write_bytes(other_content)
    other.write_bytes(one_content)


def resign(thief: Forger, change: Callable[[dict], object] = lambda _: None) -> None:
    """Make the whole chain of heads anew with the forger's key, the last one changed."""
    previous = None
    for number in (1, 2, 3, 4):
        body = json.loads(thief.head(number).read_text())["body"]
        body["previous"] = previous
        if number == 4:
            change(body)
        said = b"head " + json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        signature = base64.b64encode(thief.own.secret.sign(said)).decode()
        thief.head(number).write_text(
            json.dumps({"body": body, "signature": signature}, indent=1, sort_keys=True) + "\n"
        )
        previous = sha256(thief.head(number).read_bytes()).hexdigest()
    thief.key.write_bytes(public_pem(thief.own.secret))
    thief.reindex(signed=True)


def expired_stamp(thief: Forger) -> None:
    thief.honest.renew(datetime(2021, 1, 1, tzinfo=UTC))
    thief.stamp(4).write_bytes(thief.honest.stamp(stamp_request(head_of(thief, 4))))
    thief.honest.renew(datetime(2036, 1, 1, tzinfo=UTC))


def refused_stamp(thief: Forger) -> None:
    request = TimestampRequestBuilder().data(b"x").hash_algorithm(HashAlgorithm.SHA512).build().as_bytes()
    thief.stamp(4).write_bytes(thief.honest.stamp(request))


def foreign_stamp(thief: Forger) -> None:
    thief.stamp(4).write_bytes(thief.maker.stamp(stamp_request(head_of(thief, 4))))


def foreign_authority(thief: Forger) -> None:
    foreign_stamp(thief)
    thief.roots.write_bytes(thief.maker.roots.read_bytes())


def put_back_to_pending(thief: Forger) -> None:
    thief.stamp(4).with_suffix(".tsq").write_bytes(stamp_request(head_of(thief, 4)))
    thief.stamp(4).unlink()
    thief.reindex()


def unprove_scene(thief: Forger) -> None:
    thief.scenes()[0].unlink()
    thief.reindex()


def of_index(change: Callable[[list], object]) -> Callable[[Forger], None]:
    return lambda f: f.json(f.at("index.json"), lambda said: change(said["files"]))


def rewrite(name: str, change: Callable[[dict], object], *, is_proven: bool = True) -> Callable[[Forger], None]:
    """Change a file of the place's evidence, and whatever can be changed to fit."""

    def forge(thief: Forger) -> None:
        thief.json(thief.part(name), change)
        if is_proven:
            thief.reprove()

    return forge


def move_area(said):
    for point in said["area"]["geometry"]["coordinates"][0]:
        point[0] += 0.1


def of_proof(change: Callable[[dict], object]) -> Callable[[Forger], None]:
    def forge(thief: Forger) -> None:
        thief.json(thief.at("proof/files.json"), change)
        thief.reindex()

    return forge


def first_file(said):
    return next(iter(said["files"].values()))


FOLDERS: dict[str, tuple[Callable[[Forger], object], str]] = {
    "a byte of a picture": (lambda f: f.flip(f.at(PICTURE)), f"index: {PICTURE} was changed"),
    "a picture and its line in the index": (
        lambda f: (f.flip(f.at(PICTURE)), f.reindex()),
        "index: index.json is not signed with this key: it was changed, or another signed it",
    ),
    "a picture and an index that another signed": (
        lambda f: (f.flip(f.at(PICTURE)), f.reindex(signed=True)),
        "index: index.json is not signed with this key: it was changed, or another signed it",
    ),
    "a picture is missing": (lambda f: f.at(PICTURE).unlink(), f"index: {PICTURE} is missing"),
    "a picture was added": (
        lambda f: shutil.copy(f.at(PICTURE), f.at("more.png")),
        "index: more.png is not in the index",
    ),
    "a line of the index is missing": (of_index(lambda files: files.pop()), "is not in the index: it was added"),
    "a line of the index is another": (
        of_index(lambda files: files[-1].update(sha256="0" * 64)),
        " was changed",
    ),
    "a line of the index is doubled": (of_index(lambda f: f.append(f[0])), "is in the index more than once"),
    "the index is torn": (lambda f: f.at("index.json").write_text("{"), "index: index.json cannot be read"),
    "the index is missing": (lambda f: f.at("index.json").unlink(), "index: index.json is missing"),
    "the signature of the index is missing": (
        lambda f: f.at("index.sig").unlink(),
        "index: index.json is not signed: index.sig is missing",
    ),
    "the signature of the index is of another text": (
        lambda f: f.at("index.sig").write_bytes(b"c2lnbmVk\n"),
        "index: index.json is not signed with this key",
    ),
    "EVIDENCE.md says something else": (
        lambda f: f.at("EVIDENCE.md").write_text("Believe me."),
        "index: EVIDENCE.md was changed",
    ),
    "EVIDENCE.fr.md was left out": (
        lambda f: (f.at("EVIDENCE.fr.md").unlink(), f.reindex()),
        "index: EVIDENCE.fr.md is not in the pack",
    ),
    "two names differ by their case alone": (
        lambda f: shutil.copy(f.at(PICTURE), f.at("pictures/Before.PNG")),
        "pack: pictures/Before.PNG has the name of another file but for its case",
    ),
    "a file is a link": (
        lambda f: (f.at(PICTURE).unlink(), f.at(PICTURE).symlink_to("/etc/hostname")),
        f"pack: {PICTURE} is a link, which may lead anywhere",
    ),
    "a folder is a link": (
        lambda f: f.at("more").symlink_to("/etc"),
        "pack: more is a link, which may lead anywhere",
    ),
    "a file is a pipe": (lambda f: os.mkfifo(f.at("pipe")), "pack: pipe is neither a file nor a folder"),
    "a head was made earlier": (
        lambda f: f.json(f.head(2), lambda said: said["body"].update(made_at="2020-01-01T00:00:00+00:00")),
        "chain: 000003.head.json does not follow from the one before it: one of the two was changed",
    ),
    "the last head was made earlier": (
        lambda f: f.json(f.head(4), lambda said: said["body"].update(made_at="2020-01-01T00:00:00+00:00")),
        "signature: 000004.head.json is not signed with this key",
    ),
    "a head has another number": (
        lambda f: f.json(f.head(2), lambda said: said["body"].update(number=7)),
        "chain: 000002.head.json has the number 7: it was renamed or changed",
    ),
    "a head names another manifest": (
        lambda f: f.json(f.head(4), lambda said: said["body"].update(manifest="0" * 64)),
        "signature: 000004.head.json is not signed with this key",
    ),
    "a head names another one before it": (
        lambda f: f.json(f.head(4), lambda said: said["body"].update(previous="0" * 64)),
        "chain: 000004.head.json does not follow from the one before it: one of the two was changed",
    ),
    "a head in the middle is missing": (
        lambda f: (f.head(2).unlink(), f.reindex()),
        "chain: 000003.head.json follows on 000001.head.json: the chain has a gap",
    ),
    "the last head is missing": (
        lambda f: (f.head(4).unlink(), f.reindex()),
        "evidence: proof/files.json rests on head 4, which is not in the pack",
    ),
    "two heads changed places": (lambda f: swap(f.head(1), f.head(2)), "chain: 000001.head.json has the number 2"),
    "a head is torn": (lambda f: f.head(3).write_text("{"), "chain: 000003.head.json cannot be read"),
    "a head lost its signature": (
        lambda f: f.json(f.head(3), lambda said: said.update(signature="")),
        "signature: 000003.head.json is not signed",
    ),
    "the whole chain was signed with another key": (resign, "signature: 000001.head.json is not signed with this key"),
    "the whole chain was made anew over other files": (
        lambda f: resign(f, lambda body: body.update(files="0" * 64)),
        "000004.one.tsr is of something else",
    ),
    "the stamp is of another head": (
        lambda f: shutil.copy(f.stamp(3), f.stamp(4)),
        "stamp: 000004.one.tsr is of something else",
    ),
    "the stamp is of another authority": (
        foreign_stamp,
        "stamp: 000004.one.tsr was not given under this root certificate, or was changed",
    ),
    "stamp and root certificate are of another authority": (
        foreign_authority,
        "holds other certificates than its head says",
    ),
    "the root certificate is missing": (lambda f: f.roots.unlink(), "stamp: 000004.one.tsr cannot be checked"),
    "the stamp was cut off": (
        lambda f: f.stamp(4).write_bytes(f.stamp(4).read_bytes()[:300]),
        "stamp: 000004.one.tsr cannot be read: it was cut off or damaged",
    ),
    "a byte of the stamp is another": (
        lambda f: f.flip(f.stamp(4)),
        "stamp: 000004.one.tsr was not given under this root certificate, or was changed",
    ),
    "the stamp is missing": (lambda f: (f.stamp(4).unlink(), f.reindex()), "stamp: 000004.one.tsr is missing"),
    "the stamp is said to be pending": (put_back_to_pending, "pending  stamp: 000004.head.json by one"),
    "the stamp is of a time after its certificate": (
        expired_stamp,
        "when the certificate of its authority was not valid (2020-01-01 to 2021-01-01)",
    ),
    "the stamp is a refusal": (refused_stamp, "stamp: 000004.one.tsr is a refusal (rejection)"),
    "a stamp that nobody asked for": (
        lambda f: shutil.copy(f.stamp(4), f.stamp(2)),
        "stamp: 000002.one.tsr is a stamp that no head asks for",
    ),
    "a byte of a scene": (lambda f: (f.flip(f.scenes()[0]), f.reindex()), "one.tif was changed"),
    "two scenes changed their dates": (
        lambda f: (swap(f.scenes()[0], f.scenes()[1]), f.reindex()),
        "three.tif was changed",
    ),
    "two scenes changed their dates, with their hashes": (
        lambda f: (swap(f.scenes()[0], f.scenes()[1]), f.reprove()),
        "three.tif is none of the files that 000004.head.json stands for",
    ),
    "a scene is missing": (unprove_scene, "one.tif is missing"),
    "a scene was added": (
        lambda f: (shutil.copy(f.scenes()[0], f.scenes()[0].with_name("more.tif")), f.reindex()),
        "more.tif is in proof/ without a proof",
    ),
    "the area was moved": (
        rewrite("watch.json", move_area),
        f"evidence: areas/{AREA}/watch.json is none of the files that 000004.head.json stands for",
    ),
    "the margin is another": (
        rewrite("watch.json", lambda said: said["area"]["properties"].update(margin_m=1)),
        f"evidence: areas/{AREA}/watch.json is none of the files",
    ),
    "the settings are others": (
        rewrite("watch.json", lambda said: said.update(history_days=1)),
        f"evidence: areas/{AREA}/watch.json is none of the files",
    ),
    "the weeks are others": (
        rewrite("watch.json", lambda said: said.update(until="2030-01-06")),
        f"evidence: areas/{AREA}/watch.json is none of the files",
    ),
    "the events are others": (
        rewrite("events.geojson", lambda said: said["features"][0].update(id="ev-0"), is_proven=False),
        f"evidence: areas/{AREA}/events.geojson was changed",
    ),
    "an event was left out, with its hash": (
        rewrite("events.geojson", lambda said: said["features"].clear()),
        f"evidence: areas/{AREA}/events.geojson is none of the files",
    ),
    "the events are those of an earlier week": (
        lambda f: (f.part("events.geojson").write_text(json.dumps({"features": [{"id": "three"}]})), f.reprove()),
        f"evidence: areas/{AREA}/events.geojson is none of the files",
    ),
    "a proof leads elsewhere": (of_proof(lambda said: first_file(said)["way"].pop()), "is none of the files that"),
    "the proofs rest on another head": (of_proof(lambda said: said.update(head=3)), "000003.head.json stands for"),
    "the proofs are torn": (
        lambda f: f.at("proof/files.json").write_text("[]"),
        "evidence: proof/files.json cannot be read",
    ),
    "the proofs are missing": (
        lambda f: (f.at("proof/files.json").unlink(), f.reindex()),
        f"evidence: areas/{AREA}/events.geojson is in proof/ without a proof",
    ),
}


def member(name: str, content: str = "x", mode: int = 0o100600) -> Callable[[zipfile.ZipFile], None]:
    def add(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("placeholder")
        info.filename, info.external_attr = name, mode << 16
        archive.writestr(info, content)

    return add


ZIPS: dict[str, tuple[Callable[[zipfile.ZipFile], None], str]] = {
    "a file is in the zip twice": (member(PICTURE), f"pack: {PICTURE} is in the zip 2 times"),
    "a name leads out of the pack": (member("../../.bashrc"), "pack: ../../.bashrc is the name of a file outside"),
    "a name begins at the root": (member("/etc/passwd"), "pack: /etc/passwd is the name of a file outside the pack"),
    "a name is one of Windows": (member("a\\..\\..\\b"), "is the name of a file outside the pack"),
    "a name is that of a drive": (member("C:/b"), "pack: C:/b is the name of a file outside the pack"),
    "a member is a link": (member("link", "/etc/passwd", 0o120777), "pack: link is a link, which may lead anywhere"),
    "a member was added": (member("more.png"), "index: more.png is not in the index: it was added"),
}


def verify(target, honest, *options):
    """What `verify` says in an empty folder, with nothing but the pack and the sender's key."""
    elsewhere = target.parent / "elsewhere"
    elsewhere.mkdir()
    return sitewatch("verify", target, "--key", honest[1].public, *options, cwd=elsewhere)


def test_there_are_more_than_forty_kinds():
    assert len(FOLDERS) + len(ZIPS) >= 60


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_pack_that_nobody_touched_holds(honest, thief, form):
    said = verify(thief.pack if form == "folder" else thief.zipped(), honest, "--root", honest[3].roots)
    assert (said.status, said.wrong) == (0, []), said.out
    lines = said.out.splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith("note")] == [
        "holds  pack",
        "holds  index",
        "holds  chain",
        "holds  signature",
        "holds  stamp",
        "holds  evidence",
    ]
    assert "and the index is signed" in said.out
    assert f"{EVIDENCE}/" not in said.out


@pytest.mark.parametrize("kind", FOLDERS)
def test_what_was_done_to_a_folder_is_named(honest, thief, kind):
    change, complaint = FOLDERS[kind]
    change(thief)
    said = verify(thief.pack, honest)
    assert said.status == 1, said.out
    assert complaint in said.out, said.out
    assert "Traceback" not in said.out + said.err


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", ZIPS)
def test_what_was_done_to_a_zip_is_named(honest, thief, kind):
    change, complaint = ZIPS[kind]
    said = verify(thief.zipped(change), honest)
    assert (said.status, complaint in said.out) == (1, True), said.out


def test_a_zip_that_was_damaged_is_named(honest, thief):
    target = thief.zipped()
    content = target.read_bytes()
    place = content.index(b"a picture of before")
    target.write_bytes(content[:place] + b"A" + content[place + 1 :])
    assert f"index: {PICTURE} was changed" in verify(target, honest).wrong
    target.write_bytes(content[: len(content) // 2])
    shutil.rmtree(target.parent / "elsewhere")
    said = verify(target, honest)
    assert (said.status, "cannot be opened" in said.err) == (2, True)


def test_a_forged_pack_with_its_own_key_shows_by_key_root_and_head(honest, thief):
    """A forger who makes all anew needs an authority whose root the reader does not ask for, and a key likewise."""
    elsewhere = thief.pack.parent
    kept = parse_head(thief.head(4).read_bytes()).body
    resign(thief, lambda body: body.update(manifest="0" * 64, authorities={}))
    for path in thief.pack.glob(f"{EVIDENCE}/*.ts?"):
        path.unlink()
    thief.json(thief.head(3), lambda said: said["body"].update(authorities={}))
    resign(thief)
    said = sitewatch("verify", thief.pack, cwd=elsewhere)
    assert "note   the key is the one in the pack, and anybody can make one" in said.out
    told = sitewatch("verify", thief.pack, "--key", honest[1].public, cwd=elsewhere).wrong
    assert "signature: 000004.head.json is not signed with this key" in told
    told = sitewatch("verify", thief.pack, "--root", honest[3].roots, cwd=elsewhere).wrong
    assert told == ["stamp: no stamp was given under the certificates of --root"]
    told = sitewatch("verify", thief.pack, "--head", f"4:{kept.manifest}", cwd=elsewhere).wrong
    assert told == [f"head: 4:{kept.manifest[:12]}… is not in the pack"]


def test_a_pack_without_the_key_in_it_says_so(thief):
    thief.key.unlink()
    thief.reindex()
    said = sitewatch("verify", thief.pack, cwd=thief.pack.parent)
    assert "signature: the heads are signed, and with no key in the pack" in said.wrong


def test_a_pack_that_begins_later_says_so(thief):
    thief.head(1).unlink()
    thief.reindex()
    said = sitewatch("verify", thief.pack, cwd=thief.pack.parent)
    assert "note   the pack begins with 000002.head.json: what was before it is not in the pack" in said.out
