"""Messages through Apprise, in a process that can be ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flows.config.child_environment import child_environment

DEADLINE_S = 60.0
CHILD = Path(__file__).with_name("apprise_child.py")
NOT_DEALT_WITH = "the answer could not be dealt with; check that the address is the right service"


def notify(url: str, *, title: str, text: str, html: str, key: str, deadline_s: float = DEADLINE_S) -> str:
    """Send a message to an Apprise URL once; return an empty text when it was taken, else the reason in our own words.

    Mail is HTML with a plain alternative and has the key in ``X-Sitewatch-Key``; every other service gets plain text.
    """
    given = {"url": url, "title": title, "text": text, "html": html, "key": key}
    try:
        return str(_asked(given, deadline_s))
    except subprocess.TimeoutExpired:
        return f"no answer within {deadline_s:g} s; check the service"
    except (subprocess.CalledProcessError, ValueError):
        return NOT_DEALT_WITH


def complaints_about(urls: Sequence[str], *, deadline_s: float = DEADLINE_S) -> list[str]:
    """Return what is known to be wrong with each Apprise URL, else an empty text; nobody on the network is asked."""
    if not urls:
        return []
    try:
        return [str(one) for one in _asked({"check": list(urls)}, deadline_s)]
    except (subprocess.TimeoutExpired, OSError):  # of this machine, which is busy or full: no address is to blame
        return [""] * len(urls)
    except (subprocess.SubprocessError, ValueError):
        if len(urls) == 1:
            return ["Apprise cannot deal with this address; check its form"]
        return [reason for url in urls for reason in complaints_about([url], deadline_s=deadline_s)]


def _asked(given: Any, deadline_s: float) -> Any:
    """What the child answers; it gets nothing of this process's environment that it does not need."""
    done = subprocess.run(
        [sys.executable, "-I", str(CHILD)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=deadline_s,
        check=True,
        env=child_environment(),
    )
    return json.loads(done.stdout.rsplit("\n", 1)[-1])
