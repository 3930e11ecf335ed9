"""One event as the page shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from aois.area import Area
from aois.grid import PIXEL_SIZE_M
from detectors.records import State
from flows.records.events import EventRecord
from flows.records.ids import EventId
from flows.reports.browser_links import BrowserLink
from flows.reports.charts import Chart, chart_of
from flows.reports.figures import Picture, case_picture, path_of, thumb_picture
from flows.reports.inputs import Chip, EventView, Pair, Said, StateStep

Address = Callable[[str, Chip], str]
"""Where a picture is found, by its name within the case (``radar-before``, ``thumb-3``); empty: in the page itself."""
BY_WEIGHT = (State.CONFIRMED, State.PROVISIONAL, State.FINISHED, State.RETRACTED)


@dataclass(frozen=True)
class Pairing:
    """One kind of picture before and after a change."""

    kind: str
    before: Picture | None
    after: Picture | None


@dataclass(frozen=True)
class Case:
    """One event as the page shows it; `change` and `perimeter` are SVG path data in a frame of the chips' `shape`.

    `links` are positions: they are there on pages alone that may show where places lie. A case that `is_listed` has a
    line in the list of all events alone, at its anchor. `reference` is what messages call it, empty in the public
    edition.
    """

    anchor: str
    place: str
    facts: EventRecord
    is_new: bool
    is_changed: bool
    pairs: tuple[Pairing, ...]
    thumbs: tuple[Picture, ...]
    shape: tuple[int, int]
    change: str
    perimeter: str
    charts: tuple[Chart, ...]
    steps: tuple[StateStep, ...]
    empty_series: tuple[str, ...]
    verdicts: tuple[Said, ...] = ()
    near: frozenset[EventId] = frozenset()
    links: tuple[BrowserLink, ...] = ()
    is_listed: bool = False
    reference: str = ""

    @property
    def is_disputed(self) -> bool:
        """Whether reviewers' last words contradict one another."""
        last = {said.by: said.verdict for said in self.verdicts}
        return {"confirmed", "rejected"} <= set(last.values())

    @property
    def is_news(self) -> bool:
        """Whether this week brought it or changed it."""
        return self.is_new or self.is_changed


class Anchors:
    """Hands out ids that are safe in a link and never given twice."""

    def __init__(self) -> None:
        """None given yet."""
        self._given: set[str] = set()

    def give(self, prefix: str, name: str) -> str:
        """An id that holds the prefix and what of the name an id may hold."""
        plain = f"{prefix}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')[:64]}"
        anchor, number = plain, 1
        while anchor in self._given:
            number += 1
            anchor = f"{plain}-{number}"
        self._given.add(anchor)
        return anchor


def case_of(event: EventView, area: Area, place: str, anchors: Anchors, *, address: Address | None = None) -> Case:
    """An event with its figures, pictures and charts; pictures stand in the page unless they have an address."""
    facts = event.event
    marked = [response.date for response in area.responses]
    drawn = [
        (series.label, chart_of(series, first_seen=facts.first_seen, confirmed_on=facts.confirmed_on, responses=marked))
        for series in event.series
    ]
    return Case(
        anchor=anchors.give("case", facts.event_id),
        place=place,
        facts=facts,
        is_new=event.new_this_week,
        is_changed=event.changed_this_week and not event.new_this_week,
        pairs=_pairs(event, address or _in_the_page),
        thumbs=tuple(
            thumb_picture(chip, (address or _in_the_page)(f"thumb-{i}", chip)) for i, chip in enumerate(event.thumbs)
        ),
        shape=(event.outline.shape[0], event.outline.shape[1]),
        change=path_of(event.outline),
        perimeter=path_of(event.perimeter),
        charts=tuple(chart for _, chart in drawn if chart is not None),
        steps=event.steps,
        empty_series=tuple(label for label, chart in drawn if chart is None),
        verdicts=event.verdicts,
        near=event.near,
        is_listed=event.is_listed,
        reference=event.reference,
    )


def _pairs(event: EventView, address: Address) -> tuple[Pairing, ...]:
    """The main pair first, kept as measured while the case is news; the others compressed for looking at."""
    is_news = event.new_this_week or event.changed_this_week
    main = _pairing(Pair("", event.before, event.after), address, is_evidence=is_news)
    return main, *(_pairing(pair, address, is_evidence=False) for pair in event.more)


def _pairing(pair: Pair, address: Address, *, is_evidence: bool) -> Pairing:
    before, after = (
        None
        if chip is None
        else case_picture(
            chip,
            pixel_size_m=PIXEL_SIZE_M,
            is_evidence=is_evidence,
            uri=address(f"{pair.kind or 'main'}-{when}", chip),
        )
        for when, chip in (("before", pair.before), ("after", pair.after))
    )
    return Pairing(pair.kind, before, after)


def _in_the_page(_name: str, _chip: Chip) -> str:
    return ""


def weight_of(case: Case) -> tuple[bool, bool, int, float, str]:
    """New before changed before the rest; then by state, by size, and by id so that the order is never by chance."""
    facts = case.facts
    return not case.is_new, not case.is_changed, BY_WEIGHT.index(facts.state), -facts.area_m2, facts.event_id
