"""Truth of the real grounds: what was drawn by eye beside an archive or in `truth/`, on the grid of the watch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.features import rasterize
from scipy import ndimage
from series import ARCHIVES
from shapely.geometry import shape

from aois.grid import Grid, to_utm

TRUTH = Path(__file__).with_name("truth")
COVERED, NEAR_PX = 0.25, 2
UNCHANGED = "quiet"
ACCEPTED: dict[str, tuple[str, ...]] = {
    "new compound": ("construction", "fencing"),
    "new buildings": ("construction",),
    "new roads and buildings": ("construction",),
    "completion (site already open before)": ("construction",),
    "completion with gardens": ("construction",),
    "ground broken": ("clearing", "construction"),
    "landscaping over a works camp": (),  # built over and planted at once: any name fits
    "excavation under way": (),
    "demolition": ("demolition",),
    "construction": ("construction",),
    "clearing": ("clearing",),
    "fencing": ("fencing",),
}
"""The classes under which a kind of drawn change is told right; an empty tuple where any may be."""


@dataclass(frozen=True)
class TrueChange:
    """One drawn change; `mask` bool (y, x), `accepted` the classes that name it; `is_sure` as in `truth/README.md`."""

    name: str
    kind: str
    accepted: tuple[str, ...]
    mask: np.ndarray
    not_before: date
    seen_by: date
    is_sure: bool


@dataclass(frozen=True)
class GroundTruth:
    """All that was drawn on a ground: its changes, and `quiet`, bool (y, x), where it is known that nothing changed."""

    changes: tuple[TrueChange, ...]
    quiet: np.ndarray
    near: np.ndarray
    watched: np.ndarray
    drawn_quiet: bool

    def within(self, watched: np.ndarray) -> GroundTruth:
        """Keep what lies on watched ground."""
        changes = tuple(replace(c, mask=c.mask & watched) for c in self.changes)
        return GroundTruth(
            tuple(c for c in changes if c.mask.any()),
            self.quiet & watched,
            self.near,
            self.watched & watched,
            self.drawn_quiet,
        )


def truth_of(name: str, grid: Grid, *, since: date, until: date, is_exhaustive: bool) -> GroundTruth:
    """Read what was drawn on a ground; with exhaustive truth all that is no change is quiet."""
    changes, quiet = [], np.zeros(grid.shape, bool)
    near = np.zeros(grid.shape, bool)
    for feature in _features(name):
        p = feature["properties"]
        kind = p.get("change") or p["kind"]
        mask = _drawn(feature, grid)
        if kind in (UNCHANGED, "no construction seen"):
            quiet |= mask
            continue
        change = _change(p, kind, mask, since)
        near |= ndimage.binary_dilation(mask, iterations=NEAR_PX)
        if not change.is_sure or since <= change.seen_by <= until:
            changes.append(change)
    whole = np.ones(grid.shape, bool)
    return GroundTruth(tuple(changes), (whole if is_exhaustive else quiet) & ~near, near, whole, not is_exhaustive)


def _features(name: str) -> list[dict[str, Any]]:
    """The file in `truth/`, or the one beside the archive; none where nothing was drawn."""
    for path in (TRUTH / f"{name}.geojson", ARCHIVES / name / "truth.geojson"):
        if path.exists():
            return list(json.loads(path.read_text())["features"])
    return []


def _drawn(feature: Mapping[str, Any], grid: Grid) -> np.ndarray:
    outline = to_utm(shape(feature["geometry"]), grid.epsg)
    return np.asarray(rasterize([(outline, 1)], grid.shape, transform=grid.transform, dtype="uint8").astype(bool))


def _change(p: Mapping[str, Any], kind: str, mask: np.ndarray, since: date) -> TrueChange:
    """One change; where only the images are named, it began before the watch and shows in its first week."""
    seen_by = p["seen_by"]
    is_nominal = seen_by == "after"
    return TrueChange(
        p.get("id") or p["name"],
        kind,
        (*ACCEPTED[kind], *([p["also"]] if "also" in p else [])),
        mask,
        date.min if is_nominal else date.fromisoformat(p.get("not_before") or p["began_after"]),
        since if is_nominal else date.fromisoformat(seen_by),
        bool(p.get("is_sure", True)) and kind != "excavation under way",
    )
