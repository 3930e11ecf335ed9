"""Sentences for pages, without the folders of this machine."""

from __future__ import annotations

import re

# A name after at least one folder: `/srv/watch/outputs/x.tif`, `outputs/archive/x.tif`. Addresses keep their host.
_PATH = re.compile(r"(?<![\w:/.])(?:\.{0,2}/)?(?:[\w.@+~-]+/)+(?=[\w.@+~-]+)|(?<![\w:/.<])/(?=[\w.@+~-]+)")


def without_folders(text: str) -> str:
    """Return the text with each path cut to its last part: a page needs the file's name, not where the machine has it.

    Web addresses stay as they are.
    """
    return _PATH.sub("", text)
