"""A run: what it was asked for and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class RunRecord:
    """One run of the watch. `settings` are JSON without secrets; the last three are filled in when it finishes."""

    run_id: str
    started_at: datetime
    version: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    status: str = "running"
    summary: Mapping[str, Any] = field(default_factory=dict)
    finished_at: datetime | None = None
