"""Messages through Apprise, in a process that can be ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

DEADLINE_S = 60.0
CHILD = Path(__file__).with_name("apprise_child.py")


def notify(url: str, *, title: str, text: str, html: str, key: str, deadline_s: float = DEADLINE_S) -> str:
    """Send a message to an Apprise URL once; empty when it was taken, else the reason in our own words.

    Mail is HTML with a plain alternative and has the key in ``X-Sitewatch-Key``; every other service gets plain text.
    """
    given = json.dumps({"url": url, "title": title, "text": text, "html": html, "key": key})
    command = [sys.executable, "-I", str(CHILD)]
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=deadline_s, check=True)
    except subprocess.TimeoutExpired:
        return f"no answer within {deadline_s:g} s; check the service"
    except subprocess.CalledProcessError:
        return "the answer could not be dealt with; check that the address is the right service"
    return str(json.loads(done.stdout))
