"""An alert at sea, for tests of messages and of files."""

from __future__ import annotations

from typing import Any

import pytest

from flows.records.message_json import content_of
from flows.records.messages import ToldAlert

KNOWN = {
    "alert_id": "al-0123456789ab",
    "event_id": "ev-0123456789ab",
    "area_id": "pier-1",
    "kind": "expansion",
    "change": "construction",
    "state": "confirmed",
    "first_seen": "2026-11-03",
    "confirmed_on": "2026-11-18",
    "issued_on": "2026-11-22",
    "area_m2": 2431.0,
    "area_m2_low": 1790.0,
    "area_m2_high": 3049.0,
    "length_m": None,
    "closure": None,
    "confidence": 0.824,
    "sensors": ["sentinel-1", "sentinel-2"],
    "scenes": ["s2-a", "s2-b"],
}
CLOCKWISE = [[0.123456789, 0.0], [0.123456789, 0.5], [1.0, 0.5], [1.0, -1e-9], [0.123456789, 0.0]]


@pytest.fixture(scope="session")
def feature() -> Any:
    """Makes an alert at sea, as a message tells it, from the properties of its feature."""

    def feature(**properties: Any) -> ToldAlert:
        known = {**KNOWN, **properties}
        geometry = {"type": "Polygon", "coordinates": [CLOCKWISE]}
        told: dict[str, Any] = {"type": "Feature", "geometry": geometry, "properties": known}
        rest = dict.fromkeys(("key", "week", "lang", "title", "text", "html", "report"), "")
        return content_of({**rest, "simulated": bool(known.get("simulated")), "alerts": [told]}).alerts[0]

    return feature
