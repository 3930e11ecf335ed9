"""Check web addresses when they are read, in words that never repeat them: an address may be a secret."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

WEB = ("http", "https")
PORTS = range(1, 65_536)
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
LIKE = "write it like https://host/path"


def check_web_address(address: str) -> None:
    """Raise `ValueError` for an address that no request can be sent to: its scheme, host, port and characters."""
    if any(sign.isspace() or not sign.isprintable() for sign in address):
        raise ValueError(f"the address holds blanks or hidden characters; {LIKE}")
    try:
        url = httpx.URL(address)
        host = url.host and url.raw_host.decode("ascii")  # `host` reads international names, and refuses some
    except (httpx.InvalidURL, ValueError):
        raise ValueError(f"the address cannot be read; {LIKE}") from None
    if url.scheme not in WEB:
        raise ValueError(f"the address is not on the web; {LIKE}")
    if not _is_host(host):
        raise ValueError(f"the host of the address cannot exist; {LIKE}")
    if url.port is not None and url.port not in PORTS:
        raise ValueError("the port of the address is not between 1 and 65535")


def check_base_address(address: str) -> str:
    """Return an address that links begin with; raise `ValueError` for any other.

    What comes after it is added to its path, and everybody who gets a message reads it: so it has no query and no
    password.
    """
    check_web_address(address)
    parts = urlsplit(address)
    if parts.query or parts.fragment or "?" in address or "#" in address:
        raise ValueError("links are made by adding to this address, so it ends with its path: leave out `?` and `#`")
    if "@" in parts.netloc:
        raise ValueError("every reader of a message sees this address; leave out the user and the password")
    return address


def _is_host(host: str) -> bool:
    """Whether a host is an address of the Internet Protocol, or a name of allowed labels."""
    if ":" in host or re.fullmatch(r"[\d.]+", host):
        try:
            ip_address(host)
        except ValueError:
            return False
        return True
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(LABEL.fullmatch(label) for label in labels)
