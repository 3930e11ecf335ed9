"""A random sample of ground that raised nothing, and what people's answers about it say of all such ground."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from detectors.inference.exact_intervals import IntervalEstimate, rate_interval, weighted_rate_interval


class SeenClass(StrEnum):
    """How well a piece of ground was seen over the weeks that a question is about."""

    WELL = "well"
    PARTLY = "partly"
    HARDLY = "hardly"


CLASS_LIMITS = {SeenClass.WELL: 0.6, SeenClass.PARTLY: 0.3, SeenClass.HARDLY: 0.0}
"""The least mean share of the ground seen in a week; chosen so that each class holds a part of a monsoon year."""


@dataclass(frozen=True)
class QuietUnit:
    """A site, or a cell of searched ground, that raised nothing: its key, and the mean share of it seen in a week."""

    key: str
    seen_share: float

    @property
    def seen_class(self) -> SeenClass:
        """Return the stratum that it belongs to."""
        return next(name for name, least in CLASS_LIMITS.items() if self.seen_share >= least)


@dataclass(frozen=True)
class DrawnUnit:
    """A unit of the sample, and of how many of its stratum it was drawn."""

    unit: QuietUnit
    of: int


@dataclass(frozen=True)
class StratumAnswers:
    """What was answered about one stratum.

    `population` is the sum of unit-years that could have been drawn; `exposure` of those answered with yes or no (in
    site-years, or km² times years); `missed` changes were found there; `unsure` units could not be told; `waiting`
    ones nobody has looked at.
    """

    seen_class: SeenClass
    population: float
    exposure: float
    answered: int
    missed: int
    unsure: int
    waiting: int


@dataclass(frozen=True)
class MissedEstimate:
    """What is missed per unit and year.

    `by_class` holds each stratum that was answered; `total` weighs them by how much of such ground there is; `covered`
    is the share of it, 0 to 1, that the answered strata stand for.
    """

    by_class: Mapping[SeenClass, IntervalEstimate]
    total: IntervalEstimate
    covered: float


def draw_sample(
    units: Iterable[QuietUnit], *, size: int, seed: str, but: Collection[str] = ()
) -> tuple[DrawnUnit, ...]:
    """Draw units at random: as many of each stratum, and more of the others where one has too few.

    Which ones depends on the seed and on the keys alone, so a unit that joins moves no other one.

    Parameters
    ----------
    units
        All that could be drawn, each key once.
    size
        How many to draw, 0 or more; fewer are drawn where there are fewer.
    seed
        Any text.
    but
        Keys of units that are not drawn, as people have just looked at them; they count among their stratum.

    Returns
    -------
    tuple of DrawnUnit, the best seen stratum first, in the order of the draw.
    """
    strata: dict[SeenClass, list[QuietUnit]] = {name: [] for name in SeenClass}
    for unit in units:
        strata[unit.seen_class].append(unit)
    free = {name: [unit for unit in held if unit.key not in but] for name, held in strata.items()}
    shares = _shares({name: len(held) for name, held in free.items()}, size)
    drawn: list[DrawnUnit] = []
    for name, held in free.items():
        ordered = sorted(held, key=lambda unit: sha256(f"{seed} {unit.key}".encode()).digest())
        drawn += [DrawnUnit(unit, len(strata[name])) for unit in ordered[: shares[name]]]
    return tuple(drawn)


def missed_of(strata: Sequence[StratumAnswers]) -> MissedEstimate | None:
    """Estimate what is missed per unit and year from the answers about each stratum.

    Parameters
    ----------
    strata
        The answers, each class at most once.

    Returns
    -------
    MissedEstimate; None where nobody has answered anything.
    """
    told = [one for one in strata if one.exposure > 0]
    if not told:
        return None
    population = sum(one.population for one in told)
    weights = [one.population / population / one.exposure for one in told]
    return MissedEstimate(
        by_class={one.seen_class: rate_interval(one.missed, one.exposure) for one in told},
        total=weighted_rate_interval([one.missed for one in told], weights),
        covered=population / sum(one.population for one in strata),
    )


def _shares(sizes: Mapping[SeenClass, int], size: int) -> dict[SeenClass, int]:
    """How many of each stratum: one in turn, until there are enough or no more."""
    shares = dict.fromkeys(sizes, 0)
    while sum(shares.values()) < min(size, sum(sizes.values())):
        for name in sizes:
            if shares[name] < sizes[name] and sum(shares.values()) < size:
                shares[name] += 1
    return shares
