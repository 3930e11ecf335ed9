"""Alerts as messages of the Common Alerting Protocol 1.2 (OASIS Standard, 2010), a file each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree

from flows.alerts.errors import AlertsError
from flows.alerts.language import language

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
CERTAINTY = {"provisional": "Possible", "confirmed": "Observed", "finished": "Observed", "retracted": "Unlikely"}
WEB = ("http://", "https://")


def instant(at: datetime) -> str:
    """An instant as CAP writes it: to the second, UTC as ``-00:00`` (CAP 1.2, 3.3.2)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")


def cap_messages(content: Mapping[str, Any], folder: Path, *, sender: str, sent: str) -> dict[str, bytes]:
    """For each message of a parcel its CAP document, by file name; a message has one name for life.

    `sent` is an instant as CAP writes it (`instant`). The first word on an alert in a folder is an Alert; a later one
    is an Update or, when it no longer holds, a Cancel, and refers to the first. The area is its id, and its outline
    only where the parcel has one. Raises `AlertsError` for an earlier file that is no CAP document.
    """
    documents: dict[str, bytes] = {}
    for alert in content["alerts"]:
        for key in alert["properties"]["messages"]:
            name = key.replace(":", ".")
            first = _first_word(alert["properties"]["alert_id"], name, folder, documents)
            documents[f"{name}.xml"] = _document(content, alert, key, first, sender=sender, sent=sent)
    return documents


def _first_word(alert_id: str, name: str, folder: Path, made: Mapping[str, bytes]) -> str | None:
    """How to refer to the first document on an alert, or None where this one is the first."""
    held = {path.name: path.read_bytes() for path in folder.glob(f"{alert_id}.*.xml")}
    held |= {other: document for other, document in made.items() if other.startswith(f"{alert_id}.")}
    held.pop(f"{name}.xml", None)
    for other, document in sorted(held.items()):
        try:
            root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError:
            raise AlertsError(f"file `{folder / other}` is not XML; move it away and deliver again") from None
        if root.find(_tag("references")) is None:
            return ",".join(str(root.findtext(_tag(part))) for part in ("sender", "identifier", "sent"))
    return None


def _document(
    content: Mapping[str, Any], alert: Mapping[str, Any], key: str, first: str | None, *, sender: str, sent: str
) -> bytes:
    said = key.split(":")[1]
    state = said if said in CERTAINTY else alert["properties"]["state"]  # the others tell of a step or a merger
    kind = "Alert" if first is None else "Cancel" if state == "retracted" else "Update"
    root = etree.Element(_tag("alert"), nsmap={None: NAMESPACE})
    fields = [
        ("identifier", key.replace(":", ".")),
        ("sender", sender),
        ("sent", sent),
        ("status", "Exercise" if content["simulated"] else "Actual"),
        ("msgType", kind),
        ("scope", "Restricted"),
        ("restriction", "For the readers of this watch; places go by their ids."),
    ]
    _add(root, fields if first is None else [*fields, ("references", first)])
    _add_info(root, content, alert, state)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _add_info(root: Any, content: Mapping[str, Any], alert: Mapping[str, Any], state: str) -> None:
    properties, words = alert["properties"], language(content["lang"])
    change, kind = words.say(f"changes.{properties['change']}"), words.say(f"kinds.{properties['kind']}")
    info = etree.SubElement(root, _tag("info"))
    what = words.say("body.what", state=words.say(f"states.{state}"), change=change, kind=kind)
    told = f"{properties['area_id']}: {what}"
    instruction = [words.say("body.simulated")] if content["simulated"] else []
    fields = [
        ("language", content["lang"]),
        ("category", "Other"),
        ("event", f"{change}, {kind}"),
        ("urgency", "Unknown"),
        ("severity", "Unknown"),
        ("certainty", CERTAINTY[state]),
        ("senderName", "Sitewatch"),
        ("headline", words.say("title.simulated", title=told) if content["simulated"] else told),
        ("description", "; ".join(filter(None, (words.size(properties), words.step(properties))))),
        ("instruction", " ".join((*instruction, words.say("body.caution")))),
    ]
    if content["report"].startswith(WEB):
        fields.append(("web", content["report"]))
    _add(info, fields)
    parameters = {name: properties[name] for name in ("alert_id", "first_seen", "confidence")}
    for name, value in (parameters | {"simulated": str(content["simulated"]).lower()}).items():
        _add(etree.SubElement(info, _tag("parameter")), [("valueName", name), ("value", value)])
    area = etree.SubElement(info, _tag("area"))
    _add(area, [("areaDesc", properties["area_id"]), *(("polygon", ring) for ring in _rings(alert["geometry"]))])
    _add(
        etree.SubElement(area, f"{{{NAMESPACE}}}geocode"), [("valueName", "area_id"), ("value", properties["area_id"])]
    )


def _rings(geometry: Mapping[str, Any] | None) -> list[str]:
    """Outer rings as CAP writes them: ``latitude,longitude`` with spaces between."""
    if geometry is None:
        return []
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return [" ".join(f"{lat:.6f},{lon:.6f}" for lon, lat in polygon[0]) for polygon in polygons]


def _add(parent: Any, fields: Sequence[tuple[str, object]]) -> None:
    for name, value in fields:
        etree.SubElement(parent, _tag(name)).text = str(value)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
