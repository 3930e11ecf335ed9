"""Calls of Prefect's flows whose types do not say that a plain call waits for its end."""

from __future__ import annotations

from typing import Any

from prefect.artifacts import Artifact


def state_of(flow: Any, *arguments: Any, **options: Any) -> Any:
    """Run a flow to its end; the state that it ended in."""
    return flow(*arguments, **options, return_state=True)


def artifact(key: str) -> Any:
    """What the last artifact of a key holds."""
    found: Any = Artifact.get(key)
    return found.data
