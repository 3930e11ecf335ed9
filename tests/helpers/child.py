"""A process that a test starts, and that does not outlive a failure of the test."""

from __future__ import annotations

import subprocess
from typing import AnyStr


class Child(subprocess.Popen[AnyStr]):
    """A process that is killed where its block is left by an error: else the test would wait for it for ever."""

    def __exit__(self, kind: object, *given: object) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, *given)  # type: ignore[arg-type]
