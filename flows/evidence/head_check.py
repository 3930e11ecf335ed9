"""Whether heads follow one another, were signed, and were stamped, in the outputs and in a pack alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_pem_x509_certificates

from flows.evidence.authorities import roots_name
from flows.evidence.heads import NAME, EvidenceHead, key_digest, parse_head, root_of
from flows.evidence.manifests import Link, digest_of
from flows.evidence.stamp_check import Stamp, StampError, read_stamp
from flows.evidence.verifying import Check, is_signed
from flows.printable import printable


@dataclass(frozen=True)
class StampChecks:
    """The checks of all stamps, one for each authority, and what is pending, a line each."""

    checks: tuple[Check, ...]
    pending: tuple[str, ...]


def heads_among(files: Mapping[str, bytes]) -> tuple[list[EvidenceHead], list[str]]:
    """Read the heads among files by their names, in order; also say which cannot be read or have another's name."""
    heads, wrong = [], []
    for name in sorted(name for name in files if NAME.fullmatch(name)):
        try:
            head = parse_head(files[name])
        except ValueError:
            wrong.append(f"{name} cannot be read: it was damaged or changed")
            continue
        if head.name != name:
            wrong.append(f"{name} has the number {head.body.number}: it was renamed or changed")
        heads.append(head)
    return heads, wrong


def check_succession(heads: Sequence[EvidenceHead], wrong: Sequence[str] = ()) -> Check:
    """Check that each head has the next number and names the one before it; `wrong` is what was found before."""
    found = list(wrong)
    for before, head in pairwise(heads):
        if head.body.number != before.body.number + 1:
            found.append(f"{head.name} follows on {before.name}: the chain has a gap")
        elif head.body.previous != before.digest.hex():
            found.append(f"{head.name} does not follow from the one before it: one of the two was changed")
    if not heads and not found:
        found.append("there is no head")
    last = heads[-1].body if heads else None
    span = "" if last is None else f"{count_of(heads)}, unbroken to {last.number}:{last.manifest}"
    return Check("chain", span, tuple(found))


def check_head_signatures(heads: Sequence[EvidenceHead], key: Ed25519PublicKey | None, *, whose: str) -> Check:
    """Check that every head is signed with a key, which is `whose`; without the key nothing is claimed."""
    if key is None:
        signed = sum(bool(head.signature) for head in heads)
        return Check("signature", f"{signed} of {count_of(heads)} signed; --key PUBLIC.pem asks by whom")
    wrong = [
        f"{head.name} is not signed{' with this key' if head.signature else ''}"
        for head in heads
        if not head.is_signed_with(key)
    ]
    return Check("signature", f"{count_of(heads)}, all signed with {whose}, SHA-256 {key_digest(key)}", tuple(wrong))


def check_kept_heads(
    heads: Sequence[EvidenceHead], links: Sequence[Link], key: Ed25519PublicKey | None, wrong: Sequence[str] = ()
) -> Check:
    """Check that the heads in the outputs follow one another, are of the manifests beside them, and signed with a key.

    `wrong` is what was found before; without a key no signature is asked for.
    """
    found = list(check_succession(heads, wrong).wrong) if heads or wrong else []
    by_number = {link.body["number"]: link for link in links}
    for head in heads:
        link = by_number.get(head.body.number)
        if link is None or digest_of(link.path) != head.body.manifest:
            found.append(f"{head.name} is of another manifest than the one that is there")
    if heads and not found and root_of(links[: heads[-1].body.number]) != heads[-1].body.files:
        found.append(f"{heads[-1].name} is of other files than its manifests say")
    if heads and heads[-1].body.number != len(links):
        found.append(f"there is no head of {len(links):06d}.json; if a run was cut short, watch again")
    if key is not None:
        signed = {number for number, link in by_number.items() if is_signed(link, key)}
        ours = [head for head in heads if head.body.number in signed]  # of the others their manifests are complained of
        found += check_head_signatures(ours, key, whose="this key").wrong
    words = f"{count_of(heads)}, each of its manifest" if heads else "none: the next run begins them"
    return Check("heads", words, tuple(found))


def check_stamps(
    heads: Sequence[EvidenceHead], files: Mapping[str, bytes], *, trusted: Sequence[Certificate] = ()
) -> StampChecks:
    """Check every stamp that a head asks for.

    `files` are those beside the heads, by name. With `trusted` certificates each stamp must be given under one of them;
    without, under those that were kept, and the words name them for the reader to compare.
    """
    checks, pending, asked = [], [], set()
    for name in sorted({name for head in heads for name in head.body.authorities}):
        wrong, times, roots = [], [], ""
        for head in heads:
            if name not in head.body.authorities:
                continue
            file = f"{head.body.number:06d}.{name}.tsr"
            asked.add(file)
            if file not in files:
                if f"{file[:-1]}q" in files:
                    pending.append(f"stamp: {head.name} by {name}")
                else:
                    wrong.append(f"{file} is missing; if a run was cut short, watch again")
                continue
            roots = roots_name(name, head.body.authorities[name])
            try:
                kept = _kept_roots(files, roots, head.body.authorities[name])
                read = read_stamp(files[file], head.digest, trusted or kept)
            except StampError as error:
                wrong.append(f"{file} {error}")
                continue
            times.append((head, read))
        if wrong or times:
            checks.append(Check("stamp", _words(name, times, files.get(roots, b"")), tuple(wrong)))
    strange = sorted(file for file in files if file.endswith(".tsr") and file not in asked)
    if strange:
        lines = tuple(f"{printable(file)} is a stamp that no head asks for" for file in strange)
        checks.append(Check("stamp", "", lines))
    if trusted and not any(check.holds for check in checks):
        checks.append(Check("stamp", "", ("no stamp was given under the certificates of --root",)))
    if not checks and not pending:
        checks.append(Check("stamp", "none: no authority was named"))
    return StampChecks(tuple(checks), tuple(pending))


def count_of(heads: Sequence[object]) -> str:
    """Word how many heads there are."""
    return f"{len(heads)} head{'' if len(heads) == 1 else 's'}"


def _kept_roots(files: Mapping[str, bytes], name: str, digest: str) -> list[Certificate]:
    content = files.get(name)
    if content is None:
        raise StampError(f"cannot be checked: {name} is missing")
    if sha256(content).hexdigest() != digest:
        raise StampError(f"cannot be checked: {name} holds other certificates than its head says")
    try:
        return load_pem_x509_certificates(content)
    except ValueError:
        raise StampError(f"cannot be checked: {name} holds no certificate") from None


def _words(name: str, times: Sequence[tuple[EvidenceHead, Stamp]], roots: bytes) -> str:
    if not times:
        return ""
    head, last = times[-1]
    latest = max((stamp.at - one.body.made_at for one, stamp in times), default=timedelta())
    days = max(1, latest // timedelta(days=1) + 1)
    count = f"{count_of(times)}, stamped within {days} day{'s' if days > 1 else ''}"
    prints = ", ".join(sha256(_der(one)).hexdigest() for one in load_pem_x509_certificates(roots))
    return (
        f"{name}: {count}; {head.name} was there on {last.at:%Y-%m-%d %H:%M:%S} UTC, says {printable(last.by)}, "
        f"under the root certificate with SHA-256 {prints}"
    )


def _der(certificate: Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
