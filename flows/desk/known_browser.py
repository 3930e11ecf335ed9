"""Know a browser again from which an account has logged in before."""

from __future__ import annotations

import hashlib
import secrets

from itsdangerous import BadSignature, Signer

from flows.records.desk import Account

KNOWN_FOR = 180 * 86400  # seconds


def browser_token(account: Account) -> str:
    """Return what a browser keeps after a login, so that it is known at the next one.

    It lets nobody in: it only gives the browser a count of its own for wrong passwords. It is signed with the account's
    password hash, so it ends with the password, and nothing more has to be kept secret.
    """
    return _signer(account).sign(secrets.token_urlsafe(12)).decode()


def known_browser(token: str, account: Account | None) -> str:
    """Return the number of a browser that is known to an account; empty for any other."""
    try:
        return "" if account is None else _signer(account).unsign(token).decode()
    except (BadSignature, ValueError):
        return ""


def _signer(account: Account) -> Signer:
    return Signer(account.password_hash, salt=f"known browser {account.number}", digest_method=hashlib.sha256)
