"""Every command and every option is named in a README, and what the READMEs tell people to type is there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from command_line import called
from shapely.geometry import box
from small_record import X, make, week

from aois.area import Area, AreaKind
from aois.reading import to_feature_collection
from flows.cli.main import app
from flows.ledger.ids import alert_id

ROOT = Path(__file__).parents[2]
ROOMS = ("aois", "detectors", "flows")
READMES = [ROOT / "README.md", *sorted(path for room in ROOMS for path in (ROOT / room).rglob("README.md"))]
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in READMES}
QUICK = re.compile(r"sitewatch (areas|alerts (list|show|judge|precision|outbox|acknowledge al)|ledger|desk account l)")


def leaves(command: Any, words: tuple[str, ...] = ("sitewatch",)) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that people type."""
    below = getattr(command, "commands", {})
    if not below or command.invoke_without_command:
        yield " ".join(words), command
    for name, one in below.items():
        yield from leaves(one, (*words, name))


def options(command: Any) -> list[str]:
    """Every option of a command, as it is typed."""
    return [name for one in command.params for name in (*one.opts, *one.secondary_opts) if name.startswith("--")]


def is_named(words: str, text: str) -> bool:
    """Whether a text holds these words whole: `--area` is not in `--areas`."""
    return re.search(rf"(?<![\w-]){re.escape(words)}(?![\w-])", " ".join(text.split())) is not None


def typed(text: str) -> list[str]:
    """Every call of `sitewatch` in a text, in code blocks and in code within sentences."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    within = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"^ {4}(sitewatch .*)$", text, re.MULTILINE)
    lines += [" ".join(one.split()) for one in within]
    calls = [re.search(r"(?:^|&& |\s)(?:\.venv/bin/)?(sitewatch .*)$", line.partition("#")[0]) for line in lines]
    return [re.split(r" (?:>|\|\|?|&)", call[1])[0].strip() for call in calls if call]


COMMANDS = dict(leaves(typer.main.get_command(app)))
OPTIONS = [(words, option) for words, command in COMMANDS.items() for option in options(command)]
TYPED = [(name, call) for name, text in TEXTS.items() for call in dict.fromkeys(typed(text)) if call not in COMMANDS]


def test_the_walk_finds_the_commands_and_their_options():
    assert {"sitewatch watch", "sitewatch desk", "sitewatch desk account add"} < set(COMMANDS)
    assert {("sitewatch alerts list", "--open"), ("sitewatch desk account change", "--no-positions")} < set(OPTIONS)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_is_in_the_root_readme(words):
    assert is_named(words, TEXTS["README.md"])


@pytest.mark.parametrize(("words", "option"), OPTIONS, ids=str)
def test_every_option_is_in_a_readme_that_names_its_command(words, option):
    naming = [name for name, text in TEXTS.items() if is_named(words, text)]
    assert any(is_named(option, TEXTS[name]) for name in naming), f"{words} {option} is in none of {', '.join(naming)}"


@pytest.mark.parametrize(("words", "text", "there"), [("--area", "only --areas", False), ("--area", "`--area`", True)])
def test_an_option_is_not_found_in_a_longer_one(words, text, there):
    assert is_named(words, text) is there


def test_every_line_that_names_the_program_is_read():
    assert len([call for name, call in TYPED if name == "README.md"]) > 30
    assert typed("```sh\nA=1 .venv/bin/sitewatch serve > log 2>&1 &\n```\nor `sitewatch\ndoctor`") == [
        "sitewatch serve",
        "sitewatch doctor",
    ]


@pytest.mark.parametrize(("readme", "call"), TYPED, ids=str)
def test_what_a_readme_tells_people_to_type_is_understood(readme, call):
    """Command, options, values: as the program reads them, without doing anything."""
    check(shlex.split(call)[1:])


def check(words: list[str]) -> None:
    """Have the program read a call, down to the command that it names; what it does not know is an error."""
    command: Any = typer.main.get_command(app)
    context = None
    while getattr(command, "commands", None) and words and not words[0].startswith("-"):
        context = command.make_context(command.name, [], parent=context, resilient_parsing=True)
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, words, parent=context).close()


@pytest.mark.parametrize("words", [["watch", "--aera", "x"], ["wacth"], ["alerts", "judge", "al-0", "perhaps"]])
def test_a_call_that_the_program_does_not_know_is_found(words):
    with pytest.raises(Exception, match=r"--aera|wacth|perhaps"):
        check(words)


def test_the_quick_commands_of_the_readme_work_as_they_stand(tmp_path):
    """Over a small record, in the order of the README; only ids, weeks and a folder to restore to are put in."""
    make(tmp_path / "outputs")
    (tmp_path / "places.csv").write_text("name,lon,lat\nOuter Pier,3.5,1.5\n")
    province = Area("province", AreaKind.REGION, box(3.0, 1.0, 5.0, 1.5))
    (tmp_path / "province.geojson").write_text(json.dumps(to_feature_collection([province])))
    run = [call for call in dict.fromkeys(typed(TEXTS["README.md"])) if QUICK.match(call)]
    assert len(run) >= 12
    for call in run:
        given = call.replace("al-2b371013a604", alert_id(X)).replace("2026-W47", str(week(2)))
        elsewhere = ["--outputs", "restored"] if "ledger restore" in given else []
        said = called(*shlex.split(given)[1:], *elsewhere, cwd=tmp_path)
        assert (said.status, said.err) == (0, ""), (given, said)
