"""What every run left behind, by hash: a chain of files, each of which names the hash of the one before it."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from aois.errors import UserError
from flows.evidence.manifest_schema import FileEntry, ManifestBody, RecordEnd, read_manifest
from flows.files import OWNER_FILE, private_folder
from flows.printable import printable

FOLDER = "evidence"
COVERED = (
    "alerts/alerts.geojson",
    "areas/*/events.geojson",
    "areas/*/watch.json",
    "areas/*/????-??-??/[!.]*.tif",
    "areas/*/state/[!.]*.npz",
    "archive/*.geojson",
    "archive/*.json",
    "archive/*/*/[!.]*.tif",
    "archive/*/*/[!.]*.adopted.json",
    "archive/*/*/[!.]*.plan.json",
    "archive/*/*/index.jsonl",
    "archive/.quarantine/*/*/*",
)
"""What is evidence. Pages and catalogs are made from it and can be made again; the record has its journal."""
TREES = ("alerts", "areas", "archive", FOLDER)
"""Folders that hold evidence: a file there that is none, and none of `BESIDE`, was slipped in."""
BESIDE = (
    "alerts/*.xml",
    "alerts/*/*.xml",
    "areas/*/catalog.json",
    "areas/*/collection.json",
    "areas/*/detectability.*",
    "areas/*/scenes/*.json",
    "areas/*/????-??-??/item.json",
    "archive/*/*/.lock",
    f"{FOLDER}/[0-9][0-9][0-9][0-9][0-9][0-9].json",
    f"{FOLDER}/[0-9][0-9][0-9][0-9][0-9][0-9].head.json",
    f"{FOLDER}/[0-9][0-9][0-9][0-9][0-9][0-9].*.ts[qr]",
    f"{FOLDER}/*.pem",
    f"{FOLDER}/.stamps.lock",
)
WRITE_ONCE = re.compile(r"archive/.*\.tif")
NAME = re.compile(r"[0-9]{6}\.json")


class EvidenceError(UserError, ValueError):
    """Evidence cannot be written or checked; the message says what, and what to do."""


@dataclass(frozen=True)
class Link:
    """One manifest of a chain: its file, what it says, and its signature (base64, empty if there is none)."""

    path: Path
    body: ManifestBody
    signature: str


def write_manifest(
    outputs: Path,
    *,
    run_id: str,
    made_at: str,
    record: RecordEnd,
    is_news: bool = True,
    key: Ed25519PrivateKey | None = None,
    is_simulated: bool = False,
) -> Path | None:
    """Add a manifest of what changed to the chain, and return its path; None where nothing changed.

    Parameters
    ----------
    outputs
        Where the run left its files.
    run_id, made_at
        Which run it was, and when (ISO, with time zone).
    record
        The end of the record's journal: ``changes``, ``link``, and ``follows``, the number of the last manifest whose
        end of the journal is in it (None: of none).
    is_news
        Whether the record is another than at the last manifest; where not even a file is, none is written.
    key
        The operator's, to sign with.
    is_simulated
        Whether the record is of a simulated world; the manifest then says so.

    Raises
    ------
    EvidenceError
        For a chain that cannot be read: nothing is added to one that is damaged.
    """
    links = read_chain(outputs)
    known = files_of(links)
    found = {name: _entry(outputs, name, known.get(name)) for name in covered(outputs)}
    changed: dict[str, FileEntry | None] = {name: entry for name, entry in found.items() if known.get(name) != entry}
    changed |= dict.fromkeys(known.keys() - found.keys())
    if links and not changed and not is_news:
        return None
    body: ManifestBody = {
        "number": len(links) + 1,
        "previous": digest_of(links[-1].path) if links else None,
        "run_id": run_id,
        "made_at": made_at,
        "files": changed,
        "record": record,
    }
    if is_simulated:
        body["simulated"] = True
    signature = base64.b64encode(key.sign(signed_bytes(body))).decode() if key else ""
    path = outputs / FOLDER / f"{body['number']:06d}.json"
    _write(path, json.dumps({"body": body, "signature": signature}, indent=1, sort_keys=True) + "\n")
    return path


def read_chain(outputs: Path) -> list[Link]:
    """Read the manifests in the order of their numbers; raises `EvidenceError` for a file that is none."""
    links = []
    for path in sorted(one for one in (outputs / FOLDER).glob("*.json") if NAME.fullmatch(one.name)):
        try:
            body, signature = read_manifest(path.read_bytes())
        except (OSError, ValueError):
            raise EvidenceError(
                f"manifest `{printable(path)}` cannot be read: it is damaged; put back the file that the run wrote"
            ) from None
        links.append(Link(path, body, signature))
    return links


def files_of(links: list[Link]) -> dict[str, FileEntry]:
    """List what the chain says of each file that should be there: ``sha256``, and ``size`` in bytes, by path."""
    known: dict[str, FileEntry] = {}
    for link in links:
        for name, entry in link.body["files"].items():
            known.pop(name, None)
            if entry is not None:
                known[name] = entry
    return known


def covered(outputs: Path) -> Iterator[str]:
    """List the paths of all evidence there is, relative to the outputs, in order."""
    yield from _found(outputs, COVERED)


def slipped_in(outputs: Path) -> Iterator[str]:
    """List files that lie among the evidence, are none of it, and are nothing that Sitewatch puts there.

    Their paths, relative to the outputs, in order.
    """
    known = {*_found(outputs, COVERED), *_found(outputs, BESIDE)}
    there = {path for tree in TREES for path in (outputs / tree).rglob("*") if not path.is_dir()}
    yield from sorted({path.relative_to(outputs).as_posix() for path in there} - known)


def digest_of(path: Path) -> str:
    """Compute the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, sha256).hexdigest()


def signed_bytes(body: ManifestBody) -> bytes:
    """Return what a signature is over: the body as canonical JSON."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signing_key(path: Path | None) -> Ed25519PrivateKey | None:
    """Read the operator's key from a PEM file; None where none is named.

    Raises `EvidenceError` for any other file.
    """
    if path is None:
        return None
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise EvidenceError(
            f"signing key `{path}` is not an Ed25519 key in PEM; make one with `openssl genpkey -algorithm ed25519`"
        )
    return key


def _found(outputs: Path, patterns: tuple[str, ...]) -> list[str]:
    found = {path for pattern in patterns for path in outputs.glob(pattern) if path.is_file()}
    return sorted(path.relative_to(outputs).as_posix() for path in found)


def _entry(outputs: Path, name: str, known: FileEntry | None) -> FileEntry:
    """Size and hash of a file; that of a scene, which is written once, is not computed again at every run."""
    size = (outputs / name).stat().st_size
    if known and WRITE_ONCE.fullmatch(name) and known["size"] == size:
        return known
    return {"sha256": digest_of(outputs / name), "size": size}


def _write(path: Path, text: str) -> None:
    private_folder(path.parent)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)  # by a kill
    temporary.touch(mode=OWNER_FILE)
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
