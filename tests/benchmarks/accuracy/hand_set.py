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
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
from fit_cases import fit_cases
from fit_signatures import FEATURES, NEAR_PX, WITHIN_DAYS, Candidate, Known, known_of, rows_of, samples_of, weights_of
from rich.progress import track
from scipy import ndimage, special

from detectors.evidence import belief, emission
from detectors.evidence.signatures import ONE_SCENE, SEASONS, SignatureTable
from detectors.objects import extract
from detectors.objects.patches import ObjectParameters, find_objects
from detectors.records import Change
from detectors.sensor_series.pixel_state import PixelState

FALSE, CELL_PX, SPREAD_DAYS = 4, 6, 40
PLACES = {"emission": emission, "filter": belief}


@dataclass(frozen=True)
class Sighting:
    """An object after an acquisition: of which changes it is, or in which cell it is false."""

    case: str
    day: int
    changes: tuple[int, ...]
    cell: tuple[int, int] | None


@dataclass(frozen=True)
class Worth:
    """What a setting reaches over all cases: the share of changes found, and after how many days in the median."""

    recall: float
    days: float


def worth_of(all_known: Sequence[Known], table: SignatureTable) -> Worth:
    """Run the filter over series and find recall and delay at the threshold that few false objects pass."""
    pairs = [pair for known in all_known for pair in _sightings(known, table)]
    likely = special.expit(np.array([c.measured for c, _ in pairs]) @ np.array(weights_of([c for c, _ in pairs])))
    highest: dict[tuple[str, tuple[int, int]], float] = defaultdict(float)
    for p, (_, seen) in zip(likely, pairs, strict=True):
        if seen.cell is not None:
            highest[seen.case, seen.cell] = max(highest[seen.case, seen.cell], float(p))
    limit = [*sorted(highest.values(), reverse=True), *[0.5] * (FALSE + 1)][FALSE]
    begun = {(k.name, n): c.begins.toordinal() for k in all_known for n, c in enumerate(k.case.changes)}
    days: dict[tuple[str, int], int] = {}
    for p, (_, seen) in zip(likely, pairs, strict=True):
        for n in seen.changes if p > limit else ():
            passed = seen.day - begun[seen.case, n]
            if passed <= WITHIN_DAYS:
                days[seen.case, n] = min(days.get((seen.case, n), passed), passed)
    return Worth(len(days) / len(begun), float(np.median(list(days.values()))))


def _sightings(known: Known, table: SignatureTable) -> Iterator[tuple[Candidate, Sighting]]:
    case, shape = known.case, known.case.ground.shape
    near = ndimage.binary_dilation(_any(shape, [c.mask for c in case.changes]), iterations=NEAR_PX)
    counted = case.ground.monitored_mask & ~case.anything & ~near
    evidence = belief.no_evidence(shape)
    for one in (k for k in known.compared if k.series.history_kind != ONE_SCENE):
        settled = date.fromordinal(one.day) - timedelta(days=SPREAD_DAYS)
        begun = _any(shape, [c.mask for c in case.changes if c.begins <= settled])
        ratios, _, _ = emission.log_ratios(
            one.z,
            one.series.names,
            sensor=one.series.sensor,
            history=SEASONS,
            stable_mask=case.ground.monitored_mask & ~ndimage.binary_dilation(begun, iterations=5),
            resolution_px=one.series.resolution_px,
            table=table,
        )
        evidence = belief.add_ratios(evidence, ratios[0], sensor=one.series.sensor, day=one.day)
        (maps,) = extract.score_maps(PixelState(case.ground, (one.series,), evidence), table)
        for is_gain, score in ((True, maps.gain), (False, maps.loss)):
            for item in find_objects(
                score, least=maps.least, core=maps.core, resolution_px=maps.resolution_px, weights=(0.0,) * 4
            ):
                mask = item.object.mask
                mine = tuple(
                    n
                    for n, c in enumerate(case.changes)
                    if (c.change is not Change.DEMOLITION) == is_gain
                    and 0 <= one.day - c.begins.toordinal() <= 2 * WITHIN_DAYS
                    and (c.mask & mask).sum() >= max(1, 0.1 * c.mask.sum())
                )
                is_false = not (mask & near).any() and 2 * (mask & counted).sum() >= mask.sum()
                if mine or is_false:
                    row, column = np.argwhere(mask)[0] // CELL_PX
                    cell = (int(row), int(column)) if is_false else None
                    candidate = Candidate(known.ground, known.name, SEASONS, item.measured, bool(mine), None, None)
                    yield candidate, Sighting(known.name, one.day, mine, cell)


def _any(shape: tuple[int, int], masks: Sequence[Any]) -> Any:
    return np.any([np.zeros(shape, bool), *masks], axis=0)


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
