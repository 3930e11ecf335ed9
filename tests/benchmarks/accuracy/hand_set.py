"""Measure what each number that is set by hand is worth: .venv/bin/python tests/benchmarks/accuracy/hand_set.py

The filter runs over the cases that the table was fitted on, with each number of the emission, the filter and the
objects a fifth lower and a fifth higher in turn. The weights of objects are fitted anew each time. Printed are recall
and the median of days to it at the threshold that four false objects pass, over all cases. It takes a quarter of an
hour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
from fit_cases import fit_cases
from fit_signatures import FEATURES, WITHIN_DAYS, Known, candidates_of, known_of, rows_of, samples_of, weights_of
from rich.progress import track
from scipy import special

from detectors.evidence import belief, emission
from detectors.evidence.signatures import ONE_SCENE, SEASONS, SignatureTable
from detectors.objects import extract
from detectors.objects.patches import ObjectParameters

FALSE, CELL_PX = 4, 6
PLACES = {"emission": emission, "filter": belief}


@dataclass(frozen=True)
class Worth:
    """What a setting reaches over all cases: the share of changes found, and after how many days in the median."""

    recall: float
    days: float


def worth_of(all_known: Sequence[Known], table: SignatureTable) -> Worth:
    """Run the filter over series and find recall and delay at the threshold that few false objects pass."""
    found = [c for known in all_known for c in candidates_of(known, table) if c.history == SEASONS]
    likely = special.expit(np.array([c.measured for c in found]) @ np.array(weights_of(found)))
    highest: dict[tuple[str, int, int], float] = defaultdict(float)
    for p, one in zip(likely, found, strict=True):
        if not one.is_true:
            cell = (one.case, one.corner[0] // CELL_PX, one.corner[1] // CELL_PX)
            highest[cell] = max(highest[cell], float(p))
    limit = [*sorted(highest.values(), reverse=True), *[0.5] * (FALSE + 1)][FALSE]
    begun = {(k.name, n): c.begins.toordinal() for k in all_known for n, c in enumerate(k.case.changes)}
    days: dict[tuple[str, int], int] = {}
    for p, one in zip(likely, found, strict=True):
        for n in one.changes if p > limit else ():
            passed = one.day - begun[one.case, n]
            if passed <= WITHIN_DAYS:
                days[one.case, n] = min(days.get((one.case, n), passed), passed)
    return Worth(len(days) / len(begun), float(np.median(list(days.values()))))


@contextmanager
def _set(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


Setting = Callable[[float], AbstractContextManager[None]]


def settings() -> Iterator[tuple[str, Setting]]:
    """Name every number of the emission, the filter and the objects, and how to multiply it."""
    for place, module in PLACES.items():
        for field in fields(module.PARAMETERS):
            value = getattr(module.PARAMETERS, field.name)
            if isinstance(value, float) and not field.name.startswith("rank_"):
                yield f"{place}: {field.name} {value:g}", partial(_with_parameter, module, field.name)
    for (before, after), rate in belief._RATES.items():
        yield f"filter: rate {before} to {after} {rate:g}", partial(_with_rate, (before, after))
    for name in ("least", "core"):
        yield f"objects: {name} {getattr(ObjectParameters(), name):g}", partial(_with_object, name)


def _with_parameter(module: Any, name: str, factor: float) -> AbstractContextManager[None]:
    now = module.PARAMETERS
    return _set(module, "PARAMETERS", replace(now, **{name: getattr(now, name) * factor}))


def _with_rate(pair: tuple[str, str], factor: float) -> AbstractContextManager[None]:
    return _set(belief, "_RATES", {**belief._RATES, pair: belief._RATES[pair] * factor})


def _with_object(name: str, factor: float) -> AbstractContextManager[None]:
    now = ObjectParameters()
    changed = replace(now, **{name: getattr(now, name) * factor})
    return _set(extract, "ObjectParameters", lambda: changed)


def main() -> None:
    """Print the table."""
    cases = [one for one in fit_cases() if not one.name.startswith("pair") and not one.name.endswith("rgb")]
    all_known = [known_of(one) for one in track(cases, description="residuals")]
    all_known = [k for k in all_known if any(one.series.history_kind == SEASONS for one in k.compared)]
    print_table(all_known, table_of(all_known))


def table_of(all_known: Sequence[Known]) -> SignatureTable:
    """Fit the rows of signatures; objects weigh nothing yet."""
    rows = {key: row for key, (row, _, _) in rows_of([samples_of(known) for known in all_known]).items()}
    return SignatureTable(FEATURES, rows, dict.fromkeys((SEASONS, ONE_SCENE), (0.0,) * 4), {})


def print_table(all_known: Sequence[Known], table: SignatureTable) -> None:
    """Print recall and days as it is, and with each number a fifth lower and higher."""
    usual = worth_of(all_known, table)
    print("| number | recall, −20 % | recall, +20 % | days, −20 % | days, +20 % |\n|---|---|---|---|---|")
    print(f"| as it is | {usual.recall:.3f} | | {usual.days:.0f} | |", flush=True)
    for name, multiplied in settings():
        found = []
        for factor in (0.8, 1.2):
            with multiplied(factor):
                found.append(worth_of(all_known, table))
        low, high = found
        print(f"| {name} | {low.recall:.3f} | {high.recall:.3f} | {low.days:.0f} | {high.days:.0f} |", flush=True)


if __name__ == "__main__":
    main()
