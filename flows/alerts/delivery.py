"""Sending a parcel to a channel, whatever kind of channel it is."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from aois.errors import UserError
from flows.alerts.apprise_channel import notify
from flows.alerts.cap import cap_messages, instant
from flows.alerts.comapeo import CoMapeoProject, post_alerts
from flows.alerts.dispatch_content import webhook_body
from flows.alerts.feed import feed_with
from flows.alerts.routes import Channel, ChannelKind
from flows.alerts.signing import sign
from flows.alerts.webhook import post
from flows.evidence.geojson_files import replace_file, write_told_alerts
from flows.ledger.references import References
from flows.printable import printable
from flows.records.messages import DispatchContent
from flows.telemetry.logs import log


@dataclass(frozen=True)
class Attempt:
    """When a parcel was made and is sent, and what the record calls alerts towards its readers."""

    made_at: datetime
    now: datetime
    references: References | None


def send(
    content: DispatchContent,
    channel: Channel,
    *,
    made_at: datetime,
    now: datetime,
    references: References | None = None,
) -> str:
    """Send a parcel once; return an empty text when the channel took it, else the reason, without address or secret.

    Files say when the parcel was made, so that a second attempt writes the same bytes; a signature says when it was
    sent. Whatever goes wrong is this channel's matter and its reason: it never stops another channel.
    """
    try:
        return SENDERS[channel.kind](content, channel, Attempt(made_at, now, references))
    except UserError as error:
        return printable(error)
    except OSError as error:
        return f"it failed ({error.strerror or type(error).__name__}); check the channel's path or address"
    except Exception as error:  # noqa: BLE001 - libraries raise what nobody foresees, and their words may hold a secret
        log.error("channel of kind %s: %s at %s", channel.kind.value, type(error).__name__, _place_of(error))
        return f"it failed in a way that nobody foresaw ({type(error).__name__}); check the channel in the routes"


def _place_of(error: Exception) -> str:
    """File and line of the code that failed, without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    return ", ".join(f"{Path(one.filename).name}:{one.lineno}" for one in frames[-2:])


def _apprise(content: DispatchContent, channel: Channel, _attempt: Attempt) -> str:
    said = content
    return notify(_plain(channel.url), title=said.title, text=said.text, html=said.html, key=said.key)


def _webhook(content: DispatchContent, channel: Channel, attempt: Attempt) -> str:
    body = webhook_body(content)
    return post(_plain(channel.url), body, sign(_plain(channel.secret), content.key, body, at=attempt.now))


def _comapeo(content: DispatchContent, channel: Channel, _attempt: Attempt) -> str:
    return post_alerts(CoMapeoProject(_plain(channel.url), channel.project or "", _plain(channel.secret)), content)


def _atom(content: DispatchContent, channel: Channel, attempt: Attempt) -> str:
    path = _path(channel)
    replace_file(path, feed_with(content, path, sent=attempt.made_at.isoformat(timespec="seconds")))
    return ""


def _cap(content: DispatchContent, channel: Channel, attempt: Attempt) -> str:
    folder, sent = _path(channel), instant(attempt.made_at)
    made = cap_messages(content, folder, sender=channel.sender, sent=sent, references=attempt.references)
    for name, document in made.items():
        replace_file(folder / name, document)
    return ""


def _geojson(content: DispatchContent, channel: Channel, _attempt: Attempt) -> str:
    path = _path(channel) / f"{content.key}.geojson"
    write_told_alerts(content.alerts, path, is_restricted=content.is_restricted)
    return ""


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _path(channel: Channel) -> Path:
    return channel.path or Path()


SENDERS: dict[ChannelKind, Callable[[DispatchContent, Channel, Attempt], str]] = {
    ChannelKind.APPRISE: _apprise,
    ChannelKind.WEBHOOK: _webhook,
    ChannelKind.COMAPEO: _comapeo,
    ChannelKind.ATOM: _atom,
    ChannelKind.CAP: _cap,
    ChannelKind.GEOJSON: _geojson,
}
