"""The queue: every case in the order in which it matters, kept in memory as long as the record says the same."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from urllib.parse import urlencode

from detectors.records import State
from flows.desk.inputs import IncidentStore, ReviewCase, ReviewStore
from flows.desk.review import ReviewStatus, is_open_for, last_words, review_status_of
from flows.ledger.references import References
from flows.records.desk import ReviewVerdict
from flows.records.events import EventRecord
from flows.records.incidents import Incident, Incidents

Weight = tuple[int, bool, int, int, float, str]
STANDINGS = tuple(ReviewStatus)
BY_WEIGHT = (State.CONFIRMED, State.PROVISIONAL, State.FINISHED, State.RETRACTED)
MINE, EVERYTHING = "mine", "all"
FIELDS = ("show", "kind", "change", "state", "text")


@dataclass(frozen=True)
class QueueEntry:
    """A case in the queue, with every verdict on it in order."""

    case: ReviewCase
    opinions: tuple[ReviewVerdict, ...]
    words: Mapping[str, ReviewVerdict]
    standing: ReviewStatus
    search: str
    weight: Weight
    incident: Incident | None = None

    @property
    def group(self) -> str:
        """What it stands together with in the queue: the alerts of its incident."""
        return self.case.facts.event_id if self.incident is None else self.incident.incident_id


@dataclass(frozen=True)
class Filter:
    """What of the queue is shown; `show` is a standing, what waits for the reader, or everything."""

    show: str = MINE
    kind: str = ""
    change: str = ""
    state: str = ""
    text: str = ""

    @property
    def query(self) -> str:
        """The filter as the query of an address, without what is the default."""
        return urlencode({name: value for name in FIELDS if (value := getattr(self, name)) != getattr(Filter, name)})

    def fits(self, entry: QueueEntry, account: int) -> bool:
        """Whether a case is shown."""
        facts = entry.case.facts
        if self.show == MINE:
            is_shown = is_open_for(account, facts, entry.standing, entry.words)
        else:
            is_shown = self.show == EVERYTHING or entry.standing == self.show
        return (
            is_shown
            and self.kind in ("", facts.kind)
            and self.change in ("", facts.change)
            and self.state in ("", facts.state)
            and all(word in entry.search for word in self.text.casefold().split())
        )


def rounded(entry: QueueEntry) -> QueueEntry:
    """The entry with sizes of two significant figures, for those who are not shown pictures."""
    facts = entry.case.facts
    length_m = None if facts.length_m is None else _two(facts.length_m)
    plain = replace(facts, area_m2=_two(facts.area_m2), length_m=length_m, scenes=(), sensors=(), criteria=())
    return replace(entry, case=replace(entry.case, facts=plain))


def _two(value: float) -> float:
    return float(f"{value:.2g}")


def filter_of(asked: Mapping[str, str]) -> Filter:
    """The filter that an address asks for; what it does not know is left out."""
    given = {name: asked[name].strip()[:200] for name in FIELDS if asked.get(name)}
    shows = {MINE, EVERYTHING, *ReviewStatus}
    return Filter(**{k: v for k, v in given.items() if k != "show" or v in shows})


@dataclass
class Queue:
    """All cases in order. Safe to use from several threads."""

    reviews: ReviewStore
    incidents: IncidentStore | None = None
    references: References | None = None
    _known: Incidents | None = None
    _generation: tuple[int, ...] = ()
    _said: tuple[int, int] = (0, 0)
    _opinions: dict[str, dict[int, ReviewVerdict]] = field(default_factory=dict)
    _by_id: dict[str, QueueEntry] = field(default_factory=dict)
    _entries: tuple[QueueEntry, ...] = ()
    _places: Mapping[str, int] = field(default_factory=dict)
    _ids: Mapping[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def entries(self) -> tuple[QueueEntry, ...]:
        """Every case as the record has it now."""
        return self._level()[0]

    def find(self, event_id: str) -> QueueEntry | None:
        """One case, or None."""
        entries, places = self._level()
        place = places.get(event_id)
        return None if place is None else entries[place]

    def id_of(self, name: str) -> str:
        """The id of the case that a reference stands for; any other name as it is."""
        self._level()
        return self._ids.get(name, name)

    def shown(self, chosen: Filter, account: int) -> list[QueueEntry]:
        """The cases that a filter shows to somebody, in order."""
        return [entry for entry in self.entries() if chosen.fits(entry, account)]

    def neighbours(self, event_id: str, chosen: Filter, account: int) -> tuple[str | None, str | None]:
        """The ids of the cases shown before and after one, whether or not it is shown itself."""
        entries, places = self._level()
        place = places.get(event_id)
        if place is None:
            return None, None
        before = (e for e in reversed(entries[:place]) if chosen.fits(e, account))
        after = (e for e in entries[place + 1 :] if chosen.fits(e, account))
        first, second = next(before, None), next(after, None)
        return tuple(None if e is None else e.case.facts.event_id for e in (first, second))  # type: ignore[return-value]

    def _level(self) -> tuple[tuple[QueueEntry, ...], Mapping[str, int]]:
        """Every case as the record has it now and the place of each, both of one moment."""
        with self._lock:
            self._bring_level()
            return self._entries, self._places

    def _bring_level(self) -> None:
        """Only what is new is read and ordered again: a verdict must not make the next reader wait."""
        generation, said = self.reviews.generation(), self.reviews.last_said()
        if generation == self._generation and said == self._said:
            return
        spoken_of = self._take_in(said)
        if generation != self._generation:
            self._known = None if self.incidents is None else self.incidents.all()
            cases = {case.facts.event_id: case for case in self.reviews.cases()}
            self._by_id = {event_id: self._entry(case) for event_id, case in cases.items()}
            self._ids = {self._reference(event_id): event_id for event_id in cases}
        else:
            known = spoken_of & self._by_id.keys()
            self._by_id |= {event_id: self._entry(self._by_id[event_id].case) for event_id in known}
        self._generation, self._said = generation, said
        self._entries = _together(sorted(self._by_id.values(), key=attrgetter("weight")))
        self._places = {entry.case.facts.event_id: place for place, entry in enumerate(self._entries)}

    def _take_in(self, said: tuple[int, int]) -> set[str]:
        """What was said since, and what was taken back; the ids of the cases it is about."""
        if said[0] < self._said[0] or said[1] < self._said[1]:  # the record was restored from a backup
            self._opinions, self._said, self._generation = {}, (0, 0), ()
        fresh = list(self.reviews.opinions(after=self._said[0]) if said[0] > self._said[0] else ())
        if said[1] > self._said[1]:
            fresh += self.reviews.opinions(only_withdrawn=True)
        for opinion in fresh:
            self._opinions.setdefault(opinion.event_id, {})[opinion.number] = opinion
        return {opinion.event_id for opinion in fresh}

    def _reference(self, event_id: str) -> str:
        """What people call a case; its id where the queue has no references."""
        return event_id if self.references is None else self.references.of(event_id)

    def _entry(self, case: ReviewCase) -> QueueEntry:
        facts = case.facts
        opinions = tuple(said for _, said in sorted(self._opinions.get(facts.event_id, {}).items()))
        words = last_words(opinions)
        standing = review_status_of(facts, words)
        names = (facts.event_id, facts.alert_id or "", self._reference(facts.event_id))
        search = " ".join((case.place, case.area_id, *names, facts.kind, facts.change, facts.state))
        incident = None if self._known is None or facts.alert_id is None else self._known.of(facts.alert_id)
        return QueueEntry(case, opinions, words, standing, search.casefold(), _weight(facts, standing), incident)


def _together(entries: Sequence[QueueEntry]) -> tuple[QueueEntry, ...]:
    """The entries with those of one incident one after another, where the first of them stands."""
    groups: dict[str, list[QueueEntry]] = {}
    for entry in entries:
        groups.setdefault(entry.group, []).append(entry)
    return tuple(entry for group in groups.values() for entry in group)


def _weight(facts: EventRecord, standing: ReviewStatus) -> Weight:
    """By standing; alerted before what raised no alert; by state; the latest week first; by size; by id."""
    issued = 0 if facts.issued_on is None else facts.issued_on.toordinal()
    return (
        STANDINGS.index(standing),
        not facts.alert_id,
        BY_WEIGHT.index(facts.state),
        -issued,
        -facts.area_m2,
        facts.event_id,
    )
