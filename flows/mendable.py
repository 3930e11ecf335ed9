"""The errors whose message is enough for a person to mend what is wrong."""

from __future__ import annotations

from aois.area import AreaError
from flows.alerts.errors import AlertsError
from flows.desk.errors import DeskError
from flows.imagery.scene import ImageryError
from flows.ledger.errors import LedgerError
from flows.reports.inputs import ReportError
from flows.settings import SettingsError

MENDABLE = (AreaError, AlertsError, DeskError, ImageryError, LedgerError, ReportError, SettingsError)
