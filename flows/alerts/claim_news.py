"""Messages about claims: once to each channel when the answer to a claim becomes another one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from fnmatch import fnmatchcase

from aois.week import Week
from detectors.claims.claim_rules import ClaimKind
from flows.alerts.dispatch_content import parcel_key, settled_message
from flows.alerts.language import Language, language
from flows.alerts.route_settings import MessageRoutes
from flows.alerts.routes import ChannelKind, Route
from flows.ledger.ledger import Ledger
from flows.records.claims import AnswerChange
from flows.records.message_json import content_json
from flows.records.messages import DispatchRecord

READ_BY_PEOPLE = (ChannelKind.APPRISE, ChannelKind.WEBHOOK, ChannelKind.ATOM)
"""Kinds of channel that can carry words without an alert."""


def post_claim_news(ledger: Ledger, ways: MessageRoutes, week: Week, *, now: datetime) -> int:
    """Put the last change of each answer into the outbox of each channel that hears of its site; return how many.

    The key follows from claim, change and channel, and the outbox takes a key once: so a change is told once however
    often this is called. What was contradicted and is so again is told again.
    """
    last = {change.claim.claim_id: change for change in ledger.claims.changes(as_of=week)}
    told = 0
    for change in last.values():
        for channel, route in claim_ways(ways, change.claim.area_id):
            key = parcel_key(channel, "claim", [f"{change.claim.claim_id}:{change.now.answer}:{change.number}"])
            words = language(route.lang)
            title, lines = _title(words, change), _lines(words, change)
            content = settled_message(
                title, lines, change.now.week, key=key, lang=route.lang, is_simulated=ways.is_simulated
            )
            ledger.outbox.pack(DispatchRecord(key, channel, (), content_json(content), now))
            told += 1
    return told


def claim_ways(ways: MessageRoutes, area_id: str) -> Iterable[tuple[str, Route]]:
    """Yield each channel that hears of claims about an area once, with the first route that leads there."""
    routes, taken = ways.routes, set[str]()
    for route in routes.routes:
        hears = (route.simulated or not ways.is_simulated) and any(fnmatchcase(area_id, one) for one in route.areas)
        for name in route.channels if hears else ():
            channel = routes.channels.get(name)
            if name not in taken and channel is not None and channel.kind in READ_BY_PEOPLE:
                taken.add(name)
                yield name, route


def _title(words: Language, change: AnswerChange) -> str:
    return words.say(
        "claim.title",
        area=change.claim.area_id,
        day=words.day(change.claim.said_on.isoformat()),
        answer=words.say(f"claim_answer.{change.now.answer}"),
    )


def _lines(words: Language, change: AnswerChange) -> tuple[str, ...]:
    claim, answer = change.claim, change.now
    lines = [words.say("claim.said", claim=_claimed(words, change))]
    if change.before is not None:
        lines.append(words.say("claim.before", answer=words.say(f"claim_answer.{change.before}")))
    if claim.kind is ClaimKind.DEMOLISHED and answer.known:
        most = answer.gone + answer.changed + answer.not_seen
        lines.append(
            words.say(
                "claim.count", low=words.number(answer.gone), high=words.number(most), known=words.number(answer.known)
            )
        )
    if answer.works_from is not None and answer.works_to is not None:
        first, last = (words.day(day.isoformat()) for day in (answer.works_from, answer.works_to))
        lines.append(words.say("claim.works", first=first, last=last))
    if answer.last_look is not None:
        lines.append(words.say("claim.last_look", day=words.day(answer.last_look.isoformat())))
    return (*lines, words.say("claim.care"))


def _claimed(words: Language, change: AnswerChange) -> str:
    claim = change.claim
    if claim.kind is ClaimKind.DEMOLISHED and claim.number is not None:
        return words.count("claim.number", claim.number)
    if claim.kind is ClaimKind.DEMOLISHED and claim.area_m2 is not None:
        return words.say("claim.ground", area=words.number(claim.area_m2))
    return words.say(f"claim_kind.{claim.kind}")
