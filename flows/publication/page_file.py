"""The page of a pack as PDF, ready for print: pictures, what was seen, and the words of care."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from flows.publication.caption_files import cautions, credit, event_size
from flows.publication.errors import PublicationError
from flows.publication.pack_subject import PackFile, Sharing
from flows.publication.page_pictures import PagePictures, page_pictures
from flows.publication.told_subject import ToldEvent, ToldSubject
from flows.records.confidence import word_of
from flows.reports.case import BY_WEIGHT
from flows.reports.words import Words, brief, printable, words_for

WITHOUT_REPORTLAB = (
    "reportlab is not installed; to have the page: .venv/bin/pip install -c requirements.lock -e '.[publication]'"
)
FONT, BOLD = "Vera", "VeraBd"
MARGIN_MM, WIDTH_MM = 16.0, 178.0
MOST_HEIGHT_MM = 120.0
MOST_ROWS = 12  # of the table; the others are in table.csv
GREY, RULE, ALARM = "#555555", "#bbbbbb", "#8a1c1c"
WITHOUT_GLYPH = {"\u202f": "\u00a0", "\u2011": "-"}


@dataclass(frozen=True)
class PageWork:
    """What a page is made from: one place, its pictures by path, and for whom the pack is."""

    subject: ToldSubject
    pictures: Mapping[str, bytes]


def page_file(works: Sequence[PageWork], *, sharing: Sharing, language: str) -> Iterator[PackFile]:
    """Make the PDF, A4, a page a place, with fixed dates and ids, so that the same pack has the same bytes.

    Raises `PublicationError` where the library that writes PDF is not installed.
    """
    if importlib.util.find_spec("reportlab") is None:
        raise PublicationError(WITHOUT_REPORTLAB)
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import BaseDocTemplate, Frame, PageBreak, PageTemplate

    words, held = words_for(language), BytesIO()
    title = words("pack.page_title", places=words.listing([_text(work.subject.place) for work in works[:5]]))
    document = BaseDocTemplate(
        held,
        pagesize=A4,
        leftMargin=MARGIN_MM * mm,
        rightMargin=MARGIN_MM * mm,
        topMargin=13 * mm,
        bottomMargin=17 * mm,
        title=title,
        author="Sitewatch",
        creator="Sitewatch",
        lang=language,
        invariant=1,
    )
    story: list[Any] = []
    for work in works:
        story += [PageBreak()] if story else []
        story.append(_page(work, words, height=document.height))
    frame = Frame(MARGIN_MM * mm, 17 * mm, document.width, document.height, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPageEnd=_footer(words, sharing)))
    document.build(story)
    yield PackFile("page.pdf", held.getvalue())


def _page(work: PageWork, words: Words, *, height: float) -> Any:
    """Everything about one place, made smaller where it would not fit on a page."""
    from reportlab.lib.units import mm
    from reportlab.platypus import KeepInFrame

    subject = replace(work.subject, events=tuple(sorted(work.subject.events, key=_weight)))
    shown = page_pictures(work.pictures, [event.label for event in subject.events])
    span = words("pack.page_span", span=subject.span(words))
    parts = [_paragraph(subject.place, "title"), _paragraph(span, "lead")]
    if not all(_has_glyph(letter) for letter in printable(subject.place)):
        parts.append(_paragraph(words("pack.page_letters"), "small"))
    if subject.is_simulated:
        parts.append(_paragraph(f"{words('pack.simulated')} {words('simulated.text')}", "alarm"))
    parts += _pictures(shown, words)
    parts.append(_table(subject.events[:MOST_ROWS], words))
    if len(subject.events) > MOST_ROWS:
        parts.append(_paragraph(words.count("pack.page_more", len(subject.events) - MOST_ROWS), "small"))
    parts.append(_paragraph(words("pack.page_care"), "heading"))
    parts += [_paragraph(said, "body") for said in cautions(words, (subject,))]
    if not subject.is_simulated:
        parts.append(_paragraph(credit(words, (subject,)), "small"))
    return KeepInFrame(WIDTH_MM * mm, height, parts, mode="shrink")


def _weight(event: ToldEvent) -> tuple[int, float]:
    """What is sure and large comes first."""
    return BY_WEIGHT.index(event.state), -event.area_m2


def _pictures(shown: PagePictures, words: Words) -> list[Any]:
    """The first sheet with the charts beside it, and the other sheets below; drawings where there is no sheet."""
    from reportlab.platypus import Spacer

    if not shown.sheets:
        parts = [_row([_picture(one, 58.0) for one in shown.drawings], width_mm=58.0)] if shown.drawings else []
        parts += [_row([_picture(one, 87.5) for one in shown.charts], width_mm=87.5)] if shown.charts else []
        return [*parts, Spacer(0, 4)] if parts else [_paragraph(words("pack.page_no_pictures"), "small")]
    are_several = len({sheet.event for sheet in shown.sheets}) > 1
    first, *others = [
        [*([_paragraph(f"[{sheet.event}]", "label")] if are_several else []), sheet.png] for sheet in shown.sheets
    ]
    charts = [_picture(one, 58.0) for one in shown.charts]
    main = _drawn(first, 118.0 if charts else 140.0 if others else WIDTH_MM)
    parts = [_row([main, charts], width_mm=(119.5, 58.5)) if charts else _row([main], width_mm=WIDTH_MM)]
    if others:
        parts.append(_row([_drawn(one, 87.5) for one in others], width_mm=87.5))
    return [*parts, Spacer(0, 4)]


def _drawn(parts: Sequence[Any], width_mm: float) -> list[Any]:
    """A sheet below its label, if it has one."""
    return [_picture(one, width_mm) if isinstance(one, bytes) else one for one in parts]


def _row(cells: Sequence[Any], *, width_mm: float | tuple[float, ...]) -> Any:
    """Cells side by side, from the left margin on."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Table

    widths = width_mm if isinstance(width_mm, tuple) else (width_mm + 1.5,) * len(cells)
    row = Table([list(cells)], colWidths=[width * mm for width in widths], hAlign="LEFT")
    row.setStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                  ("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
                  ("VALIGN", (0, 0), (-1, -1), "TOP")])  # fmt: skip
    return row


def _picture(png: bytes, width_mm: float) -> Any:
    """A picture in that width, and at most half as high again."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Image

    picture = Image(BytesIO(png))
    scale = min(
        width_mm / picture.imageWidth, 1.5 * width_mm / picture.imageHeight, MOST_HEIGHT_MM / picture.imageHeight
    )
    picture.drawWidth, picture.drawHeight = picture.imageWidth * scale * mm, picture.imageHeight * scale * mm
    picture.hAlign = "LEFT"
    return picture


def _table(events: Sequence[ToldEvent], words: Words) -> Any:
    """A row an event: what, when, how large, how sure."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Table

    head = ("event", "what", "first_seen", "size", "confidence", "state")
    rows = [[_paragraph(words(f"pack.column_{name}"), "head") for name in head]]
    for event in events:
        what = f"{words(f'change.{event.change}')}, {words(f'kind.{event.kind}')}"
        confidence = words(f"confidence.{word_of(event.confidence)}")
        said = (event.label, what, event.first_seen.said(words), event_size(words, event), confidence)
        rows.append([_paragraph(one, "cell") for one in (*said, words(f"state.{event.state}"))])
    is_numbered = all(len(event.label) < 5 for event in events)
    widths = (22, 38, 28, 48, 22, 20) if is_numbered else (30, 34, 28, 44, 22, 20)
    table = Table(rows, colWidths=[width * mm for width in widths], repeatRows=1, hAlign="LEFT")
    table.setStyle([("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE), ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 4),
                    ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2)])  # fmt: skip
    return table


def _footer(words: Words, sharing: Sharing) -> Any:
    """Draw below each page for whom it is."""
    from reportlab.lib.units import mm

    said = _paragraph(words(f"pack.for_{sharing}"), "small" if sharing is Sharing.PUBLIC else "alarm")

    def draw(canvas: Any, _document: Any) -> None:
        canvas.setStrokeColor(RULE)
        canvas.line(MARGIN_MM * mm, 16 * mm, (MARGIN_MM + WIDTH_MM) * mm, 16 * mm)
        _, height = said.wrap(WIDTH_MM * mm, 12 * mm)
        said.drawOn(canvas, MARGIN_MM * mm, 15 * mm - height)

    return draw


def _paragraph(text: str, style: str) -> Any:
    from reportlab.platypus import Paragraph

    return Paragraph(escape(_text(text), quote=False), _styles()[style])


@cache
def _styles() -> Mapping[str, Any]:
    """The styles of the page, and its two fonts, which come with the library and are put into the file."""
    import reportlab
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    fonts = Path(reportlab.__file__).parent / "fonts"
    for name in (FONT, BOLD):
        registerFont(TTFont(name, str(fonts / f"{name}.ttf")))
    given: dict[str, dict[str, Any]] = {
        "title": {"fontName": BOLD, "fontSize": 17, "leading": 21},
        "lead": {"fontSize": 9.5, "leading": 12, "textColor": GREY, "spaceAfter": 5},
        "alarm": {"fontName": BOLD, "fontSize": 7.5, "leading": 9.5, "textColor": ALARM, "spaceAfter": 4},
        "heading": {"fontName": BOLD, "fontSize": 9, "leading": 12, "spaceBefore": 6},
        "body": {"fontSize": 7.5, "leading": 9.8, "spaceAfter": 2},
        "small": {"fontSize": 7, "leading": 9, "textColor": GREY, "spaceBefore": 3, "spaceAfter": 3},
        "label": {"fontName": BOLD, "fontSize": 7.5, "leading": 9},
        "head": {"fontName": BOLD, "fontSize": 7, "leading": 8.5},
        "cell": {"fontSize": 7.5, "leading": 9.2},
    }
    return {name: ParagraphStyle(name, **{"fontName": FONT, **one}) for name, one in given.items()}


def _text(text: str) -> str:
    """A text in the letters that the fonts have; others become a question mark, and blanks stay blanks."""
    plain = "".join(WITHOUT_GLYPH.get(letter, letter) for letter in brief(printable(text), 600))
    return "".join(letter if _has_glyph(letter) else "?" for letter in plain)


@cache
def _has_glyph(letter: str) -> bool:
    from reportlab.pdfbase.pdfmetrics import getFont

    _styles()
    return letter == "\n" or ord(letter) in getFont(FONT).face.charToGlyph
