"""The queue: every case in the order in which it matters, kept in memory as long as the record says the same."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from detectors.records import State
from flows.desk.inputs import Case, Opinion, Reviews
from flows.desk.review import Standing, is_open_for, last_words, standing_of

BY_WEIGHT = (State.CONFIRMED, State.PROVISIONAL, State.FINISHED, State.RETRACTED)
MINE, EVERYTHING = "mine", "all"
FIELDS = ("show", "kind", "change", "state", "text")


@dataclass(frozen=True)
class Entry:
    """A case in the queue, with every verdict on it in order."""

    case: Case
    opinions: tuple[Opinion, ...]
    words: Mapping[str, Opinion]
    standing: Standing
    search: str


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

    def fits(self, entry: Entry, account: int) -> bool:
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


def filter_of(asked: Mapping[str, str]) -> Filter:
    """The filter that an address asks for; what it does not know is left out."""
    given = {name: asked[name].strip()[:200] for name in FIELDS if asked.get(name)}
    shows = {MINE, EVERYTHING, *Standing}
    return Filter(**{k: v for k, v in given.items() if k != "show" or v in shows})


@dataclass
class Queue:
    """All cases in order. Safe to use from several threads."""

    reviews: Reviews
    _generation: tuple[int, ...] = ()
    _said: tuple[int, int] = (0, 0)
    _cases: Sequence[Case] = ()
    _opinions: dict[str, list[Opinion]] = field(default_factory=dict)
    _entries: tuple[Entry, ...] = ()
    _places: Mapping[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def entries(self) -> tuple[Entry, ...]:
        """Every case as the record has it now."""
        with self._lock:
            self._bring_level()
            return self._entries

    def find(self, event_id: str) -> Entry | None:
        """One case, or None."""
        with self._lock:
            self._bring_level()
            place = self._places.get(event_id)
            return None if place is None else self._entries[place]

    def shown(self, chosen: Filter, account: int) -> list[Entry]:
        """The cases that a filter shows to somebody, in order."""
        return [entry for entry in self.entries() if chosen.fits(entry, account)]

    def neighbours(self, event_id: str, chosen: Filter, account: int) -> tuple[str | None, str | None]:
        """The ids of the cases shown before and after one, whether or not it is shown itself."""
        entries = self.entries()
        with self._lock:
            place = self._places.get(event_id)
        if place is None or place >= len(entries):
            return None, None
        before = (e for e in reversed(entries[:place]) if chosen.fits(e, account))
        after = (e for e in entries[place + 1 :] if chosen.fits(e, account))
        first, second = next(before, None), next(after, None)
        return tuple(None if e is None else e.case.facts.event_id for e in (first, second))  # type: ignore[return-value]

    def _bring_level(self) -> None:
        generation, said = self.reviews.generation(), self.reviews.last_said()
        if generation == self._generation and said == self._said and self._entries:
            return
        if generation != self._generation:
            self._cases = self.reviews.cases()
        if said != self._said:
            self._take_in(said)
        self._generation, self._said = generation, said
        entries = (_entry(case, self._opinions.get(case.facts.event_id, ())) for case in self._cases)
        self._entries = tuple(sorted(entries, key=_weight))
        self._places = {entry.case.facts.event_id: place for place, entry in enumerate(self._entries)}

    def _take_in(self, said: tuple[int, int]) -> None:
        """Only what is new, unless something was taken back."""
        if said[1] != self._said[1] or said[0] < self._said[0]:
            self._opinions, after = {}, 0
        else:
            after = self._said[0]
        for opinion in self.reviews.opinions(after=after):
            self._opinions.setdefault(opinion.event_id, []).append(opinion)


def _entry(case: Case, opinions: Sequence[Opinion]) -> Entry:
    words = last_words(opinions)
    facts = case.facts
    search = " ".join((case.place, case.area_id, facts.event_id, facts.alert_id, facts.kind, facts.change, facts.state))
    return Entry(case, tuple(opinions), words, standing_of(facts, words), search.casefold())


def _weight(entry: Entry) -> tuple[int, bool, int, int, float, str]:
    """By standing; alerted before what raised no alert; by state; the latest week first; by size; by id."""
    facts = entry.case.facts
    issued = 0 if facts.issued_on is None else facts.issued_on.toordinal()
    return (
        list(Standing).index(entry.standing),
        not facts.alert_id,
        BY_WEIGHT.index(facts.state),
        -issued,
        -(facts.area_m2 or 0.0),
        facts.event_id,
    )
