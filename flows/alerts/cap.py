"""Alerts as messages of the Common Alerting Protocol 1.2 (OASIS Standard, 2010), a file each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree
from shapely.geometry.base import BaseGeometry

from flows.alerts.errors import AlertsError
from flows.alerts.language import language
from flows.ledger.references import References
from flows.records.ids import message_key
from flows.records.messages import DispatchContent, ToldAlert

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
CERTAINTY = {"provisional": "Possible", "confirmed": "Observed", "finished": "Observed", "retracted": "Unlikely"}
WEB = ("http://", "https://")


def instant(at: datetime) -> str:
    """An instant as CAP writes it: to the second, UTC as ``-00:00`` (CAP 1.2, 3.3.2)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")


def cap_messages(
    content: DispatchContent, folder: Path, *, sender: str, sent: str, references: References | None = None
) -> dict[str, bytes]:
    """For each message of a parcel its CAP document, by file name; a message has one name for life.

    `sent` is an instant as CAP writes it (`instant`). The first word on an alert in a folder is an Alert; a later one
    is an Update or, when it no longer holds, a Cancel, and refers to the first. The area is its id, and its outline
    only where the parcel has one. By `references` a file of an earlier version is known, whose name holds the id of an
    alert that goes by its reference now. Raises `AlertsError` for an earlier file that is no CAP document.
    """
    documents: dict[str, bytes] = {}
    for alert in content.alerts:
        for key in alert.messages:
            name = key.replace(":", ".")
            first = _first_word(alert.alert_id, name, folder, documents, references)
            documents[f"{name}.xml"] = _document(content, alert, key, first, sender=sender, sent=sent)
    return documents


def _first_word(
    alert_id: str, name: str, folder: Path, made: Mapping[str, bytes], references: References | None
) -> str | None:
    """How to refer to the first document on an alert, or None where this one is the first."""

    def is_of_alert(path: Path) -> bool:
        named = path.name.partition(".")[0]
        return alert_id in (named, named if references is None else references.of(named))

    held = {path.name: path.read_bytes() for path in folder.glob("*.xml") if is_of_alert(path)}
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
    content: DispatchContent, alert: ToldAlert, key: str, first: str | None, *, sender: str, sent: str
) -> bytes:
    said = message_key(key).said
    state = said if said in CERTAINTY else alert.state.value  # the others tell of a step or a merger
    kind = "Alert" if first is None else "Cancel" if state == "retracted" else "Update"
    root = etree.Element(_tag("alert"), nsmap={None: NAMESPACE})
    fields = [
        ("identifier", key.replace(":", ".")),
        ("sender", sender),
        ("sent", sent),
        ("status", "Exercise" if content.is_simulated else "Actual"),
        ("msgType", kind),
        ("scope", "Restricted"),
        ("restriction", "For the readers of this watch; places go by their ids."),
    ]
    _add(root, fields if first is None else [*fields, ("references", first)])
    _add_info(root, content, alert, state)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _add_info(root: Any, content: DispatchContent, alert: ToldAlert, state: str) -> None:
    words = language(content.lang)
    change, kind = words.say(f"changes.{alert.change}"), words.say(f"kinds.{alert.kind}")
    info = etree.SubElement(root, _tag("info"))
    what = words.say("body.what", state=words.say(f"states.{state}"), change=change, kind=kind)
    told = f"{alert.area_id}: {what}"
    instruction = [words.say("body.simulated")] if content.is_simulated else []
    fields = [
        ("language", content.lang),
        ("category", "Other"),
        ("event", f"{change}, {kind}"),
        ("urgency", "Unknown"),
        ("severity", "Unknown"),
        ("certainty", CERTAINTY[state]),
        ("senderName", "Sitewatch"),
        ("headline", words.say("title.simulated", title=told) if content.is_simulated else told),
        ("description", "; ".join(filter(None, (words.size(alert), words.step(alert))))),
        ("instruction", " ".join((*instruction, words.say("body.caution"), *words.unreviewed()))),
    ]
    if content.report.startswith(WEB):
        fields.append(("web", content.report))
    _add(info, fields)
    parameters = {
        "alert_id": alert.alert_id,
        "reference": alert.reference or alert.alert_id,
        "first_seen": alert.first_seen,
        "confidence": alert.confidence,
        "simulated": str(content.is_simulated).lower(),
    }
    for name, value in parameters.items():
        _add(etree.SubElement(info, _tag("parameter")), [("valueName", name), ("value", value)])
    area = etree.SubElement(info, _tag("area"))
    _add(area, [("areaDesc", alert.area_id), *(("polygon", ring) for ring in _rings(alert.geometry))])
    _add(etree.SubElement(area, _tag("geocode")), [("valueName", "area_id"), ("value", alert.area_id)])


def _rings(ground: BaseGeometry | None) -> list[str]:
    """Outer rings as CAP writes them: ``latitude,longitude`` with spaces between."""
    if ground is None:
        return []
    rings = [polygon.exterior.coords for polygon in getattr(ground, "geoms", [ground])]
    return [" ".join(f"{lat:.6f},{lon:.6f}" for lon, lat in ring) for ring in rings]


def _add(parent: Any, fields: Sequence[tuple[str, object]]) -> None:
    for name, value in fields:
        etree.SubElement(parent, _tag(name)).text = str(value)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
