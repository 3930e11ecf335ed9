"""Know a browser again from which an account has logged in before."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from flows.records.desk import Account

KNOWN_FOR = 180 * 86400  # seconds


def browser_token(account: Account) -> str:
    """Return what a browser keeps after a login, so that it is known at the next one.

    It lets nobody in: it only gives the browser a count of its own for wrong passwords. It is signed with the account's
    password hash, so it ends with the password, and nothing more has to be kept secret.
    """
    number = secrets.token_urlsafe(12)
    return f"{number}.{_signature(number, account)}"


def known_browser(token: str, account: Account | None) -> str:
    """Return the number of a browser that is known to an account; empty for any other."""
    number, _, signature = token.partition(".")
    if account is None or not number:
        return ""
    is_known = hmac.compare_digest(signature.encode(), _signature(number, account).encode())
    return number if is_known else ""


def _signature(number: str, account: Account) -> str:
    key = hashlib.sha256(f"known browser {account.number} {account.password_hash}".encode()).digest()
    return hmac.new(key, number.encode(), hashlib.sha256).hexdigest()
