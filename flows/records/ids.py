"""The ids that rooms hand on: types of their own, and the one reader of what an id says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import NewType

AreaId = NewType("AreaId", str)
"""An area of the watch list: ``[a-z0-9][a-z0-9-]{0,63}``."""
EventId = NewType("EventId", str)
"""An event, for life: ``ev-`` and twelve hexadecimal digits."""
AlertId = NewType("AlertId", str)
"""The one alert of an event: ``al-`` and twelve hexadecimal digits."""
IncidentId = NewType("IncidentId", str)
"""The alerts of one place within some weeks: ``in-`` and the digits of the first alert."""
SceneId = NewType("SceneId", str)
"""A scene: ``<sensor>_<YYYYMMDDTHHMMSS>`` and what tells it from others of that second."""

_SCENE = re.compile(r"([^_ ]*)(?:_([0-9]{8})(?![0-9])| ([0-9]{4}-[0-9]{2}-[0-9]{2})$)?")


@dataclass(frozen=True)
class SceneName:
    """What the id of a scene says.

    Attributes
    ----------
    sensor
        The sensor that took it: what the id begins with.
    day
        The day on which it did, UTC; None where the id names none.
    """

    sensor: str
    day: date | None

    def __str__(self) -> str:
        """The sensor and the day, ``sentinel-2 2026-10-08``: as much as the public edition tells of a scene."""
        return self.sensor if self.day is None else f"{self.sensor} {self.day}"


def scene_name(scene_id: str) -> SceneName:
    """Read what the id of a scene says, in full or as the public edition names it.

    Parameters
    ----------
    scene_id
        ``<sensor>_<YYYYMMDD>T…``, or ``<sensor> <YYYY-MM-DD>``.

    Returns
    -------
    SceneName
    """
    found = _SCENE.match(scene_id)
    assert found is not None  # every part of it may be missing
    try:
        day = date.fromisoformat(found[2] or found[3] or "")
    except ValueError:
        day = None
    return SceneName(found[1], day)


@dataclass(frozen=True)
class MessageKey:
    """The key of a message: which alert it tells of, and what.

    Attributes
    ----------
    alert_id
        The alert.
    said
        A state, ``step-<number>``, ``merged`` or ``parted``.
    times
        How often that was said, this time included; 1 and more.
    """

    alert_id: AlertId
    said: str
    times: int = 1

    def __str__(self) -> str:
        """The key as rows, files and receivers have it, ``<alert_id>:<said>`` and ``:<times>`` from the second on."""
        return f"{self.alert_id}:{self.said}" + (f":{self.times}" if self.times > 1 else "")


def message_key(text: str) -> MessageKey:
    """Read the key of a message.

    Parameters
    ----------
    text
        The key as `MessageKey` writes it.

    Returns
    -------
    MessageKey
    """
    alert_id, _, rest = text.partition(":")
    said, _, times = rest.partition(":")
    return MessageKey(AlertId(alert_id), said, int(times or 1))
