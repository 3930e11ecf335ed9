"""The last look at each file of a public pack before it is written: its kind, its metadata, and the ids in it."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Collection, Iterator, Sequence

from flows.publication.errors import PublicationError
from flows.publication.pack_subject import PackFile, PackStores, PackSubject
from flows.records.ids import AlertId
from flows.records.incidents import incident_id_of

PUBLIC_KINDS = frozenset(("txt", "md", "json", "csv", "pdf", "png", "apng", "mp4", "svg", "pem", "tsr", "tsq", "sig"))
"""Kinds of file without a place for positions: texts, pictures, keys and stamps.

GeoTIFF, KMZ, GeoPackage, GeoParquet and QGIS projects have one.
"""
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_PICTURE = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"gAMA", b"pHYs", b"acTL", b"fcTL", b"fdAT")
)
PNG_TEXT = frozenset((b"tEXt", b"zTXt", b"iTXt"))
SCENE = re.compile(rb"sentinel-[12]_\d{8}T?\d*|S[12][ABCD]_[A-Z0-9_]{8,}|_T\d{2}[C-X][A-Z]{2}_")


def secrets_of(subjects: Sequence[PackSubject], stores: PackStores) -> frozenset[bytes]:
    """Collect the ids that no public pack of these places may hold: of events, alerts, incidents, and scenes."""
    found: set[str] = set()
    for subject in subjects:
        for event in (*subject.events, *stores.ledger.events(subject.area.id)):
            found |= {event.event_id, *event.scenes, *(filter(None, [event.alert_id, event.detected_as]))}
        found |= {scene.scene_id for scene in stores.ledger.scenes(subject.area.id)}
    found |= {incident_id_of(AlertId(one)) for one in found if one.startswith("al-")}
    return frozenset(one.encode() for one in found if len(one) > 3)


def check_leaves(file: PackFile, secrets: Collection[bytes]) -> None:
    """Let a file of a public pack pass, or refuse the whole pack.

    Raises
    ------
    PublicationError
        For a kind of file that can hold positions, for metadata of a picture, and for an id of an event or a scene.
    """
    kind = file.path.rpartition(".")[2].lower()
    if kind not in PUBLIC_KINDS:
        raise _refusal(file, f"a file of the kind `{kind}` can hold positions")
    if file.content.startswith(PNG_START):
        chunks = list(_chunks(file.content))
        if strange := sorted({name.decode("latin-1") for name, _ in chunks} - _names(PNG_PICTURE | PNG_TEXT)):
            raise _refusal(file, f"it has metadata ({', '.join(strange)})")
        readable = b"\n".join(_text(name, content) for name, content in chunks if name in PNG_TEXT)
    else:
        readable = file.content
    for text in (file.path.encode(), readable):
        if SCENE.search(text) or any(secret in text for secret in secrets):
            raise _refusal(file, "it holds the id of an event or of a scene")


def _refusal(file: PackFile, why: str) -> PublicationError:
    return PublicationError(
        f"`{file.path}` may not be in a public pack: {why}; nothing was written; this is a defect of Sitewatch"
    )


def _names(chunks: Collection[bytes]) -> set[str]:
    return {name.decode("latin-1") for name in chunks}


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG by name; what lies behind the last one counts as a chunk without a name."""
    at = len(PNG_START)
    while at + 12 <= len(png):
        length = struct.unpack(">I", png[at : at + 4])[0]
        name = png[at + 4 : at + 8]
        yield name, png[at + 8 : at + 8 + length]
        at += 12 + length
        if name == b"IEND":
            break
    if at < len(png):
        yield b"behind the end", png[at:]


def _text(name: bytes, content: bytes) -> bytes:
    """The text of a chunk, unpacked where it is compressed; what cannot be unpacked stays as it is."""
    if name == b"tEXt":
        return content
    start = content.find(b"x")  # zlib's first byte
    try:
        return content + zlib.decompress(content[start:]) if start >= 0 else content
    except zlib.error:
        return content
