"""The head of each manifest: one small file that names no place, and stands for all evidence up to it.

A head is what gets signed and stamped for people outside. It holds the hash of its manifest, and the root of a tree
over all files of the evidence, so that a pack can prove some files without a word about any other.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from flows.evidence.hash_tree import Side, root_above, tree_root, ways_up
from flows.evidence.manifest_schema import Count, Hash
from flows.evidence.manifests import FOLDER, EvidenceError, Link, digest_of, files_of
from flows.files import atomic_write
from flows.printable import printable

NAME = re.compile(r"[0-9]{6}\.head\.json")
AUTHORITY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MOST_BYTES = 100_000
DIGITS = 12  # of a hash in the name of a file


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class HeadBody(_Strict):
    """What a head says.

    `manifest` and `previous` are SHA-256 of files, `files` is the root of the tree over all files of the evidence. How
    many they are is not said: from week to week it would tell how much was found. `authorities` are those that were
    asked for a time stamp, with the SHA-256 of the file of their root certificates.
    """

    number: Count
    previous: Hash | None
    manifest: Hash
    made_at: AwareDatetime
    files: Hash
    authorities: dict[Annotated[str, Field(pattern=AUTHORITY.pattern)], Hash]
    simulated: Literal[True] | None = None


class _Head(_Strict):
    body: HeadBody
    signature: str


@dataclass(frozen=True)
class EvidenceHead:
    """One head: its bytes, what they say, and the signature (base64, empty if there is none)."""

    content: bytes
    body: HeadBody
    signature: str

    @property
    def name(self) -> str:
        """Return the name of its file."""
        return head_name(self.body.number)

    @property
    def digest(self) -> bytes:
        """Compute the SHA-256 of its file, which is what gets stamped."""
        return sha256(self.content).digest()

    def is_signed_with(self, key: Ed25519PublicKey) -> bool:
        """Return whether the holder of a key signed it."""
        try:
            key.verify(base64.b64decode(self.signature, validate=True), _signed_bytes(json.loads(self.content)["body"]))
        except (InvalidSignature, ValueError):
            return False
        return True


def head_name(number: int) -> str:
    """Return the name of the head with a number."""
    return f"{number:06d}.head.json"


def write_heads(
    outputs: Path, links: Sequence[Link], *, key: Ed25519PrivateKey | None, authorities: Mapping[str, str]
) -> list[EvidenceHead]:
    """Write the head of each manifest after the last head, and return all heads.

    Where there is none yet, that of the last manifest alone: its tree holds all files before it. After a kill the
    missing ones are written now. Only the last manifest is to be stamped, by `authorities` (the SHA-256 of their root
    certificates, by name), since it stands for those before it.
    """
    heads, folder = read_heads(outputs / FOLDER), outputs / FOLDER
    first = heads[-1].body.number if heads else len(links) - 1
    for place in range(first, len(links)):
        link = links[place]
        leaves = _leaves(links[: place + 1])
        body: dict[str, object] = {
            "number": link.body["number"],
            "previous": heads[-1].digest.hex() if heads else None,
            "manifest": digest_of(link.path),
            "made_at": link.body["made_at"],
            "files": tree_root([leaf for _, leaf in leaves]).hex(),
            "authorities": dict(authorities) if place == len(links) - 1 else {},
        }
        if link.body.get("simulated"):
            body["simulated"] = True
        signature = base64.b64encode(key.sign(_signed_bytes(body))).decode() if key else ""
        text = json.dumps({"body": body, "signature": signature}, indent=1, sort_keys=True) + "\n"
        heads.append(parse_head(text.encode()))
        atomic_write(folder / heads[-1].name, text)
    if key is not None:
        keep_key(folder, key.public_key())
    return heads


def keep_key(folder: Path, key: Ed25519PublicKey) -> None:
    """Keep a public key beside the heads that it belongs to, under a name made of its hash."""
    content = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path = folder / f"key-{key_digest(key)[:DIGITS]}.pem"
    if not path.exists():
        atomic_write(path, content)


def key_digest(key: Ed25519PublicKey) -> str:
    """Compute the SHA-256 of a public key (DER), as ``openssl pkey -pubin -outform DER | sha256sum`` gives it."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def read_heads(folder: Path) -> list[EvidenceHead]:
    """Read the heads in a folder in the order of their names; raises `EvidenceError` for a file that is none."""
    paths = sorted(path for path in folder.glob("*.head.json") if NAME.fullmatch(path.name))
    return [_read(path) for path in paths]


def parse_head(content: bytes) -> EvidenceHead:
    """Return the head that a file holds; raises `ValueError` for bytes that are none."""
    if len(content) > MOST_BYTES:
        raise ValueError("too long")
    try:
        read = _Head.model_validate_json(content)
    except (ValidationError, RecursionError):
        raise ValueError("no head") from None
    return EvidenceHead(content, read.body, read.signature)


class FileProof(_Strict):
    """What a pack says of one file of the evidence: hash, size, the salt of its leaf, and the way to the root."""

    sha256: Hash
    size: Count
    salt: Hash
    way: list[tuple[Literal["left", "right"], Hash]]

    def root_for(self, path: str) -> str:
        """Compute the root of the tree in which a file with this path, hash and size stands."""
        way: list[Side] = [(side, bytes.fromhex(beside)) for side, beside in self.way]
        return root_above(_leaf(path, self.sha256, self.size, self.salt), way).hex()


def prove_files(links: Sequence[Link], paths: Collection[str]) -> dict[str, FileProof]:
    """Return the proof of each of these files of the evidence under the head of the last manifest.

    Raises `EvidenceError` for a file that no manifest knows.
    """
    leaves, known = _leaves(links), files_of(list(links))
    places = {path: place for place, (path, _) in enumerate(leaves)}
    if strange := sorted(set(paths) - places.keys()):
        raise EvidenceError(f"`{printable(strange[0])}` is on no manifest; run `sitewatch watch`, then export again")
    salted, ways = _Salt(links[-1]), ways_up([leaf for _, leaf in leaves], [places[path] for path in paths])
    return {
        path: FileProof(
            sha256=known[path]["sha256"],
            size=known[path]["size"],
            salt=salted.of(path),
            way=[(_side(side), beside.hex()) for side, beside in ways[places[path]]],
        )
        for path in paths
    }


class _Salt:
    """What is hashed with each file, so that nobody can find out about another one by guessing it.

    It is made from the manifest, which nobody knows who does not know all files.
    """

    def __init__(self, last: Link) -> None:
        self._secret = sha256(b"salt " + last.path.read_bytes()).digest()

    def of(self, path: str) -> str:
        return sha256(self._secret + path.encode()).hexdigest()


def _leaves(links: Sequence[Link]) -> list[tuple[str, bytes]]:
    """The leaves of the tree of a chain, by the path of their files, in order."""
    salted, known = _Salt(links[-1]), files_of(list(links))
    return [(path, _leaf(path, one["sha256"], one["size"], salted.of(path))) for path, one in sorted(known.items())]


def root_of(links: Sequence[Link]) -> str:
    """Compute the root of the tree over all files that a chain says are there."""
    return tree_root([leaf for _, leaf in _leaves(links)]).hex()


def _leaf(path: str, digest: str, size: int, salt: str) -> bytes:
    return json.dumps([path, digest, size, salt], separators=(",", ":"), ensure_ascii=False).encode()


def _side(side: str) -> Literal["left", "right"]:
    return "left" if side == "left" else "right"


def _read(path: Path) -> EvidenceHead:
    try:
        return parse_head(path.read_bytes())
    except (OSError, ValueError):
        raise EvidenceError(
            f"head `{printable(path)}` cannot be read: it is damaged; put back the file that the run wrote"
        ) from None


def _signed_bytes(body: object) -> bytes:
    """What a signature is over: the body as canonical JSON, with a word that no manifest begins with."""
    return b"head " + json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
