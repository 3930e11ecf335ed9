"""The record of areas, scenes, observations, events, alerts and runs."""

from flows.ledger.errors import LedgerError
from flows.ledger.ids import alert_id, event_id
from flows.ledger.ledger import Ledger, open_ledger
from flows.ledger.precision import Precision, Split, StatedBand
from flows.records.events import Alert, AlertRecord, DetectedEvent, EventRecord, HistoryStep, WeekOutcome
from flows.records.messages import MessageRecord
from flows.records.observations import ObservationRecord, SceneRecord
from flows.records.reviews import Judgement, Reason, Verdict, VerdictRecord
from flows.records.runs import RunRecord

__all__ = [
    "Alert",
    "AlertRecord",
    "DetectedEvent",
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
    "StatedBand",
    "Verdict",
    "VerdictRecord",
    "WeekOutcome",
    "alert_id",
    "event_id",
    "open_ledger",
]
