"""The rules of the house, held by their own tools."""

import ast
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import yaml
from slow_tests import PLACES

import aois
import detectors
import flows

ROOT = Path(__file__).parents[1]
BIN = Path(sysconfig.get_path("scripts"))
TOP_LEVEL = {"pyproject.toml", "README.md", "requirements.lock", "flows", "detectors", "aois", "tests", "outputs"}
ROOMLESS_TESTS = {"helpers", "whole", "security", "operations", "benchmarks"}  # of no room, or of all


def run(*command: str) -> None:
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "aois", "detectors", "flows", "tests"),
        ("ruff", "format", "--check", "aois", "detectors", "flows", "tests"),
        ("mypy",),
        ("lint-imports",),
    ],
    ids=lambda c: " ".join(c[:2]),
)
def test_tools_find_nothing(command):
    run(*command)


@pytest.mark.parametrize("place", PLACES)
def test_the_table_of_slow_tests_names_what_is_there(place):
    path, _, test = place.partition("::")
    found = list(ROOT.glob(f"{path.rstrip('/')}*"))
    assert found
    assert f"def {test}(" in found[0].read_text() if test else True


def test_the_fast_tier_leaves_out_slow_tests_and_keeps_the_others():
    asked = ["tests/aois/test_week.py", "tests/whole/test_killed.py", "tests/ledger/test_database.py"]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "not slow", *asked]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kept = [line for line in said.splitlines() if "::" in line]
    assert {line.split("::")[0] for line in kept} == {asked[0], asked[2]}
    assert not [line for line in kept if "[postgresql]" in line]


def test_hooks_before_a_commit_are_the_tools_of_this_checkout():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [one["repo"] for one in hooks] == ["local"]
    assert {hook["language"] for hook in hooks[0]["hooks"]} == {"system"}
    called = [hook["entry"].removeprefix(".venv/bin/") for hook in hooks[0]["hooks"]]
    assert called == ["ruff check", "ruff format --check", "mypy", "lint-imports"]


def test_packages_are_those_of_the_repository():
    for package in (aois, detectors, flows):
        assert Path(package.__file__).parent.parent == ROOT


def test_the_picture_of_the_house_is_that_of_the_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["name"].startswith("The house"))
    kept = [[room.strip().removeprefix("flows.") for room in layer.split("|")] for layer in layers]
    rooms = [[room for room in layer if room not in ("files", "printable")] for layer in kept]
    picture = (ROOT / "flows" / "README.md").read_text().split("```mermaid")[1].split("```")[0]
    arrows = [line for line in picture.splitlines() if "-->" in line]
    drawn = [[room.strip() for room in layer.split("&")] for layer in arrows[0].split("-->")]
    assert drawn[:-1] == rooms[:-1]
    assert (drawn[-1], sorted(rooms[-1])) == (["science"], ["aois", "detectors"])
    folders = {p.name for p in (ROOT / "flows").iterdir() if (p / "__init__.py").exists()}
    assert folders == {room for layer in drawn[:-1] for room in layer}


def test_folders_of_tests_are_named_after_the_rooms_they_test():
    names = subprocess.run(["git", "ls-files", "tests"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {Path(name).parent.relative_to("tests") for name in names.splitlines()} - {Path()}
    tested = {folder for folder in folders if folder.parts[0] not in ROOMLESS_TESTS and folder.name != "data"}
    assert len(tested) > 10
    for folder in tested:
        assert (ROOT / folder).is_dir() or (ROOT / "flows" / folder).is_dir(), f"no room has the name of tests/{folder}"


def private_names_of_ours(source: str) -> list[str]:
    """The private names of our packages that a module imports, or names in a string for a patch."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and re.fullmatch(r"\w+(\.\w+)+", str(node.value)):
            names = [str(node.value)]
        else:
            continue
        ours = [name for name in names if name.split(".")[0] in ("aois", "detectors", "flows")]
        found += [name for name in ours if re.search(r"\._(?!_)", name)]
    return found


def test_private_names_are_found_where_they_are_imported_or_patched():
    assert private_names_of_ours("from flows.files import _x, atomic_write") == ["flows.files._x"]
    assert private_names_of_ours("patch.setattr('flows.files._x', 1)") == ["flows.files._x"]
    assert private_names_of_ours("import os\nfrom flows import __name__\nos._exit(1)") == []


def test_no_test_imports_or_patches_a_private_name():
    ablations = ROOT / "tests" / "benchmarks" / "accuracy" / "steps.py"  # takes single steps out of the detectors
    modules = sorted(set((ROOT / "tests").rglob("*.py")) - {ablations, Path(__file__)})
    found = {str(path): private_names_of_ours(path.read_text(encoding="utf-8")) for path in modules}
    assert {path: names for path, names in found.items() if names} == {}


def test_readmes_name_files_that_are_there():
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for readme in (name for name in names if name.endswith(".md")):
        room = (ROOT / readme).parent
        for name in re.findall(r"`([\w/.]+\.py)`", (ROOT / readme).read_text()):
            assert any(room.glob(f"**/{name}")) or (ROOT / name).exists(), f"{readme}: {name}"


def anchors(text: str) -> set[str]:
    """What a link may name in a page: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_between_pages_lead_somewhere():
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for page in (ROOT / name for name in names if name.endswith(".md")):
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            path, _, anchor = target.partition("#")
            if "://" in target:
                continue
            assert (page.parent / path).exists(), f"{page}: {target}"
            if anchor:
                assert anchor in anchors((page.parent / path if path else page).read_text()), f"{page}: {target}"


def test_top_level_is_as_fixed():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {name.split("/")[0] for name in tracked if not name.startswith(".")} <= TOP_LEVEL


def test_lock_file_holds_exact_versions_and_no_address():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert lines
    for line in lines:
        assert "==" in line, line
        assert "://" not in line, line


def test_python_is_one_that_is_supported():
    assert sys.version_info >= (3, 11)
