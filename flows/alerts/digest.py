"""The week's alerts as a message to people: content first, then the words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from operator import attrgetter

from aois.week import Week
from detectors.records import State
from flows.alerts.language import Language, language
from flows.records.confidence import is_calibrated, word_of
from flows.records.ids import AlertId, AreaId, IncidentId
from flows.records.messages import News, ProvisionalOutcomes, ToldAlert

SHOWN = 60  # alerts told one by one; more would be read by nobody, and the report has them all
MUTES_SHOWN = 10
NEWS_LINES = {News.STEP: "step", News.MERGED: "merged_into", News.PARTED: "parted"}


@dataclass(frozen=True)
class MutedPlace:
    """A place whose messages are not sent until the end of a day, by the decision of a person; `unsent` so far."""

    area_id: AreaId
    incident_id: IncidentId
    until: date
    unsent: int


@dataclass(frozen=True)
class Setting:
    """All that a message says beside its alerts.

    `report` is a link, or words that say where the report is. `links` are links to acknowledge, by alert id.
    `contradicted` are the bands of confidence, by their lower ends, whose numbers reviewers found too high. `muted` are
    the places of which the reader would hear if nobody had muted them.
    """

    report: str
    lang: str = "en"
    is_restricted: bool = False
    is_simulated: bool = False
    is_escalation: bool = False
    provisional_outcomes: ProvisionalOutcomes = field(default_factory=ProvisionalOutcomes)
    links: Mapping[AlertId, str] = field(default_factory=dict)
    contradicted: Container[float] = ()
    muted: tuple[MutedPlace, ...] = ()


@dataclass(frozen=True)
class AreaAlerts:
    """The alerts of one area, each as its lines; `more` alerts of it are only counted."""

    heading: str
    alerts: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Message:
    """What is said: a title of one line, opening paragraphs, the alerts by place, closing paragraphs."""

    title: str
    lang: str
    opening: tuple[str, ...]
    places: tuple[AreaAlerts, ...]
    closing: tuple[str, ...]

    @property
    def body_text(self) -> str:
        """The message as plain text in short lines, for small screens and chats."""
        places = ["\n".join((place.heading, *map(_item, place.alerts))) for place in self.places]
        return "\n\n".join((*self.opening, *places, *self.closing)) + "\n"


def digest(alerts: Sequence[ToldAlert], week: Week, setting: Setting) -> Message:
    """A message about the given alerts, grouped by place, the same for any order given.

    It names ids, sizes, states and dates, and where the report is. Coordinates are in it only if the setting is
    restricted; names of areas never are.
    """
    words = language(setting.lang)
    ordered = sorted(alerts, key=by_place)
    groups = [(area, list(found)) for area, found in groupby(ordered, key=attrgetter("area_id"))]
    summary = _summary(words, len(ordered), len(groups))
    kind = "escalation" if setting.is_escalation else "week"
    title = words.say(f"title.{kind}", week=week, summary=summary)
    return Message(
        title=words.say("title.simulated", title=title) if setting.is_simulated else title,
        lang=setting.lang,
        opening=_opening(words, ordered, week, summary, setting),
        places=_places(words, groups, setting),
        closing=_closing(words, len(ordered), setting),
    )


def by_place(alert: ToldAlert) -> tuple[str, str]:
    """The order of alerts in a message: by area, then by id."""
    return alert.area_id, alert.alert_id


def _summary(words: Language, alerts: int, places: int) -> str:
    if not alerts:
        return words.say("title.none")
    return words.say("title.some", alerts=words.count("count.alert", alerts), places=words.count("count.place", places))


def _opening(
    words: Language, alerts: Sequence[ToldAlert], week: Week, summary: str, setting: Setting
) -> tuple[str, ...]:
    """Where and when, and what a reader has to keep in mind for just these alerts."""
    first, last = (words.day(day.isoformat()) for day in (week.first_day, week.last_day))
    lines = [words.say("body.simulated")] if setting.is_simulated else []
    lines.append(words.say("body.opening", week=week, first=first, last=last, summary=summary))
    lines += [words.say("body.escalation")] if setting.is_escalation else []
    if not alerts:
        return (*lines, words.say("body.calm"))
    lines.append(words.say("body.caution"))
    if any(one.state is State.PROVISIONAL for one in alerts):
        lines.append(f"{words.say('body.provisional')} {_outcomes(words, setting.provisional_outcomes)}")
    return tuple(lines)


def _outcomes(words: Language, outcomes: ProvisionalOutcomes) -> str:
    decided = outcomes.held + outcomes.fell
    if not decided:
        return words.say("body.no_fates")
    share = words.percent(outcomes.held / decided)
    return words.say("body.fates", share=share, held=outcomes.held, decided=decided, open=outcomes.open)


def _places(
    words: Language, groups: Sequence[tuple[str, Sequence[ToldAlert]]], setting: Setting
) -> tuple[AreaAlerts, ...]:
    places, left = [], SHOWN
    for area_id, alerts in groups:
        if not left:
            break
        shown = alerts[:left]
        left -= len(shown)
        places.append(AreaAlerts(_heading(words, area_id, alerts), tuple(_alert(words, one, setting) for one in shown)))
    return tuple(places)


def _heading(words: Language, area_id: str, alerts: Sequence[ToldAlert]) -> str:
    states = Counter(one.state for one in alerts)
    tally = ", ".join(words.count(f"tallies.{state}", states[state]) for state in State if states[state])
    return words.say("body.place", area=area_id, alerts=words.count("count.alert", len(alerts)), tally=tally)


def _alert(words: Language, one: ToldAlert, setting: Setting) -> tuple[str, ...]:
    """One alert in short lines."""
    state, kind, change = (
        words.say(key) for key in (f"states.{one.state}", f"kinds.{one.kind}", f"changes.{one.change}")
    )
    dates = [words.say("body.first", day=words.day(one.first_seen.isoformat()))]
    if one.last_clear_look is not None:
        dates.append(words.say("body.look", day=words.day(one.last_clear_look.isoformat())))
    is_number = is_calibrated(one.confidence, one.state, contradicted=setting.contradicted)
    confidence = (
        words.number(one.confidence, 2) if is_number else words.phrases(f"confidence.{word_of(one.confidence)}")
    )
    lines = [
        words.say("body.what", state=state, change=change, kind=kind),
        *_further(words, one),
        *_story(words, one),
        words.say("body.size", size=words.size(one)),
        words.say("body.confidence", confidence=confidence, sensors=words.listed(one.sensors)),
        ", ".join(dates),
        one.alert_id,
    ]
    if setting.is_restricted:
        spot = one.ground.representative_point()
        lines.append(words.say("body.where", lat=f"{spot.y:.5f}", lon=f"{spot.x:.5f}"))
    if one.alert_id in setting.links:
        lines.append(words.say("body.acknowledge", link=setting.links[one.alert_id]))
    return tuple(lines)


def _further(words: Language, one: ToldAlert) -> list[str]:
    """What came before at the same place, in a line; none for the first alert of an incident."""
    if not one.alerts_before:
        return []
    before = words.count("count.before", one.alerts_before)
    if one.muted_before:
        before = f"{before}, {words.count('count.muted_before', one.muted_before)}"
    if one.told_before is None:
        return [words.say("body.further_untold", alerts=before)]
    return [words.say("body.further", day=words.day(one.told_before.isoformat()), alerts=before)]


def _story(words: Language, one: ToldAlert) -> list[str]:
    """Steps, mergers and the like, a line each; marked where they are why there is the message."""
    related = {"reopens": one.reopens, "split_from": one.split_from, "merged_into": one.merged_into}
    told = {"step": words.step(one)}
    told |= {name: words.say(f"body.{name}", event=event) for name, event in related.items() if event}
    if one.merged_into_alert:  # the id that people know
        told["merged_into"] = words.say("body.merged_into_alert", event=one.merged_into_alert)
    told |= {"parted": words.say("body.parted")} if News.PARTED in one.news else {}
    marked = {NEWS_LINES.get(news) for news in one.news}
    return [words.say("body.new", line=line) if name in marked else line for name, line in told.items() if line]


def _closing(words: Language, alerts: int, setting: Setting) -> tuple[str, ...]:
    more = [words.count("count.more", alerts - SHOWN)] if alerts > SHOWN else []
    report = words.say("body.report", report=setting.report)
    return (
        *more,
        *_muted(words, setting.muted),
        report,
        words.say("body.restricted" if setting.is_restricted else "body.ids"),
    )


def _muted(words: Language, places: Sequence[MutedPlace]) -> list[str]:
    """What is not told since somebody muted it: silence must not be taken for quiet."""
    told = [
        words.say(
            "body.muted",
            area=one.area_id,
            incident=one.incident_id,
            day=words.day(one.until.isoformat()),
            messages=words.count("count.unsent", one.unsent),
        )
        for one in places[:MUTES_SHOWN]
    ]
    more = len(places) - len(told)
    return [*told, words.count("count.more_muted", more)] if more else told


def _item(lines: tuple[str, ...]) -> str:
    first, *rest = lines
    return "\n".join((f"- {first}", *(f"  {line}" for line in rest)))
