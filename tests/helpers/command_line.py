"""Calls of the command line in this process, with nothing of the environment's settings."""

from __future__ import annotations

import atexit
import io
import os
import shutil
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

if "PREFECT_HOME" not in os.environ:  # before Prefect is imported, so that no test touches the user's own
    os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="sitewatch-tests-")
    atexit.register(shutil.rmtree, os.environ["PREFECT_HOME"], ignore_errors=True)


@dataclass(frozen=True)
class Said:
    """What a call of the command line came to."""

    status: int
    out: str
    err: str


def called(*arguments: object, cwd: Path, **environment: str) -> Said:
    """Call the command line in this process, from a folder, with no other settings than those given."""
    from flows.cli.main import main

    out, err, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in [name for name in os.environ if name.startswith("SITEWATCH_")]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(f"SITEWATCH_{name.upper()}", value)
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["sitewatch", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    return Said(status, out.getvalue(), err.getvalue())
