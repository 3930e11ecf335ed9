"""What leaves the house: alert files and messages."""

from flows.alerts.console import console_table
from flows.alerts.delivery import DeliveryResult, deliver
from flows.alerts.digest import Message, digest
from flows.alerts.errors import AlertsError
from flows.alerts.files import write_alerts, write_events

__all__ = [
    "AlertsError",
    "DeliveryResult",
    "Message",
    "console_table",
    "deliver",
    "digest",
    "write_alerts",
    "write_events",
]
