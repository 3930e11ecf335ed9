"""What channels are sent, as JSON: the one writer and the one reader of a dispatch's content."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pydantic import JsonValue

from flows.records.event_json import event_of, geometry_of, properties_of
from flows.records.ids import AlertId, IncidentId
from flows.records.json_object import JsonObject
from flows.records.messages import DispatchContent, News, ToldAlert

OPEN_PROPERTIES = frozenset(
    (
        *("alert_id", "event_id", "area_id", "kind", "change", "state", "first_seen", "confirmed_on", "issued_on"),
        *("area_m2", "area_m2_low", "area_m2_high", "length_m", "closure", "confidence", "sensors", "simulated"),
        *("steps", "merged_into", "merged_into_alert", "reopens", "split_from"),
        *("last_clear_look", "news", "messages", "reference"),
        *("incident_id", "alerts_before", "muted_before", "told_before"),
    )
)
"""What a route that is not restricted tells of an alert: nothing else, so that what is added later stays inside.

No id of a scene is among them: it holds the second of a pass and the orbit, which together lead to the place.
Nor is `suspect_score`: the distance to the nearest place with an intervention, which may be restricted, is part of it.
"""


def content_json(content: DispatchContent) -> JsonObject:
    """Write what a channel is sent; its alerts without restriction have neither geometry nor scenes.

    Parameters
    ----------
    content
        What the channel is sent.

    Returns
    -------
    JsonObject
    """
    return {
        "key": content.key,
        "week": content.week,
        "lang": content.lang,
        "exercise": content.is_simulated,
        "simulated": content.is_simulated,
        "restricted": content.is_restricted,
        "title": content.title,
        "text": content.text,
        "html": content.html,
        "report": content.report,
        "alerts": [told_feature(alert, is_restricted=content.is_restricted) for alert in content.alerts],
    }


def told_feature(alert: ToldAlert, *, is_restricted: bool) -> JsonObject:
    """Make the GeoJSON feature of an alert that is told, its properties by the alphabet.

    Parameters
    ----------
    alert
        The alert.
    is_restricted
        True where its readers may know where the place is: then it has its geometry and all that is known of it.

    Returns
    -------
    JsonObject
    """
    told = told_properties(alert)
    names = told.keys() if is_restricted else told.keys() & OPEN_PROPERTIES
    return {
        "type": "Feature",
        "id": alert.alert_id,
        "properties": {name: told[name] for name in sorted(names)},
        "geometry": geometry_of(alert.ground) if is_restricted else None,
    }


def told_properties(alert: ToldAlert) -> JsonObject:
    """Write the properties of an alert that is told: those of files, then why it is told.

    Parameters
    ----------
    alert
        The alert.

    Returns
    -------
    JsonObject
    """
    look, whole = alert.last_clear_look, alert.merged_into_alert
    return {
        **properties_of(alert),
        "last_clear_look": None if look is None else look.isoformat(),
        **({"merged_into_alert": whole} if whole else {}),
        "news": [news.value for news in alert.news],
        "messages": list(alert.messages),
        **({"reference": alert.reference} if alert.reference else {}),
        **_incident(alert),
    }


def _incident(alert: ToldAlert) -> JsonObject:
    """What is told of the incident of an alert: nothing where it is not known, as in messages of earlier releases."""
    if alert.incident_id is None:
        return {}
    return {
        "incident_id": alert.incident_id,
        "alerts_before": alert.alerts_before,
        "muted_before": alert.muted_before,
        "told_before": None if alert.told_before is None else alert.told_before.isoformat(),
    }


def content_of(payload: Mapping[str, JsonValue]) -> DispatchContent:
    """Read what a channel is sent, whichever release put it together.

    Parameters
    ----------
    payload
        What `content_json` of this release or an earlier one wrote.

    Returns
    -------
    DispatchContent

    Raises
    ------
    KeyError
        When something is missing that every release wrote.
    ValueError, TypeError
        When something is not what it should be.
    """
    features = payload["alerts"]
    if not isinstance(features, list):
        raise TypeError(f"alerts are {type(features).__name__}, not a list")
    is_simulated = bool(payload.get("simulated", payload.get("exercise")))
    alerts = tuple(_told_alert(feature, is_simulated=is_simulated) for feature in features)
    restricted = payload.get("restricted")
    return DispatchContent(
        key=str(payload["key"]),
        week=str(payload["week"]),
        lang=str(payload["lang"]),
        is_simulated=is_simulated,
        is_restricted=any(alert.geometry is not None for alert in alerts) if restricted is None else bool(restricted),
        title=str(payload["title"]),
        text=str(payload["text"]),
        html=str(payload["html"]),
        report=str(payload["report"]),
        alerts=alerts,
        is_of_earlier_release=restricted is None,
    )


def _told_alert(feature: JsonValue, *, is_simulated: bool) -> ToldAlert:
    if not isinstance(feature, dict) or not isinstance(p := feature["properties"], dict):
        raise TypeError("an alert is not a GeoJSON feature")
    geometry = feature["geometry"]
    ground = geometry if isinstance(geometry, dict) else None
    alert = event_of({"scenes": [], **p}, ground, is_simulated=is_simulated)
    look, whole = p.get("last_clear_look"), p.get("merged_into_alert")
    return ToldAlert(
        **{
            **vars(alert),
            "last_clear_look": None if look is None else date.fromisoformat(str(look)),
            "merged_into_alert": None if whole is None else AlertId(str(whole)),
            "news": tuple(News(str(one)) for one in _texts(p.get("news"))),
            "messages": tuple(_texts(p.get("messages"))),
            "incident_id": None if p.get("incident_id") is None else IncidentId(str(p["incident_id"])),
            "alerts_before": int(str(p.get("alerts_before") or 0)),
            "muted_before": int(str(p.get("muted_before") or 0)),
            "told_before": None if p.get("told_before") is None else date.fromisoformat(str(p["told_before"])),
        }
    )


def _texts(value: JsonValue) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
