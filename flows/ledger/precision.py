"""How often alerts held when a person looked: pure arithmetic over verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from flows.records.reviews import Verdict

BANDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Lower ends of the bands of confidence; chosen so that each still fills within a season of a hundred alerts."""


class Split(StrEnum):
    """What live precision is told apart by."""

    NOTHING = "all"
    AREA = "area"
    CHANGE = "change"
    CONFIDENCE = "confidence"


@dataclass(frozen=True)
class Judged:
    """An alerted event as its reviewer saw it, or as it is if nobody has judged it (`verdict` None)."""

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
    from scipy.stats import binomtest  # here, since it takes a second to import and few commands ask for precision

    interval = binomtest(held, decided).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _precision(name: str, tally: Counter[Verdict | None]) -> Precision:
    held, fell = tally[Verdict.CONFIRMED], tally[Verdict.REJECTED]
    decided = held + fell
    low, high = wilson(held, decided) if decided else (None, None)
    share = held / decided if decided else None
    return Precision(name, held, fell, tally[Verdict.UNSURE], tally[None], share, low, high)


def _band(one: Judged) -> str:
    low = max(edge for edge in BANDS if edge <= one.confidence)
    above = [edge for edge in BANDS if edge > low]
    return f"{low:.1f} to {above[0] if above else 1.0:.1f}"


GROUPS: dict[Split, Callable[[Judged], str]] = {
    Split.NOTHING: lambda _: "all",
    Split.AREA: lambda one: one.area_id,
    Split.CHANGE: lambda one: one.change,
    Split.CONFIDENCE: _band,
}
