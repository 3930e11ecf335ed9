"""Alerts as Prefect events, so that automations can react."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

import httpx
from prefect.client.orchestration import get_client
from prefect.events import Event, RelatedResource, Resource
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_API_URL

from flows.records.event_json import properties_of
from flows.records.messages import DispatchContent, News, ToldAlert

TOLD = ("kind", "change", "state", "first_seen", "confirmed_on", "area_m2", "confidence", "sensors", "simulated")


def is_at_hand() -> bool:
    """Whether there is a Prefect server to tell outside of a run."""
    return PREFECT_API_URL.value() is not None


def send_signals(content: DispatchContent, made_at: datetime) -> str:
    """Prefect's server has an event for each message of a parcel; empty when it took them, else the reason.

    ``sitewatch.alert.issued`` for one that is new, ``sitewatch.alert.changed`` for any other news; never coordinates,
    ids of scenes or times of a pass. ``simulated`` in the payload says whether it is of the simulated world.
    An event's id follows from the message's key, so an automation that sees one twice can tell.
    """
    events = [event.model_dump(mode="json") for event in events_of(content, made_at)]
    try:
        with get_client(sync_client=True) as client:
            client.request("POST", "/events", json=events)
    except (httpx.HTTPError, PrefectException, OSError, RuntimeError, ValueError) as error:
        return f"Prefect's server did not take the events ({type(error).__name__}); check PREFECT_API_URL"
    return ""


def events_of(content: DispatchContent, made_at: datetime) -> Iterator[Event]:
    """The events that stand for a parcel's messages; the same parcel gives the same events."""
    for alert in content.alerts:
        for key, news in zip(alert.messages, alert.news, strict=True):
            yield _event(alert, key, news, made_at)


def _event(told: ToldAlert, key: str, news: News, made_at: datetime) -> Event:
    alert, area, properties = told.alert_id, told.area_id, properties_of(told)
    return Event(
        id=uuid5(NAMESPACE_URL, f"urn:sitewatch:message:{key}"),
        event=f"sitewatch.alert.{'issued' if news is News.ISSUED else 'changed'}",
        occurred=made_at,
        resource=Resource({"prefect.resource.id": f"sitewatch.alert.{alert}", "prefect.resource.name": alert}),
        related=[RelatedResource({"prefect.resource.id": f"sitewatch.area.{area}", "prefect.resource.role": "area"})],
        payload={name: properties[name] for name in TOLD} | {"news": news.value, "message": key},
    )
