"""Files that are replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

OWNER_ONLY = 0o600


def replace_file(target: Path, content: bytes, *, mode: int | None = None) -> None:
    """The file holds the content, in one step, with the rights of `mode`; it is not touched where it does already."""
    if target.is_file() and target.read_bytes() == content:
        return
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if mode is not None:
            unfinished.touch(mode=mode)
        unfinished.write_bytes(content)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
