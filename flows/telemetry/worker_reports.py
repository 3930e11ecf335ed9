"""What workers of other processes say as they go: lines in the outputs, which the run reads and shows in its terminal.

Threads, processes and machines of a cluster have one thing in common, the folder of the outputs. So each area's worker
writes a file there, one line of JSON for each step, log line, sum spent or count of answers; the run reads these files
while it waits.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from flows.files import OWNER_FILE, private_folder
from flows.telemetry.logs import add_fields, log, told_fields

FOLDER = ".reports"  # in the outputs; what begins with a dot is neither evidence nor copied
STEP_S = 0.2
LEFT_S = 7 * 86_400.0  # of a run that was killed; chosen on 2026-11-29

Tell = Callable[[str, str, int, int], None]


class WorkerReport:
    """What the worker of one area says, in a file that its run reads. Lines are whole: each is one write."""

    def __init__(self, outputs: Path, run_id: str, area_id: str) -> None:
        """Begin it, or go on after a worker that was killed."""
        folder = private_folder(private_folder(outputs / FOLDER) / run_id)
        self._file = os.open(folder / area_id, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_FILE)
        os.write(self._file, b"\n")  # a worker that was killed may have left half a line

    def close(self) -> None:
        """End it."""
        os.close(self._file)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Say how far the area is."""
        self._say({"progress": [stage, done, total]})

    def spent(self, worker: str, figures: dict[str, Any]) -> None:
        """Say what this process has spent in all by now; `worker` is its name among those of the run."""
        self._say({"spent": figures, "worker": worker})

    def answers(self, worker: str, figures: dict[str, Any]) -> None:
        """Say how the provider has answered this process by now; as `spent`."""
        self._say({"answers": figures, "worker": worker})

    def log(self, record: logging.LogRecord) -> None:
        """Hand a log line to the run."""
        trace = f"\n{logging.Formatter().formatException(record.exc_info)}" if record.exc_info else ""
        told = {"level": record.levelno, "words": record.getMessage() + trace, "at": record.created}
        self._say({"log": told, "fields": told_fields(record)})

    def _say(self, what: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(what, default=str).encode() + b"\n")


class WorkerReports:
    """The reading end, in the process of the run: progress goes to its board, log lines to its log."""

    def __init__(self, outputs: Path, run_id: str, tell: Tell) -> None:
        """Read what workers of a run say; `tell` is called with area, stage, done and total."""
        self._above, self._folder, self._tell = outputs / FOLDER, outputs / FOLDER / run_id, tell
        self._read: dict[Path, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.spent: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> WorkerReports:
        """Begin to read."""
        private_folder(private_folder(self._above) / self._folder.name)
        _sweep(self._above)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Read what is left, and take the files away; the folder above stays, since another run may begin just now."""
        self._over.set()
        self._thread.join()
        self._pass_on()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _follow(self) -> None:
        while not self._over.wait(STEP_S):
            self._pass_on()

    def _pass_on(self) -> None:
        with suppress(OSError):  # a shared disk that is away for a moment ends no run; the next pass reads on
            for path in sorted(self._folder.iterdir()):
                for line in self._new_lines(path):
                    self._show(path.name, line)

    def _new_lines(self, path: Path) -> list[bytes]:
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            whole, end, _ = file.read().rpartition(b"\n")
        self._read[path] = self._read.get(path, 0) + len(whole) + len(end)
        return whole.split(b"\n")

    def _show(self, area_id: str, line: bytes) -> None:
        try:
            said = json.loads(line)
        except ValueError:  # half a line of a worker that was killed
            return
        if "progress" in said:
            self._tell(area_id, *said["progress"])
        elif "spent" in said:
            self.spent[said["worker"]] = said["spent"]
        elif "answers" in said:
            self.answers[said["worker"]] = said["answers"]
        elif "log" in said:
            told = {"name": log.name, "levelno": said["log"]["level"], "msg": said["log"]["words"]}
            told |= {"levelname": logging.getLevelName(told["levelno"]), "created": said["log"]["at"]}
            log.handle(logging.makeLogRecord(told | said["fields"]))


def is_begun(outputs: Path, run_id: str) -> bool:
    """Tell whether a run reads here what its workers say: no other outputs, and it is not over."""
    return (outputs / FOLDER / run_id).is_dir()


@contextmanager
def reporting(outputs: Path, run_id: str, area_id: str, *, level: int) -> Iterator[WorkerReport]:
    """Report on one area to its run for the length of a ``with``; log lines of this process go there too."""
    report = WorkerReport(outputs, run_id, area_id)
    _open.append(report)
    log.handlers[:] = [_HANDLER]
    log.propagate = False
    log.setLevel(level)
    try:
        yield report
    finally:
        _open.remove(report)
        report.close()


class _ReportHandler(logging.Handler):
    """Hands lines to the run of the area that is worked on; between two areas they go to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        if _open:
            _open[-1].log(record)
        elif logging.lastResort is not None:
            logging.lastResort.handle(record)


_open: list[WorkerReport] = []
_HANDLER = _ReportHandler()
_HANDLER.addFilter(add_fields)


def _sweep(folder: Path) -> None:
    """Take away what runs left that were killed long ago."""
    for left in folder.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - max(path.stat().st_mtime for path in (left, *left.glob("*"))) > LEFT_S:
                shutil.rmtree(left, ignore_errors=True)
