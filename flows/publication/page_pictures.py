"""Which pictures of a place stand on its printed page: sheets of before and after, drawings, and charts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ANIMATED = b"acTL"
KINDS = ("true", "false", "radar")
SHEET = re.compile(r"(?:^|/)(?:event-)?([^/]+)/([^/]+)-pair\.png$")


@dataclass(frozen=True)
class PairSheet:
    """The same ground before and after on one sheet, as PNG, and the event that it shows, as the table calls it."""

    event: str
    png: bytes


@dataclass(frozen=True)
class PagePictures:
    """What the page of a place shows, as PNG: sheets and charts, the most important first, and drawings of sizes."""

    sheets: tuple[PairSheet, ...] = ()
    drawings: tuple[bytes, ...] = ()
    charts: tuple[bytes, ...] = ()


def page_pictures(
    pictures: Mapping[str, bytes], events: Sequence[str] = (), *, most_sheets: int = 3, most_charts: int = 2
) -> PagePictures:
    """Choose the pictures of a place for its page.

    Parameters
    ----------
    pictures
        Files by path: a sheet ends in ``<event>/<kind>-pair.png``, charts and drawings lie below ``charts`` and
        ``drawings``. Animations are left out.
    events
        What the table calls the events, the most important first.
    most_sheets, most_charts
        At most so many, true colour before other colours before radar. So of one event there is a sheet of each kind,
        and of several a sheet in true colour each.
    """
    still = {
        path: content for path, content in pictures.items() if path.endswith(".png") and ANIMATED not in content[:200]
    }
    rank = {event: number for number, event in enumerate(events)}
    found = [(path, sheet[1], sheet[2]) for path in still if (sheet := SHEET.search(path))]
    found.sort(key=lambda one: (_kind(one[2]), rank.get(one[1], len(rank)), one[0]))
    charts = sorted(_below(still, "charts"), key=lambda path: ("built" not in path, path))
    return PagePictures(
        tuple(PairSheet(event, still[path]) for path, event, _ in found[:most_sheets]),
        tuple(still[path] for path in _below(still, "drawings")[:most_sheets]),
        tuple(still[path] for path in charts[:most_charts]),
    )


def _kind(name: str) -> int:
    return next((number for number, kind in enumerate(KINDS) if kind in name), len(KINDS))


def _below(paths: Mapping[str, bytes], folder: str) -> list[str]:
    return sorted(path for path in paths if folder in path.split("/")[:-1])
