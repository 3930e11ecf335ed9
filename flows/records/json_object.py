"""The type of JSON, for the edges where files, rows and bodies of messages are written and read."""

from __future__ import annotations

from typing import TypeAlias

from pydantic import JsonValue

JsonObject: TypeAlias = dict[str, JsonValue]
"""An object of JSON. Whoever reads a value of it has to say, and to check, what it is."""
