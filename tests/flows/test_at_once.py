"""Two runs at the same time, and outputs that cannot be written."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from flows.ledger.errors import LedgerError


def test_a_second_run_over_an_area_is_refused_and_says_so(half, made):
    with (
        half.ledger() as ledger,
        ledger.exclusively(f"area-{made.WALLED}", complaint=""),
        pytest.raises(LedgerError, match=rf"area `{made.WALLED}` is being watched by another run; wait"),
    ):
        half.watch()
    assert len(half.watch()) == 1


READ_ONLY = """
import os, sys
from datetime import date
from pathlib import Path
from flows.call import areas_of, check_call
from flows.mendable import MENDABLE
from flows.plan import Asked
from flows.settings import Settings
settings = Settings(outputs=Path(sys.argv[1]), _env_file=None)
areas_of(settings)  # what Python reads for that may not be readable for others
if os.geteuid() == 0:  # whom no rights hold back
    os.setgid(65534)
    os.setuid(65534)
try:
    check_call(settings, Asked(None, None, date(2026, 11, 24)))
except MENDABLE as error:
    print(error)
"""


def test_outputs_that_may_not_be_written_are_refused_before_anything_is_done():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        outputs = Path(folder) / "outputs"
        outputs.mkdir(mode=0o555)
        command = [sys.executable, "-c", READ_ONLY, str(outputs)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stderr
        assert done.stdout == (
            f"outputs `{outputs}` cannot be written: Permission denied; name another folder with --outputs\n"
        )
        assert list(outputs.iterdir()) == []
