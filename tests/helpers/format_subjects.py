"""A small record and places beside it, with pictures, as the files of a pack are made from."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import small_record
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from shapely.geometry import MultiPolygon, Polygon, box

from aois.area import Area, AreaKind
from detectors.records import AlertKind, Change, State
from flows.imagery.archive.store import Archive
from flows.publication.formats.format_files import format_files
from flows.publication.formats.recorded_subjects import recorded_subjects
from flows.publication.pack_subject import PackStores, PackSubject, Sharing
from flows.records.events import EventRecord
from flows.records.ids import AreaId, EventId, SceneId

HOSTILE = "<script>alert('1')</script> & \"so\" \x08$[id]"
SHOAL = "shoal-2"
UNTIL = date(2026, 9, 27)
EPSG = 32631
OUTLINE = MultiPolygon([Polygon(box(1, 1, 1.002, 1.002).exterior, [box(1.0005, 1.0005, 1.001, 1.001).exterior.coords])])


@dataclass(frozen=True)
class Made:
    """What the files of a pack are made from."""

    subjects: list[PackSubject]
    stores: PackStores
    pictures: dict[str, bytes]

    def files(self, language: str = "en", sharing: Sharing = Sharing.RESTRICTED) -> dict[str, bytes]:
        """The files by their paths."""
        made = format_files(self.subjects, self.stores, sharing=sharing, language=language, pictures=self.pictures)
        return {one.path: one.content for one in made}


@contextmanager
def opened(outputs: Path) -> Iterator[Made]:
    """The small record's place, and one with an event of each kind and a hostile name."""
    record = small_record.make(outputs)
    with record.ledger() as ledger:
        subjects = [*recorded_subjects(ledger), shoal()]
        stores = PackStores(outputs, ledger, Archive(outputs / "archive"), "stac")
        yield Made(subjects, stores, pictures())


def shoal() -> PackSubject:
    """A place that is on no record."""
    area = Area(SHOAL, AreaKind.SITE, box(0.999, 0.999, 1.003, 1.003), HOSTILE)
    events = [event(change, State.CONFIRMED) for change in Change]
    events += [event(Change.CLEARING, State.PROVISIONAL), event(Change.CLEARING, State.FINISHED, merged_into=events[0])]
    return PackSubject(area, tuple(events), date(2026, 9, 7), UNTIL)


def event(change: Change, state: State, *, merged_into: EventRecord | None = None) -> EventRecord:
    """An event that was first seen on 10 September."""
    return EventRecord(
        event_id=EventId(f"ev-{change}-{state}"),
        area_id=AreaId(SHOAL),
        kind=AlertKind.CHANGE,
        change=change,
        state=state,
        first_seen=date(2026, 9, 10),
        area_m2=2400.0,
        area_m2_low=1800.0,
        area_m2_high=3000.0,
        length_m=240.0 if change is Change.FENCING else None,
        confidence=0.8,
        sensors=("sentinel-2",),
        scenes=(SceneId("sentinel-2_20250910T102900"),),
        geometry=OUTLINE,
        merged_into=None if merged_into is None else merged_into.event_id,
    )


def pictures() -> dict[str, bytes]:
    """Pictures of the place and of an event, one of another place, and GeoTIFFs with and without a place."""
    held = io.BytesIO()
    Image.new("RGB", (8, 8), (90, 120, 60)).save(held, "png")
    png, construction = held.getvalue(), "ev-construction-confirmed"
    return {
        f"{SHOAL}/{construction}/before 2026-08-03 & sentinel-2.png": png,
        f"{SHOAL}/{construction}/after 2026-09-22 sentinel-2.png": png,
        f"{SHOAL}/{construction}/radar-after.png": png,
        f"{SHOAL}/{construction}/radar-after-plain.png": png,
        f"{SHOAL}/{construction}/radar-pair.png": png,
        f"{SHOAL}/{construction}/timelapse.png": png[:33] + b"....acTL" + png[33:],
        f"{SHOAL}/overview.png": png,
        f"{SHOAL}-west/overview.png": png,
        f"{SHOAL}/{construction}/true-colour-before.tif": geotiff(EPSG),
        f"{SHOAL}/{construction}/true-colour-after.tif": geotiff(EPSG),
        f"{SHOAL}/{construction}/no-place-after.tif": geotiff(None),
    }


def geotiff(epsg: int | None) -> bytes:
    """A picture of some hundred metres, at the place or at none."""
    said = {"driver": "GTiff", "width": 40, "height": 40, "count": 3, "dtype": "uint8"}
    if epsg is not None:
        said |= {"crs": f"EPSG:{epsg}", "transform": from_origin(277_400, 110_900, 10, 10)}
    with MemoryFile() as held, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with held.open(**said) as opened_file:
            opened_file.write(np.full((3, 40, 40), 120, np.uint8))
        return bytes(held.read())
