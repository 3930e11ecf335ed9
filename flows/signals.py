"""Alerts as Prefect events, so that automations can react."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from prefect.events import emit_event

from flows.ledger.ledger import Ledger

TOLD = ("kind", "change", "state", "first_seen", "confirmed_on", "area_m2", "confidence", "sensors")


def emit_alerts(ledger: Ledger, issued: Collection[str], changed: Collection[str]) -> None:
    """An event ``sitewatch.alert.issued`` or ``sitewatch.alert.changed`` for each of these alerts; never coordinates.

    The same alert in the same state has the same event id, so an automation that sees one twice can tell.
    """
    wanted = {**dict.fromkeys(changed, "changed"), **dict.fromkeys(issued, "issued")}
    for feature in ledger.alerts() if wanted else []:
        if feature["id"] in wanted:
            _emit(f"sitewatch.alert.{wanted[feature['id']]}", feature["properties"])


def _emit(name: str, properties: dict[str, Any]) -> None:
    alert, area = properties["alert_id"], properties["area_id"]
    emit_event(
        event=name,
        resource={"prefect.resource.id": f"sitewatch.alert.{alert}", "prefect.resource.name": alert},
        related=[{"prefect.resource.id": f"sitewatch.area.{area}", "prefect.resource.role": "area"}],
        payload={key: properties[key] for key in TOLD},
        id=uuid5(NAMESPACE_URL, f"urn:sitewatch:{name}:{alert}:{properties['state']}"),
    )
