"""Sending messages through Apprise."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from apprise import Apprise, AppriseAsset, NotifyFormat, PersistentStoreMode

from flows.alerts.digest import Message

TALKATIVE = ("apprise", "urllib3.connectionpool")
"""Loggers that would write down addresses, and addresses of channels hold secrets."""


@dataclass(frozen=True)
class DeliveryResult:
    """How one channel took a message. `channel` is its scheme and its position in the list, ``mailto #1``."""

    channel: str
    delivered: bool
    reason: str = ""


def deliver(message: Message, urls: Sequence[str]) -> list[DeliveryResult]:
    """Send a message to every channel, in order; a channel that fails does not stop the others.

    `urls` are Apprise URLs. They hold secrets, so neither the results nor the logs repeat them. A channel's reply may
    repeat them too, so the reason is ours.
    """
    with _hushed():
        return [_deliver(message, url, _channel(url, position)) for position, url in enumerate(urls, start=1)]


def _deliver(message: Message, url: str, channel: str) -> DeliveryResult:
    target = Apprise.instantiate(url, asset=_asset())
    if target is None:
        return DeliveryResult(channel, False, f"{channel}: Apprise does not understand this address; check its form")
    sender = Apprise(asset=_asset())
    sender.add(target)
    # Apprise returns False, and raises nothing, when a delivery fails.
    if sender.notify(body=message.body_text, title=message.title, body_format=NotifyFormat.TEXT):
        return DeliveryResult(channel, True)
    reason = f"{channel}: not reached or not accepted; check its address, its credentials and the network"
    return DeliveryResult(channel, False, reason)


def _asset() -> AppriseAsset:
    """Apprise without its own name, pictures from other hosts, files on disk, or redirects to hosts nobody named."""
    return AppriseAsset(
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


def _channel(url: str, position: int) -> str:
    """What a channel may be called in public."""
    scheme = re.match(r"([a-z][a-z0-9+.-]{0,31})://", url, re.IGNORECASE)
    return f"{scheme[1].lower() if scheme else 'channel'} #{position}"


@contextmanager
def _hushed() -> Iterator[None]:
    """Nothing is logged about addresses."""
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
