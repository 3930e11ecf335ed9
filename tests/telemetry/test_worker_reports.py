"""What workers say gets to the run: progress, log lines and what was spent, also of one that was killed."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.telemetry.logs import about, log
from flows.telemetry.worker_reports import FOLDER, LEFT_S, WorkerReports, is_begun, reporting

RUN = "0123"
Told = tuple[object, ...]


class Kept(logging.Handler):
    """A handler that keeps what it is given in a list."""

    def __init__(self, lines: list[logging.LogRecord]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    handlers, level, propagates = log.handlers[:], log.level, log.propagate
    yield
    log.handlers[:], log.propagate = handlers, propagates
    log.setLevel(level)


@pytest.fixture
def lines() -> list[logging.LogRecord]:
    """What the log of the run is given."""
    return []


def in_a_worker(outputs: Path, area_id: str = "pier-1") -> None:
    """All that a worker may say; the process is this one, since what it leaves is a file."""
    with reporting(outputs, RUN, area_id, level=logging.INFO) as report, about(area=area_id):
        report.progress("fetch", 1, 2)
        log.info("area done", extra={"weeks": 3})
        try:
            raise KeyError("x")
        except KeyError:
            log.exception("a defect")
        report.spent("one", {"requests": 1, "units": 0.5, "received_bytes": 10})
        report.spent("one", {"requests": 2, "units": 1.5, "received_bytes": 20})
        report.answers("one", {"asked": 9})
        report.progress("done", 0, 0)


def read(outputs: Path, lines: list[logging.LogRecord]) -> tuple[list[Told], dict[str, dict[str, object]]]:
    """What a run hears of files that are there."""
    told: list[Told] = []
    with WorkerReports(outputs, RUN, lambda *said: told.append(said)) as reports:
        log.handlers[:] = [Kept(lines)]
    assert set(reports.answers) == set(reports.spent)
    return told, {**reports.spent, **{f"answers of {name}": said for name, said in reports.answers.items()}}


def test_progress_log_lines_and_sums_arrive_once_and_the_files_go(
    tmp_path: Path, lines: list[logging.LogRecord]
) -> None:
    in_a_worker(tmp_path)
    told, spent = read(tmp_path, lines)
    assert told == [("pier-1", "fetch", 1, 2), ("pier-1", "done", 0, 0)]
    assert spent == {"one": {"requests": 2, "units": 1.5, "received_bytes": 20}, "answers of one": {"asked": 9}}
    done, defect = lines
    assert (done.getMessage(), done.levelname) == ("area done", "INFO")
    assert vars(done).items() >= {"weeks": 3, "area": "pier-1"}.items()
    assert "KeyError: 'x'" in defect.getMessage()
    assert not list((tmp_path / FOLDER).iterdir())


def test_half_a_line_of_a_killed_worker_spoils_no_other(tmp_path: Path, lines: list[logging.LogRecord]) -> None:
    folder = tmp_path / FOLDER / RUN
    folder.mkdir(parents=True)
    (folder / "pier-1").write_bytes(b'{"progress": ["detect", 4, 9]}\n{"progress": ["det')
    in_a_worker(tmp_path)
    told, _ = read(tmp_path, lines)
    assert told[0] == ("pier-1", "detect", 4, 9)
    assert told[1:] == [("pier-1", "fetch", 1, 2), ("pier-1", "done", 0, 0)]


def test_reports_are_their_owners_alone(tmp_path: Path) -> None:
    in_a_worker(tmp_path)
    paths = [tmp_path / FOLDER, *(tmp_path / FOLDER).rglob("*")]
    assert len(paths) == 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in paths)


def test_what_another_run_left_long_ago_goes_and_what_it_says_now_stays(
    tmp_path: Path, lines: list[logging.LogRecord]
) -> None:
    long_ago = time.time() - LEFT_S - 60
    for name in ("dead", "alive"):
        (tmp_path / FOLDER / name).mkdir(parents=True)
        (tmp_path / FOLDER / name / "pier-1").write_text("{}\n")
        os.utime(tmp_path / FOLDER / name, (long_ago, long_ago))
    os.utime(tmp_path / FOLDER / "dead" / "pier-1", (long_ago, long_ago))
    read(tmp_path, lines)
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["alive"]


def test_lines_between_two_areas_are_not_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_a_worker(tmp_path)
    log.error("between two areas")
    assert capsys.readouterr().err == "between two areas\n"


def test_a_folder_that_cannot_be_read_for_a_moment_ends_no_run(
    tmp_path: Path, lines: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_worker(tmp_path)
    listed, failed = Path.iterdir, threading.Event()

    def iterdir(path: Path) -> Iterator[Path]:
        if path.name == RUN and not failed.is_set():
            failed.set()
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    told: list[Told] = []
    with WorkerReports(tmp_path, RUN, lambda *said: told.append(said)):
        log.handlers[:] = [Kept(lines)]
        failed.wait()
    assert told == [("pier-1", "fetch", 1, 2), ("pier-1", "done", 0, 0)]


def test_a_run_that_ends_leaves_the_folder_in_which_another_may_begin(tmp_path: Path) -> None:
    with WorkerReports(tmp_path, RUN, lambda *_: None):
        assert is_begun(tmp_path, RUN)
    assert not is_begun(tmp_path, RUN)
    assert (tmp_path / FOLDER).is_dir()
