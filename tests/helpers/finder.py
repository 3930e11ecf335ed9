"""Play whoever wants to find the place behind a published report: with public images of every place on a list, and even
with a record of every event there.
"""

from __future__ import annotations

import base64
import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage
from scipy.signal import fftconvolve

from flows.records.events import EventRecord

Floats = npt.NDArray[np.floating[Any]]
PICTURES = re.compile(r"data:image/(?:webp|png|jpeg);base64,([A-Za-z0-9+/=]+)")
DRAWN = re.compile(r'<path class="(?:ground|line)[^"]*" d="([^"]+)"')
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"II*\0", b"MM\0*", b"GIF8")
NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
ANGLES = range(0, 180, 30)
PIXEL_M = 10.0
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A place on the finder's list: what is known of it, and what every satellite image shows."""

    area_id: str
    name: str
    scenes: Sequence[tuple[str, Floats]]
    """Scene ids, and red, green and blue as a satellite measured them, (3, y, x)."""
    events: Sequence[EventRecord]
    footprints: Sequence[npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class Edition:
    """Everything that a folder of an edition gives away."""

    text: str
    pictures: Sequence[npt.NDArray[np.uint8]]
    drawings: Sequence[npt.NDArray[np.bool_]]
    times: Sequence[float]
    totals: Sequence[Mapping[str, str]] = field(default_factory=tuple)


def read_edition(folder: Path) -> Edition:
    """Take a folder apart: its text, pictures, drawings at 10 m, and the times of its files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    contents = {path: path.read_bytes() for path in files}
    text = "\n".join(f"{path.name}\n{content.decode('utf-8', 'replace')}" for path, content in contents.items())
    inline = [base64.b64decode(found) for found in sorted(set(PICTURES.findall(text)))]
    loose = [content for content in contents.values() if content.startswith(MAGIC)]
    totals = contents.get(folder / "totals.csv", b"").decode("utf-8-sig")
    return Edition(
        text=text,
        pictures=[np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) for content in (*inline, *loose)],
        drawings=[mask_of(path) for path in sorted(set(DRAWN.findall(text)))],
        times=[path.stat().st_mtime for path in files],
        totals=list(csv.DictReader(io.StringIO(totals))),
    )


def mask_of(path: str) -> npt.NDArray[np.bool_]:
    """A drawn path at 10 m: a filled rectangle, a straight line, or the ring that an arc is part of."""
    numbers = [float(number) for number in re.findall(NUMBER, path)]
    if "a" in path or "A" in path:
        radius = numbers[2] / PIXEL_M
        side = math.ceil(2 * radius) + 3
        y, x = np.mgrid[:side, :side] - side // 2
        return np.asarray(np.abs(np.hypot(x, y) - radius) <= 0.7)
    width = max(round(numbers[2] / PIXEL_M), 1)
    height = max(round(numbers[3] / PIXEL_M), 1) if "v" in path else 1
    return np.pad(np.ones((height, width), bool), 2)


def likeness(edition: Edition, place: Candidate, *, rng: np.random.Generator) -> float:
    """How much speaks for a place: its words, passes, days, sizes, pictures and outlines; ties are broken by chance."""
    return (
        100.0 * any(len(word) > 2 and word in edition.text for word in _words(place))
        + 20.0 * sum(scene_id in edition.text for scene_id, _ in place.scenes)
        + 10.0 * float(np.mean([_picture_match(picture, place) for picture in edition.pictures] or [0.0]))
        + _days_named(edition, place)
        + _sizes_named(edition, place)
        + sum(_drawing_match(drawing, place) for drawing in edition.drawings)
        + 1e-9 * rng.random()
    )


def order_of(edition: Edition, places: Iterable[Candidate], *, rng: np.random.Generator) -> list[str]:
    """The ids of the places in the finder's order, the likeliest first."""
    scores = {place.area_id: likeness(edition, place, rng=rng) for place in places}
    return sorted(scores, key=lambda area_id: -scores[area_id])


def match_template(image: Floats, template: Floats) -> Floats:
    """Normalised cross-correlation of a template with every window of an image that holds it whole."""
    sought = template - template.mean()
    ones = np.ones(template.shape)
    sums, squares = fftconvolve(image, ones, "valid"), fftconvolve(image**2, ones, "valid")
    spread = np.sqrt(np.maximum(squares - sums**2 / template.size, 1e-12))
    found: Floats = fftconvolve(image, sought[::-1, ::-1], "valid") / (spread * np.sqrt((sought**2).sum()) + 1e-12)
    return found


def _words(place: Candidate) -> list[str]:
    ids = [str(one) for event in place.events for one in (event.event_id, event.alert_id) if one]
    return [place.area_id, place.name, *ids]


def _days_named(edition: Edition, place: Candidate) -> float:
    days = {event.first_seen for event in place.events}
    days |= {
        date.fromisoformat(found[1]) for scene_id, _ in place.scenes if (found := re.search(r"_(\d{8})T", scene_id))
    }
    return float(sum(_is_named(day, edition.text) for day in days))


def _is_named(day: date, text: str) -> bool:
    return day.isoformat() in text or f"{day.day} {MONTHS[day.month - 1]} {day.year}" in text


def _sizes_named(edition: Edition, place: Candidate) -> float:
    sizes = [size for event in place.events for size in (event.area_m2, event.length_m) if size]
    ways = [{f"{size:g}", str(size), f"{round(size, -2):,.0f} m²", f"{float(f'{size:.2g}'):,.0f} m"} for size in sizes]
    return float(sum(any(way in edition.text for way in said) for said in ways))


def _picture_match(picture: npt.NDArray[np.uint8], place: Candidate) -> float:
    """The best correlation of a picture with any image of a place, over all positions."""
    sought = picture.astype(float).mean(axis=2)
    best = 0.0
    for _, bands in place.scenes:
        image = np.clip(bands, 0, None).mean(axis=0) ** 0.75  # as pictures are brightened
        rows, columns = (min(a, b) for a, b in zip(image.shape, sought.shape, strict=True))
        if sought[:rows, :columns].std() > 1:
            best = max(best, float(match_template(image, sought[:rows, :columns]).max()))
    return best


def _drawing_match(drawing: npt.NDArray[np.bool_], place: Candidate) -> float:
    """The best match of a drawing, however turned, with where the ground changed and with every known outline."""
    differences = [np.abs(b - a).mean(axis=0) for (_, a), (_, b) in zip(place.scenes, place.scenes[1:], strict=False)]
    images = [*differences, *(footprint.astype(float) for footprint in place.footprints)]
    templates = [ndimage.rotate(drawing.astype(float), angle, order=1) for angle in ANGLES]
    return max(
        (
            float(match_template(image, turned).max())
            for turned in templates
            for image in images
            if turned.shape[0] <= image.shape[0] and turned.shape[1] <= image.shape[1]
        ),
        default=0.0,
    )
