"""Two phases put into a real series: ground is broken, and most of a year later roofs stand on a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from buildings import free_place, real_change
from replay import watch
from scoring import Figure, of_missed, share
from series import measured, real_series, shape_of

from detectors.injection import Injected, block, injected

SERIES, SPAN = "romania", (date(2018, 1, 1), date(2020, 12, 27))
PLACES, BROKEN_PX, ROOFED_PX, MIXING = 5, 100, 25, 0.9
BETWEEN_DAYS, WITHIN_DAYS, EARLY_DAYS = (200, 300), 150, -15


@dataclass(frozen=True)
class Phased:
    """One place: was the broken ground confirmed, do the roofs lie in an event, and is it the same, with a step then."""

    broken: bool
    held: bool
    own_step: bool


def trials(*, seed: int) -> list[Phased]:
    """Some places in the series, watched together."""
    looks = real_series(SERIES)
    rng = np.random.default_rng(700 + seed)
    barred, taken = real_change(looks, *SPAN) | ~measured(looks), np.zeros(shape_of(looks), bool)
    placed = []
    for n in range(PLACES):
        at = free_place(barred, taken, BROKEN_PX, rng)
        if at is not None:
            begins = SPAN[0] + timedelta(days=int(rng.integers(60, 400)))
            built = begins + timedelta(days=int(rng.integers(*BETWEEN_DAYS)))
            ground, roofs = (block(taken.shape, at, px, mixing=MIXING, rng=rng) for px in (BROKEN_PX, ROOFED_PX))
            placed.append(
                (
                    Injected("broken", "soil", ground, begins, seed * 100 + n),
                    Injected("roofs", "metal", roofs, built, seed * 100 + 50 + n),
                )
            )
    seen = watch(injected(looks, [change for both in placed for change in both]), since=SPAN[0], until=SPAN[1])
    out = []
    for ground, roofs in placed:
        first = [
            e for e in seen.confirmed() if (e.footprint & (ground.share > 0.5)).any() and e.first_seen < roofs.since
        ]
        held = [e for e in seen.confirmed() if (e.footprint & (roofs.share > 0.5)).any()]
        steps = [(step - roofs.since).days for e in first for step in e.steps[1:] if e in held]
        own = any(EARLY_DAYS <= days <= WITHIN_DAYS for days in steps)
        out.append(Phased(any(e.confirmed_on <= roofs.since for e in first), bool(held), own))
    return out


def figures(results: list[Phased]) -> list[Figure]:
    """The lines of the table for phases."""
    later = [r for r in results if r.broken]
    kinds = {"in the event without a step": lambda r: r.held, "in no event": lambda r: not r.held}
    name, why = "Romania, ground broken", of_missed([r for r in later if not r.own_step], kinds)
    what = f"{name}, roofs {BETWEEN_DAYS[0]} days later and more: found as a step of its own of the same event"
    return [
        share(f"{name}: confirmed before roofs stand on it", [r.broken for r in results]),
        share(what, [r.own_step for r in later], "1.00", why=why),
    ]
