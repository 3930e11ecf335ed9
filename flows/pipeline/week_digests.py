"""A digest for each week of an area: where it differs from the one on record, the week is due."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from aois.area import Area
from aois.week import Week
from detectors import VERSION
from flows.pipeline.period import Period

NO_PLANS: Mapping[Week, str] = MappingProxyType({})


@dataclass(frozen=True)
class SceneFingerprint:
    """A scene as a digest knows it."""

    scene_id: str
    acquired: datetime
    sha256: str


def week_digests(
    area: Area,
    period: Period,
    scenes: Sequence[SceneFingerprint],
    *,
    source: str,
    ground: str,
    plans: Mapping[Week, str] = NO_PLANS,
) -> Mapping[Week, str]:
    """Compute for each week the digest of all that it rests on.

    That is the area, the detectors' version and every scene up to its end.

    `ground` is the digest of what the detectors are told of the area, which for a region depends on the sites around.
    `plans` are the digests of what the acquisition plans said of a week, where that was kept.
    Each digest holds the one before, so that a late scene, a moved perimeter or new detectors change every week from
    there on, and those weeks are replayed in order.
    """
    before = [s for s in scenes if s.acquired.date() < period.weeks[0].first_day]
    root = [
        VERSION,
        source,
        area.id,
        area.kind.value,
        area.geometry.wkb_hex,
        area.margin_m,
        ground,
        period.history_from.isoformat(),
        str(period.weeks[0]),
        _rows(before),
    ]
    digest = _digest(root)
    chain = {}
    for week in period.weeks:
        planned = [plans[week]] if week in plans else []
        digest = _digest([digest, str(week), _rows(scenes_of(week, scenes)), *planned])
        chain[week] = digest
    return chain


def scenes_of(week: Week, scenes: Sequence[SceneFingerprint]) -> list[SceneFingerprint]:
    """List the scenes acquired in a week, in order."""
    return [s for s in scenes if week.first_day <= s.acquired.date() <= week.last_day]


def _rows(scenes: Iterable[SceneFingerprint]) -> list[list[str]]:
    return [[s.scene_id, s.sha256] for s in scenes]


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
