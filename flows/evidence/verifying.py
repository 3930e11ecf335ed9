"""Whether evidence is what the runs left: file by file, link by link, signature by signature."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from flows.evidence.manifests import FOLDER, EvidenceError, Link, covered, digest_of, files_of, signed_bytes, slipped_in
from flows.ledger.history_digests import TableDigest
from flows.printable import printable


@dataclass(frozen=True)
class Check:
    """One thing that was checked: what holds, and what does not, a line each."""

    name: str
    holds: str
    wrong: tuple[str, ...] = ()


def outputs_above(path: Path) -> Path:
    """Find the outputs that a file or folder belongs to.

    Raises `EvidenceError` where no run left a manifest.
    """
    whole = path.absolute()
    found = next((one for one in (whole, *whole.parents) if any((one / FOLDER).glob("*.json"))), None)
    if found is None or not path.exists():
        raise EvidenceError(
            f"`{printable(path)}` is not evidence: no run wrote a manifest there; name the outputs of `sitewatch "
            "watch`, or a part of them"
        )
    return found


def check_chain(links: Sequence[Link], *, last: tuple[int, str] | None) -> Check:
    """Check that each manifest names the one before, and that the chain is as long as the record says.

    The record says so by number and hash of the `last` one.
    """
    wrong = []
    for place, link in enumerate(links, start=1):
        if link.body["number"] != place or link.path.name != f"{place:06d}.json":
            wrong.append(f"{link.path.name} stands where {place:06d}.json should: the chain is cut")
            break
        if link.body["previous"] != (digest_of(links[place - 2].path) if place > 1 else None):
            wrong.append(f"{link.path.name} does not follow from the one before it: one of the two was changed")
        if "record" not in link.body and place > 1 and "record" in links[place - 2].body:
            wrong.append(f"{link.path.name} says less of the record than the one before it")
    if last is not None and not wrong:
        number, digest = last
        if not 0 < number <= len(links) or digest_of(links[number - 1].path) != digest:
            wrong.append(f"the record knows another {number:06d}.json: the end of the chain was cut or changed")
    return Check("chain", f"unbroken, {_manifests(len(links))}", tuple(wrong))


def check_heads(links: Sequence[Link], remembered: Sequence[tuple[int, str]]) -> Check:
    """Check that the chain holds every manifest that somebody remembered, by number and hash.

    It says its own end, to be kept.
    """
    wrong = [
        f"{number:06d}.json is not the one of {digest[:12]}…: the chain was cut or made anew since you kept that"
        for number, digest in remembered
        if not 0 < number <= len(links) or digest_of(links[number - 1].path) != digest
    ]
    kept = f", and all {len(remembered)} that you kept are in it" if remembered else ""
    return Check("head", f"{len(links)}:{digest_of(links[-1].path)}{kept}", tuple(wrong))


def read_head(text: str) -> tuple[int, str]:
    """Return number and hash of a line ``N:HASH``; raises `EvidenceError` for any other text."""
    number, _, digest = text.strip().partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 10 and re.fullmatch("[0-9a-f]{64}", digest)):
        raise EvidenceError(f"head `{printable(text)}` is not a head; give N:HASH as `sitewatch verify` printed it")
    return int(number), digest


def check_signatures(links: Sequence[Link], key: Ed25519PublicKey | None) -> Check:
    """Check that every manifest is signed by the holder of a key; without the key nothing is claimed."""
    signed = [link for link in links if link.signature]
    if key is None:
        return Check("signature", f"{len(signed)} of {_manifests(len(links))} signed; --key PUBLIC.pem asks by whom")
    wrong = [f"{link.path.name} is not signed" for link in links if not link.signature]
    wrong += [f"{link.path.name} is not signed with this key" for link in signed if not is_signed(link, key)]
    return Check("signature", f"{_manifests(len(links))}, all signed with this key", tuple(wrong))


def history_of(links: Sequence[Link]) -> dict[str, TableDigest]:
    """Return the hashes of tables in the last manifest of an earlier version, which knew no journal.

    Empty where there is none, and once a manifest says that the record was set back from them (`set_back_at`).
    """
    if set_back_at(links):
        return {}
    return next((dict(link.body["history"]) for link in reversed(links) if "history" in link.body), {})


def set_back_at(links: Sequence[Link]) -> int | None:
    """Find the first manifest that says that rows hashed by earlier versions are others now; None without one."""
    ends = ((link.body["number"], link.body.get("record")) for link in links)
    return next((number for number, end in ends if end is not None and end.get("history_set_back")), None)


def check_history(held: Mapping[str, TableDigest], found: Mapping[str, TableDigest]) -> Check:
    """Check that the rows that a manifest of an earlier version knew are in the record as they were.

    `held` is what the manifest knew, `found` what the record holds.
    """
    wrong = [
        f"{printable(table)}: its first {entry['rows']} rows are not what they were"
        for table, entry in held.items()
        if found.get(table) != entry
    ]
    rows = sum(entry["rows"] for entry in held.values())
    return Check("history", f"{rows} rows of the record, as they were written", tuple(wrong))


def check_files(outputs: Path, links: list[Link], *, within: Path) -> Check:
    """Check that every file of the evidence `within` a folder is there, unchanged, and no other."""
    known = {name: entry for name, entry in files_of(links).items() if _is_within(outputs / name, within)}
    wrong = []
    for name, entry in sorted(known.items()):
        path = outputs / name
        if not path.is_file():
            wrong.append(f"{printable(name)} is missing")
        elif path.stat().st_size != entry["size"] or digest_of(path) != entry["sha256"]:
            wrong.append(f"{printable(name)} was changed")
    others = [name for name in covered(outputs) if name not in known and _is_within(outputs / name, within)]
    wrong += [f"{printable(name)} is on no manifest; if a run was cut short, watch again" for name in others]
    strange = [name for name in slipped_in(outputs) if _is_within(outputs / name, within)]
    wrong += [f"{printable(name)} is no file of a run's" for name in strange if not _is_left_over(name)]
    return Check("files", f"{len(known)} files, byte for byte as the runs left them", tuple(wrong))


def left_over(outputs: Path) -> list[str]:
    """List drafts among the evidence that a kill left behind, or that somebody made look like that."""
    return [name for name in slipped_in(outputs) if _is_left_over(name)]


def _is_left_over(name: str) -> bool:
    last = name.rsplit("/", 1)[-1]
    return last.startswith(".") and last.endswith(".tmp")


def public_key(path: Path) -> Ed25519PublicKey:
    """Read the public key in a PEM file; raises `EvidenceError` for any other file."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise EvidenceError(
            f"key `{path}` is not a public Ed25519 key in PEM; `openssl pkey -in KEY -pubout` gives the "
            "public key of a signing key"
        )
    return key


def _manifests(number: int) -> str:
    return f"{number} manifest{'' if number == 1 else 's'}"


def is_signed(link: Link, key: Ed25519PublicKey) -> bool:
    """Return whether the holder of a key signed a manifest."""
    try:
        key.verify(base64.b64decode(link.signature, validate=True), signed_bytes(link.body))
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_within(path: Path, within: Path) -> bool:
    return path == within or within in path.parents
