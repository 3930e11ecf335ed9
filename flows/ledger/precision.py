"""How often alerts held when a person looked, and whether their numbers did: pure arithmetic over verdicts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import sqrt
from statistics import NormalDist

from flows.records.confidence import BANDS, CALIBRATED_FROM, band_of
from flows.records.reviews import Verdict

Z95 = NormalDist().inv_cdf(0.975)  # of a two-sided interval of 95 %
FEWEST = 5
"""Verdicts below which a band is not contradicted: one rejection alone would leave Wilson's interval below 0.8."""


class Split(StrEnum):
    """What live precision is told apart by."""

    NOTHING = "all"
    AREA = "area"
    CHANGE = "change"
    CONFIDENCE = "confidence"


@dataclass(frozen=True)
class Judged:
    """An alerted event as its reviewer saw it, or as it is if nobody has judged it (`verdict` None).

    `confidence` is what its alert stated when it went out.
    """

    area_id: str
    change: str
    confidence: float
    verdict: Verdict | None


@dataclass(frozen=True)
class Precision:
    """How the alerts of one group fared, and the share of those decided that held.

    `share` is confirmed / (confirmed + rejected), 0 to 1, with its 95 % interval by Wilson; None while nothing is
    decided. `unsure` and `waiting` (nobody has judged them) are beside it, so that few verdicts are not read as many.
    """

    group: str
    confirmed: int
    rejected: int
    unsure: int
    waiting: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class StatedBand:
    """What became of the alerts that stated a confidence from `low` up to `high`.

    Of `reviewed` ones, confirmed or rejected, `borne_out` were confirmed; `least` and `most` are the ends of the 95 %
    interval of their share by Wilson. Alerts that nobody decided on are left out.
    """

    low: float
    high: float
    reviewed: int
    borne_out: int
    least: float
    most: float

    @property
    def is_stated(self) -> bool:
        """Tell whether numbers of the band are shown at all; those of the lowest are ranks."""
        return self.low >= CALIBRATED_FROM

    @property
    def is_contradicted(self) -> bool:
        """Tell whether verdicts say that the numbers of the band are too high: the whole interval lies under it."""
        return self.is_stated and self.reviewed >= FEWEST and self.most < self.low


def reliability_of(judged: Iterable[Judged]) -> list[StatedBand]:
    """Set stated confidences against verdicts, by band, lowest first; bands without a decided alert are left out."""
    decided: dict[float, list[bool]] = defaultdict(list)
    for one in judged:
        if one.verdict in (Verdict.CONFIRMED, Verdict.REJECTED):
            decided[band_of(one.confidence)].append(one.verdict is Verdict.CONFIRMED)
    return [
        StatedBand(low, high, len(decided[low]), sum(decided[low]), *wilson(sum(decided[low]), len(decided[low])))
        for low, high in pairwise((*BANDS, 1.0))
        if low in decided
    ]


def contradicted_in(bands: Iterable[StatedBand]) -> frozenset[float]:
    """Collect the lower ends of the bands whose numbers are not shown any more."""
    return frozenset(band.low for band in bands if band.is_contradicted)


def precision_of(judged: Iterable[Judged], *, by: Split = Split.NOTHING) -> list[Precision]:
    """Compute the live precision of each group, sorted by its name."""
    group = GROUPS[by]
    tallies: dict[str, Counter[Verdict | None]] = {}
    for one in judged:
        tallies.setdefault(group(one), Counter())[one.verdict] += 1
    return [_precision(name, tally) for name, tally in sorted(tallies.items())]


def wilson(held: int, decided: int) -> tuple[float, float]:
    """Compute the 95 % interval of a share of `held` among `decided` (at least 1), within 0 to 1.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927): it stays sensible
    for the small numbers and the extreme shares that a watch begins with.
    """
    # Not by scipy's `binomtest`, which works out a p-value besides: up to 18 ms for each group of a page of hundreds.
    share, weight = held / decided, Z95**2 / decided
    middle = (share + weight / 2) / (1 + weight)
    half = Z95 / (1 + weight) * sqrt(share * (1 - share) / decided + weight / (4 * decided))
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))  # rounding errors taken off


def _precision(name: str, tally: Counter[Verdict | None]) -> Precision:
    held, fell = tally[Verdict.CONFIRMED], tally[Verdict.REJECTED]
    decided = held + fell
    low, high = wilson(held, decided) if decided else (None, None)
    share = held / decided if decided else None
    return Precision(name, held, fell, tally[Verdict.UNSURE], tally[None], share, low, high)


def _band(one: Judged) -> str:
    low = band_of(one.confidence)
    return f"{low:.1f} to {next((edge for edge in BANDS if edge > low), 1.0):.1f}"


GROUPS: dict[Split, Callable[[Judged], str]] = {
    Split.NOTHING: lambda _: "all",
    Split.AREA: lambda one: one.area_id,
    Split.CHANGE: lambda one: one.change,
    Split.CONFIDENCE: _band,
}
