"""`EVIDENCE.md`: how a pack came to be and how to check it, in plain words, in English and French."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificates

from flows.evidence.authorities import roots_name
from flows.evidence.heads import EvidenceHead, key_digest
from flows.evidence.stamp_check import StampError, read_stamp
from flows.printable import printable
from flows.publication.pack_subject import PackFile, Sharing

TEXTS = Path(__file__).parent / "texts"
LANGUAGES = ("en", "fr")
NAMES = {"en": "EVIDENCE.md", "fr": "EVIDENCE.fr.md"}
WORDS = {
    "en": {
        "stamped": "$name: head $number was there on $at UTC, says $by.",
        "pending": "$name: the stamp of head $number had not come when this pack was made.",
        "unstamped": "No authority was asked for a time stamp.",
        "unsigned": "no key",
        "invented": "**The pictures are simulated. All in this pack is made up, for a demonstration.**\n\n",
    },
    "fr": {
        "stamped": "$name : la tête $number existait le $at UTC, selon $by.",
        "pending": "$name : l'horodatage de la tête $number n'était pas arrivé quand ce dossier a été fait.",
        "unstamped": "Aucune autorité d'horodatage n'a été sollicitée.",
        "unsigned": "aucune clé",
        "invented": "**Les images sont simulées. Tout dans ce dossier est inventé, pour une démonstration.**\n\n",
    },
}


def evidence_texts(
    head: EvidenceHead, beside: Mapping[str, bytes], *, sharing: Sharing, first: str
) -> Iterator[PackFile]:
    """Make the text about the evidence in all languages, `first` the one of the pack; none names a place.

    `beside` are the stamps, certificates and keys beside the head, by name.
    """
    for language in sorted(LANGUAGES, key=lambda one: one != first):
        words = WORDS[language]
        keys = [f"`{name}` (SHA-256 {digest})" for name, digest in _keys(head, beside)]
        values = {
            "head": f"{head.body.number}:{head.body.manifest}",
            "made_at": f"{head.body.made_at:%Y-%m-%d %H:%M} UTC",
            "stamps": "\n".join(f"* {line}" for line in _stamp_lines(head, beside, words)),
            "keys": ", ".join(keys) or words["unsigned"],
            "invented": words["invented"] if head.body.simulated else "",
        }
        text = (TEXTS / f"{sharing.value}.{language}.md").read_text(encoding="utf-8")
        yield PackFile(NAMES[language], Template(text).substitute(values).encode())


def _keys(head: EvidenceHead, beside: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """The key that the head is signed with, by the name of its file, with its SHA-256."""
    for name in sorted(name for name in beside if name.startswith("key-")):
        key = load_pem_public_key(beside[name])
        if isinstance(key, Ed25519PublicKey) and head.is_signed_with(key):
            yield name, key_digest(key)


def _stamp_lines(head: EvidenceHead, beside: Mapping[str, bytes], words: Mapping[str, str]) -> Iterator[str]:
    for name, digest in sorted(head.body.authorities.items()):
        values = {"name": name, "number": str(head.body.number)}
        try:
            roots = load_pem_x509_certificates(beside[roots_name(name, digest)])
            stamp = read_stamp(beside[f"{head.body.number:06d}.{name}.tsr"], head.digest, roots)
        except (KeyError, StampError, ValueError):
            yield Template(words["pending"]).substitute(values)
            continue
        values |= {"at": f"{stamp.at:%Y-%m-%d %H:%M:%S}", "by": printable(stamp.by)}
        yield Template(words["stamped"]).substitute(values)
    if not head.body.authorities:
        yield words["unstamped"]
