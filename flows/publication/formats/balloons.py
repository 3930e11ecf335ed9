"""What a balloon of the map says, and which pictures it shows."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from aois.area import Area
from flows.publication.pack_subject import PackSubject
from flows.records.events import EventRecord
from flows.reports.build import environment_of
from flows.reports.words import Words

TEMPLATES = Path(__file__).parent / "templates"
PICTURES = "pictures"
"""The folder of the archive in which the pictures lie."""
WIDTH = 360
BEFORE, AFTER = "before", "after"
PLAIN, PAIR = "-plain", "-pair.png"
"""Without the outline, which the map draws itself; and both days on one sheet, which then stands for each of them."""
ANIMATED, FIRST_CHUNKS = b"acTL", 200  # what moves is megabytes, and balloons show its first frame alone
SENSORS = ("sentinel-1", "sentinel-2")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class BalloonPicture:
    """A picture as a balloon shows it: its address within the archive, and what its file is named."""

    address: str
    caption: str
    width: int = WIDTH


class Balloons:
    """Writes the text of balloons in one language."""

    def __init__(self, words: Words, *, attribution: str, contradicted: Container[float]) -> None:
        """Of a language; `contradicted` bands of confidence have no numbers."""
        template = environment_of(words, TEMPLATES).get_template("balloon.html")
        self._words = words
        self._said: Any = template.make_module({"attribution": attribution, "contradicted": contradicted})

    def of_event(self, area: Area, event: EventRecord, paths: Sequence[str]) -> str:
        """Say what is known of an event, what else it may be, and show its pictures."""
        pictures, sensors = (
            [picture_at(path, self._words) for path in paths],
            [self._words.sensor(one) for one in event.sensors],
        )
        return str(self._said.event_balloon(area.name or area.id, event, pictures, sensors))

    def of_place(self, area: Area, paths: Sequence[str]) -> str:
        """Say what the outline of a place is, and show the pictures of the place as a whole."""
        return str(self._said.place_balloon(area, [picture_at(path, self._words) for path in paths]))


def picture_at(path: str, words: Words) -> BalloonPicture:
    """Give the address of a picture of the pack within the archive, with what the name of its file says of it."""
    rest, said = PurePosixPath(path).stem, []
    for found, key in ((BEFORE, "picture.before"), (AFTER, "picture.after")):
        if found in rest:
            said.append(words(key))
            rest = rest.replace(found, " ")
    if day := DAY.search(rest):
        said.append(words.day(date.fromisoformat(day[0])))
        rest = rest.replace(day[0], " ")
    for sensor in SENSORS:
        if sensor in rest:
            said.append(words.sensor(sensor))
            rest = rest.replace(sensor, " ")
    if plain := " ".join(re.split(r"[\s_-]+", rest)).strip():
        said.append(plain)
    return BalloonPicture(quote(f"{PICTURES}/{path}"), ", ".join(said))


def pictures_by_event(subject: PackSubject, pictures: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Sort the pictures of an area that balloons show by the event that their path names; the others by an empty id."""
    own = [path for path in pictures if path.endswith(".png") and is_of_area(path, subject.area.id)]
    own = [path for path in own if PLAIN not in path and ANIMATED not in pictures[path][:FIRST_CHUNKS]]
    paired = {path.removesuffix(PAIR) for path in own if path.endswith(PAIR)}
    own = [path for path in own if path.endswith(PAIR) or not path.startswith(tuple(f"{one}-" for one in paired))]
    own.sort(key=lambda path: (AFTER in path, path))
    ids = sorted((event.event_id for event in subject.events), key=len, reverse=True)
    found: dict[str, list[str]] = {}
    for path in own:
        found.setdefault(next((one for one in ids if one in path), ""), []).append(path)
    return found


def is_of_area(path: str, area_id: str) -> bool:
    """Tell whether a path within the pack begins with the id of an area, and not with a longer id."""
    rest = path.removeprefix(area_id)
    return rest != path and not (rest[:1].isalnum() or rest[:1] == "-")
