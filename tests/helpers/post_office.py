"""A watch without imagery, for tests of what happens to its alerts; scripts that tests start import this too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from detected import detected_event
from shapely.geometry import box

from aois.area import Area, AreaKind, Status
from aois.week import Week, week_of
from detectors.records import State, Transition
from flows.alerts.route_settings import message_routes
from flows.alerts.sending import Delivery, deliver_pending
from flows.config.settings import Settings
from flows.ledger.ids import event_id
from flows.ledger.ledger import Ledger, open_ledger
from flows.ledger.references import References, settle_secret
from flows.records.events import DetectedEvent
from flows.records.observations import ObservationRecord

FIRST = week_of(date(2026, 9, 7))
MONDAY = datetime(2026, 9, 28, 6, tzinfo=UTC)
NO_STORIES: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
REFERENCES = References("5a" * 32)
"""What every office calls its alerts in messages."""
P, C, R = State.PROVISIONAL, State.CONFIRMED, State.RETRACTED


def week(number: int) -> Week:
    """The `number`-th week."""
    return FIRST.plus(number)


def site(area_id: str) -> Area:
    """A site at sea."""
    return Area(area_id, AreaKind.SITE, box(0, 0, 0.01, 0.01), status=Status.IDENTIFIED)


def event(area_id: str, key: str, *states: State, again: tuple[date, ...] = (), **properties: Any) -> DetectedEvent:
    """An event that deserves an alert and went through these states, a week for each; `again` are its further steps.

    Each key has ground of its own.
    """
    steps = tuple(Transition(state, week(n).first_day, f"scene-{n}") for n, state in enumerate(states))
    confirmed = [step.on.isoformat() for step in steps if step.state is C]
    known = {
        "kind": "expansion",
        "change": "construction",
        "state": steps[-1].state.value,
        "first_seen": steps[0].on.isoformat(),
        "confirmed_on": confirmed[0] if confirmed else None,
        "area_m2": 2400.0,
        "area_m2_low": 1800.0,
        "area_m2_high": 3000.0,
        "length_m": None,
        "closure": None,
        "confidence": 0.8,
        "sensors": ["sentinel-2"],
        "scenes": [step.scene_id for step in steps],
    }
    west = int(sha256(key.encode()).hexdigest()[:6], 16) / 1e6
    ring = [[west, 0.0], [west + 1e-7, 0.0], [west + 1e-7, 1e-7], [west, 0.0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    begun = (steps[0].on, *again)
    return detected_event(area_id, event_id(area_id, key), known | properties, geometry, steps, True, begun)


def record(ledger: Ledger, number: int, area_id: str, *events: DetectedEvent) -> None:
    """Record a week of an area."""
    seen = ObservationRecord(
        area_id, week(number), (f"scene-{number}",), ("sentinel-2",), 0.75, week(number).first_day, f"chain-{number}"
    )
    ledger.record_week(seen, list(events))


class Office:
    """A ledger, the settings of its channels, and a clock that stands still until it is moved."""

    def __init__(self, url: str, outputs: Path, **settings: Any) -> None:
        self.now = MONDAY
        self.url, self.outputs = url, outputs
        self.settings = Settings(outputs=outputs, ledger_url=url, _env_file=None, **{"source": "stac"} | settings)
        self.ledger = open_ledger(url)
        with self.ledger._writing() as session:
            settle_secret(session, REFERENCES.secret)
        self.ledger.record_areas([site("pier-1"), site("pier-2")])

    def watch(
        self, number: int, stories: Mapping[str, Mapping[str, Any]] = NO_STORIES, **events: tuple[State, ...]
    ) -> None:
        """A week of both places, the events of which are named ``p1_x`` and ``p2_y``; `stories` are more of each."""
        for area_id, prefix in (("pier-1", "p1_"), ("pier-2", "p2_")):
            found = [
                event(area_id, key, *life, **stories.get(key, {}))
                for key, life in events.items()
                if key.startswith(prefix)
            ]
            record(self.ledger, number, area_id, *found)

    def deliver(self, **options: Any) -> Delivery:
        """Send what waits."""
        return deliver_pending(
            self.ledger, message_routes(self.settings), week=week(2), clock=lambda: self.now, **options
        )

    def later(self, **span: float) -> None:
        """Move the clock."""
        self.now += timedelta(**span)
