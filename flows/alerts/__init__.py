"""What leaves the house: alert files and messages."""

from flows.alerts.console import console_table
from flows.alerts.delivery import send
from flows.alerts.digest import Message, Setting, digest
from flows.alerts.dispatch_content import parcel, parcel_key
from flows.alerts.errors import AlertsError
from flows.alerts.routes import Channel, Route, Routes
from flows.alerts.routes_file import read_routes
from flows.alerts.signing import Acknowledgement, make_token, read_token, sign, verify
from flows.evidence.geojson_files import write_alerts, write_events

__all__ = [
    "Acknowledgement",
    "AlertsError",
    "Channel",
    "Message",
    "Route",
    "Routes",
    "Setting",
    "console_table",
    "digest",
    "make_token",
    "parcel",
    "parcel_key",
    "read_routes",
    "read_token",
    "send",
    "sign",
    "verify",
    "write_alerts",
    "write_events",
]
