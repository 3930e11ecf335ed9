"""The record of areas, scenes, observations, events, alerts and runs."""

from flows.ledger.errors import LedgerError
from flows.ledger.ids import alert_id, event_id
from flows.ledger.ledger import Ledger, open_ledger
from flows.ledger.precision import Precision, Split
from flows.ledger.records import (
    AlertRecord,
    EventFeature,
    EventRecord,
    HistoryStep,
    Judgement,
    MessageRecord,
    ObservationRecord,
    Reason,
    RunRecord,
    SceneRecord,
    Verdict,
    VerdictRecord,
    WeekOutcome,
)

__all__ = [
    "AlertRecord",
    "EventFeature",
    "EventRecord",
    "HistoryStep",
    "Judgement",
    "Ledger",
    "LedgerError",
    "MessageRecord",
    "ObservationRecord",
    "Precision",
    "Reason",
    "RunRecord",
    "SceneRecord",
    "Split",
    "Verdict",
    "VerdictRecord",
    "WeekOutcome",
    "alert_id",
    "event_id",
    "open_ledger",
]
