"""Whether a time stamp holds: what it is of, who gave it, and when; nothing is asked over a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.x509 import Certificate, load_der_x509_certificate
from rfc3161_client import PKIStatus, TimeStampResponse, VerifierBuilder, decode_timestamp_response

SHA256_OID = "2.16.840.1.101.3.4.2.1"


class StampError(ValueError):
    """A stamp does not hold; the message goes on a sentence that begins with the stamp."""


@dataclass(frozen=True)
class Stamp:
    """A stamp that holds: when its authority had the hash, and the name in the authority's certificate."""

    at: datetime
    by: str


def read_stamp(content: bytes, digest: bytes, roots: Sequence[Certificate]) -> Stamp:
    """Return what an answer of an authority says of a hash.

    Parameters
    ----------
    content
        The answer, as it came (DER).
    digest
        The SHA-256 that it must be of.
    roots
        The certificates one of which must stand above that of the authority.

    Raises
    ------
    StampError
        Where it does not hold, with the reason.
    """
    try:
        answer = decode_timestamp_response(content)
        status = PKIStatus(answer.status)
    except ValueError:
        raise StampError("cannot be read: it was cut off or damaged") from None
    if status is not PKIStatus.GRANTED:
        raise StampError(f"is a refusal ({status.name.lower()})")
    try:
        return _checked(answer, digest, roots)
    except StampError:
        raise
    except Exception:  # noqa: BLE001 - what the libraries raise over damaged certificates has no common kind
        raise StampError("was not given under this root certificate, or was changed") from None


def _checked(answer: TimeStampResponse, digest: bytes, roots: Sequence[Certificate]) -> Stamp:
    said = answer.tst_info
    if said.message_imprint.hash_algorithm.dotted_string != SHA256_OID or said.message_imprint.message != digest:
        raise StampError("is of something else")
    signer = _signer(answer)
    at = said.gen_time if said.gen_time.tzinfo else said.gen_time.replace(tzinfo=UTC)
    if not signer.not_valid_before_utc <= at <= signer.not_valid_after_utc:
        raise StampError(
            f"says {at:%Y-%m-%d %H:%M:%S} UTC, when the certificate of its authority was not valid "
            f"({signer.not_valid_before_utc:%Y-%m-%d} to {signer.not_valid_after_utc:%Y-%m-%d})"
        )
    VerifierBuilder(roots=list(roots)).build().verify(answer, digest)
    return Stamp(at, signer.subject.rfc4514_string())


def _signer(answer: TimeStampResponse) -> Certificate:
    """The certificate of who signed; raises `StampError` where the stamp does not hold it."""
    infos = answer.signed_data.signer_infos
    for content in answer.signed_data.certificates:
        one = load_der_x509_certificate(content)
        if any((one.issuer, one.serial_number) == (info.issuer, info.serial_number) for info in infos):
            return one
    raise StampError("does not hold the certificate of its authority")
