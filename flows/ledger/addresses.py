"""The ledger's address: read it, and show it without what is secret in it."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from flows.ledger.errors import LedgerError
from flows.printable import printable

HIDDEN = "***"
SHOWN = {
    "application_name",
    "cache",
    "dbname",
    "host",
    "immutable",
    "mode",
    "port",
    "service",
    "sslmode",
    "target_session_attrs",
    "uri",
    "user",
}
"""Parts of the query whose values are no secrets; every other value is hidden."""


def read_address(url: str) -> URL:
    """Read an SQLAlchemy URL; plain `postgresql` means the driver that Sitewatch installs.

    Raises `LedgerError` for text that is none, and for a password with an `@` that is not written ``%40``: its rest
    would be taken for the host's name, and shown. The text itself is never repeated.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise LedgerError(
            "the ledger's URL cannot be read; write it like sqlite:///outputs/ledger.sqlite "
            "or postgresql+psycopg://user@host/sitewatch, and an `@`, `:` or `/` in a password as %40, %3A or %2F"
        ) from None
    if address.get_backend_name() != "sqlite" and "@" in f"{address.host}{address.database}":
        raise LedgerError("the ledger's URL has an `@` too many; write the one in the password as %40")
    return address.set(drivername="postgresql+psycopg") if address.drivername == "postgresql" else address


def shown(address: URL) -> str:
    """Return the address as a person may read it: no password, nor any part of the query that may be one.

    Without an `@` a port is hidden too: in ``user:12345/db``, of which the host was forgotten, it is a password.
    """
    query = {name: value if name in SHOWN else "hidden" for name, value in address.query.items()}
    text = address.set(query=query).render_as_string(hide_password=True)
    return printable(text.replace(f":{address.port}", f":{HIDDEN}", 1) if _may_be_password(address) else text)


def without_secrets(text: str, address: URL) -> str:
    """Return what a driver said on one line, with every secret of the address in it replaced by ``***``."""
    for secret in sorted(_secrets(address), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return printable(text.strip())


def _may_be_password(address: URL) -> bool:
    """Whether what stands where the port does may be a password, since no user is named before an `@`."""
    return address.port is not None and address.username is None


def _secrets(address: URL) -> set[str]:
    """The password and the hidden values of the query, as they are and as a URL spells them."""
    hidden = [value for name, value in address.query.items() if name not in SHOWN]
    port = str(address.port) if _may_be_password(address) else None
    plain = [
        port,
        address.password,
        *(one for value in hidden for one in ([value] if isinstance(value, str) else value)),
    ]
    return {form for one in plain if one for form in (one, quote(one, safe=""), quote_plus(one))}
