"""A careful reader of a public pack, who looks into every byte for what leads to the place."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image

PICTURE_CHUNKS = {"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "sRGB", "gAMA", "pHYs", "acTL", "fcTL", "fdAT"}
NEAR_DEG, NEAR_M = 0.5, 50_000.0
NUMBER = re.compile(r"(?<![\w.])[-+−]?\d+(?:[.,]\d+)?(?![\w])")
PAIR = re.compile(r"([-+−]?\d+(?:\.\d+)?)[^\d+−-]{1,12}?([-+−]?\d+(?:\.\d+)?)")
MGRS = re.compile(r"(?<![A-Za-z0-9])T?\d{1,2}[C-HJ-NP-X][A-HJ-NP-Z]{2}(?![A-Za-z])")
SCENES = re.compile(r"S[12][ABCD]_\w+|sentinel-[12]_\d{8}|\d{8}T\d{6}|_r\d{1,3}\b|\bR\d{3}\b")
EVENTS = re.compile(r"\b(?:ev|al|in)-[0-9a-f]{12}\b")
DISTANCE = re.compile(r"\d[\d.,]*\s?km\b")
DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
DRAWN = re.compile(
    r"""\s(?:d|x|y|x1|x2|y1|y2|cx|cy|r|width|height|points|viewBox|transform|stroke-width|font-size|fill|stroke)="[^"]*\""""
)
"""Where something is drawn within the frame of a chart: every chart has such numbers, of whatever place."""
DECLINATION = re.compile(r"[NS]\s?\d+°|\d+°\s?\d+['′]")


@dataclass(frozen=True)
class Sought:
    """What the reader knows already, and looks for: a place in degrees and in metres, and words."""

    lonlat: tuple[float, float]
    utm: tuple[float, float]
    words: tuple[str, ...] = ()
    author: str = "Sitewatch"
    time: datetime = field(default=datetime(1980, 1, 1, tzinfo=UTC))


def read_pack(pack: Path, sought: Sought) -> list[str]:
    """List everything in a pack, a folder or a zip, that leads to the place; empty where nothing does."""
    found: list[str] = []
    for name, content, said in _members(pack, sought):
        found += [f"{name}: {one}" for one in said]
        found += [f"{name}: its name: {one}" for one in _leads(name, sought)]
        for part, text in _texts(name, content, sought, found):
            found += [f"{name}: {part}: {one}" for one in _leads(text, sought)]
        found += [f"{name}: its bytes hold `{word}`" for word in sought.words if word.encode() in content]
    return found


def _members(pack: Path, sought: Sought) -> Iterator[tuple[str, bytes, list[str]]]:
    if pack.is_dir():
        for path in sorted(p for p in (pack, *pack.rglob("*"))):
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            said = [f"its time is {at}"] if at != sought.time else []
            if path.is_file():
                yield path.relative_to(pack).as_posix(), path.read_bytes(), said
            elif said:
                yield path.relative_to(pack).as_posix(), b"", said
        return
    yield from _zipped(pack.read_bytes(), sought)


def _zipped(content: bytes, sought: Sought) -> Iterator[tuple[str, bytes, list[str]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as held:
        if held.comment:
            yield "the zip", held.comment, [f"comment {held.comment!r}"]
        for member in held.infolist():
            said = [] if member.date_time == sought.time.timetuple()[:6] else [f"its time is {member.date_time}"]
            said += [f"comment {member.comment!r}"] if member.comment else []
            said += [f"extra {member.extra!r}"] if member.extra else []
            yield member.filename, held.read(member), said


def _texts(name: str, content: bytes, sought: Sought, found: list[str]) -> Iterator[tuple[str, str]]:
    """Every text within a file: what is written, what is hidden, and what is compressed."""
    if content.startswith(b"\x89PNG"):
        yield from _png(name, content, found)
    elif content.startswith(b"%PDF"):
        yield from _pdf(name, content, sought, found)
    elif content.startswith(b"PK\x03\x04"):
        for inner, inside, said in _zipped(content, sought):
            found += [f"{name}/{inner}: {one}" for one in said]
            yield inner, inner
            yield from _texts(f"{name}/{inner}", inside, sought, found)
    elif content[:4] in (b"II*\x00", b"MM\x00*"):
        found.append(f"{name}: a TIFF, which may be georeferenced")
    elif content[4:8] == b"ftyp":
        yield "readable bytes", _readable(content)
    elif name.endswith(".svg"):
        yield "text", DRAWN.sub("", content.decode("utf-8", "replace"))
    else:
        yield "text", content.decode("utf-8", "replace")
    if b"Exif\x00\x00" in content:
        found.append(f"{name}: EXIF")


def _png(name: str, content: bytes, found: list[str]) -> Iterator[tuple[str, str]]:
    at = 8
    while at + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        data, chunk = content[at + 8 : at + 8 + length], kind.decode("latin-1")
        at += 12 + length
        if chunk in PICTURE_CHUNKS:
            continue
        if chunk not in ("tEXt", "zTXt", "iTXt"):
            found.append(f"{name}: chunk {chunk}")
        yield f"chunk {chunk}", data.decode("latin-1")
        for start in (n for n, byte in enumerate(data) if byte == 0x78):
            try:
                yield f"chunk {chunk}, unpacked", zlib.decompress(data[start:]).decode("utf-8", "replace")
            except zlib.error:
                continue
    if content[at:]:
        found.append(f"{name}: {len(content) - at} bytes behind the end")
    with Image.open(io.BytesIO(content)) as picture:
        for key, value in picture.info.items():
            yield f"info {key}", str(value)
        if picture.getexif():
            found.append(f"{name}: EXIF")


def _pdf(name: str, content: bytes, sought: Sought, found: list[str]) -> Iterator[tuple[str, str]]:
    document: Any = pypdfium2.PdfDocument(content)
    try:
        for number in range(len(document)):
            page = document[number]
            yield f"page {number + 1}", page.get_textpage().get_text_range()
        said = document.get_metadata_dict(skip_empty=True)
    finally:
        document.close()
    if said.get("Author", sought.author) != sought.author:
        found.append(f"{name}: author {said['Author']}")
    for key in ("CreationDate", "ModDate"):
        if said.get(key, "D:2000")[:6] != "D:2000":
            found.append(f"{name}: {key} {said[key]}")
    yield "metadata", " ".join(v for k, v in said.items() if not k.endswith("Date"))
    head = re.sub(rb"stream\r?\n.*?endstream", b"", content, flags=re.DOTALL)
    for word in (b"/Metadata", b"/EmbeddedFile", b"/Annot", b"/LGIDict", b"/Measure", b"/GPTS"):
        if word in head:
            found.append(f"{name}: {word.decode()}")


def _readable(content: bytes) -> str:
    return "\n".join(run.decode() for run in re.findall(rb"[\x20-\x7e]{5,}", content))


def _leads(text: str, sought: Sought) -> list[str]:
    """What in a text leads to the place."""
    found = [f"`{word}`" for word in sought.words if word in text]
    for pattern in (MGRS, SCENES, EVENTS, DISTANCE, DECLINATION):
        found += [f"`{one.group()}`" for one in pattern.finditer(text)]
    for one in PAIR.finditer(DIGEST.sub("", text)):
        first, second = (float(number.replace("−", "-")) for number in one.groups())
        for x, y in ((first, second), (second, first)):
            is_degrees = "." in one.group() and _near((x, y), sought.lonlat, NEAR_DEG)
            if is_degrees or _near((x, y), sought.utm, NEAR_M):
                found.append(f"the numbers {one.group()!r}")
    return found


def _near(point: tuple[float, float], place: tuple[float, float], by: float) -> bool:
    return all(abs(a - b) <= by for a, b in zip(point, place, strict=True))
