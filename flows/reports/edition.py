"""The two editions of a week: everything for its owner, and what may leave the house."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

from aois.area import Area, Sensitivity
from flows.records.claims import CheckedClaim
from flows.records.events import EventRecord
from flows.records.ids import AlertId, EventId, SceneId, scene_name
from flows.reports.inputs import AreaView, Chip, Edition, EventView, Pair, ReportInputs, WeekCounts
from flows.reports.restricted_totals import RestrictedTotals

SHOWN_FIELDS = (
    "alert_id", "event_id", "area_id", "kind", "change", "state", "first_seen", "confirmed_on", "issued_on", "area_m2",
    "area_m2_low", "area_m2_high", "length_m", "closure", "confidence", "sensors", "criteria", "merged_into",
    "is_simulated",
)  # fmt: skip
MEASURED_TO_OTHERS = frozenset(("near-an-intervention",))
"""Criteria that tell how far off another place is, which may be a restricted one."""
WITHHELD = "The reason is in the owner's edition."
Event = TypeVar("Event", bound=EventRecord)
EventNames: TypeAlias = Mapping[EventId, EventId]
"""What the public edition calls events, by their ids."""


def public_inputs(
    inputs: ReportInputs,
    *,
    shown: Container[str],
    counts: tuple[WeekCounts, ...],
    crowd: RestrictedTotals,
    recorded: Sequence[EventRecord] = (),
) -> ReportInputs:
    """Make the week that the public edition is built from; it does not hold what that edition must not show.

    Parameters
    ----------
    inputs
        The owner's week.
    shown
        Ids of the areas that may be shown as they are: public ones, and those whose pictures the owner released.
    counts
        The last weeks in figures over those areas alone.
    crowd
        All other areas together.
    recorded
        All events on record of the areas shown, which have their numbers with those of the page.

    Returns
    -------
    ReportInputs
        The areas shown, their events numbered, without outlines, scene ids, times of a pass, orbits, weeks of cloud,
        overviews, initials of reviewers, reasons of failures, and without references, by which a message would lead to
        its place. Nothing at all of the others, beside what `crowd` says of them together. How many alerts were
        reviewed, and how providers answered, is left out; which bands of confidence have lost their numbers is told,
        as those are left out here too.
    """
    held = [view for view in inputs.areas if view.area.id in shown]
    names = public_names((*recorded, *(one.event for view in held for one in view.events)))
    views = tuple(_view(view, names) for view in held)
    return ReportInputs(
        inputs.week,
        inputs.source,
        views,
        counts=counts,
        edition=Edition.PUBLIC,
        crowd=crowd,
        contradicted=inputs.contradicted,
        claims=tuple(shown_claim(one) for one in inputs.claims if one.claim.area_id in shown),
    )


def shown_claim(one: CheckedClaim) -> CheckedClaim:
    """Return a claim and its answer without the structures, and without who entered it."""
    answer = None if one.answer is None else replace(one.answer, structures=(), basis="")
    return CheckedClaim(replace(one.claim, entered_by=""), answer)


def _view(view: AreaView, names: EventNames) -> AreaView:
    return replace(
        view,
        overview=None,
        overview_outline=None,
        overview_perimeter=None,
        events=tuple(_event(event, names) for event in view.events),
        failure=WITHHELD if view.failure else "",
        arrivals=None,
        next_due=None,
        clouds=None,
    )


def _event(event: EventView, names: EventNames) -> EventView:
    return replace(
        event,
        event=renamed(public_event(event.event), names),
        before=_chip(event.before),
        after=_chip(event.after),
        more=tuple(Pair(pair.kind, _chip(pair.before), _chip(pair.after)) for pair in event.more),
        thumbs=tuple(replace(chip, scene_id="", recipe=None) for chip in event.thumbs),
        verdicts=(),
        near=frozenset(names[one] for one in event.near),
        reference="",
    )


def _chip(chip: Chip | None) -> Chip | None:
    return None if chip is None else replace(chip, scene_id="", recipe=None)


def may_be_shown(area: Area, released: Container[str]) -> bool:
    """Whether an area may be shown by itself: its list calls it public, or its owner released it by its id."""
    return area.sensitivity is Sensitivity.PUBLIC or area.id in released


def public_names(events: Iterable[EventRecord]) -> EventNames:
    """Number the events of each area in the order in which they were first seen.

    Ids of events and alerts are digests of the area's id, the day and the pixel where the event was first seen: whoever
    tries all pixels of an area finds the same digest, and so the pixel.
    """
    names: dict[EventId, EventId] = {}
    counts = Counter[str]()
    known = {one.event_id: one for one in events}
    for event in sorted(known.values(), key=lambda one: (one.area_id, one.first_seen, one.event_id)):
        counts[event.area_id] += 1
        names[event.event_id] = EventId(f"{event.area_id}-{counts[event.area_id]}")
    return names


def renamed(event: Event, names: EventNames) -> Event:
    """Return the event under its number, which is that of its alert too."""
    name, merged = names[event.event_id], event.merged_into
    return replace(
        event,
        event_id=name,
        alert_id=None if event.alert_id is None else AlertId(name),
        merged_into=None if merged is None else names.get(merged, name),
    )


def public_event(event: EventRecord) -> EventRecord:
    """The event without its outline and what was measured to other places, its scenes as instrument and day."""
    said = {name: value for name, value in vars(event).items() if name in SHOWN_FIELDS}
    criteria = tuple(one for one in event.criteria if one.name not in MEASURED_TO_OTHERS)
    passes = tuple(SceneId(str(scene_name(scene))) for scene in event.scenes)
    return EventRecord(**{**said, "criteria": criteria, "scenes": passes})
