"""The record of areas, scenes, observations, events, alerts and runs."""

from flows.ledger.errors import LedgerError
from flows.ledger.ids import alert_id, event_id
from flows.ledger.ledger import Ledger, open_ledger
from flows.ledger.records import (
    AlertRecord,
    EventFeature,
    EventRecord,
    HistoryStep,
    MessageRecord,
    ObservationRecord,
    RunRecord,
    SceneRecord,
    WeekOutcome,
)

__all__ = [
    "AlertRecord",
    "EventFeature",
    "EventRecord",
    "HistoryStep",
    "Ledger",
    "LedgerError",
    "MessageRecord",
    "ObservationRecord",
    "RunRecord",
    "SceneRecord",
    "WeekOutcome",
    "alert_id",
    "event_id",
    "open_ledger",
]
