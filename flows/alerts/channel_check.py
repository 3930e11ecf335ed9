"""Find the channels that can never be sent to, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping

from flows.alerts.addresses import check_web_address
from flows.alerts.apprise_channel import complaints_about
from flows.alerts.routes import Channel, ChannelKind


def faults_of(channels: Mapping[str, Channel]) -> dict[str, str]:
    """Return, for each channel that cannot work, why not and how to mend it, without its address or secret.

    Web addresses, Apprise addresses and paths are looked at; nobody on the network is asked.
    """
    spoken = {name: _plain(one) for name, one in channels.items() if one.kind is ChannelKind.APPRISE}
    found = dict(zip(spoken, complaints_about(list(spoken.values())), strict=True))
    for name, channel in channels.items():
        if channel.kind is not ChannelKind.APPRISE:
            found[name] = _path_fault(channel) if channel.url is None else _web_fault(channel)
    return {name: found[name] for name in channels if found[name]}


def _web_fault(channel: Channel) -> str:
    try:
        check_web_address(_plain(channel))
    except ValueError as error:
        return str(error)
    return ""


def _path_fault(channel: Channel) -> str:
    """Why nothing can be written there, as far as can be told without writing."""
    path, is_file_wanted = channel.path, channel.kind is ChannelKind.ATOM
    try:
        if path is None or not str(path).isprintable():
            return "the path holds hidden characters; name another"
        if path.exists() and path.is_file() is not is_file_wanted:
            return f"the path is to be a {'file' if is_file_wanted else 'folder'} and is not; name another"
    except (OSError, ValueError):
        return "the path cannot be looked at; name another"
    return ""


def _plain(channel: Channel) -> str:
    return channel.url.get_secret_value() if channel.url else ""
