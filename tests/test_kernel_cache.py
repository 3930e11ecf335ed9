"""Compiled code of one state of its sources is never used for another."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def folder_of(root: Path, **environment: str) -> str:
    """The folder of compiled code that a program of this checkout uses."""
    given = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | environment
    code = "import flows, numba; print(numba.config.CACHE_DIR)"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=given, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_change_of_any_compiled_file_has_a_folder_of_its_own(tmp_path):
    for room in ("flows", "detectors"):
        (tmp_path / room).mkdir()
    shutil.copy(ROOT / "flows" / "__init__.py", tmp_path / "flows")
    called = tmp_path / "detectors" / "vector_math.py"
    called.write_text("x = 1\n")
    caches = {"XDG_CACHE_HOME": str(tmp_path / "caches"), "PYTHONPATH": str(tmp_path)}
    before = folder_of(tmp_path, **caches)
    assert Path(before).is_dir()
    assert Path(before).is_relative_to(tmp_path / "caches")
    assert folder_of(tmp_path, **caches) == before
    called.write_text("x = 2\n")
    assert folder_of(tmp_path, **caches) != before


def test_a_folder_that_is_named_is_used(tmp_path):
    assert folder_of(ROOT, NUMBA_CACHE_DIR=str(tmp_path)) == str(tmp_path)


def test_where_no_folder_can_be_made_numba_finds_its_own(tmp_path):
    (tmp_path / "caches").write_text("a file")
    assert folder_of(ROOT, XDG_CACHE_HOME=str(tmp_path / "caches")) in ("", "None")


def test_where_nothing_can_be_written_a_folder_is_made_that_goes_with_the_process(tmp_path):
    for room in ("flows", "detectors"):
        (tmp_path / room).mkdir()
    shutil.copy(ROOT / "flows" / "__init__.py", tmp_path / "flows")
    (tmp_path / "caches").write_text("a file")
    (tmp_path / "own").mkdir()
    (tmp_path / "sitecustomize.py").write_text("import os\nos.access = lambda *_: False\n")
    folder = folder_of(
        tmp_path,
        XDG_CACHE_HOME=str(tmp_path / "caches"),
        PYTHONPATH=str(tmp_path),
        TMPDIR=str(tmp_path / "own"),
    )
    assert Path(folder).parent == tmp_path / "own"
    assert list((tmp_path / "own").iterdir()) == []
