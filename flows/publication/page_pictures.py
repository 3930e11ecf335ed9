"""Which pictures of a place stand on its printed page: pairs of before and after, drawings, and a chart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ANIMATED = b"acTL"
PLAIN = "-plain"
KINDS = ("true", "false", "radar")
WORD = re.compile(r"(?<![a-z])(before|after)(?![a-z])")
EVENT = re.compile(r"(?:^|/)(?:event-)?([^/]+)/[^/]+$")


@dataclass(frozen=True)
class PicturePair:
    """The same ground before and after, as PNG, and which event it shows, as the table calls it."""

    event: str
    before: bytes
    after: bytes


@dataclass(frozen=True)
class PagePictures:
    """What the page of a place shows: pairs, the most natural first, drawings, and the chart; None if there is none."""

    pairs: tuple[PicturePair, ...] = ()
    drawings: tuple[bytes, ...] = ()
    chart: bytes | None = None


def page_pictures(pictures: Mapping[str, bytes], *, most: int = 3) -> PagePictures:
    """Choose the pictures of a place for its page.

    Parameters
    ----------
    pictures
        Files by path. PNGs whose paths differ only in the words ``before`` and ``after`` are a pair, those below
        ``charts`` and ``drawings`` are what their folders say. Animations are left out.
    most
        At most so many pairs and drawings: outlined before plain, true colour before other colours before radar. So of
        one event there is a pair of each kind, and of several a pair in true colour each.
    """
    still = {
        path: content for path, content in pictures.items() if path.endswith(".png") and ANIMATED not in content[:200]
    }
    found = sorted((path for path in still if "before" in WORD.findall(path)), key=lambda path: (_rank(path), path))
    pairs = [
        PicturePair(_event(path), still[path], still[after])
        for path in found
        if (after := WORD.sub("after", path)) in still
    ]
    drawings = [still[path] for path in sorted(still) if "drawings" in path.split("/")]
    charts = sorted(
        (path for path in still if "charts" in path.split("/")), key=lambda path: ("built" not in path, path)
    )
    return PagePictures(tuple(pairs[:most]), tuple(drawings[:most]), still[charts[0]] if charts else None)


def _rank(path: str) -> tuple[bool, int]:
    name = path.rpartition("/")[2]
    return PLAIN in name, next((rank for rank, kind in enumerate(KINDS) if kind in name), len(KINDS))


def _event(path: str) -> str:
    found = EVENT.search(path)
    return found[1] if found else ""
