"""What the week comes to: who could be seen, what is news, and the paragraph that opens the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from aois.week import Week
from detectors.records import Change, State, UnfamiliarGround
from flows.records.events import EventRecord
from flows.reports.inputs import AreaView, WeekSeen
from flows.reports.words import Words

ENOUGH_SHARE = 0.5  # SCIENCE.md: under 50 % clear over the area counts as not seen


class WeekVisibility(StrEnum):
    """How well an area was seen in a week."""

    SEEN = "seen"
    HARDLY = "hardly"
    NONE = "none"
    FAILED = "failed"


@dataclass(frozen=True)
class Look:
    """How an area was seen this week; `weeks_running` of late had not enough, 0 without any record.

    `unfamiliar` is what the last record says of its ground.
    """

    sight: WeekVisibility
    share: float
    last_clear_look: date | None
    days_since: int
    weeks_running: int
    unfamiliar: UnfamiliarGround | None = None


@dataclass(frozen=True)
class EventNews:
    """One event that is new or changed this week, and where."""

    place: str
    facts: EventRecord
    is_new: bool


@dataclass(frozen=True)
class Tally:
    """The week in figures; the lists hold alerts only, `unalerted` counts new events that raised none."""

    areas: int
    new: tuple[EventNews, ...]
    changed: tuple[EventNews, ...]
    unalerted: int
    unseen: int
    failed: int

    @property
    def places(self) -> int:
        """At how many areas an alert is new or changed."""
        return len({news.place for news in (*self.new, *self.changed)})


def look_at(view: AreaView, week: Week) -> Look:
    """How well the area was seen in the report's week; a week without a record counts as not seen."""
    past = [seen for seen in view.weeks if seen.week <= week]
    this_week = past[-1] if past and past[-1].week == week else None
    share = this_week.seen_share if this_week else 0.0
    last = past[-1].last_clear_look if past else None
    return Look(
        sight=_sight(view, share),
        share=share,
        last_clear_look=last,
        days_since=max((week.last_day - last).days, 0) if last else 0,
        weeks_running=_weeks_running(past, week),
        unfamiliar=past[-1].unfamiliar if past else None,
    )


def _sight(view: AreaView, share: float) -> WeekVisibility:
    if view.failure:
        return WeekVisibility.FAILED
    if share <= 0.0:
        return WeekVisibility.NONE
    return WeekVisibility.HARDLY if share < ENOUGH_SHARE else WeekVisibility.SEEN


def _weeks_running(past: Sequence[WeekSeen], week: Week) -> int:
    if not past:
        return 0
    enough = {seen.week for seen in past if seen.seen_share >= ENOUGH_SHARE}
    running = 0
    while week not in enough and week >= past[0].week:
        running += 1
        week = week.plus(-1)
    return running


def tally_of(news: Iterable[EventNews], looks: Iterable[Look]) -> Tally:
    """Count the week."""
    found, looks = list(news), list(looks)
    alerts = [item for item in found if item.facts.is_alerted]
    sights = Counter(look.sight for look in looks)
    return Tally(
        areas=len(looks),
        new=tuple(item for item in alerts if item.is_new),
        changed=tuple(item for item in alerts if not item.is_new),
        unalerted=sum(item.is_new and not item.facts.is_alerted for item in found),
        unseen=sights[WeekVisibility.NONE] + sights[WeekVisibility.HARDLY],
        failed=sights[WeekVisibility.FAILED],
    )


def headline(tally: Tally, week: Week, words: Words, *, restricted: int = 0) -> str:
    """The week in one plain paragraph; `restricted` places are watched beside those of the tally, and told together."""
    span = words.span(week.first_day, week.last_day)
    if restricted and not tally.areas:
        return words.count("headline.only_restricted", restricted, span=span)
    sentences = [words.count("headline.watched_openly" if restricted else "headline.watched", tally.areas, span=span)]
    if tally.areas:
        sentences += [*_what_changed(tally, words), *_what_was_hidden(tally, words)]
    sentences += [words.count("headline.restricted", restricted)] if restricted else []
    return " ".join(sentences)


def _what_changed(tally: Tally, words: Words) -> list[str]:
    if not tally.new and not tally.changed:
        said = [words("headline.nothing")]
    else:
        said = [_new(tally, words), _changed(tally, words), words.count("headline.places", tally.places)]
    return [*said, words.count("headline.unalerted", tally.unalerted)] if tally.unalerted else said


def _new(tally: Tally, words: Words) -> str:
    kinds = Counter(news.facts.change for news in tally.new)
    if len(kinds) == 1:
        return words.count("headline.new_alike", len(tally.new), what=words(f"change_inline.{next(iter(kinds))}"))
    counted = [
        words("headline.of_kind", n=words.number(kinds[kind]), what=words(f"change_inline.{kind}"))
        for kind in Change
        if kinds[kind]
    ]
    return words.count("headline.new", len(tally.new), what=words.listing(counted))


def _changed(tally: Tally, words: Words) -> str:
    states = Counter(news.facts.state for news in tally.changed)
    counted = [words.count(f"state_inline.{state}", states[state]) for state in State if states[state]]
    return words.count("headline.changed", len(tally.changed), states=words.listing(counted))


def _what_was_hidden(tally: Tally, words: Words) -> list[str]:
    if not tally.unseen and not tally.failed:
        return [words("headline.all_seen")]
    said = [words.count("headline.unseen", tally.unseen, areas=words.number(tally.areas))] if tally.unseen else []
    said += [words.count("headline.failed", tally.failed)] if tally.failed else []
    return [*said, words("headline.silence")]
