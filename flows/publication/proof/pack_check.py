"""Whether a pack holds: its files, its chain of heads, who signed and stamped them, and what they stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import Certificate
from pydantic import BaseModel, ConfigDict, ValidationError

from flows.evidence.head_check import (
    check_head_signatures,
    check_stamps,
    check_succession,
    heads_among,
)
from flows.evidence.heads import EvidenceHead, FileProof, key_digest
from flows.evidence.manifest_schema import Hash
from flows.evidence.manifests import FOLDER
from flows.evidence.verifying import Check
from flows.printable import printable
from flows.publication.proof.index_signature import INDEX, SIGNATURE, is_index_signed
from flows.publication.proof.pack_contents import PackContents
from flows.publication.proof.pack_replay import replay_pack
from flows.publication.proof.proof_files import OUTPUTS, PROOF, PROVEN

TEXTS = ("EVIDENCE.md", "EVIDENCE.fr.md")
WITHOUT = (
    "the sender left the proof out, says the index: without a head and a stamp the pack rests on the signature over "
    "the index alone"
)


class _Listed(BaseModel):
    path: str
    sha256: Hash


class _LeftOut(BaseModel):
    what: str


class _Index(BaseModel):
    """What an index has to say; it may say more."""

    files: list[_Listed] | dict[str, Hash]
    not_made: list[_LeftOut] = []

    def entries(self) -> list[tuple[str, str]]:
        """Path and hash of each file that is listed."""
        if isinstance(self.files, dict):
            return list(self.files.items())
        return [(one.path, one.sha256) for one in self.files]


class _Proven(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    head: int
    files: dict[str, FileProof]


@dataclass(frozen=True)
class PackDemands:
    """What whoever checks a pack knows of it otherwise: the sender's key, roots of authorities, and earlier heads."""

    key: Ed25519PublicKey | None = None
    roots: tuple[Certificate, ...] = ()
    heads: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class PackFindings:
    """What holds and what does not, what is pending, and what to know beside it, a line each."""

    checks: tuple[Check, ...]
    pending: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def check_pack(contents: PackContents, demands: PackDemands, *, with_replay: bool) -> PackFindings:
    """Check a pack by what is in it and what is asked for; with a replay the detectors work on its scenes again."""
    beside = _beside(contents)
    heads, wrong = heads_among(beside)
    index = _read_index(contents)
    is_without = index is not None and not beside and any(one.what == PROOF for one in index.not_made)
    key, whose = (demands.key, "this key") if demands.key else (_own_key(beside, heads), "the key in the pack")
    stamps = check_stamps(heads, beside, trusted=demands.roots)
    proven, files = _check_evidence(contents, heads)
    checks = [
        Check("pack", f"{len(contents.names)} files, each with a name of its own", contents.problems),
        _check_index(contents, index, demands.key or key, is_asked=demands.key is not None, is_without=is_without),
        *([] if is_without else [check_succession(heads, wrong)]),
        _check_remembered(heads, demands.heads),
        *([] if is_without else [_check_signature(heads, key, whose), *stamps.checks]),
        files,
    ]
    notes = list(_notes(contents, heads, beside, demands))
    notes += [WITHOUT] if is_without else []
    if with_replay:
        replay = replay_pack(contents, list(proven))
        checks += [] if replay.check is None else [replay.check]
        notes += replay.notes
    return PackFindings(tuple(check for check in checks if check.holds or check.wrong), stamps.pending, tuple(notes))


def _beside(contents: PackContents) -> dict[str, bytes]:
    """Heads, stamps, certificates and keys, by the names that they have in `evidence`."""
    folder = PurePosixPath(OUTPUTS) / FOLDER
    names = [name for name in contents.names if PurePosixPath(name).parent == folder]
    return {PurePosixPath(name).name: contents.read(name) or b"" for name in names}


def _read_index(contents: PackContents) -> _Index | None:
    """What the index says; None where it is not there or is none."""
    try:
        return _Index.model_validate_json(contents.read(INDEX) or b"")
    except (ValidationError, RecursionError):
        return None


def _check_index(
    contents: PackContents, said: _Index | None, key: Ed25519PublicKey | None, *, is_asked: bool, is_without: bool
) -> Check:
    content = contents.read(INDEX)
    if content is None:
        return Check("index", "", (f"{INDEX} is missing or cannot be read",))
    if said is None:
        return Check("index", "", (f"{INDEX} cannot be read: it was damaged or changed",))
    wrong, there, entries = list[str](), set(contents.names), said.entries()
    listed = [path for path, _ in entries]
    doubled = sorted(path for path, count in Counter(listed).items() if count > 1)
    wrong += [f"{printable(path)} is in the index more than once" for path in doubled]
    for path, digest in entries:
        if path not in there:
            wrong.append(f"{printable(path)} is missing")
        elif contents.digest(path) != digest:
            wrong.append(f"{printable(path)} was changed")
    strange = sorted(there - set(listed) - {INDEX, SIGNATURE})
    wrong += [f"{printable(name)} is not in the index: it was added" for name in strange]
    texts = () if is_without else TEXTS
    wrong += [f"{name} is not in the pack" for name in texts if name not in there and name not in listed]
    signature = contents.read(SIGNATURE)
    words = f"{len(entries)} files, byte for byte as the index lists them"
    if signature is None:
        wrong += [f"{INDEX} is not signed: {SIGNATURE} is missing"] if is_asked else []
    elif key is None or not is_index_signed(content, signature, key):
        wrong.append(f"{INDEX} is not signed with this key: it was changed, or another signed it")
    else:
        words += ", and the index is signed"
    return Check("index", words, tuple(wrong))


def _check_remembered(heads: Sequence[EvidenceHead], remembered: Sequence[tuple[int, str]]) -> Check:
    known = {(head.body.number, head.body.manifest) for head in heads}
    lost = [one for one in remembered if one not in known]
    wrong = [f"{number}:{digest[:12]}… is not in the pack" for number, digest in lost]
    return Check("head", f"all {len(remembered)} that you kept are in the pack" if remembered else "", tuple(wrong))


def _check_signature(heads: Sequence[EvidenceHead], key: Ed25519PublicKey | None, whose: str) -> Check:
    if key is None and any(head.signature for head in heads):
        return Check("signature", "", ("the heads are signed, and with no key in the pack",))
    return check_head_signatures(heads, key, whose=whose)


def _own_key(beside: Mapping[str, bytes], heads: Sequence[EvidenceHead]) -> Ed25519PublicKey | None:
    """The key in the pack that signed the last head, None for none."""
    for name in sorted(name for name in beside if name.startswith("key-")):
        try:
            key = load_pem_public_key(beside[name])
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, Ed25519PublicKey) and heads and heads[-1].is_signed_with(key):
            return key
    return None


def _check_evidence(contents: PackContents, heads: Sequence[EvidenceHead]) -> tuple[dict[str, FileProof], Check]:
    """Each file of the evidence by its proof under a head of the pack."""
    start = f"{OUTPUTS}/"
    there = {name.removeprefix(start) for name in contents.names if name.startswith(start)}
    there = {name for name in there if PurePosixPath(name).parts[0] != FOLDER}
    content = contents.read(PROVEN)
    if content is None:
        wrong = tuple(f"{printable(name)} is in {PROOF}/ without a proof" for name in sorted(there))
        return {}, Check("evidence", "no file of the evidence is in this pack", wrong)
    try:
        said = _Proven.model_validate_json(content)
    except (ValidationError, RecursionError):
        return {}, Check("evidence", "", (f"{PROVEN} cannot be read: it was damaged or changed",))
    head = next((one for one in heads if one.body.number == said.head), None)
    if head is None:
        return said.files, Check("evidence", "", (f"{PROVEN} rests on head {said.head}, which is not in the pack",))
    wrong_lines = []
    for path, proof in sorted(said.files.items()):
        if path not in there:
            wrong_lines.append(f"{printable(path)} is missing")
        elif contents.digest(f"{start}{path}") != proof.sha256:
            wrong_lines.append(f"{printable(path)} was changed")
        elif proof.root_for(path) != head.body.files:
            wrong_lines.append(f"{printable(path)} is none of the files that {head.name} stands for")
    strange = sorted(there - said.files.keys())
    wrong_lines += [f"{printable(name)} is in {PROOF}/ without a proof" for name in strange]
    words = f"{len(said.files)} of the files that {head.name} stands for, unchanged"
    return said.files, Check("evidence", words, tuple(wrong_lines))


def _notes(
    contents: PackContents, heads: Sequence[EvidenceHead], beside: Mapping[str, bytes], demands: PackDemands
) -> list[str]:
    """What a reader of the checks has to know beside them."""
    notes = []
    if heads and heads[0].body.previous is not None:
        notes.append(f"the pack begins with {heads[0].name}: what was before it is not in the pack")
    if any(head.body.simulated for head in heads):
        notes.append("the pictures are simulated: all in this pack is made up")
    own = _own_key(beside, heads)
    if demands.key is None and own is not None:
        notes.append(
            f"the key is the one in the pack, and anybody can make one: ask the sender for the SHA-256 of the key, and "
            f"compare it with {key_digest(own)}, or give --key"
        )
    if not demands.roots and any(head.body.authorities for head in heads):
        notes.append(
            "the root certificates are those in the pack: compare their SHA-256 with what the authorities publish, or "
            "give --root"
        )
    if contents.read(SIGNATURE) is None:
        notes.append(
            f"nobody signed the index: what is outside {PROOF}/ rests on the word of whoever gave you the pack"
        )
    return notes
