"""What every run left behind, by hash: a chain of files, each of which names the hash of the one before it."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

FOLDER = "evidence"
COVERED = (
    "alerts/alerts.geojson",
    "areas/*/events.geojson",
    "areas/*/????-??-??/*.tif",
    "archive/*/*/[!.]*.tif",
)
"""What is evidence. Pages and catalogs are made from it and can be made again; the record is hashed row by row."""
WRITE_ONCE = "archive/"
NAME = re.compile(r"[0-9]{6}\.json")


class EvidenceError(ValueError):
    """Evidence cannot be written or checked; the message says what, and what to do."""


@dataclass(frozen=True)
class Link:
    """One manifest of a chain: its file, what it says, and its signature (base64, empty if there is none)."""

    path: Path
    body: Mapping[str, Any]
    signature: str


def write_manifest(
    outputs: Path,
    *,
    run_id: str,
    made_at: str,
    history: Mapping[str, Any],
    key: Ed25519PrivateKey | None = None,
    is_simulated: bool = False,
) -> Path | None:
    """The chain ends with a manifest of what changed since the one before; None where nothing did.

    `history` is what the record says of its own rows. Raises `EvidenceError` for a chain that cannot be read: nothing
    is added to one that is damaged.
    """
    links = read_chain(outputs)
    known = files_of(links)
    found = {name: _entry(outputs, name, known.get(name)) for name in covered(outputs)}
    changed: dict[str, Any] = {name: entry for name, entry in found.items() if known.get(name) != entry}
    changed |= dict.fromkeys(known.keys() - found.keys())
    if links and not changed and links[-1].body["history"] == history:
        return None
    body = {
        "number": len(links) + 1,
        "previous": digest_of(links[-1].path) if links else None,
        "run_id": run_id,
        "made_at": made_at,
        "files": changed,
        "history": history,
    } | ({SIMULATED: True} if is_simulated else {})
    signature = base64.b64encode(key.sign(signed_bytes(body))).decode() if key else ""
    path = outputs / FOLDER / f"{body['number']:06d}.json"
    _write(path, json.dumps({"body": body, "signature": signature}, indent=1, sort_keys=True) + "\n")
    return path


def read_chain(outputs: Path) -> list[Link]:
    """The manifests in the order of their numbers; raises `EvidenceError` for a file that is none."""
    links = []
    for path in sorted(one for one in (outputs / FOLDER).glob("*.json") if NAME.fullmatch(one.name)):
        try:
            whole = json.loads(path.read_bytes())
            body = whole["body"]
            said = {SIMULATED: body[SIMULATED]} if SIMULATED in body else {}
            links.append(Link(path, {name: body[name] for name in BODY} | said, str(whole["signature"])))
        except (ValueError, KeyError, TypeError):
            raise EvidenceError(f"manifest `{path}` cannot be read; put back the file that the run wrote") from None
    return links


BODY = ("number", "previous", "run_id", "made_at", "files", "history")
SIMULATED = "simulated"  # in the manifests of a simulated world alone


def files_of(links: list[Link]) -> dict[str, dict[str, Any]]:
    """What the chain says of each file that should be there: ``sha256`` and ``size`` in bytes, by its path."""
    known: dict[str, dict[str, Any]] = {}
    for link in links:
        for name, entry in link.body["files"].items():
            known.pop(name, None)
            if entry is not None:
                known[name] = entry
    return known


def covered(outputs: Path) -> Iterator[str]:
    """The paths of all evidence there is, relative to the outputs, in order."""
    found = {path for pattern in COVERED for path in outputs.glob(pattern) if path.is_file()}
    yield from sorted(path.relative_to(outputs).as_posix() for path in found)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, sha256).hexdigest()


def signed_bytes(body: Mapping[str, Any]) -> bytes:
    """What a signature is over: the body as canonical JSON."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signing_key(path: Path | None) -> Ed25519PrivateKey | None:
    """The operator's key in a PEM file, None where none is named; raises `EvidenceError` for any other file."""
    if path is None:
        return None
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise EvidenceError(
            f"signing key `{path}` is no Ed25519 key in PEM; make one with `openssl genpkey -algorithm ed25519`"
        )
    return key


def _entry(outputs: Path, name: str, known: Mapping[str, Any] | None) -> dict[str, Any]:
    """Size and hash of a file; that of a scene, which is written once, is not computed again at every run."""
    size = (outputs / name).stat().st_size
    if known and name.startswith(WRITE_ONCE) and known["size"] == size:
        return dict(known)
    return {"sha256": digest_of(outputs / name), "size": size}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
