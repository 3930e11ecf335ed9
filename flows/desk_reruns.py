"""What operators see and start from the desk: runs on record, and reruns as processes of their own."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from flows.desk.errors import DeskError
from flows.desk.inputs import Rerun, Run
from flows.ledger.ledger import Ledger

COMMAND = (sys.executable, "-c", "from flows.cli import main; main()", "rerun")
LAST_LETTERS = 2_000
UNSEEN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\n\t\x20-\uffff]")


@dataclass
class _Started:
    """A rerun and its process."""

    told: Rerun
    process: subprocess.Popen[bytes]
    log: Path


class DeskOperations:
    """Runs from the record; reruns by `sitewatch rerun`, one at a time for each area.

    A rerun outlives the desk. What a desk has started is known to that desk alone; how it went stands with the runs.
    """

    def __init__(
        self, ledger: Ledger, outputs: Path, *, clock: Callable[[], datetime], command: Sequence[str] = COMMAND
    ) -> None:
        """Over a record and the outputs it belongs to; the area and the outputs are added to the command."""
        self._command = tuple(command)
        self._ledger, self._outputs, self._clock = ledger, outputs, clock
        self._logs = outputs / "desk" / "reruns"
        self._started: list[_Started] = []
        self._lock = threading.Lock()

    def areas(self) -> Sequence[tuple[str, str]]:
        """Id and name of every area."""
        return [(area.id, area.name) for area in self._ledger.areas()]

    def runs(self, limit: int) -> Sequence[Run]:
        """The latest runs, newest first."""
        return [
            Run(run.started_at, run.finished_at, run.status, str(run.summary.get("week", "")), _failures(run.summary))
            for run in self._ledger.runs(limit=limit)
        ]

    def reruns(self) -> Sequence[Rerun]:
        """The reruns started here, newest first."""
        with self._lock:
            return [self._told(one) for one in reversed(self._started)]

    def rerun(self, area_id: str, *, by: str, at: datetime) -> None:
        """A rerun of an area has begun; raises `DeskError` where one goes on already, or for an unknown area."""
        if area_id not in {known for known, _ in self.areas()}:
            name = area_id[:64]
            raise DeskError(f"area `{name}` is not on record; take one of the list", key="complaint.no_area", area=name)
        with self._lock:
            if any(one.told.area_id == area_id and one.process.poll() is None for one in self._started):
                raise DeskError(
                    f"area `{area_id}` is being run again already; wait until that has ended",
                    key="complaint.going",
                    area=area_id,
                )
            self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
            log = self._logs / f"{at:%Y%m%dT%H%M%S%f}-{area_id}.log"
            command = [*self._command, area_id, "--outputs", str(self._outputs)]
            with log.open("wb") as out:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
                )
            self._started.append(_Started(Rerun(area_id, by, at, None, None, ""), process, log))

    def _told(self, one: _Started) -> Rerun:
        status = one.process.poll()
        if status is not None and one.told.finished_at is None:
            one.told = replace(one.told, finished_at=self._clock(), status=status)
        return replace(one.told, last_words=_last_words(one.log))


def _failures(summary: object) -> dict[str, str]:
    found = summary.get("failures") if isinstance(summary, dict) else None
    return {str(area): str(why) for area, why in (found or {}).items()}


def _last_words(log: Path) -> str:
    text = log.read_bytes()[-4 * LAST_LETTERS :].decode("utf-8", "replace") if log.exists() else ""
    return UNSEEN.sub("", text)[-LAST_LETTERS:].strip()
