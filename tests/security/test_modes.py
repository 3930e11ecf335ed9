"""What a run leaves, and what an earlier version left open, is for its owner alone."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_record import AREA, make, sitewatch

from flows.config.private_outputs import mend_modes, private_files
from flows.config.settings import Settings
from flows.jobs.call_check import check_call
from flows.pipeline.period import RunRequest
from flows.reports.data.releases import Releases, write_releases
from flows.telemetry.metrics import write_metrics


def open_to_others(folder: Path) -> list[str]:
    """What others than the owner may read, write or enter."""
    found = [path for path in (folder, *folder.rglob("*")) if stat.S_IMODE(path.lstat().st_mode) & 0o077]
    return sorted(path.relative_to(folder).as_posix() for path in found if "public" not in path.parts)


@pytest.fixture
def usual():
    """Files are made as most systems make them: readable by all."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual")
def test_what_an_earlier_version_left_open_is_closed_when_a_run_begins(tmp_path):
    record = make(tmp_path / "outputs")
    beside = record.outputs / "public" / "2026-W37" / "index.html"
    beside.parent.mkdir(parents=True)
    beside.write_text("for all")
    (record.outputs / "mine.txt").write_text("another's")
    assert f"archive/{AREA}/simulated-1/index.jsonl" in open_to_others(record.outputs)
    settings = Settings(outputs=record.outputs, _env_file=None)
    check_call(settings, RunRequest(None, None, datetime.now(UTC).date()))
    assert open_to_others(record.outputs) == [".", "mine.txt"], "only what is Sitewatch's is touched"
    assert stat.S_IMODE(beside.stat().st_mode) == 0o644
    assert mend_modes(record.outputs) == 0
    (record.outputs / "mine.txt").unlink()
    assert mend_modes(record.outputs) == 1
    assert open_to_others(record.outputs) == []


@pytest.mark.usefixtures("usual")
def test_links_are_not_followed_and_a_folder_that_people_live_in_stays_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("another's")
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts" / "link").symlink_to(elsewhere)
    mode = tmp_path.stat().st_mode
    assert mend_modes(tmp_path) == 1
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644
    assert tmp_path.stat().st_mode == mode


@pytest.mark.usefixtures("usual")
def test_a_folder_that_people_share_stays_shared(tmp_path):
    shared = tmp_path / "shared"
    (shared / "team" / "maps").mkdir(parents=True)
    (shared / "alerts").mkdir()
    shared.chmod(0o2775)
    settings = Settings(outputs=shared, _env_file=None)
    check_call(settings, RunRequest(None, None, datetime.now(UTC).date()))
    write_releases(shared, Releases())
    assert stat.S_IMODE(shared.stat().st_mode) == 0o2775
    assert stat.S_IMODE((shared / "team" / "maps").stat().st_mode) & 0o077
    assert stat.S_IMODE((shared / "alerts").stat().st_mode) & 0o777 == 0o700


def test_a_folder_that_is_closed_is_not_walked_again(tmp_path):
    inner = tmp_path / "outputs" / "archive" / "place"
    inner.mkdir(parents=True, mode=0o755)
    (tmp_path / "outputs" / "archive").chmod(0o700)
    inner.chmod(0o755)
    (tmp_path / "outputs").chmod(0o700)
    assert mend_modes(tmp_path / "outputs") == 0, "nobody else can come to what is in it"


@pytest.mark.usefixtures("usual")
def test_metrics_backups_and_manifests_are_private_without_any_umask(tmp_path):
    record = make(tmp_path / "outputs")
    with record.ledger() as ledger:
        write_metrics(ledger, record.outputs)
        ledger.back_up(record.outputs / "kept.backup")
    for name in ("metrics", "metrics/sitewatch.prom", "evidence", "evidence/000001.json", "kept.backup"):
        assert stat.S_IMODE((record.outputs / name).stat().st_mode) & 0o077 == 0, name


@pytest.mark.usefixtures("usual")
def test_the_umask_is_private_as_long_as_one_thread_asks_for_it_and_then_as_it_was(tmp_path):
    first, second = private_files(), private_files()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    (tmp_path / "private").touch()
    second.__exit__(None, None, None)
    (tmp_path / "usual").touch()
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "usual").stat().st_mode) == 0o644


@pytest.mark.usefixtures("usual")
def test_the_umask_is_as_it_was_after_a_call(tmp_path):
    with private_files():
        (tmp_path / "private").touch()
    sitewatch("areas", "list", cwd=tmp_path)
    (tmp_path / "usual").touch()
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "usual").stat().st_mode) == 0o644
