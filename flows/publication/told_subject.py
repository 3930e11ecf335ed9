"""What texts tell of a place: the redacted form of a subject, which has no field for a position or a scene."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from babel.dates import format_skeleton

from detectors.records import AlertKind, Change, State
from flows.publication.pack_subject import PackSubject, Sharing
from flows.records.events import EventRecord
from flows.reports.drawn_case import rounded
from flows.reports.edition import public_event
from flows.reports.words import Words


@dataclass(frozen=True)
class ToldDay:
    """A day, or the month of it where days are not to be told; the day is then the first of the month."""

    day: date
    is_month: bool = False

    def __str__(self) -> str:
        """The day or the month as ISO 8601 writes it."""
        return f"{self.day:%Y-%m}" if self.is_month else self.day.isoformat()

    def said(self, words: Words) -> str:
        """Write it as people read it in a language."""
        if not self.is_month:
            return words.day(self.day)
        return str(format_skeleton("yMMMM", self.day, locale=words.lang))


@dataclass(frozen=True)
class ToldEvent:
    """One event as texts tell it.

    Attributes
    ----------
    label
        What the pack calls it: its number at the place in a public one, its id in a restricted one. The id is a
        digest of where and when it was first seen, which somebody who tries all pixels and days can find again.
    kind, change, state
        Where it lies in relation to the site, what happened, and how far it has come.
    first_seen, confirmed_on
        When it was first seen and when it was confirmed; None if it is not.
    area_m2, area_m2_low, area_m2_high, length_m
        Its size with its interval, m², and the length of a line, m; two significant figures in a public pack.
    confidence
        0 to 1.
    sensors
        The instruments that saw it.
    is_simulated
        Whether it happened in a simulated world.
    """

    label: str
    kind: AlertKind
    change: Change
    state: State
    first_seen: ToldDay
    confirmed_on: ToldDay | None
    area_m2: float
    area_m2_low: float
    area_m2_high: float
    length_m: float | None
    confidence: float
    sensors: tuple[str, ...]
    is_simulated: bool


@dataclass(frozen=True)
class ToldSubject:
    """One place with its events as texts tell of them; `place` is the name that its list gives it, or its id."""

    place: str
    events: tuple[ToldEvent, ...]
    first: ToldDay
    until: ToldDay

    def span(self, words: Words) -> str:
        """Write the time that the pack shows of it, by days or by months."""
        if self.first.is_month:
            return words("pack.span_months", first=self.first.said(words), last=self.until.said(words))
        return words.span(self.first.day, self.until.day)

    @property
    def is_simulated(self) -> bool:
        """Whether any event happened in a simulated world."""
        return any(event.is_simulated for event in self.events)


def told_subjects(
    subjects: tuple[PackSubject, ...], *, sharing: Sharing, coarse_dates: bool
) -> tuple[ToldSubject, ...]:
    """Reduce subjects to what texts may tell of them.

    Parameters
    ----------
    subjects
        The places of a pack.
    sharing
        Who may see it. For everybody, the events of a place are numbered, and sizes are rounded as the desk rounds
        them for viewers.
    coarse_dates
        Whether only the month of a day is told.
    """
    return tuple(
        ToldSubject(
            one.area.name or one.area.id,
            tuple(_told(event, str(n), sharing, coarse=coarse_dates) for n, event in enumerate(one.events, start=1)),
            _day(one.first, coarse=coarse_dates),
            _day(one.until, coarse=coarse_dates),
        )
        for one in subjects
    )


def _told(event: EventRecord, number: str, sharing: Sharing, *, coarse: bool) -> ToldEvent:
    is_public = sharing is Sharing.PUBLIC
    facts = rounded(public_event(event)) if is_public else event
    return ToldEvent(
        label=number if is_public else event.event_id,
        kind=facts.kind,
        change=facts.change,
        state=facts.state,
        first_seen=_day(facts.first_seen, coarse=coarse),
        confirmed_on=None if facts.confirmed_on is None else _day(facts.confirmed_on, coarse=coarse),
        area_m2=facts.area_m2,
        area_m2_low=facts.area_m2_low,
        area_m2_high=facts.area_m2_high,
        length_m=facts.length_m,
        confidence=facts.confidence,
        sensors=event.sensors,
        is_simulated=facts.is_simulated,
    )


def _day(day: date, *, coarse: bool) -> ToldDay:
    return ToldDay(day.replace(day=1), True) if coarse else ToldDay(day)
