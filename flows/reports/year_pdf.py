"""Print a page as PDF with Chromium, with an outline and links that work inside the file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.config.child_environment import child_environment
from flows.reports.files import replace_file
from flows.reports.inputs import Edition, ReportError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE_S = 120
INSTALL = "install Chromium (Debian: apt-get install chromium), or open the page in a browser and print it from there"
SWITCHES = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
)
MADE_AT = re.compile(rb"/(CreationDate|ModDate) \(D:\d{14}[^)]*\)")
MADE_BY = re.compile(rb"/Creator \((?:[^()\\]|\\.)*\)")


def print_pdf(page: Path, *, at: datetime, edition: Edition, browsers: Sequence[str] = BROWSERS) -> Path:
    """Print a page of ours into a file of its name that ends in ``.pdf``, and return the path.

    The file names neither the browser nor the time of printing, but `at`. Raises `ReportError` where no Chromium is
    installed, or where it fails.
    """
    browser = next((found for name in browsers if (found := shutil.which(name))), None)
    if browser is None:
        raise ReportError(f"no Chromium is installed to print `{page}` as PDF; {INSTALL}")
    with TemporaryDirectory() as folder:
        printed = Path(folder) / "page.pdf"
        _run([browser, *_switches(Path(folder)), f"--print-to-pdf={printed}", page.resolve().as_uri()], printed, page)
        content = printed.read_bytes()
    target = page.with_suffix(".pdf")
    replace_file(target, _without_maker(content, at), edition=edition, at=at if edition is Edition.PUBLIC else None)
    return target


def _switches(folder: Path) -> list[str]:
    own = [*SWITCHES, f"--user-data-dir={folder / 'profile'}"]
    return [*own, "--no-sandbox"] if os.geteuid() == 0 else own  # Chromium refuses to sandbox the pages of root


def _run(command: Sequence[str], printed: Path, page: Path) -> None:
    try:
        done = subprocess.run(
            command, env=child_environment(), capture_output=True, timeout=PATIENCE_S, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReportError(f"`{page}` cannot be printed as PDF ({error}); {INSTALL}") from error
    if done.returncode or not printed.is_file():
        last = done.stderr.strip().splitlines()[-1:] or ["it says nothing"]
        raise ReportError(f"Chromium could not print `{page}` as PDF ({last[0][:200]}); {INSTALL}")


def _without_maker(content: bytes, at: datetime) -> bytes:
    """The file with other values of the same length, so that its table of positions stays true."""

    def blank(found: re.Match[bytes]) -> bytes:
        return b"/Creator (" + b" " * (len(found[0]) - len(b"/Creator ()")) + b")"

    def day(found: re.Match[bytes]) -> bytes:
        rest = found[0][found[0].index(b"D:") + 16 :]
        return b"/" + found[1] + b" (D:" + at.strftime("%Y%m%d%H%M%S").encode() + rest

    return MADE_AT.sub(day, MADE_BY.sub(blank, content))
