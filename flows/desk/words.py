"""The words of the desk: one catalog a language, to be joined to those of the report."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOM = Path(__file__).parent
TEMPLATES = ROOM / "templates"


def catalog_of(lang: str) -> dict[str, Any]:
    """The catalog of a language."""
    return tomllib.loads((ROOM / "catalogs" / f"{lang}.toml").read_text(encoding="utf-8"))
