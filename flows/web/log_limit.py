"""Keep a log from growing by a line for each of a thousand equal occurrences."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

MOST_LINES, SECONDS = 5, 60.0
MOST_KINDS = 200


class RepetitionFilter(logging.Filter):
    """Lets a few lines of a kind through a minute, and says with the next one how many it kept back.

    Lines are of one kind when their text before its values (its first line) is the same. A line of which more than one
    came in a minute carries no traceback: the first had it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Make a filter that has seen nothing yet."""
        super().__init__()
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a line is written; one that is may be given the count of those that were not."""
        kind = str(record.msg).partition("\n")[0][:200]
        now = self._clock()
        began, count = self._seen.get(kind, (now, 0))
        if now - began < SECONDS:
            self._note(kind, began, count + 1)
            if count:
                record.exc_info = record.exc_text = None
            return count < MOST_LINES
        kept_back = max(0, count - MOST_LINES)
        self._note(kind, now, 1)
        if kept_back:
            record.msg = f"{record.getMessage()} (and {kept_back} more like it since the last one)"
            record.args = None
        return True

    def _note(self, kind: str, began: float, count: int) -> None:
        if kind not in self._seen and len(self._seen) >= MOST_KINDS:
            self._seen.clear()
        self._seen[kind] = (began, count)
