"""What the children of the desk are given, and how many there may be; keys that are typed into a command."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from premises import premises_in, site

from flows.desk.backend.reruns import COMMAND, MOST_AT_ONCE, DeskOperations
from flows.desk.errors import DeskError
from flows.ledger.ledger import Ledger, open_ledger
from flows.translations.phrases import Phrases

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
WAIT = "import sys, time, pathlib\nwhile not pathlib.Path(sys.argv[3], 'gate').exists(): time.sleep(0.02)"
TELL = "import json, os\nprint(json.dumps(sorted(os.environ)))"


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        ledger.record_areas([site(f"yard-{number}", east_m=5_000.0 * number) for number in range(8)])
        yield ledger


def operations(ledger: Ledger, outputs: Path, code: str, routes: Path | None = None) -> DeskOperations:
    command = (sys.executable, "-P", "-c", code)
    return DeskOperations(ledger, outputs, clock=lambda: NOW, command=command, routes=routes)


def test_a_module_in_the_folder_of_the_desk_is_not_run(ledger, tmp_path, monkeypatch):
    """The command of the desk itself, started where somebody has put a `typer.py`."""
    (tmp_path / "typer.py").write_text("open('marker', 'w').close()\nraise SystemExit(7)\n")
    monkeypatch.chdir(tmp_path)
    desk = DeskOperations(ledger, tmp_path, clock=lambda: NOW)
    desk.rerun("yard-1", by="otto", at=NOW)
    until(lambda: desk.reruns()[0].status is not None)
    assert not (tmp_path / "marker").exists()
    assert "yard-1" in desk.reruns()[0].last_words  # the command itself has answered
    assert "-P" in COMMAND


def test_as_many_reruns_as_may_go_on_and_the_next_is_refused_in_words(ledger, tmp_path):
    desk = operations(ledger, tmp_path, WAIT)
    for number in range(MOST_AT_ONCE):
        desk.rerun(f"yard-{number}", by="otto", at=NOW)
    for number in range(MOST_AT_ONCE, 8):
        with pytest.raises(
            DeskError, match="2 reruns are already running \\(yard-0, yard-1\\); wait until one"
        ) as refused:
            desk.rerun(f"yard-{number}", by="otto", at=NOW)
    for lang in ("en", "fr"):
        assert "%(number)s" in Phrases(lang).template(f"desk.{refused.value.key}")
    assert len(desk.reruns()) == MOST_AT_ONCE
    (tmp_path / "gate").touch()
    until(lambda: all(one.status == 0 for one in desk.reruns()))
    desk.rerun("yard-7", by="otto", at=NOW)
    until(lambda: all(one.status == 0 for one in desk.reruns()))


def test_a_rerun_gets_the_environment_that_it_needs(ledger, tmp_path, monkeypatch):
    for name in ("OTHERS_TOKEN", "HOOK", "HOOK_SECRET", "SH_CLIENT_SECRET", "SITEWATCH_SEED", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "hunter2")
    routes = tmp_path / "routes.toml"
    routes.write_text('[channels.hook]\nkind = "webhook"\nurl = "env:HOOK"\nsecret = "env:HOOK_SECRET"\n')
    with_routes, without = operations(ledger, tmp_path, TELL, routes), operations(ledger, tmp_path, TELL)
    for desk, area, named in ((with_routes, "yard-0", {"HOOK", "HOOK_SECRET"}), (without, "yard-1", set())):
        desk.rerun(area, by="otto", at=NOW)
        until(lambda desk=desk: desk.reruns()[0].status == 0)  # type: ignore[misc]
        (log,) = (tmp_path / "desk" / "reruns").glob(f"*-{area}.log")
        got = set(json.loads(log.read_text()))
        assert got >= {"PATH", "SH_CLIENT_SECRET", "SITEWATCH_SEED", "AWS_SECRET_ACCESS_KEY"}
        assert "OTHERS_TOKEN" not in got
        assert {name for name in got if name.startswith("HOOK")} == named
        assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("catalog", ["http://127.0.0.1:9/c.json?sig=hunter2", "http://ann:hunter2@127.0.0.1:9/c.json"])
def test_a_catalog_that_is_typed_with_a_key_is_warned_of(tmp_path, capsys, catalog):
    from flows.cli.options import settings_of
    from flows.config.settings import SourceName

    settings_of(None, SourceName.STAC, catalog, tmp_path)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: --catalog http://127.0.0.1:9/c.json was typed with a key")
    assert "SITEWATCH_CATALOG" in line
    assert "hunter2" not in line


@pytest.mark.parametrize("catalog", ["http://127.0.0.1:9/c.json", "folder/catalog.json", "http://["])
def test_a_catalog_without_a_key_is_not(tmp_path, capsys, catalog):
    from flows.cli.options import settings_of
    from flows.config.settings import SourceName

    settings_of(None, SourceName.STAC, catalog, tmp_path)
    assert capsys.readouterr().err == ""


def test_a_catalog_of_the_environment_is_in_no_list_of_processes(tmp_path):
    place = premises_in(tmp_path, source="stac", catalog="http://127.0.0.1:9/catalog.json?sig=hunter2")
    done = place.run("estimate", status=None)
    assert "warning" not in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
