"""Run as a script of its own: send one message through Apprise, or say which addresses it understands.

It knows nothing of Sitewatch. Standard input is JSON: ``url``, ``title``, ``text``, ``html`` and ``key`` of a message,
or ``check``, a list of addresses. Standard output is JSON: how the message went, or the complaint about each address.
It is a process of its own, because Apprise reads whole answers and waits as long as a receiver likes: the parent ends
it when its time is up, and its memory has a limit. Its addresses hold secrets, so nothing is logged.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import warnings
from typing import Any

MEMORY_BYTES = 1 << 30

UNREADABLE = "Apprise does not understand this address; check its form"
NO_PORT = "the port of the address is not between 1 and 65535"
REFUSED = "not reached or not accepted; check its address, its credentials and the network"


def complaint(url: str) -> str:
    """Return what is wrong with an address, without asking anybody; empty where Apprise understands it."""
    from apprise import Apprise

    target = Apprise.instantiate(url)
    if target is None:
        return UNREADABLE
    port = getattr(target, "port", None)
    return NO_PORT if port is not None and not 1 <= port <= 65_535 else ""


def send(given: dict[str, str]) -> str:
    """Send a message once; return an empty text when it was taken, else the reason in our own words."""
    from apprise import Apprise, AppriseAsset, NotifyFormat, PersistentStoreMode
    from apprise.plugins.email import NotifyEmail

    # Without its own name, pictures from other hosts, files on disk, or redirects to hosts that nobody named.
    asset = AppriseAsset(
        app_id="Sitewatch",
        app_desc="Sitewatch",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        image_path_mask="",
        http_redirects=False,
        async_mode=False,
        storage_mode=PersistentStoreMode.MEMORY,
    )
    target = Apprise.instantiate(given["url"], asset=asset)
    if target is None:
        return UNREADABLE
    is_mail = isinstance(target, NotifyEmail)
    if isinstance(target, NotifyEmail):
        target.headers["X-Sitewatch-Key"] = given["key"]
        target.headers["Auto-Submitted"] = "auto-generated"
    body, form = (given["html"], NotifyFormat.HTML) if is_mail else (given["text"], NotifyFormat.TEXT)
    sender = Apprise(asset=asset)
    sender.add(target)
    # Apprise returns False, and raises nothing, when a delivery fails.
    return "" if sender.notify(body=body, title=given["title"], body_format=form) else REFUSED


def answer(given: dict[str, Any]) -> str | list[str]:
    """Return what the parent asked for."""
    return [complaint(url) for url in given["check"]] if "check" in given else send(given)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    logging.disable()
    warnings.simplefilter("ignore")
    said = answer(json.load(sys.stdin))
    sys.stdout.write(f"\n{json.dumps(said)}")  # on a line of its own, whatever a plugin printed before
