# mypy: strict-optional=False
"""Two phases put into a real series: ground is broken, and months later roofs stand on a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from buildings import free_place, real_change
from replay import watch
from scoring import Figure, counted, share
from series import measured, real_series, shape_of

from detectors.records import Event, State
from detectors.sensitivity.injection import Injected, block, injected

SERIES, SPAN = "romania", (date(2019, 1, 7), date(2020, 12, 27))
PLACES, BROKEN_PX, ROOFED_PX, MIXING = 6, 49, 16, 0.9
BETWEEN_DAYS, WITHIN_DAYS, EARLY_DAYS = (60, 150), 150, -15
STEP, HELD, MISSED = "a step of its own", "in the event without a step", "in no event"
OWN, AFRESH = "an event of its own", "an event of its own, the first being finished"


@dataclass(frozen=True)
class Phased:
    """One place: was the broken ground confirmed before the roofs came, and what became of these."""

    broken: bool
    fate: str


def trials(*, seed: int) -> list[Phased]:
    """Some places in the series, watched together."""
    acquisitions = real_series(SERIES)
    rng = np.random.default_rng(700 + seed)
    barred, taken = real_change(acquisitions, *SPAN) | ~measured(acquisitions), np.zeros(shape_of(acquisitions), bool)
    placed = []
    for n in range(PLACES):
        at = free_place(barred, taken, BROKEN_PX, rng)
        if at is not None:
            begins = SPAN[0] + timedelta(days=int(rng.integers(30, 400)))
            built = begins + timedelta(days=int(rng.integers(*BETWEEN_DAYS)))
            ground, roofs = (block(taken.shape, at, px, mixing=MIXING, rng=rng) for px in (BROKEN_PX, ROOFED_PX))
            placed.append(
                (
                    Injected("broken", "soil", ground, begins, seed * 100 + n),
                    Injected("roofs", "metal", roofs, built, seed * 100 + 50 + n),
                )
            )
    seen = watch(injected(acquisitions, [change for both in placed for change in both]), since=SPAN[0], until=SPAN[1])
    return [_judged(ground, roofs, seen.confirmed()) for ground, roofs in placed]


def _judged(ground: Injected, roofs: Injected, confirmed: Sequence[Event]) -> Phased:
    def days(day: date) -> int:
        return (day - roofs.since).days

    first = [
        e for e in confirmed if (e.footprint.frame() & (ground.share > 0.5)).any() and days(e.first_seen) < EARLY_DAYS
    ]
    held = [e for e in confirmed if (e.footprint.frame() & (roofs.share > 0.5)).any()]
    fate = HELD if held else MISSED
    own = [e for e in held if EARLY_DAYS <= days(e.first_seen) <= WITHIN_DAYS]
    if own:
        told = min(e.transitions[0].on for e in own)
        over = [any(t.state is State.FINISHED and t.on <= told for t in e.transitions) for e in first]
        fate = AFRESH if over and all(over) else OWN
    if any(EARLY_DAYS <= days(step) <= WITHIN_DAYS for e in held for step in e.steps[1:] if days(e.first_seen) < 0):
        fate = STEP
    return Phased(any(days(e.confirmed_on) <= 0 for e in first), fate)


def figures(results: list[Phased]) -> list[Figure]:
    """The lines of the table for phases."""
    later = [r.fate for r in results if r.broken]
    name = f"Romania, roofs {BETWEEN_DAYS[0]} to {BETWEEN_DAYS[1]} days after ground was broken"
    why = counted(fate for fate in later if fate != STEP)
    return [
        share(f"{name}: ground confirmed before", [r.broken for r in results]),
        share(f"{name}: roofs found as a step or an event of their own", [f in (STEP, OWN, AFRESH) for f in later]),
        share(f"{name}: roofs found as a step of the same event", [f == STEP for f in later], "1.00", why=why),
    ]
