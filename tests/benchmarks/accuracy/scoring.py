"""Figures with intervals: every line of the table is one of these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Figure:
    """One measured line: what, its value with a 95 % interval, of how many, and the goal it is held against."""

    what: str
    value: float
    low: float
    high: float
    count: int
    goal: str = ""

    def row(self) -> str:
        """The line of a Markdown table."""
        interval = f"{self.low:.2f} to {self.high:.2f}" if np.isfinite(self.low) else ""
        return f"| {self.what} | {self.value:.2f} | {interval} | {self.count} | {self.goal} | {self.verdict()} |"

    def verdict(self) -> str:
        """``met`` or ``short`` by the value, where there is a goal such as ≥ 0.95, ≤ 40 or 0.9 to 1.1; else nothing."""
        limits = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", self.goal)]
        if not limits or not np.isfinite(self.value):
            return ""
        if self.goal.startswith("≥"):
            return "met" if self.value >= limits[0] else "short"
        if self.goal.startswith("≤"):
            return "met" if self.value <= limits[0] else "short"
        return "met" if limits[0] <= self.value <= limits[-1] else "short"


def share(what: str, hits: Sequence[bool], goal: str = "") -> Figure:
    """A share with Wilson's interval."""
    n, k = len(hits), int(np.sum(hits))
    if not n:
        return Figure(what, float("nan"), float("nan"), float("nan"), 0, goal)
    low, high = stats.binomtest(k, n).proportion_ci(method="wilson")
    return Figure(what, k / n, float(low), float(high), n, goal)


def median(what: str, values: Sequence[float], goal: str = "", *, seed: int = 0) -> Figure:
    """A median with a bootstrap interval."""
    if not len(values):
        return Figure(what, float("nan"), float("nan"), float("nan"), 0, goal)
    drawn = np.random.default_rng(seed).choice(np.asarray(values, float), (2000, len(values)))
    low, high = np.percentile(np.median(drawn, axis=1), (2.5, 97.5))
    return Figure(what, float(np.median(values)), float(low), float(high), len(values), goal)


def rate(what: str, events: int, exposure: float, goal: str = "") -> Figure:
    """Events by exposure with the exact Poisson interval."""
    low = stats.chi2.ppf(0.025, 2 * events) / 2 if events else 0.0
    high = stats.chi2.ppf(0.975, 2 * events + 2) / 2
    return Figure(what, events / exposure, float(low / exposure), float(high / exposure), events, goal)
