"""Alerts for phones in the field: posted to a CoMapeo Cloud server, which hands them on when phones meet it.

The server is that of digidem/comapeo-cloud (Guardian Connector runs it too). `POST
/projects/:projectPublicId/remoteDetectionAlerts` takes one alert as a point, with a bearer token, and makes another one
each time; `GET` of the same address lists what it has. So what it has already, by `sourceId`, is not posted again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx

from flows.alerts.addresses import check_web_address
from flows.alerts.language import Language, language
from flows.alerts.webhook import in_quiet_thread
from flows.records.json_object import JsonObject
from flows.records.messages import DispatchContent, ToldAlert

DEADLINE_S = 60.0  # for all alerts of a dispatch together
LARGEST_ANSWER = 16_000_000  # bytes: some 20,000 alerts; a project with more has another problem
DECIMALS = 6


@dataclass(frozen=True)
class CoMapeoProject:
    """A project on a server: where it is, its public id, and the server's bearer token."""

    base: str
    project: str
    token: str

    @property
    def address(self) -> str:
        """Return where its alerts are listed and taken."""
        return f"{self.base.rstrip('/')}/projects/{self.project}/remoteDetectionAlerts"


class _Refused(Exception):
    """Why the server took something not, in our own words."""


def post_alerts(project: CoMapeoProject, content: DispatchContent, *, deadline_s: float = DEADLINE_S) -> str:
    """Post each alert that the project does not have yet; empty when it has all of them, else the reason.

    Redirects are not followed. A second attempt posts what is missing after the first, so each alert is there once.
    """
    if not content.is_restricted:
        return "phones need positions, and this message was made without; set restricted = true in its route"
    try:
        check_web_address(project.address)
    except ValueError as error:
        return str(error)
    bodies = [alert_body(one, content) for one in content.alerts]
    return in_quiet_thread(lambda: _exchange(project, bodies, deadline_s))


def alert_body(alert: ToldAlert, content: DispatchContent) -> JsonObject:
    """Return what a server takes for an alert that is told: a point on its ground, when, and what, in plain words.

    Phones write `alert_type` beside the point. Metadata are single values, since the server takes no others.
    """
    words = language(content.lang)
    spot = alert.ground.representative_point()
    last = max((alert.first_seen, *filter(None, (alert.confirmed_on, *(step.on for step in alert.steps)))))
    what = _what(words, alert)
    return {
        "detectionDateStart": _instant(alert.first_seen, "00:00:00"),
        "detectionDateEnd": _instant(last, "23:59:59"),
        "sourceId": source_id(alert),
        "metadata": {
            "alert_type": words.say("title.simulated", title=what) if content.is_simulated else what,
            "month_detec": f"{alert.first_seen:%m}",
            "year_detec": f"{alert.first_seen:%Y}",
            "alert_id": alert.alert_id,
            "reference": alert.reference,
            "incident_id": alert.incident_id,
            "area_id": alert.area_id,
            "state": alert.state.value,
            "kind": alert.kind.value,
            "change": alert.change.value,
            "area_m2": alert.area_m2,
            "confidence": alert.confidence,
            "size": words.size(alert),
            "caution": " ".join((words.say("body.caution"), *words.unreviewed())),
            "simulated": content.is_simulated,
        },
        "geometry": {
            "type": "Point",
            "coordinates": [round(spot.x, DECIMALS), round(spot.y, DECIMALS)],
        },
    }


def source_id(alert: ToldAlert) -> str:
    """Return the id by which a server knows a message: the same at every attempt, another one for other news."""
    return f"sitewatch:{alert.messages[-1] if alert.messages else alert.alert_id}"


def _what(words: Language, alert: ToldAlert) -> str:
    said = {name: words.say(f"{name}s.{getattr(alert, name)}") for name in ("state", "kind", "change")}
    return words.say("body.what", **said)


def _instant(day: date, clock: str) -> str:
    return f"{day.isoformat()}T{clock}Z"


async def _exchange(project: CoMapeoProject, bodies: Sequence[JsonObject], deadline_s: float) -> str:
    try:
        async with asyncio.timeout(deadline_s), httpx.AsyncClient(timeout=deadline_s, follow_redirects=False) as client:
            client.headers["Authorization"] = f"Bearer {project.token}"
            known = await _known(client, project.address)
            for body in bodies:
                if body["sourceId"] not in known:
                    await _post(client, project.address, body)
    except _Refused as error:
        return str(error)
    except (TimeoutError, httpx.TimeoutException):
        return f"no answer within {deadline_s:g} s; check the server"
    except httpx.HTTPError as error:
        return f"not reached ({type(error).__name__}); check its address and the network"
    return ""


async def _known(client: httpx.AsyncClient, address: str) -> frozenset[str]:
    """The ids of all alerts that the project has, deleted ones among them: what was deleted is not sent anew."""
    async with client.stream("GET", address) as answer:
        _check(answer.status_code, expected=200)
        held = bytearray()
        async for part in answer.aiter_bytes():
            held += part
            if len(held) > LARGEST_ANSWER:
                raise _Refused(f"its list of alerts is over {LARGEST_ANSWER // 1_000_000} MB; begin another project")
    try:
        listed: Any = json.loads(held)
        return frozenset(str(one["sourceId"]) for one in listed["data"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _Refused("its list of alerts cannot be read; check that the address is a CoMapeo Cloud server") from None


async def _post(client: httpx.AsyncClient, address: str, body: JsonObject) -> None:
    content = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
    headers = {"Content-Type": "application/json"}
    async with client.stream("POST", address, content=content, headers=headers) as answer:
        _check(answer.status_code, expected=201)


def _check(status: int, *, expected: int) -> None:
    if status == expected:
        return
    if 300 <= status < 400:
        raise _Refused(f"answered {status}, which points elsewhere; name the final address")
    if status in (401, 403):
        raise _Refused(f"answered {status}; check the secret, which is the server's bearer token")
    if status == 404:
        raise _Refused("answered 404; check the project's public id, and that the server lists alerts (2025 or later)")
    raise _Refused(f"answered {status}; check the server")
