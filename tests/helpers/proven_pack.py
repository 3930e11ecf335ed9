"""Packs that prove themselves, of a small record and of a real watch, and what a forger can do to one."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from small_record import AREA, area, make, write
from timestamp_server import StampMaker

from aois.grid import grid_of
from flows.evidence.authorities import read_authorities
from flows.evidence.heads import read_heads
from flows.evidence.manifests import FOLDER
from flows.evidence.stamping import stamp_request
from flows.imagery.archive.store import Archive
from flows.ledger.ledger import Ledger
from flows.pipeline.evidence_manifest import attest
from flows.pipeline.watch_terms import terms_of
from flows.publication.pack_subject import PackFile, PackStores, PackSubject, Sharing
from flows.publication.proof.index_signature import sign_index
from flows.publication.proof.proof_files import OUTPUTS, proof_files

PICTURE = "pictures/before.png"
EVIDENCE = f"{OUTPUTS}/{FOLDER}"


@dataclass(frozen=True)
class Signer:
    """Somebody with a key, in files."""

    secret: Ed25519PrivateKey
    public: Path


def signer(folder: Path, name: str) -> Signer:
    """Make a key."""
    secret = Ed25519PrivateKey.generate()
    (folder / f"{name}.pub").write_bytes(public_pem(secret))
    (folder / f"{name}.pem").write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Signer(secret, folder / f"{name}.pub")


def public_pem(secret: Ed25519PrivateKey) -> bytes:
    return secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def stamp_all(outputs: Path, maker: StampMaker) -> None:
    """Have every request that waits answered, as if its authority had been asked."""
    folder = outputs / FOLDER
    for head in read_heads(folder):
        waiting = folder / f"{head.body.number:06d}.{maker.name}.tsq"
        if waiting.exists():
            waiting.with_suffix(".tsr").write_bytes(maker.stamp(stamp_request(head)))
            waiting.unlink()


def assemble(files: Iterable[PackFile], folder: Path, key: Ed25519PrivateKey | None) -> Path:
    """A pack of these files and a picture, in a folder, with an index that is signed if there is a key."""
    for one in (*files, PackFile(PICTURE, b"\x89PNG a picture of before")):
        target = folder / one.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(one.content)
    index(folder, key)
    return folder


def index(folder: Path, key: Ed25519PrivateKey | None) -> None:
    """Write the index of what is in a folder."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    listed = [{"path": n, "sha256": sha256((folder / n).read_bytes()).hexdigest()} for n in names if "index." not in n]
    made = PackFile("index.json", json.dumps({"format": "sitewatch-pack-1", "files": listed}, indent=1).encode())
    (folder / made.path).write_bytes(made.content)
    if key is not None:
        (folder / "index.sig").write_bytes(sign_index(made, key).content)


def small_stores(outputs: Path, key: Path, maker: StampMaker) -> tuple[PackStores, Ledger]:
    """A small record of four runs, the last two of them stamped, with three scenes that are none."""
    made = make(outputs, runs=2, key=key)
    archive = Archive(outputs / "archive")
    folder = archive.folder(AREA, "simulated", grid_of(area()))
    for name in ("one", "two", "three"):
        write(folder / f"{name}.tif", f"scene {name}")
    ledger = made.ledger()
    terms = terms_of(area(), ledger, source_name="simulated", history_days=730)
    assert terms is not None
    (outputs / "areas" / AREA / "watch.json").write_bytes(terms)
    authorities = read_authorities([f"{maker.roots}=http://127.0.0.1:1/tsr"])
    signing = signing_key_of(key)
    for text in ("three", "four"):
        write(outputs / "areas" / AREA / "events.geojson", json.dumps({"features": [{"id": text}]}))
        attest(outputs, ledger, text, key=signing, authorities=authorities)
    stamp_all(outputs, maker)
    return PackStores(outputs, ledger, archive, "simulated"), ledger


def signing_key_of(path: Path) -> Ed25519PrivateKey:
    from flows.evidence.manifests import signing_key

    key = signing_key(path)
    assert key is not None
    return key


def pack_of(stores: PackStores, folder: Path, key: Ed25519PrivateKey | None, *, sharing: Sharing) -> Path:
    """A pack of everything that is watched."""
    areas = stores.ledger.areas()
    subjects = [PackSubject(one, tuple(stores.ledger.events(one.id)), *_days(stores.ledger, one.id)) for one in areas]
    return assemble(proof_files(subjects, stores, sharing=sharing, language="en"), folder, key)


def _days(ledger: Ledger, area_id: str) -> tuple[Any, Any]:
    weeks = sorted(ledger.chains(area_id))
    return weeks[0].first_day, weeks[-1].last_day


@dataclass(frozen=True)
class Forger:
    """Somebody who has a copy of a pack, a key of their own and an authority of their own."""

    pack: Path
    own: Signer
    maker: StampMaker
    honest: StampMaker

    def at(self, name: str) -> Path:
        """A file of the pack."""
        return self.pack / name

    def head(self, number: int) -> Path:
        """The file of a head."""
        return self.pack / EVIDENCE / f"{number:06d}.head.json"

    def stamp(self, number: int) -> Path:
        """The file of a stamp."""
        return self.pack / EVIDENCE / f"{number:06d}.{self.honest.name}.tsr"

    @property
    def roots(self) -> Path:
        """The root certificates of the authority."""
        (found,) = (self.pack / EVIDENCE).glob(f"{self.honest.name}.*.pem")
        return found

    @property
    def key(self) -> Path:
        """The sender's key in the pack."""
        (found,) = (self.pack / EVIDENCE).glob("key-*.pem")
        return found

    def scenes(self) -> list[Path]:
        """The scenes in the pack."""
        return sorted((self.pack / OUTPUTS).glob("archive/*/*/*.tif"))

    def part(self, name: str) -> Path:
        """A file of the place's evidence."""
        (found,) = (self.pack / OUTPUTS).glob(f"areas/*/{name}")
        return found

    def flip(self, path: Path, place: int = -1) -> None:
        """Turn one bit over."""
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(bytes(content))

    def json(self, path: Path, change: Callable[[Any], Any]) -> None:
        """Change what a file of JSON says."""
        said = json.loads(path.read_text())
        change(said)
        path.write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")

    def reindex(self, *, signed: bool = False) -> None:
        """Make the index fit again; the sender's signature over it cannot be made."""
        index(self.pack, self.own.secret if signed else None)

    def reprove(self) -> None:
        """Make `files.json` say what the files are, as far as that can be done without the tree."""

        def change(said: Any) -> None:
            for path, proof in list(said["files"].items()):
                target = self.pack / OUTPUTS / path
                if not target.exists():
                    del said["files"][path]
                    continue
                content = target.read_bytes()
                proof.update(sha256=sha256(content).hexdigest(), size=len(content))

        self.json(self.at("proof/files.json"), change)
        self.reindex()

    def zipped(self, change: Callable[[zipfile.ZipFile], None] = lambda _: None) -> Path:
        """The pack as a zip, with more in it."""
        target = self.pack.with_suffix(".zip")
        with zipfile.ZipFile(target, "w") as archive:
            for path in sorted(self.pack.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(self.pack).as_posix())
            change(archive)
        return target


def forger(pack: Path, folder: Path, own: Signer, maker: StampMaker, honest: StampMaker) -> Forger:
    """A forger with a copy of a pack in a folder."""
    return Forger(Path(shutil.copytree(pack, folder / "pack")), own, maker, honest)
