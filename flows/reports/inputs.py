"""What a report is made from: everything is measured and cut out before it comes here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from aois.area import Area
from aois.errors import UserError
from aois.week import Week
from detectors.claims.work_phases import WorkClock
from detectors.records import AlertKind, State, UnfamiliarGround
from flows.ledger.precision import StatedBand
from flows.records.acquisitions import Arrivals, DueAcquisition
from flows.records.claims import CheckedClaim, StructureRecord
from flows.records.events import EventRecord
from flows.records.ids import EventId
from flows.records.provider_weeks import ProviderWeek

if TYPE_CHECKING:
    from flows.reports.missed import MissedFigures
    from flows.reports.relocation import RelocationFigures
    from flows.reports.restricted_totals import RestrictedTotals

SIMULATED = "simulated"
YEARS_TO_TELL = 2  # of a week of the year, before it can be said to be always hidden
Mask = npt.NDArray[np.bool_]
Rgb = npt.NDArray[np.uint8]
Values = npt.NDArray[np.floating[Any]]


class ReportError(UserError, ValueError):
    """A report cannot be built from what was given; the message says what, the value, and what to do."""


class Edition(StrEnum):
    """For whom a week's pages and files are."""

    OWNER = "owner"
    """Everything: whoever has it can find every place. Folders of mode 0700, files of 0600."""
    PUBLIC = "public"
    """What may leave the house: nothing in it leads to a place that is neither public nor released by its owner."""


@dataclass(frozen=True)
class RenderSpec:
    """How a picture was made, enough to draw it again from the archived scenes.

    The scenes were averaged; `bands` are drawn as red, green and blue, each between two `limits` in its own unit. For
    radar (no bands) the limits are fixed.
    """

    scenes: tuple[str, ...]
    bands: tuple[str, ...] = ()
    limits: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Chip:
    """One picture: `rgb` is uint8 (y, x, 3), north up; `looks` were averaged for it, dated by the last.

    `caption` adds what the picture shows: ``radar``, ``false-nir`` and ``false-swir`` are known to the catalogs, other
    text is shown as it is.
    """

    day: date
    scene_id: str
    sensor: str
    rgb: Rgb
    caption: str = ""
    looks: int = 1
    recipe: RenderSpec | None = None

    def __post_init__(self) -> None:
        """Refuse anything that is not a picture."""
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8 or not self.rgb.size:
            raise ReportError(
                f"chip of `{self.scene_id}`: rgb is {self.rgb.dtype} {self.rgb.shape}; give uint8 (y, x, 3), not empty"
            )


@dataclass(frozen=True)
class Pair:
    """The same ground before a change and after it, in one kind of picture; either may be missing."""

    kind: str
    before: Chip | None
    after: Chip | None


@dataclass(frozen=True)
class Series:
    """One quantity over time, all arrays of one length.

    `label` is a name that the catalogs know (``vegetation``), or is shown as it is. `values` is NaN where the ground
    was not seen. `expected` and `spread` (one standard deviation) say what the baseline foretold; expected ± 2 spread
    is drawn as a band, either may be None.
    """

    label: str
    unit: str
    days: tuple[date, ...]
    values: Values
    expected: Values | None = None
    spread: Values | None = None

    def __post_init__(self) -> None:
        """Refuse arrays of different lengths."""
        for name in ("values", "expected", "spread"):
            array = getattr(self, name)
            if array is not None and np.shape(array) != (len(self.days),):
                raise ReportError(
                    f"series `{self.label}`: {name} has shape {np.shape(array)} for {len(self.days)} days; "
                    "give one value a day"
                )


@dataclass(frozen=True)
class Extent:
    """An amount of ground in m², or of m² a month, with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class AreaTotals:
    """What had been measured at an area by the end of a day, from the day its watch began.

    Sums over the events held to be real by then. `line_m` is the length of new fences and walls, `closure` the largest
    share of a ring that one of them covers.
    """

    day: date
    built: Extent
    cleared: Extent
    demolished: Extent
    line_m: float
    closure: float | None


@dataclass(frozen=True)
class StateStep:
    """A state that an event reached, and on which day."""

    state: State
    on: date


@dataclass(frozen=True)
class Said:
    """A reviewer's verdict as a page that travels may show it: initials instead of a name, and no note.

    `verdict` is ``confirmed``, ``rejected`` or ``unsure``; a rejection has a `reason` of the ledger's short list.
    """

    by: str
    on: date
    verdict: str
    reason: str = ""


@dataclass(frozen=True)
class EventView:
    """One event with its pictures.

    `event` is an `Alert` where one went out. `outline` and `perimeter` are bool (y, x) in the same crop as the two
    chips. `near` are the ids of the events that one would take for the same place. `is_listed` says that neither
    pictures nor curves were made of it: its area has more events than a page can show. `reference` is what messages
    call it; it is empty in the public edition.
    """

    event: EventRecord
    before: Chip | None
    after: Chip | None
    outline: Mask
    perimeter: Mask | None
    series: tuple[Series, ...]
    new_this_week: bool
    changed_this_week: bool
    more: tuple[Pair, ...] = ()
    thumbs: tuple[Chip, ...] = ()
    steps: tuple[StateStep, ...] = ()
    verdicts: tuple[Said, ...] = ()
    near: frozenset[EventId] = frozenset()
    is_listed: bool = False
    reference: str = ""

    @property
    def event_id(self) -> EventId:
        """The id of the event."""
        return self.event.event_id

    def __post_init__(self) -> None:
        """Refuse masks cut to another crop than the chips."""
        for name, chip in (("before", self.before), ("after", self.after)):
            _require_same_crop(f"chip `{name}`", chip, self.outline)
        for pair in self.more:
            for chip in (pair.before, pair.after):
                _require_same_crop(f"chip `{pair.kind}`", chip, self.outline)
        if self.perimeter is not None and self.perimeter.shape != self.outline.shape:
            raise ReportError(
                f"perimeter has shape {self.perimeter.shape}, outline {self.outline.shape}; cut both to the same crop"
            )


@dataclass(frozen=True)
class WeekSeen:
    """How much of an area was seen clearly in a week: share 0 to 1, scenes used, and the last clear look so far.

    `unfamiliar` says how much of its ground is unlike any that the watch was fitted on; None where little is.
    """

    week: Week
    seen_share: float
    scenes: int
    last_clear_look: date | None
    unfamiliar: UnfamiliarGround | None = None


@dataclass(frozen=True)
class CloudyWeeks:
    """The weeks in which Sentinel-2 passed over an area, and those in which clouds hid more than half of it.

    `calendar` holds for each week of the year, from the first to the 53rd, in how many years it was hidden, and in how
    many there was a pass.
    """

    passed: int
    hidden: int
    calendar: tuple[tuple[int, int], ...]

    @property
    def share(self) -> float:
        """The share of weeks that clouds hid, 0 to 1."""
        return self.hidden / self.passed

    @property
    def always(self) -> tuple[int, ...]:
        """The weeks of the year that were hidden in each of two years or more."""
        return tuple(number for number, (hid, years) in enumerate(self.calendar, 1) if years == hid >= YEARS_TO_TELL)

    @property
    def told(self) -> int:
        """How many weeks of the year were passed in two years or more, so that they can be told."""
        return sum(years >= YEARS_TO_TELL for _, years in self.calendar)


@dataclass(frozen=True)
class SiteClock:
    """The works of a site by the week's end; `went_on_after` is the last response after which they never stopped."""

    clock: WorkClock
    went_on_after: date | None = None


@dataclass(frozen=True)
class AreaView:
    """One area in the report.

    `overview` shows the whole grid, reduced or not; its two masks have the shape of its picture. `weeks` holds every
    week on record, oldest first; `standings` the months since the watch began, the first before it and the last at the
    week's end. `failure` is not empty when the area could not be worked on this week. `arrivals` are the acquisitions
    that the orbits promised for the week, `next_due` is the first after it; None where nothing is known.
    """

    area: Area
    grid_shape: tuple[int, int]
    overview: Chip | None
    overview_outline: Mask | None
    overview_perimeter: Mask | None
    weeks: tuple[WeekSeen, ...]
    events: tuple[EventView, ...]
    failure: str = ""
    standings: tuple[AreaTotals, ...] = ()
    arrivals: Arrivals | None = None
    next_due: DueAcquisition | None = None
    clouds: CloudyWeeks | None = None
    clock: SiteClock | None = None

    def __post_init__(self) -> None:
        """Refuse masks of another shape than the overview."""
        for mask in (self.overview_outline, self.overview_perimeter):
            if mask is not None:
                _require_same_crop(f"overview of area `{self.area.id}`", self.overview, mask)


@dataclass(frozen=True)
class WeekCounts:
    """A week in figures: alerts that went out, by kind; alerts that came into a state; areas watched, and seen."""

    week: Week
    issued: Mapping[AlertKind, int]
    entered: Mapping[State, int]
    watched: int
    seen: int


@dataclass(frozen=True)
class MutedFigures:
    """Places whose messages somebody muted, and the alerts of the week that were sent in no channel because of it."""

    places: int
    alerts: int


@dataclass(frozen=True)
class ReportInputs:
    """A week's report: the week, the name of the imagery source, the areas, and anything else to be said.

    `counts` holds this week and up to four before it, oldest first. `is_restricted` says that the page may show where
    places lie; without it only places that the list calls public are put on the map. `crowd` is there in the public
    edition alone: what is said of all the places that are not among its `areas`. `reviewed` says how stated confidences
    fared with reviewers, and `contradicted` names the bands (by their lower ends) whose numbers are not shown.
    `providers` are the last weeks of each provider of imagery. `missed`, `muted` and `relocation` are the owner's
    alone; pairs by name are shown only where `is_restricted`. `claims` are those about its areas with their answers,
    `structures` the outlines that they were checked on, by id.
    """

    week: Week
    source: str
    areas: tuple[AreaView, ...]
    notes: tuple[str, ...] = ()
    counts: tuple[WeekCounts, ...] = ()
    is_restricted: bool = False
    edition: Edition = Edition.OWNER
    crowd: RestrictedTotals | None = None
    reviewed: tuple[StatedBand, ...] = ()
    contradicted: frozenset[float] = frozenset()
    providers: tuple[ProviderWeek, ...] = ()
    missed: MissedFigures | None = None
    muted: MutedFigures | None = None
    relocation: RelocationFigures | None = None
    claims: tuple[CheckedClaim, ...] = ()
    structures: Mapping[str, StructureRecord] = field(default_factory=dict)

    @property
    def is_simulated(self) -> bool:
        """Whether the places, the pictures and the events are made up."""
        return self.source == SIMULATED


def _require_same_crop(what: str, chip: Chip | None, mask: Mask) -> None:
    if chip is not None and chip.rgb.shape[:2] != mask.shape:
        raise ReportError(f"{what} has shape {chip.rgb.shape[:2]}, its mask {mask.shape}; cut both to the same crop")
