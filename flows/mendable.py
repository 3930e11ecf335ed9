"""The errors whose message is enough for a person to mend what is wrong."""

from __future__ import annotations

from aois.area import AreaError
from flows.alerts.errors import AlertsError
from flows.desk.errors import DeskError
from flows.evidence.manifests import EvidenceError
from flows.imagery.scene import ImageryError
from flows.ledger.errors import LedgerError
from flows.reports.inputs import ReportError
from flows.settings import SettingsError
from flows.wide.tile import WideError

MENDABLE = (
    AreaError,
    AlertsError,
    DeskError,
    EvidenceError,
    ImageryError,
    LedgerError,
    ReportError,
    SettingsError,
    WideError,
)
