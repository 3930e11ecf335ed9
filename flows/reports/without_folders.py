"""Sentences for pages, without the folders of this machine."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"`((?:/|\.{1,2}/|[^`\s]+/)[^`]*)`")
_FILE_URL = re.compile(r"\bfile:(?://[^/\s`]*)?/+", re.IGNORECASE)
_PLAIN = re.compile(r"(?<![\w:/.])[\w.@+~-]*(?:/[\w.@+~-]+)+/?")


def without_folders(text: str) -> str:
    """Return the text with each path cut to its last part: a page needs the file's name, not where the machine has it.

    What counts as a path begins with a slash or a dot, has two slashes, or ends in a name with a dot. Between
    backticks it may hold blanks. Web addresses stay as they are, and an
    address of a file is a path.
    """
    quoted = _QUOTED.sub(lambda found: f"`{_last(found[1])}`", _FILE_URL.sub("/", text))
    return _PLAIN.sub(lambda found: _last(found[0]), quoted)


def _last(path: str) -> str:
    name = path.rstrip("/").rsplit("/", 1)[-1]
    is_path = path[0] in "/." or path.count("/") > 1 or "." in name
    return name if is_path and "://" not in path else path
