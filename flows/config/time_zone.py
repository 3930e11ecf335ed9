"""Check the name of a time zone."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

from flows.config.nearest_word import did_you_mean

LONGEST_NAME = 60


def time_zone(name: str) -> str:
    """Return the name, which is that of a time zone; raise `ValueError` for any other."""
    try:
        ZoneInfo(name)
    except (LookupError, OSError, ValueError):  # no such file, a folder, or no name of a file at all
        raise ValueError(
            f"`{name[:LONGEST_NAME]}` is not a time zone{did_you_mean(name, available_timezones())}; write it like "
            "Europe/Paris"
        ) from None
    return name
