"""Signatures: of webhooks, so that a receiver knows who speaks, and of links, so that we know who answers."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from itsdangerous import BadData, Signer, base64_decode, base64_encode
from itsdangerous.signer import SigningAlgorithm

from flows.alerts.errors import AlertsError

WINDOW_S = 300  # how far a receiver's clock and ours may lie apart; the value of the Standard Webhooks convention
LEAST_SECRET = 16  # characters; a shorter secret can be guessed


def sign(secret: str, key: str, body: bytes, *, at: datetime) -> dict[str, str]:
    """The headers of a webhook, by the Standard Webhooks convention (https://www.standardwebhooks.com).

    The signature is HMAC-SHA256, by the secret as UTF-8, of key, timestamp (seconds since 1970) and body with dots
    between them. `Idempotency-Key` repeats the key for receivers that know that header.
    """
    stamp = str(int(at.timestamp()))
    return {
        "webhook-id": key,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{_signature(secret, key, stamp, body)}",
        "Idempotency-Key": key,
    }


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime, window_s: int = WINDOW_S) -> str:
    """The key of a webhook that is genuine; what a receiver does, here for tests and for receivers in Python.

    Raises `AlertsError` for a signature that does not fit and a timestamp outside the replay window. A receiver acts
    on a key once.
    """
    key, stamp, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    expected = f"v1,{_signature(secret, key, stamp, body)}".encode()
    if not any(hmac.compare_digest(expected, one.encode(errors="replace")) for one in signatures.split()):
        raise AlertsError(f"webhook `{key}`: the signature does not fit; check that both sides have the same secret")
    if abs(int(stamp) - now.timestamp()) > window_s:
        raise AlertsError(f"webhook `{key}`: sent more than {window_s} s from now; refuse it, and check both clocks")
    return key


@dataclass(frozen=True)
class Acknowledgement:
    """What a signed link says: who acknowledges which alert."""

    alert_id: str
    by: str


def make_token(secret: str, answer: Acknowledgement, *, expires: datetime) -> str:
    """A token for a link by which one reader acknowledges one alert until it expires.

    Raises `AlertsError` for a secret that is too short to keep anybody out.
    """
    if len(secret) < LEAST_SECRET:
        raise AlertsError(f"the secret of links has {len(secret)} characters; use at least {LEAST_SECRET}")
    text = "\n".join((answer.alert_id, str(int(expires.timestamp())), answer.by)).encode()
    return _signer(secret).sign(base64_encode(text)).decode()


def read_token(secrets: str | Sequence[str], token: str, *, now: datetime) -> Acknowledgement:
    """Return what a genuine token says, which any of the secrets may have signed.

    Raises `AlertsError` for any other token, for one that is written in another way than `make_token` writes it, and
    for one that has expired.
    """
    text = _genuine(secrets, token)
    if text is None:
        raise AlertsError("this link is not genuine; open the one in the message, or acknowledge by command")
    alert_id, expires, by = text.decode().split("\n", 2)
    if now.timestamp() > int(expires):
        day = datetime.fromtimestamp(int(expires), UTC).date()
        raise AlertsError(f"this link expired on {day}; acknowledge by `sitewatch alerts acknowledge {alert_id}`")
    return Acknowledgement(alert_id, by)


class _OverText(SigningAlgorithm):
    """HMAC-SHA256 of a purpose and of the text, not of its base64: so were links signed before, and they stay good."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.new(key, b"sitewatch acknowledge\n" + base64_decode(value), sha256).digest()


def _signer(secrets: str | Sequence[str]) -> Signer:
    """What signs with the first of the secrets, and takes the signature of any."""
    known = (secrets,) if isinstance(secrets, str) else secrets
    return Signer([*reversed(known)], sep=".", key_derivation="none", algorithm=_OverText())


def _genuine(secrets: str | Sequence[str], token: str) -> bytes | None:
    """The text that a token signs, or None where none of the secrets signed it."""
    try:
        text = base64_decode(_signer(secrets).unsign(token))
        plain = [base64_encode(base64_decode(part)).decode() for part in token.split(".")]
    except (BadData, ValueError):
        return None
    # Base64 can be written in several ways, also with dots in it, which decoding passes over; one link has one way.
    return text if len(plain) == 2 and ".".join(plain) == token else None


def _signature(secret: str, key: str, stamp: str, body: bytes) -> str:
    content = b".".join((key.encode(errors="replace"), stamp.encode(errors="replace"), body))
    return b64encode(hmac.new(secret.encode(), content, sha256).digest()).decode()
