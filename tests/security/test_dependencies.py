"""What is imported is declared, with bounds; what only an export needs can be left out; the audit says what it is."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWN = ("aois", "detectors", "flows")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DECLARED: list[str] = PROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
DISTRIBUTIONS = packages_distributions()


def plain(requirement: str) -> str:
    """The name of a distribution as PyPI compares it."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Every package that a file imports, and whether that is done as soon as the file is imported."""
    for node, is_early in statements(ast.parse(path.read_text()), is_early=True):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        yield from ((name.partition(".")[0], is_early) for name in names)


def statements(node: ast.AST, *, is_early: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Every statement below a node, and whether it stands outside of all functions."""
    is_early = is_early and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        below = getattr(node, part, [])
        for child in below if isinstance(below, list) else []:
            yield child, is_early
            yield from statements(child, is_early=is_early)


def packages(*folders: str) -> dict[str, set[tuple[str, bool]]]:
    """The packages of others that the files of some folders import, with where and when."""
    found: dict[str, set[tuple[str, bool]]] = {}
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for package, is_early in imported(path):
            if package not in sys.stdlib_module_names and package not in OWN:
                found.setdefault(package, set()).add((str(path.relative_to(ROOT)), is_early))
    return found


def is_among(package: str, requirements: Sequence[str]) -> bool:
    """True where one of the distributions that make up a package is required; `pystac` is made up of many."""
    return bool({plain(each) for each in DISTRIBUTIONS.get(package, [])} & {plain(each) for each in requirements})


def test_what_the_rooms_import_is_declared():
    """What only an extra brings is imported where it is used, so that the rest works without it."""
    optional = [each for name, extra in EXTRAS.items() if name != "test" for each in extra]
    wrong = {}
    for package, places in packages(*OWN).items():
        early = [where for where, is_early in places if is_early]
        if not is_among(package, DECLARED) and (early or not is_among(package, optional)):
            wrong[package] = early or [where for where, _ in places]
    assert not wrong


def test_what_the_tests_import_is_in_their_extra():
    own = {"qgis"} | {  # QGIS comes from Debian; its tests are skipped where it is not
        path.stem if path.name != "__init__.py" else path.parent.name for path in (ROOT / "tests").rglob("*.py")
    }
    allowed = [*DECLARED, *EXTRAS["test"]]
    wrong = {p: where for p, where in packages("tests").items() if p not in own and not is_among(p, allowed)}
    assert not wrong


@pytest.mark.parametrize("requirement", [*DECLARED, *(each for extra in EXTRAS.values() for each in extra)])
def test_every_requirement_has_a_lower_bound_and_is_locked(requirement):
    assert re.search(r"[>=]=[0-9]", requirement)
    locked = (ROOT / "requirements.lock").read_text()
    assert re.search(rf"^{re.escape(plain(requirement))}==", locked, re.MULTILINE)


def test_the_build_is_pinned():
    """Constraints do not reach pip's own environment for the build."""
    assert all("==" in each for each in PROJECT["build-system"]["requires"])


def test_the_lock_is_one_that_the_readmes_command_can_use():
    """It holds versions and no hashes: `pip install -c requirements.lock -e .` refuses hashes.

    Tried with pip 23.2.1 and 26.3 and hashes made by `uv pip compile --generate-hashes`: one hash in a constraints file
    asks for hashes of everything, and both end with "The editable requirement … cannot be installed when requiring
    hashes, because there is no single file to hash". `pip install .` is refused for the same reason.
    """
    assert "--hash" not in (ROOT / "requirements.lock").read_text()
    readme = (ROOT / "README.md").read_text()
    assert ".venv/bin/pip install -q -c requirements.lock -e ." in readme


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python without any package."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    return folder / "bin" / "python"


@pytest.mark.parametrize(("required", "status"), [("", 0), ("1", 3)])
def test_an_audit_without_its_tool_says_that_it_was_skipped(bare_python, required, status):
    """It ended in a traceback, with the status of a known weakness."""
    environment = {**os.environ, "AUDIT_REQUIRED": required}
    command = [str(bare_python), str(ROOT / ".ci" / "audit")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.stdout == (
        "audit SKIPPED: pip-audit is not installed here; "
        ".venv/bin/pip install -c requirements.lock -e '.[audit]'\n"
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (status, "")
