"""What operators see and start from the desk: runs on record, and reruns as processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from flows.config.child_environment import child_environment
from flows.desk.errors import DeskError
from flows.desk.inputs import Rerun, Run
from flows.files import OWNER_FILE, private_folder
from flows.ledger.ledger import Ledger

# -P: nothing is imported from the folder in which the desk was started
SITEWATCH = (sys.executable, "-P", "-c", "from flows.cli.main import main; main()")
COMMAND = (*SITEWATCH, "rerun")
MOST_AT_ONCE = 2  # each takes up to two cores and half a gigabyte; chosen on 2026-11-29
# What a rerun reads of the environment: settings, imagery accounts, and the accounts of stores and databases.
NEEDED = ("SITEWATCH_", "SH_", "PREFECT_", "AWS_", "AZURE_", "GOOGLE_", "PG", "GDAL_", "CPL_", "OPENBLAS_")
BY_NAME = re.compile(r"\benv:([A-Za-z_][A-Za-z0-9_]*)")
LAST_LETTERS = 2_000
UNSEEN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\n\t\x20-\uffff]")


@dataclass
class _Started:
    """A rerun and its process."""

    told: Rerun
    process: subprocess.Popen[bytes]
    log: Path


class DeskOperations:
    """Runs from the record; reruns by `sitewatch rerun`, one at a time for each area and `MOST_AT_ONCE` over all.

    A rerun outlives the desk. What a desk has started is known to that desk alone; how it went stands with the runs.
    """

    def __init__(
        self,
        ledger: Ledger,
        outputs: Path,
        *,
        clock: Callable[[], datetime],
        command: Sequence[str] = COMMAND,
        routes: Path | None = None,
    ) -> None:
        """Take a record, the outputs it belongs to, and the file of routes.

        The area and the outputs are added to the command, and the names that the routes take from the environment to
        what a rerun gets of it.
        """
        self._command, self._routes = tuple(command), routes
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
        """Begin a rerun of an area.

        Raises `DeskError` where one goes on already, where as many go on as may, and for an unknown area.
        """
        if area_id not in {known for known, _ in self.areas()}:
            name = area_id[:64]
            raise DeskError(
                f"area `{name}` is not on record; choose one of the list", key="complaint.no_area", area=name
            )
        with self._lock:
            going = [one.told.area_id for one in self._started if one.process.poll() is None]
            if area_id in going:
                raise DeskError(
                    f"area `{area_id}` is being run again already; wait until that has ended",
                    key="complaint.going",
                    area=area_id,
                )
            if len(going) >= MOST_AT_ONCE:
                raise DeskError(
                    f"{len(going)} reruns are already running ({', '.join(sorted(going))}); wait until one has ended",
                    key="complaint.many",
                    number=len(going),
                )
            self._started.append(self._begin(area_id, by=by, at=at))

    def _begin(self, area_id: str, *, by: str, at: datetime) -> _Started:
        log = private_folder(self._logs) / f"{at:%Y%m%dT%H%M%S%f}-{area_id}.log"
        log.touch(mode=OWNER_FILE)
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*self._command, area_id, "--outputs", str(self._outputs)],
                env=_environment(self._routes),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return _Started(Rerun(area_id, by, at, None, None, ""), process, log)

    def _told(self, one: _Started) -> Rerun:
        status = one.process.poll()
        if status is not None and one.told.finished_at is None:
            one.told = replace(one.told, finished_at=self._clock(), status=status)
        return replace(one.told, last_words=last_words(one.log))


def _environment(routes: Path | None) -> dict[str, str]:
    """What a rerun needs, with the names that the routes take from the environment; unreadable ones it says itself."""
    text = ""
    if routes is not None:
        with suppress(OSError):
            text = routes.read_text(encoding="utf-8", errors="replace")
    named = {name: os.environ[name] for name in BY_NAME.findall(text) if name in os.environ}
    return child_environment(*NEEDED, added=named)


def _failures(summary: object) -> dict[str, str]:
    found = summary.get("failures") if isinstance(summary, dict) else None
    return {str(area): str(why) for area, why in (found or {}).items()}


def last_words(log: Path) -> str:
    """Return the end of what a child said, without what a terminal would obey."""
    text = log.read_bytes()[-4 * LAST_LETTERS :].decode("utf-8", "replace") if log.exists() else ""
    return UNSEEN.sub("", text)[-LAST_LETTERS:].strip()
