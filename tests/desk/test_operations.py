"""The command line of the desk, and reruns as processes of their own."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.desk.backend.reruns import DeskOperations
from flows.desk.errors import DeskError
from flows.ledger import open_ledger

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
WAITING = """
import pathlib, sys, time
print("working", sys.argv[1], "\x1b[1mnow\x1b[0m", flush=True)
while not pathlib.Path(sys.argv[3], "gate").exists():
    time.sleep(0.02)
"""


def now() -> datetime:
    return datetime.now(UTC)


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.02)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Calls the command line with something on standard input; its status and all that it said."""

    def called(*arguments: object, given: str = "") -> tuple[int, str]:
        from flows.cli.main import main

        said, status = io.StringIO(), 0
        monkeypatch.setattr(sys, "argv", ["sitewatch", "desk", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        monkeypatch.chdir(tmp_path)
        with redirect_stdout(said), redirect_stderr(said):
            try:
                main()
            except SystemExit as end:
                status = int(end.code or 0)
        return status, said.getvalue()

    return called


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Outputs with a ledger that knows nobody."""
    open_ledger(f"sqlite:///{tmp_path / 'outputs' / 'ledger.sqlite'}").close()
    return tmp_path / "outputs"


def test_there_is_no_account_and_no_password_by_itself(call: Any, outputs: Path) -> None:
    status, said = call("--outputs", outputs)
    assert status == 2
    assert "make an account first" in said
    status, said = call("account", "add", "Anna", "--role", "admin", "--outputs", outputs)
    assert status == 2
    assert "--password-stdin" in said
    for bad in ("", "short"):
        add = ("account", "add", "Anna", "--role", "admin", "--password-stdin", "--outputs", outputs)
        status, said = call(*add, given=bad)
        assert status == 2
        assert "use 12 to 256" in said
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        assert ledger.accounts.all() == []


def test_accounts_are_made_changed_and_closed(call: Any, outputs: Path) -> None:
    add = ("account", "add", "Anna", "--role", "reviewer", "--password-stdin", "--outputs", outputs)
    assert call(*add, given="four words for tests\n")[0] == 0
    status, said = call(*add, given="four words for tests\n")
    assert (status, "is there already" in said) == (2, True)
    assert call("account", "change", "ANNA", "--role", "operator", "--positions", "--outputs", outputs)[0] == 0
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        (anna,) = ledger.accounts.all()
    assert (anna.role, anna.sees_positions, anna.closed_at) == ("operator", True, None)
    call("account", "change", "anna", "--password-stdin", "--outputs", outputs, given="other words for tests")
    call("account", "change", "anna", "--close", "--outputs", outputs)
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        (changed,) = ledger.accounts.all()
        assert [act.detail for act in ledger.accounts.acts() if act.act == "account"][::-1][1:] == [
            "role, sees_positions",
            "password_hash",
            "closed",
        ]
    assert changed.password_hash != anna.password_hash
    assert changed.closed_at is not None
    assert "anna" in call("account", "list", "--outputs", outputs)[1]
    assert call("account", "change", "nobody", "--close", "--outputs", outputs)[0] == 2


def test_the_command_serves_the_desk_on_loopback(desk: Any, unused_port: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from flows.cli.main import main; main()", "desk"]
    process = subprocess.Popen(
        [*command, "--port", str(unused_port), "--outputs", str(desk.outputs)], cwd=tmp_path, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert b"The desk is at http://127.0.0.1:" in process.stdout.readline()
        with httpx.Client(
            base_url=f"http://127.0.0.1:{unused_port}", transport=httpx.HTTPTransport(retries=5)
        ) as client:
            until(lambda: _answers(client))
            answer = client.get("/login")
        assert answer.status_code == 200
        assert "server" not in answer.headers
    finally:
        process.terminate()
        process.communicate()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/login").status_code == 200
    except httpx.ConnectError:
        return False


def operations(desk: Any, code: str) -> DeskOperations:
    return DeskOperations(desk.ledger, desk.outputs, clock=now, command=(sys.executable, "-c", code))


def test_a_rerun_goes_on_is_seen_and_ends(desk: Any) -> None:
    gate = desk.outputs / "gate"
    held = operations(desk, WAITING)
    held.rerun("heron", by="otto", at=NOW)
    with pytest.raises(DeskError, match="`heron` is being run again already"):
        held.rerun("heron", by="ada", at=NOW)
    held.rerun("ibis", by="ada", at=NOW)
    until(lambda: all(rerun.last_words for rerun in held.reruns()))
    assert [(r.area_id, r.by, r.status, r.last_words) for r in held.reruns()] == [
        ("ibis", "ada", None, "working ibis now"),
        ("heron", "otto", None, "working heron now"),
    ]
    gate.touch()
    until(lambda: all(rerun.status == 0 for rerun in held.reruns()))
    ended = held.reruns()
    assert all(rerun.finished_at is not None for rerun in ended)
    assert [rerun.finished_at for rerun in held.reruns()] == [rerun.finished_at for rerun in ended]
    held.rerun("heron", by="otto", at=now())
    assert len(held.reruns()) == 3
    until(lambda: all(rerun.status == 0 for rerun in held.reruns()))


def test_an_unknown_area_is_never_a_command(desk: Any) -> None:
    held = operations(desk, "raise SystemExit(1)")
    for area_id in ("nowhere", "--help", "heron; ls", "../heron", ""):
        with pytest.raises(DeskError, match="is not on record"):
            held.rerun(area_id, by="otto", at=NOW)
    assert held.reruns() == []


def test_an_operator_starts_a_rerun_from_the_page_and_sees_how_it_fails(desk: Any) -> None:
    """The list of this record is the demonstration's, which does not hold the place: the command says so."""
    with desk.client("otto") as client:
        form = {"form_key": desk.form_key_of("otto")}
        assert client.post("/areas/heron/reruns", data=form).headers["location"] == "/runs"
        assert 'http-equiv="refresh"' in client.get("/runs").text
        until(lambda: 'http-equiv="refresh"' not in client.get("/runs").text)
        text = client.get("/runs").text
    assert ">failed</span> started by <bdi>otto</bdi>" in text
    assert "area `heron` is not in the list" in text
    assert [act.act for act in desk.ledger.accounts.acts(subject="heron")] == ["rerun"]
