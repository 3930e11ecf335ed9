"""Time stamp authorities (RFC 3161) as the operator names them: an address, and the certificates to believe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_pem_x509_certificates

from flows.evidence.heads import AUTHORITY, DIGITS
from flows.evidence.manifests import EvidenceError
from flows.imagery.catalog_rules import rules_for
from flows.imagery.network.url import is_url, without_secrets
from flows.imagery.scene import ImageryError
from flows.printable import printable

SETTING = "SITEWATCH_TIMESTAMP_AUTHORITIES"
FORM = "write FILE.pem=https://host/path for each, with blanks between"


@dataclass(frozen=True)
class TimestampAuthority:
    """One authority: its name, its address, and its root certificates as PEM, always in the same order."""

    name: str
    url: str
    roots: bytes

    @property
    def digest(self) -> str:
        """Compute the SHA-256 of its root certificates, in hexadecimal."""
        return sha256(self.roots).hexdigest()


def read_authorities(entries: Sequence[str]) -> tuple[TimestampAuthority, ...]:
    """Read the authorities that the setting names, each as ``FILE.pem=ADDRESS``; the file gives the name.

    Raises `EvidenceError` for an entry that cannot be used.
    """
    found = tuple(map(_read, entries))
    names = [one.name for one in found]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise EvidenceError(f"{SETTING}: two authorities have the name `{doubled[0]}`; give their files other names")
    return found


def roots_name(name: str, digest: str) -> str:
    """Return the name of the file that keeps the root certificates of an authority beside its stamps."""
    return f"{name}.{digest[:DIGITS]}.pem"


def normal_pem(content: bytes) -> bytes:
    """Return the certificates of a PEM file, in an order of their own; raises `ValueError` where there is none."""
    return b"".join(sorted(one.public_bytes(Encoding.PEM) for one in load_pem_x509_certificates(content)))


def certificates_in(path: Path) -> list[Certificate]:
    """Read the certificates in a PEM file; raises `EvidenceError` for any other file."""
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise EvidenceError(
            f"certificates `{printable(path)}` cannot be read; name a PEM file with the root certificate of the "
            "authority"
        ) from None


def _read(entry: str) -> TimestampAuthority:
    file, _, url = entry.partition("=")
    name, shown = Path(file).stem.lower(), printable(without_secrets(url))
    if not is_url(url):
        raise EvidenceError(f"{SETTING}: `{printable(file)}` has no address; {FORM}")
    if not AUTHORITY.fullmatch(name):
        raise EvidenceError(
            f"{SETTING}: the file `{printable(file)}` gives the authority its name; use letters, digits and hyphens"
        )
    try:
        rules_for(url)
    except ImageryError:
        raise EvidenceError(f"{SETTING}: `{shown}` is not an address; {FORM}") from None
    try:
        roots = normal_pem(Path(file).read_bytes())
    except (OSError, ValueError):
        raise EvidenceError(
            f"{SETTING}: `{printable(file)}` holds no certificate in PEM; get the root certificate of `{shown}` from "
            "its owner, and check its fingerprint"
        ) from None
    return TimestampAuthority(name, url, roots)
