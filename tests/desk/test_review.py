"""What verdicts come to, and the order of the queue."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.records import AlertKind, Change, State
from flows.desk.inputs import ReviewCase
from flows.desk.queue import EVERYTHING, Filter, Queue, filter_of
from flows.desk.review import ReviewStatus, is_open_for, last_words, review_status_of
from flows.records.desk import ReviewVerdict
from flows.records.events import EventRecord
from flows.records.ids import AlertId, AreaId, EventId

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
FACTS = EventRecord(
    event_id=EventId("ev-1"),
    area_id=AreaId("area"),
    kind=AlertKind.EXPANSION,
    change=Change.CONSTRUCTION,
    state=State.CONFIRMED,
    first_seen=date(2026, 9, 1),
    area_m2=2_000.0,
    area_m2_low=1_800.0,
    area_m2_high=2_300.0,
    confidence=0.8,
    alert_id=AlertId("al-1"),
    issued_on=date(2026, 11, 22),
)


def said(number: int, verdict: str, account: int | None = 1, **given: object) -> ReviewVerdict:
    opinion = ReviewVerdict(
        number, EventId("ev-1"), verdict, "", "", f"person {account}", account, NOW, "confirmed", "construction", None
    )
    return replace(opinion, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("opinions", "standing"),
    [
        ([], ReviewStatus.WAITING),
        ([said(1, "unsure")], ReviewStatus.UNSURE),
        ([said(1, "confirmed")], ReviewStatus.SECOND),
        ([said(1, "confirmed"), said(2, "confirmed")], ReviewStatus.SECOND),
        ([said(1, "confirmed"), said(2, "confirmed", 2)], ReviewStatus.PUBLISHABLE),
        ([said(1, "confirmed"), said(2, "confirmed", None)], ReviewStatus.SECOND),
        ([said(1, "confirmed"), said(2, "unsure", 2)], ReviewStatus.SECOND),
        ([said(1, "rejected")], ReviewStatus.REJECTED),
        ([said(1, "rejected"), said(2, "unsure", 2)], ReviewStatus.REJECTED),
        ([said(1, "confirmed"), said(2, "rejected", 2)], ReviewStatus.DISPUTED),
        ([said(1, "confirmed"), said(2, "rejected", 2), said(3, "confirmed", 2)], ReviewStatus.PUBLISHABLE),
        ([said(1, "confirmed"), said(2, "rejected", 2, withdrawn_at=NOW)], ReviewStatus.SECOND),
        ([said(1, "confirmed"), said(2, "rejected", withdrawn_at=NOW)], ReviewStatus.SECOND),
        ([said(1, "confirmed", withdrawn_at=NOW)], ReviewStatus.WAITING),
        ([said(1, "confirmed", seen_change="clearing")], ReviewStatus.AGAIN),
        ([said(1, "confirmed", seen_state="provisional")], ReviewStatus.SECOND),
    ],
)
def test_where_a_case_stands(opinions: list[ReviewVerdict], standing: ReviewStatus) -> None:
    assert review_status_of(FACTS, last_words(opinions)) is standing


def test_what_was_retracted_since_is_looked_at_again_unless_it_was_rejected() -> None:
    gone = replace(FACTS, state=State.RETRACTED)
    assert review_status_of(gone, last_words([said(1, "confirmed"), said(2, "confirmed", 2)])) is ReviewStatus.AGAIN
    assert review_status_of(gone, last_words([said(1, "rejected")])) is ReviewStatus.REJECTED


def test_a_case_waits_for_those_who_have_not_spoken() -> None:
    words = last_words([said(1, "confirmed")])
    assert not is_open_for(1, FACTS, ReviewStatus.SECOND, words)
    assert is_open_for(2, FACTS, ReviewStatus.SECOND, words)
    assert is_open_for(1, FACTS, ReviewStatus.DISPUTED, words)
    assert not is_open_for(2, FACTS, ReviewStatus.PUBLISHABLE, words)
    assert not is_open_for(2, replace(FACTS, alert_id=None), ReviewStatus.WAITING, {})


@dataclass
class Kept:
    """Reviews in memory."""

    held: list[EventRecord] = field(default_factory=list)
    said: list[ReviewVerdict] = field(default_factory=list)
    asked: int = 0

    def generation(self) -> tuple[int, ...]:
        return (len(self.held),)

    def cases(self) -> list[ReviewCase]:
        self.asked += 1
        return [ReviewCase(facts, "Some place") for facts in self.held]

    def last_said(self) -> tuple[int, int]:
        return max((one.number for one in self.said), default=0), sum(bool(o.withdrawn_at) for o in self.said)

    def opinions(self, *, after: int = 0, only_withdrawn: bool = False) -> list[ReviewVerdict]:
        return [one for one in self.said if one.number > after and (one.withdrawn_at or not only_withdrawn)]


def order(queue: Queue) -> list[str]:
    return [entry.case.facts.event_id for entry in queue.entries()]


def test_the_order_is_by_standing_then_alert_state_week_and_size() -> None:
    held = [
        replace(FACTS, event_id=EventId("small"), area_m2=900.0),
        replace(FACTS, event_id=EventId("large")),
        replace(FACTS, event_id=EventId("earlier"), issued_on=date(2026, 11, 15)),
        replace(FACTS, event_id=EventId("provisional"), state=State.PROVISIONAL),
        replace(FACTS, event_id=EventId("no alert"), alert_id=None, issued_on=None),
        replace(FACTS, event_id=EventId("disputed"), state=State.RETRACTED),
        replace(FACTS, event_id=EventId("second")),
        replace(FACTS, event_id=EventId("done")),
    ]
    opinions = [
        said(1, "confirmed", 1, event_id=EventId("disputed"), seen_state="retracted"),
        said(2, "rejected", 2, event_id=EventId("disputed"), seen_state="retracted"),
        said(3, "confirmed", 1, event_id=EventId("second")),
        said(4, "rejected", 1, event_id=EventId("done")),
    ]
    queue = Queue(Kept(held, opinions))  # type: ignore[arg-type]
    assert order(queue) == ["disputed", "large", "small", "earlier", "provisional", "no alert", "second", "done"]
    assert [e.case.facts.event_id for e in queue.shown(Filter(), 1)] == [
        "disputed",
        "large",
        "small",
        "earlier",
        "provisional",
    ]
    assert queue.neighbours("small", Filter(), 1) == ("large", "earlier")
    assert queue.neighbours("no alert", Filter(), 1) == ("provisional", None)
    assert queue.neighbours("nothing", Filter(), 1) == (None, None)


def test_the_queue_asks_again_only_for_what_is_new() -> None:
    kept = Kept([FACTS])
    queue = Queue(kept)  # type: ignore[arg-type]
    assert [entry.standing for entry in queue.entries()] == [ReviewStatus.WAITING]
    kept.said.append(said(1, "confirmed"))
    assert [entry.standing for entry in queue.entries()] == [ReviewStatus.SECOND]
    kept.said[0] = replace(kept.said[0], withdrawn_at=NOW)
    assert [entry.standing for entry in queue.entries()] == [ReviewStatus.WAITING]
    assert kept.asked == 1
    kept.held.append(replace(FACTS, event_id=EventId("ev-2")))
    assert len(queue.entries()) == 2
    assert queue.find("ev-2") is not None
    assert queue.find("ev-3") is None


words = st.text(max_size=40)


@given(asked=st.dictionaries(st.sampled_from(["show", "kind", "change", "state", "text", "page"]), words))
def test_any_address_is_a_filter_and_comes_back_from_its_own_query(asked: dict[str, str]) -> None:
    chosen = filter_of(asked)
    assert filter_of(dict(parse_qsl(chosen.query))) == chosen
    queue = Queue(Kept([FACTS]))  # type: ignore[arg-type]
    assert len(queue.shown(chosen, 1)) <= 1
    assert len(queue.shown(Filter(EVERYTHING), 1)) == 1
