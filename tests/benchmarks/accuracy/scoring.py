"""Figures with intervals: every line of the table is one of these."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import stats

T = TypeVar("T")
HEAD = ("| what | value | 95 % interval | of | goal | | where short, why |", "|---|---|---|---|---|---|---|")


@dataclass(frozen=True)
class Figure:
    """One measured line: what, its value with a 95 % interval, of how many, and the goal it is held against.

    `why` says what a value that falls short comes from, and is shown for no other.
    """

    what: str
    value: float
    low: float
    high: float
    count: int
    goal: str = ""
    why: str = ""

    def row(self) -> str:
        """The line of a Markdown table."""
        interval = f"{self.low:.2f} to {self.high:.2f}" if np.isfinite(self.low) else ""
        verdict = self.verdict()
        why = (self.why or "not looked into") if verdict == "SHORT" else ""
        return f"| {self.what} | {self.value:.2f} | {interval} | {self.count} | {self.goal} | {verdict} | {why} |"

    def verdict(self) -> str:
        """``met`` or ``SHORT`` by the value, where there is a goal such as ≥ 0.95, < 0.7 or 0.9 to 1.1; else ``""``."""
        limits = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", self.goal)]
        if not limits or not np.isfinite(self.value):
            return ""
        meets = {"≥": self.value >= limits[0], "≤": self.value <= limits[0]}
        meets |= {"<": self.value < limits[0], ">": self.value > limits[0]}
        return "met" if meets.get(self.goal[0], limits[0] <= self.value <= limits[-1]) else "SHORT"


def share(what: str, hits: Sequence[bool], goal: str = "", *, why: str = "") -> Figure:
    """A share with Wilson's interval."""
    n, k = len(hits), int(np.sum(hits))
    if not n:
        return nothing(what, goal)
    low, high = stats.binomtest(k, n).proportion_ci(method="wilson")
    return Figure(what, k / n, float(low), float(high), n, goal, why)


def median(what: str, values: Sequence[float], goal: str = "", *, seed: int = 0, why: str = "") -> Figure:
    """A median with a bootstrap interval."""
    if not len(values):
        return nothing(what, goal)
    drawn = np.random.default_rng(seed).choice(np.asarray(values, float), (2000, len(values)))
    low, high = np.percentile(np.median(drawn, axis=1), (2.5, 97.5))
    return Figure(what, float(np.median(values)), float(low), float(high), len(values), goal, why)


def rate(what: str, events: int, exposure: float, goal: str = "", *, why: str = "") -> Figure:
    """Events by exposure with the exact Poisson interval."""
    if not exposure:
        return nothing(what, goal)
    low = stats.chi2.ppf(0.025, 2 * events) / 2 if events else 0.0
    high = stats.chi2.ppf(0.975, 2 * events + 2) / 2
    return Figure(what, events / exposure, float(low / exposure), float(high / exposure), events, goal, why)


def ratio(what: str, parts: Sequence[float], wholes: Sequence[float], goal: str = "", *, why: str = "") -> Figure:
    """All parts to all wholes, with a bootstrap interval over pairs of them."""
    part, all_ = np.asarray(parts, float), np.asarray(wholes, float)
    if not all_.sum():
        return nothing(what, goal)
    drawn = np.random.default_rng(0).integers(len(all_), size=(2000, len(all_)))
    low, high = np.percentile(part[drawn].sum(axis=1) / np.maximum(all_[drawn].sum(axis=1), 1e-9), (2.5, 97.5))
    return Figure(what, float(part.sum() / all_.sum()), float(low), float(high), len(all_), goal, why)


def nothing(what: str, goal: str = "") -> Figure:
    """A line of which nothing could be measured."""
    nan = float("nan")
    return Figure(what, nan, nan, nan, 0, goal)


def of_missed(missed: Sequence[T], kinds: Mapping[str, Callable[[T], bool]]) -> str:
    """How many of those missed are of each kind; a reason counted in the run."""
    counts = [f"{n} {name}" for name, is_one in kinds.items() if (n := sum(map(is_one, missed)))]
    return f"of {len(missed)} missed: {', '.join(counts) or 'none of a kind known to be hard'}"


def counted(names: Iterable[str]) -> str:
    """How often each name comes, the commonest first, as in ``3 construction, 1 clearing``."""
    return ", ".join(f"{n} {name}" for name, n in Counter(names).most_common())
