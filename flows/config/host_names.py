"""Names under which a server of ours may be asked: the very names, since every other one is refused."""

from __future__ import annotations

import ipaddress
import re

from flows.printable import printable

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?")


def host_name(text: str) -> str:
    """Return a host's name or address as browsers send it, in lower case.

    Raises `ValueError` for one that would let the server answer under every name, or never matches: with an asterisk,
    a port, a scheme or blanks.
    """
    name = text.lower()
    if _NAME.fullmatch(name) is None and not _is_address(name):
        raise ValueError(
            f"`{printable(text, longest=100)}` is not a host name; write the very name that browsers use, without "
            f"`*`, port or `https://`"
        )
    return name


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
    except ValueError:
        return False
    return True
