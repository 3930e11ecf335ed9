"""Pictures from before and after each event for balloons, as the report shows them, where no pack brings its own."""

from __future__ import annotations

import io
from collections.abc import Iterable

from PIL import Image

from aois.week import week_of
from flows.publication.pack_subject import PackStores, PackSubject, Progress
from flows.records.events import Alert
from flows.reports.data.week import view_in_full
from flows.reports.inputs import Chip, EventView

ENLARGED = 4  # each measurement becomes a square of 4 by 4, so that a globe does not blur it


def balloon_pictures(
    subjects: Iterable[PackSubject], stores: PackStores, *, progress: Progress = lambda *_: None
) -> dict[str, bytes]:
    """Draw the pictures of the events of some places, PNGs by paths that begin with the area and name the event."""
    listed = list(subjects)
    pictures: dict[str, bytes] = {}
    for number, subject in enumerate(listed):
        progress(subject.area.id, number, len(listed))
        issued = {one.event_id: one for one in subject.events if isinstance(one, Alert)}
        view = view_in_full(
            subject.area,
            week_of(subject.until),
            ledger=stores.ledger,
            archive=stores.archive,
            source_name=stores.source_name,
            issued=issued,
        )
        wanted = {event.event_id for event in subject.events}
        for event in view.events:
            if event.event_id in wanted:
                pictures |= _drawn(subject, event)
    return pictures


def _drawn(subject: PackSubject, event: EventView) -> dict[str, bytes]:
    return {
        f"{subject.area.id}/{event.event_id}/{when} {chip.day} {chip.sensor}.png": _png(chip)
        for when, chip in (("before", event.before), ("after", event.after))
        if chip is not None
    }


def _png(chip: Chip) -> bytes:
    picture = Image.fromarray(chip.rgb)
    held = io.BytesIO()
    picture.resize((picture.width * ENLARGED, picture.height * ENLARGED), Image.Resampling.NEAREST).save(held, "png")
    return held.getvalue()
