"""Which places and events a pack shows, by what a person named."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from aois.area import Area
from detectors.records import State
from flows.ledger.ledger import Ledger
from flows.ledger.references import BEGINNING
from flows.printable import printable
from flows.publication.errors import PublicationError
from flows.publication.pack_subject import PackSubject
from flows.records.events import EventRecord

LONGEST_LIST = 1_000_000  # bytes of a file of ids


@dataclass(frozen=True)
class PackChoice:
    """What a pack is to show: an event, an alert, an area over some time, or a list of ids of all three."""

    event: str | None = None
    alert: str | None = None
    area: str | None = None
    since: date | None = None
    until: date | None = None
    selection: tuple[str, ...] = ()


def read_selection(given: Sequence[str]) -> tuple[str, ...]:
    """Read ids from files (one a line, `#` begins a remark) and from the words themselves, in their order, each once.

    Raises `PublicationError` for a file that cannot be read, and where no id is left.
    """
    found = [name for text in given for name in _ids(text)]
    if not found:
        raise PublicationError("the selection names nothing; give ids (ev-…, al-…, or of areas), or a file of them")
    return tuple(dict.fromkeys(found))


def subjects_of(choice: PackChoice, ledger: Ledger) -> tuple[PackSubject, ...]:
    """Find the places and events that a pack shows, one subject a place, by the ids of the places.

    An area brings all its events that were first seen from `since` to `until` and neither found to be wrong nor joined
    to another; an event that is named comes in any state.

    Raises
    ------
    PublicationError
        When not exactly one way of choosing is used, when an id is not on record, or when an area has no event.
    """
    ways = [choice.event, choice.alert, choice.area, choice.selection or None]
    if sum(way is not None for way in ways) != 1:
        raise PublicationError("say what the pack is to show by exactly one of --event, --alert, --area, --selection")
    if choice.area is None and (choice.since or choice.until):
        raise PublicationError("--since and --until belong to --area; leave them out, or name the area")
    known = _Record(ledger)
    if choice.area is not None:
        return (known.area(choice.area, choice.since, choice.until),)
    names = choice.selection or tuple(filter(None, (choice.event, choice.alert)))
    if choice.event is not None and not choice.event.startswith(("ev-", BEGINNING)):
        raise PublicationError(f"event `{printable(choice.event)}` is not on record; its id begins with ev-")
    if choice.alert is not None and not choice.alert.startswith(("al-", BEGINNING)):
        raise PublicationError(f"alert `{printable(choice.alert)}` is not on record; its id begins with al-")
    return known.places(names)


def _ids(text: str) -> list[str]:
    """The ids in a file, or those that a text is made of."""
    path = Path(text)
    try:
        is_file = path.is_file()
        if is_file and path.stat().st_size > LONGEST_LIST:
            raise PublicationError(f"selection `{printable(text)}` is over {LONGEST_LIST:,} bytes; give a shorter list")
        content = path.read_text(encoding="utf-8-sig") if is_file else text
    except (OSError, UnicodeDecodeError) as error:
        raise PublicationError(f"selection `{printable(text)}` cannot be read: {printable(error)}") from None
    lines = (line.partition("#")[0] for line in content.splitlines())
    return [name for line in lines for name in line.replace(",", " ").split()]


class _Record:
    """The areas and events of a ledger, read when they are first asked for."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._areas: Mapping[str, Area] = {area.id: area for area in ledger.areas()}
        self._events: dict[str, dict[str, EventRecord]] = {}

    def area(self, area_id: str, since: date | None, until: date | None) -> PackSubject:
        """An area with its events of a time."""
        area = self._area(area_id)
        first, last = self._watched(area)
        start, end = since or date.min, until or last
        if start > end:
            raise PublicationError(f"--since {start} is after --until {end}; give the earlier day first")
        events = _standing(self._of(area_id).values(), start, end)
        if not events:
            raise PublicationError(
                f"area `{area_id}` has no event on record that was first seen in that time; choose a longer one, or "
                "another area"
            )
        return PackSubject(area, events, since or _beginning(first, events), end)

    def places(self, names: Collection[str]) -> tuple[PackSubject, ...]:
        """The places of some ids: events, alerts, and areas with all their events."""
        chosen: dict[str, dict[str, EventRecord]] = {}
        for name in names:
            for event in self._named(name):
                chosen.setdefault(event.area_id, {})[event.event_id] = event
        return tuple(self._subject(area_id, chosen[area_id].values()) for area_id in sorted(chosen))

    def _subject(self, area_id: str, events: Collection[EventRecord]) -> PackSubject:
        area = self._area(area_id)
        first, last = self._watched(area)
        return PackSubject(area, tuple(sorted(events, key=lambda one: one.order)), _beginning(first, events), last)

    def _named(self, name: str) -> Collection[EventRecord]:
        if name in self._areas:
            return self.area(name, None, None).events
        kinds = {"ev-": "event_id", "al-": "alert_id"}
        field = kinds.get(name[:3])
        for area_id in self._areas if field else ():
            for event in self._of(area_id).values():
                if getattr(event, str(field)) == name:
                    return (event,)
        if name.startswith(BEGINNING):
            references = self._ledger.references()
            for area_id in self._areas:
                found = references.named(name, self._of(area_id))
                if found is not None:
                    return (self._of(area_id)[found],)
        raise PublicationError(f"`{printable(name)}` is not on record; `sitewatch alerts list` names what is")

    def _area(self, area_id: str) -> Area:
        if area_id not in self._areas:
            raise PublicationError(f"area `{printable(area_id)}` is not on record; `sitewatch areas list` names areas")
        return self._areas[area_id]

    def _of(self, area_id: str) -> Mapping[str, EventRecord]:
        """The events of an area by id, those that were told as the alerts that they are."""
        if area_id not in self._events:
            found: dict[str, EventRecord] = {one.event_id: one for one in self._ledger.events(area_id)}
            found.update((alert.event_id, alert) for alert in self._ledger.alerts(area_id=area_id))
            self._events[area_id] = found
        return self._events[area_id]

    def _watched(self, area: Area) -> tuple[date, date]:
        """The first and the last day of the weeks on record."""
        weeks = [seen.week for seen in self._ledger.observations(area_id=area.id)]
        if not weeks:
            raise PublicationError(f"area `{area.id}` has no week on record; run `sitewatch watch` first")
        return min(weeks).first_day, max(weeks).last_day


def _beginning(first: date, events: Collection[EventRecord]) -> date:
    """The first day of the watch, or the day on which an event was first seen in the history before it."""
    return min(first, *(event.first_seen for event in events))


def _standing(events: Collection[EventRecord], since: date, until: date) -> tuple[EventRecord, ...]:
    """The events of a time that neither were found to be wrong nor became part of another."""
    held = (one for one in events if one.state is not State.RETRACTED and one.merged_into is None)
    return tuple(sorted((one for one in held if since <= one.first_seen <= until), key=lambda one: one.order))
