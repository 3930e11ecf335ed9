"""A run: what it was asked for and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class RunRecord:
    """One run of the watch: what it was asked for and what it came to.

    Attributes
    ----------
    run_id
        Its id.
    started_at
        UTC.
    version
        The version of Sitewatch that ran.
    settings
        JSON of what it was given, without secrets.
    status
        ``running`` until it finishes, then how it ended.
    summary
        JSON of what it came to; empty until it finishes.
    finished_at
        UTC; None until it finishes.
    """

    run_id: str
    started_at: datetime
    version: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    status: str = "running"
    summary: Mapping[str, Any] = field(default_factory=dict)
    finished_at: datetime | None = None
