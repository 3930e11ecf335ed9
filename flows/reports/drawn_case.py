"""A case for those who are not shown its pictures: rounded sizes, a drawing, and how it went by quarter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor

import numpy as np

from detectors.records import Change
from flows.records.events import EventRecord
from flows.reports.charts import BAND_SPREADS
from flows.reports.drawings import Drawing, draw_ground, draw_line, two_figures
from flows.reports.inputs import EventView, Series

CLOSURE_STEPS = 4  # a ring is told as closed by quarters
VALUE_STEPS = 10


@dataclass(frozen=True)
class QuarterCourse:
    """One quarter of a measure: ``above``, ``below`` or ``within`` what was expected."""

    year: int
    quarter: int
    course: str


@dataclass(frozen=True)
class Course:
    """A measure by quarter, against what the baseline foretold; quarters without a clear look are left out."""

    label: str
    quarters: tuple[QuarterCourse, ...]


@dataclass(frozen=True)
class DrawnCase:
    """A case without pictures, scenes, outline and dated measurements; `drawing` is None without a size."""

    facts: EventRecord
    drawing: Drawing | None
    courses: tuple[Course, ...]


def draw_case(event: EventView, *, elongation: float) -> DrawnCase:
    """Make a case that shows no picture.

    Parameters
    ----------
    event
        The event; its pictures, its outline and its scenes are left out.
    elongation
        Width over height of the drawing, as `elongation_of` gives it.
    """
    facts = rounded(event.event)
    courses = (course_of(series) for series in event.series)
    return DrawnCase(facts, _drawing(facts, elongation), tuple(course for course in courses if course is not None))


def rounded(facts: EventRecord) -> EventRecord:
    """Return the facts with sizes of two significant figures and without scenes, sensors and measured details."""
    return replace(
        facts,
        area_m2=two_figures(facts.area_m2),
        area_m2_low=two_figures(facts.area_m2_low),
        area_m2_high=two_figures(facts.area_m2_high),
        length_m=None if facts.length_m is None else two_figures(facts.length_m),
        closure=None if facts.closure is None else round(facts.closure * CLOSURE_STEPS) / CLOSURE_STEPS,
        confidence=floor(facts.confidence * VALUE_STEPS) / VALUE_STEPS,  # down: a rank gets no digits, a band stays
        sensors=(),
        scenes=(),
        geometry=None,
        steps=(),
        suspect_score=None,
        criteria=tuple(
            replace(one, value=round(one.value * VALUE_STEPS) / VALUE_STEPS, detail="") for one in facts.criteria
        ),
    )


def course_of(series: Series) -> Course | None:
    """Tell for each quarter whether a measure lay within what was expected; None without an expectation."""
    if series.expected is None or series.spread is None:
        return None
    away = (np.asarray(series.values, float) - series.expected) / np.maximum(series.spread, 1e-9)
    by_quarter: dict[tuple[int, int], list[float]] = {}
    for day, value in zip(series.days, away.tolist(), strict=True):
        if np.isfinite(value):
            by_quarter.setdefault((day.year, (day.month - 1) // 3 + 1), []).append(value)
    told = tuple(QuarterCourse(*when, _course(float(np.mean(values)))) for when, values in sorted(by_quarter.items()))
    return Course(series.label, told) if told else None


def _course(away: float) -> str:
    return "above" if away > BAND_SPREADS else "below" if away < -BAND_SPREADS else "within"


def _drawing(facts: EventRecord, elongation: float) -> Drawing | None:
    if facts.change is Change.FENCING and facts.length_m:
        return draw_line([facts.length_m], closure=facts.closure or 0.0)
    return draw_ground([facts.area_m2], elongation=elongation) if facts.area_m2 else None
