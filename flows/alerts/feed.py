"""Alerts as an Atom feed (RFC 4287), an entry each parcel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lxml import etree

from flows.alerts.errors import AlertsError
from flows.alerts.outgoing import without_links
from flows.ledger.references import ID
from flows.records.messages import DispatchContent

NAMESPACE = "http://www.w3.org/2005/Atom"
UNTOLD = "ref-…"
KEPT = 100  # entries; a reader that looks once a week misses none


def feed_with(content: DispatchContent, path: Path, *, sent: str) -> bytes:
    """Return the feed in a file with this parcel's entry in front; one that has it already stays the same.

    No entry holds a link to acknowledge or an id. `sent` is an instant with its offset. Raises `AlertsError` for a file
    that is no feed.
    """
    entries = _entries(path)
    name = f"urn:sitewatch:{content.key}"
    if all(entry.findtext(_tag("id")) != name for entry in entries):
        entries.insert(0, _entry(content, name, sent))
    root = etree.Element(_tag("feed"), nsmap={None: NAMESPACE})
    _add(root, "id", "urn:sitewatch:alerts")
    _add(root, "title", "Sitewatch")
    _add(root, "updated", entries[0].findtext(_tag("updated")))
    _add(etree.SubElement(root, _tag("author")), "name", "Sitewatch")
    for entry in entries[:KEPT]:
        entry.tail = None
        for text in entry.iter(_tag("content")):  # earlier releases put both there
            text.text = ID.sub(UNTOLD, without_links(text.text or ""))
        root.append(entry)
    etree.indent(root)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _entries(path: Path) -> list[Any]:
    if not path.exists():
        return []
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
        return list(etree.fromstring(path.read_bytes(), parser).findall(_tag("entry")))
    except etree.XMLSyntaxError:
        raise AlertsError(f"feed `{path}` is not XML; move it away and deliver again") from None


def _entry(content: DispatchContent, name: str, sent: str) -> Any:
    entry = etree.Element(_tag("entry"), nsmap={None: NAMESPACE})
    _add(entry, "id", name)
    _add(entry, "title", content.title)
    _add(entry, "updated", sent)
    if content.is_simulated:
        etree.SubElement(entry, _tag("category"), term="simulated")
    if content.report.startswith(("http://", "https://")):
        etree.SubElement(entry, _tag("link"), href=content.report)
    _add(entry, "content", content.text)
    return entry


def _add(parent: Any, name: str, text: str | None) -> None:
    etree.SubElement(parent, _tag(name)).text = text


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
