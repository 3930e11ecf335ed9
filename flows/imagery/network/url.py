"""Where things are: paths on disk, or addresses on the web that may carry keys."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def is_url(location: str) -> bool:
    """True for an address on the web."""
    return location.startswith(("http://", "https://"))


def without_secrets(location: str) -> str:
    """The address without user, password and query, where keys travel; a path as it is."""
    if "://" not in location:
        return location
    try:
        parts = urlsplit(location)
    except ValueError:  # such as brackets around what is no IPv6 address
        scheme, _, rest = location.partition("://")
        return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
