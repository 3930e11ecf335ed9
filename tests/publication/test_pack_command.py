"""The command `sitewatch export pack`, as a person types it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import called
from pack_record import HERON, IBIS, NAME, WEEK, key_of
from typer.testing import CliRunner

from flows.cli.main import app
from flows.ledger import Ledger
from flows.ledger.ids import alert_id


def call(outputs: Path, *arguments: object) -> Any:
    return called("export", "pack", *arguments, "--outputs", outputs, cwd=outputs.parent)


def test_a_restricted_pack_of_an_event(outputs: Path, tmp_path: Path, ledger: Ledger) -> None:
    said = call(outputs, "pack.zip", "--event", key_of(IBIS, "fencing"), "--restricted", "--lang", "fr")
    assert (said.status, said.err) == (0, "")
    assert "Pack (restricted): pack.zip" in said.out
    assert "RESTREINT" in said.out
    assert (tmp_path / "pack.zip").is_file()
    [act] = ledger.accounts.acts(subject="ibis")
    assert (act.act, act.detail, act.by) == ("restricted-pack", key_of(IBIS, "fencing"), "")


def test_a_public_pack_says_first_what_it_gives_away(outputs: Path, tmp_path: Path) -> None:
    said = call(outputs, "pack", "--area", "heron", "--public", "--since", "2026-09-01")
    assert said.status == 2
    assert "add --yes if everybody may see the pack" in said.err
    assert not (tmp_path / "pack").exists()
    title, *learned = said.out.splitlines()
    assert title == "What a careful reader can still learn from this pack:"
    assert learned[0] == f"- That {NAME} is watched, and the name itself."
    assert "The day on which each change was first seen" in said.out
    assert "cannot be called back" in learned[-1]
    agreed = call(outputs, "pack", "--area", "heron", "--public", "--since", "2026-09-01", "--yes", "--coarse-dates")
    assert (agreed.status, agreed.err) == (0, "")
    assert "The month in which each change was first seen" in agreed.out
    assert (tmp_path / "pack" / "index.json").exists()


def test_who_says_no_gets_nothing(outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.cli.export_pack.is_terminal", lambda: True)
    words = ["export", "pack", str(tmp_path / "pack"), "--area", "heron", "--public", "--outputs", str(outputs)]
    assert CliRunner().invoke(app, words, input="n\n").exit_code == 1
    assert not (tmp_path / "pack").exists()
    assert CliRunner().invoke(app, words, input="y\n").exit_code == 0
    assert (tmp_path / "pack").exists()


def test_released_pictures_are_named_among_what_is_given_away(outputs: Path) -> None:
    week = f"--week {WEEK}"
    refused = call(outputs, "pack", "--event", key_of(IBIS, "fencing"), "--public", "--yes")
    assert refused.status == 2
    assert f"sitewatch report {week} --public-pictures ibis" in refused.err.replace("\n", " ")
    assert "What a careful reader" not in refused.out
    (outputs / "public-pictures.json").write_text(f'{{"areas": {{"ibis": {{"weeks": ["{WEEK}"]}}}}}}')
    said = call(outputs, "pack", "--event", key_of(IBIS, "fencing"), "--public", "--yes")
    assert (said.status, said.err) == (0, "")
    assert "those who keep the record released its pictures" in said.out


def test_a_selection_by_file_and_by_alert(outputs: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text(f"heron\n{alert_id(key_of(IBIS, 'fencing'))}\n")
    said = call(outputs, "pack", "--selection", "ids.txt", "--selection", key_of(HERON, "clearing"), "--restricted")
    assert (said.status, said.err) == (0, "")
    assert len((tmp_path / "pack" / "table.csv").read_text().splitlines()) == 5


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--area", "heron"), "--public (everybody may see it) or --restricted"),
        (("--area", "heron", "--public", "--restricted"), "exactly one"),
        (("--area", "heron", "--restricted", "--coarse-dates"), "--coarse-dates belongs to --public"),
        (("--restricted",), "exactly one of --event, --alert, --area, --selection"),
        (("--area", "heron", "--restricted", "--lang", "xx"), "use one of en, fr"),
        (("--area", "heron", "--restricted", "--since", "soon"), "--since `soon` is not a date"),
        (("--area", "gull", "--restricted"), "area `gull` is not on record"),
        (("--alert", "al-0", "--restricted"), "`al-0` is not on record"),
    ],
)
def test_a_wrong_call_writes_nothing(outputs: Path, tmp_path: Path, arguments: tuple[str, ...], complaint: str) -> None:
    said = call(outputs, "pack", *arguments)
    assert said.status == 2
    assert complaint in " ".join(said.err.split())
    assert not (tmp_path / "pack").exists()
