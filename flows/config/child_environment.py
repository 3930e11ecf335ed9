"""Choose what a child process may read of the environment: what it needs, and no secret of anything else."""

from __future__ import annotations

import os
from collections.abc import Mapping

# What any program needs to start, find its files and its certificates, speak its language and reach the network.
BASIC = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "VIRTUAL_ENV",
    "SYSTEMROOT", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
)  # fmt: skip


def child_environment(
    *prefixes: str, added: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment for a child process.

    Parameters
    ----------
    prefixes
        Beginnings of the names that this child needs beside the basic ones, such as ``"PREFECT_"``.
    added
        Values that it gets besides.
    environment
        Where the values come from; the process's own if left out.

    Returns
    -------
    dict
        The basic variables, locale settings, and what the prefixes and `added` name; nothing else, so secrets of
        other programs stay where they are.
    """
    given = os.environ if environment is None else environment
    wanted = ("LC_", "PYTHON", *prefixes)
    kept = {name: value for name, value in given.items() if name in BASIC or name.startswith(wanted)}
    return kept | dict(added or {})
