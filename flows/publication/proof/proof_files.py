"""The files by which a stranger checks a pack: heads, stamps, keys, the places' evidence, and what all of it means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from aois.grid import grid_of
from flows.evidence.heads import EvidenceHead, FileProof, prove_files, read_heads
from flows.evidence.manifests import FOLDER, EvidenceError, files_of, read_chain
from flows.pipeline.watch_terms import FILE as TERMS
from flows.printable import printable
from flows.publication.pack_subject import PackFile, PackStores, PackSubject, Sharing
from flows.publication.proof.evidence_text import evidence_texts

PROOF = "proof"
OUTPUTS = f"{PROOF}/outputs"
"""Where a pack holds its part of the outputs, under the paths that these files have there."""
PROVEN = f"{PROOF}/files.json"
SCENES = (".tif", ".adopted.json", ".plan.json")
"""Scenes, which of several versions is in use, and what was planned for a week; its index is made of these."""
AGAIN = "run `sitewatch watch`, then export again"


def proof_files(
    subjects: Sequence[PackSubject], stores: PackStores, *, sharing: Sharing, language: str
) -> Iterator[PackFile]:
    """Give the files that prove a pack, one after the other; `EVIDENCE.md` in the pack's language comes first.

    A restricted pack gets all heads, and of its places all that a replay needs: scenes, terms and events. A public one
    gets the last head and its stamps alone: they name no place, no scene and no file.

    Raises `EvidenceError` where the evidence is not as the last manifest says, or no run of this version wrote a head.
    """
    if sharing is Sharing.PUBLIC:
        yield from public_proof_files(stores.outputs, language=language)
        return
    heads = _heads(stores.outputs)
    proven = _proven(subjects, stores)
    yield from _head_files(stores.outputs, heads, sharing=sharing, language=language)
    said = {"head": heads[-1].body.number, "files": {path: proof.model_dump() for path, proof in proven.items()}}
    yield PackFile(PROVEN, (json.dumps(said, indent=1, sort_keys=True) + "\n").encode())
    for path, proof in sorted(proven.items()):
        yield PackFile(f"{OUTPUTS}/{path}", _content(stores.outputs / path, proof))


def public_proof_files(outputs: Path, *, language: str) -> Iterator[PackFile]:
    """Give the files that prove a public pack, of which none depends on what the pack shows."""
    yield from _head_files(outputs, _heads(outputs)[-1:], sharing=Sharing.PUBLIC, language=language)


def _head_files(outputs: Path, heads: Sequence[EvidenceHead], *, sharing: Sharing, language: str) -> Iterator[PackFile]:
    """The text, heads, stamps, certificates and keys."""
    beside = dict(_beside(outputs / FOLDER, heads))
    yield from evidence_texts(heads[-1], beside, sharing=sharing, first=language)
    for name, content in sorted([*((head.name, head.content) for head in heads), *beside.items()]):
        yield PackFile(f"{OUTPUTS}/{FOLDER}/{name}", content)


def _heads(outputs: Path) -> list[EvidenceHead]:
    heads, links = read_heads(outputs / FOLDER), read_chain(outputs)
    if not heads or heads[-1].body.number != len(links):
        raise EvidenceError(f"the last manifest in `{printable(outputs)}` has no head; {AGAIN}")
    return heads


def _beside(folder: Path, heads: Sequence[EvidenceHead]) -> Iterator[tuple[str, bytes]]:
    """Stamps, requests for stamps and certificates of these heads, and the keys that they are signed with."""
    names = {f"{head.body.number:06d}.{name}" for head in heads for name in head.body.authorities}
    roots = {(name, digest) for head in heads for name, digest in head.body.authorities.items()}
    for path in sorted(folder.iterdir()):
        is_stamp = path.suffix in (".tsr", ".tsq") and path.stem in names
        is_root = path.suffix == ".pem" and any(path.name == f"{name}.{digest[:12]}.pem" for name, digest in roots)
        if is_stamp or is_root or path.match("key-*.pem"):
            yield path.name, path.read_bytes()


def _proven(subjects: Sequence[PackSubject], stores: PackStores) -> dict[str, FileProof]:
    """The proofs of all files of the places' evidence that a replay needs."""
    links = read_chain(stores.outputs)
    known, wanted = files_of(links), set[str]()
    for area in {subject.area.id: subject.area for subject in subjects}.values():
        scenes = stores.archive.folder(area.id, stores.source_name, grid_of(area)).relative_to(stores.archive.root)
        folder = f"archive/{scenes.as_posix()}/"
        wanted |= {path for path in known if path.startswith(folder) and path.endswith(SCENES)}
        for path in (f"areas/{area.id}/{TERMS}", f"areas/{area.id}/events.geojson"):
            if path not in known:
                raise EvidenceError(f"`{path}` is on no manifest; {AGAIN}")
            wanted.add(path)
    return prove_files(links, sorted(wanted))


def _content(path: Path, proof: FileProof) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceError(
            f"`{printable(path)}` cannot be read ({error.strerror}); `sitewatch verify` says more"
        ) from error
    if sha256(content).hexdigest() != proof.sha256:
        shown = printable(path)
        raise EvidenceError(f"`{shown}` is not what the last manifest says; {AGAIN}; `sitewatch verify` says more")
    return content
