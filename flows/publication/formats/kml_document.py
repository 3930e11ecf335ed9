"""The events and places of a pack as KML 2.2, for globes and map programs (OGC 07-147r2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from lxml import etree
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from flows.publication.formats.balloons import Balloons, pictures_by_event
from flows.publication.pack_subject import PackSubject
from flows.records.events import EventRecord
from flows.reports.exports import event_row
from flows.reports.qgis_style import COLOURS, HELD, PROVISIONAL
from flows.reports.words import Words, brief, printable

NAMESPACE = "http://www.opengis.net/kml/2.2"
OPAQUE, FAINT = "ff", "40"
PLACE = "place"
BALLOON = "$[description]"  # a name would stand there unescaped
WIDTHS = {HELD: "2.5", PROVISIONAL: "1.2"}


def kml_document(
    subjects: Iterable[PackSubject],
    *,
    words: Words,
    balloons: Balloons,
    attribution: str,
    pictures: Mapping[str, bytes],
) -> bytes:
    """Write a folder for each area with its outline and its events, each shown from the day it was first seen."""
    document = etree.Element(f"{{{NAMESPACE}}}Document", nsmap={None: NAMESPACE})
    _put(document, "name", words("formats.title"))
    _put(document, "open", "1")
    _put(document, "description", "\n\n".join((words("formats.restricted"), words("formats.care"), attribution)))
    for name, colour, width in _styles():
        document.append(_style(name, colour, width))
    for subject in subjects:
        document.append(_folder(subject, words, balloons, pictures_by_event(subject, pictures)))
    root = etree.Element(f"{{{NAMESPACE}}}kml", nsmap={None: NAMESPACE})
    root.append(document)
    etree.indent(root)
    content: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return content + b"\n"


def style_of(event: EventRecord) -> str:
    """Name the style of an event: its change, and whether it is provisional."""
    return f"{event.change}-{PROVISIONAL if event.state == PROVISIONAL else HELD}"


def _styles() -> Iterator[tuple[str, str, str]]:
    """The name of each style, its colour as KML writes it (blue, green, red), and the width of its line."""
    for change, colour in COLOURS.items():
        red, green, blue = map(int, colour.split(","))
        for state, width in WIDTHS.items():
            yield f"{change}-{state}", f"{blue:02x}{green:02x}{red:02x}", width
    yield PLACE, "ffffff", "1.5"


def _style(name: str, colour: str, width: str) -> etree._Element:
    style = etree.Element(f"{{{NAMESPACE}}}Style", id=name)
    line = _put(style, "LineStyle")
    _put(line, "color", OPAQUE + colour)
    _put(line, "width", width)
    filled = _put(style, "PolyStyle")
    _put(filled, "color", ("00" if name == PLACE else FAINT) + colour)
    _put(_put(style, "BalloonStyle"), "text", BALLOON)
    return style


def _folder(
    subject: PackSubject, words: Words, balloons: Balloons, pictures: Mapping[str, Sequence[str]]
) -> etree._Element:
    area = subject.area
    folder = etree.Element(f"{{{NAMESPACE}}}Folder")
    _put(folder, "name", _line(area.name or area.id))
    place = _put(folder, "Placemark")
    _put(place, "name", _line(area.name or area.id))
    _put(place, "description", balloons.of_place(area, pictures.get("", ())))
    _put(place, "styleUrl", f"#{PLACE}")
    place.append(_outline(area.geometry))
    for event in subject.events:
        if event.merged_into is None:
            balloon = balloons.of_event(area, event, pictures.get(event.event_id, ()))
            folder.append(_event(event, subject, words, balloon))
    return folder


def _event(event: EventRecord, subject: PackSubject, words: Words, balloon: str) -> etree._Element:
    mark = etree.Element(f"{{{NAMESPACE}}}Placemark")
    name = f"{words(f'change.{event.change}')}, {words(f'state.{event.state}')}"
    _put(mark, "name", f"{name} ({words('simulated.tag')})" if event.is_simulated else name)
    _put(mark, "description", balloon)
    span = _put(mark, "TimeSpan")
    _put(span, "begin", event.first_seen.isoformat())
    _put(span, "end", _end_of(event, subject.until).isoformat())
    _put(mark, "styleUrl", f"#{style_of(event)}")
    data = _put(mark, "ExtendedData")
    for column, value in event_row(subject.area, event).items():
        if value not in (None, ""):
            one = _put(data, "Data")
            one.set("name", column)
            _put(one, "value", str(value).lower() if isinstance(value, bool) else str(value))
    mark.append(_outline(event.ground))
    return mark


def _end_of(event: EventRecord, until: date) -> date:
    """The last day of the pack; KML refuses an end before its beginning."""
    return max(until, event.first_seen)


def _outline(ground: BaseGeometry) -> etree._Element:
    parts = list(ground.geoms) if isinstance(ground, MultiPolygon) else [ground]
    if len(parts) == 1:
        return _polygon(parts[0])
    several = etree.Element(f"{{{NAMESPACE}}}MultiGeometry")
    several.extend(_polygon(part) for part in parts)
    return several


def _polygon(part: BaseGeometry) -> etree._Element:
    turned = orient(part) if isinstance(part, Polygon) else part
    drawn = etree.Element(f"{{{NAMESPACE}}}Polygon")
    _put(drawn, "tessellate", "1")
    for name, ring in [("outer", turned.exterior), *(("inner", hole) for hole in turned.interiors)]:
        linear = _put(_put(drawn, f"{name}BoundaryIs"), "LinearRing")
        _put(linear, "coordinates", " ".join(f"{x:.7f},{y:.7f}" for x, y, *_ in ring.coords))
    return drawn


def _line(text: str) -> str:
    return brief(printable(text).replace("\n", " "))


def _put(parent: etree._Element, name: str, text: str = "") -> etree._Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if text:
        child.text = printable(text)
    return child
