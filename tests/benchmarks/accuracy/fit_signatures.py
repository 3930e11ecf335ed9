"""Fit the table of signatures: .venv/bin/python tests/benchmarks/accuracy/fit_signatures.py

What each kind of ground looks like is measured on the cases of `fit_cases.py`: residuals in σ of the pixels that are
known to have been cleared, built on or built off, and of quiet ones. Every case counts alike. Then the filter runs with
that table over the same cases, and on what it finds are fitted the probability of an object, a logistic function of
three figures, and by how many nats a gain is rather built than cleared if it is construction. It takes some minutes on
one core. `--without NAME --to FILE` leaves one ground out, or what was put in of one material of `buildings.ROOFS`;
`--without all --to FOLDER` writes one table for each.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from buildings import ROOFS
from cases import Case
from fit_cases import FitCase, fit_cases
from fit_familiarity import level_rows, levels_of, widest_scatter
from rich.progress import track
from scipy import ndimage, optimize

from detectors.acquisition import Acquisition, Floats, Mask
from detectors.evidence import belief, emission
from detectors.evidence.signatures import (
    BESIDE,
    CLASSES,
    ONE_SCENE,
    PACKAGED,
    PLACES,
    SEASONS,
    UNCHANGED,
    WATER,
    Signature,
    SignatureTable,
)
from detectors.monitor.steps import begin, is_refit_due, merge_baselines
from detectors.monitor.weeks import HISTORY_DAYS, acquisitions_before
from detectors.objects.extract import ScoreMaps, score_maps
from detectors.objects.patches import find_objects
from detectors.preprocessing.align import align_acquisition
from detectors.records import Change
from detectors.sensor_series.pixel_state import PixelState
from detectors.sensor_series.series import SensorSeries, build_series, compare

FEATURES = {
    "sentinel-2": ("vegetation", "greenness", "brightness", "built", "redness", "contrast", "texture"),
    "sentinel-1": ("vv", "vh"),
}
KIND = {Change.CLEARING: 0, Change.CONSTRUCTION: 1, Change.FENCING: 1, Change.DEMOLITION: 2}
PIXELS_A_CASE, PIXELS_AN_ACQUISITION, PLACE_PX, NEAR_PX, WITHIN_DAYS = 400, 60, 60, 3, 150
BESIDE_PX = (2, 5)
LEAST_VARIANCE, FEWEST_PAIRS = 0.03, 30


@dataclass(frozen=True)
class Compared:
    """One acquisition set against its baseline."""

    series: SensorSeries
    day: int
    z: Floats


@dataclass(frozen=True)
class Known:
    """What a case showed: its acquisitions as residuals, for both steps of the fit."""

    name: str
    ground: str
    case: Case
    compared: tuple[Compared, ...]
    water: Mapping[tuple[str, int], Mask] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """One object that the filter found after an acquisition, true or false.

    `measured` are its figures, `changes` the numbers of those of the case that it is, none where it is false; `corner`
    is its first pixel. `built_lead` says how much rather it is built than cleared, `is_built` whether it is.
    """

    ground: str
    case: str
    history: str
    day: int
    measured: tuple[float, ...]
    changes: tuple[int, ...]
    corner: tuple[int, int]
    built_lead: float | None
    is_built: bool | None

    @property
    def is_true(self) -> bool:
        """Decide whether it is a change of the case."""
        return bool(self.changes)


def compared(case: Case) -> Iterator[Compared]:
    """Set every acquisition of a case against its baseline, which is fitted again as the watch does.

    Ground that has truly changed keeps the baseline of before, as it would while its event is open.
    """
    acquisitions = sorted(case.acquisitions, key=lambda k: (k.day, k.scene_id))
    state, _ = begin(case.ground, [k for k in acquisitions if k.day < case.since])
    known = {series.name: series for series in state.all_series}
    for one in (k for k in acquisitions if case.since <= k.day <= case.until):
        series = known.get(one.series)
        if series is None:
            founded, _ = build_series([one], monitored_mask=case.ground.monitored_mask, since=state.since)
            if founded is not None:
                known[one.series] = founded
            continue
        series = _fitted_again(series, one, acquisitions, case)
        aligned = align_acquisition(one, reference=series.reference, monitored_mask=case.ground.monitored_mask)
        if aligned.report.status == "used" and aligned.features.names:
            stable = case.ground.monitored_mask & ~_changed(case, one.day - timedelta(days=40))
            residual = compare(series, aligned.features, day=aligned.report.day, stable_mask=stable)
            series = replace(series, looked=series.looked + 1)
            yield Compared(series, aligned.report.day, residual.z)
        known[one.series] = series


def _fitted_again(
    series: SensorSeries, one: Acquisition, acquisitions: Sequence[Acquisition], case: Case
) -> SensorSeries:
    monday = one.day - timedelta(days=one.day.weekday())
    state = replace(begin(case.ground, ())[0], all_series=(series,))
    if not is_refit_due(state, series.name, day=monday.toordinal()):
        return series
    history = acquisitions_before(monday, acquisitions, series.name, history_days=max(HISTORY_DAYS, case.history_days))
    new, _ = build_series(history, monitored_mask=case.ground.monitored_mask, since=state.since)
    if new is None or new.names != series.names:
        return series
    merged = merge_baselines(series.baseline, new.baseline, _changed(case, one.day))
    return replace(series, baseline=merged, history=new.history, fitted_on=monday.toordinal(), looked=0)


def _changed(case: Case, day: date) -> Mask:
    """Where something had begun to change by a day, and a little around it."""
    masks = [change.mask for change in case.changes if change.begins <= day]
    shape = case.ground.shape
    return np.asarray(ndimage.binary_dilation(np.any([np.zeros(shape, bool), *masks], axis=0), iterations=5))


def samples_of(known: Known) -> dict[tuple[str, str, str], npt.NDArray[np.float64]]:
    """asinh(z) of pixels whose kind is known, by row of the table, (pixel, feature)."""
    rng = np.random.default_rng(zlib.crc32(known.name.encode()))
    found: dict[tuple[str, str, str], list[Floats]] = {}
    for one in known.compared:
        sensor, history = one.series.sensor, one.series.history_kind
        wanted = FEATURES[sensor]
        blank = np.full(one.z.shape[1:], np.nan, np.float32)
        names = one.series.names
        x = np.arcsinh(np.stack([one.z[names.index(n)] if n in names else blank for n in wanted]))
        seen = np.isfinite(x).any(axis=0) & known.case.ground.monitored_mask
        flooded = known.water.get((one.series.name, one.day), np.zeros(seen.shape, bool))
        for kind, mask in ((WATER, flooded), *_kinds(known.case, one.day)):
            if kind == BESIDE and history == ONE_SCENE:
                continue  # there, yards look as what lies beside a change does
            at = np.flatnonzero(mask & seen)
            if at.size:
                chosen = rng.choice(at, min(PIXELS_AN_ACQUISITION, at.size), replace=False)
                found.setdefault((sensor, history, kind), []).append(x.reshape(len(x), -1)[:, chosen].T)
    out = {}
    for key, parts in found.items():
        rows = np.concatenate(parts).astype(np.float64)
        out[key] = rows[rng.permutation(len(rows))[:PIXELS_A_CASE]]
    return out


def _kinds(case: Case, day: int) -> Iterator[tuple[str, Mask]]:
    """The kinds of ground that are known on a day, each with its mask."""
    yield UNCHANGED, case.ground.monitored_mask & ~case.anything
    begun = [change.mask for change in case.changes if change.begins.toordinal() + NEAR_PX <= day]
    if begun:
        anything = np.any([change.mask for change in case.changes], axis=0)
        near, far = (ndimage.binary_dilation(np.any(begun, axis=0), iterations=n) for n in BESIDE_PX)
        yield BESIDE, far & ~near & ~ndimage.binary_dilation(anything, iterations=BESIDE_PX[0])
    for number in range(len(CLASSES)):
        own, other = (np.zeros(case.ground.shape, bool) for _ in range(2))
        for change in case.changes:
            if KIND[change.change] != number:
                other |= change.mask
            elif change.begins.toordinal() + NEAR_PX <= day:
                own |= change.mask
        if not own.any():
            continue
        own = own if number == belief.BUILT else own & ~other
        yield CLASSES[number], own
        place = _place(own)
        if place.any():
            yield PLACES[number], place if number == belief.BUILT else place & ~other


def _place(mask: Mask) -> Mask:
    """The whole of every place: what lies between its parts belongs to it."""
    joined = ndimage.binary_closing(np.pad(mask, 20), structure=np.ones((3, 3)), iterations=4)[20:-20, 20:-20]
    labels, count = ndimage.label(ndimage.binary_fill_holes(joined), structure=np.ones((3, 3)))
    large = np.bincount(labels.ravel(), minlength=count + 1) >= PLACE_PX
    large[0] = False
    return np.asarray(large[labels])


def student_fit(rows: npt.NDArray[np.float64]) -> Signature:
    """Fit a multivariate t₅ with missing features: iterated weights (5 + p)/(5 + d²), moments pair by pair."""
    degrees = emission.PARAMETERS.degrees
    known = np.isfinite(rows)
    filled = np.where(known, rows, 0.0)
    weights, count = np.ones(len(rows)), rows.shape[1]
    mean, covariance = np.zeros(count), np.eye(count)
    for _ in range(5):
        total = (weights[:, None] * known).sum(axis=0)
        mean = np.where(total > 0, (weights[:, None] * filled).sum(axis=0) / np.maximum(total, 1e-9), 0.0)
        apart = np.where(known, rows - mean, 0.0)
        pairs = known.astype(float).T @ known
        covariance = np.where(pairs >= FEWEST_PAIRS, (apart * weights[:, None]).T @ apart / np.maximum(pairs, 1), 0.0)
        lacking = np.diag(pairs) < FEWEST_PAIRS
        covariance[lacking, lacking] = 1.0
        values, vectors = np.linalg.eigh(covariance)
        covariance = (vectors * np.maximum(values, LEAST_VARIANCE)) @ vectors.T
        weights = (degrees + known.sum(axis=1)) / (degrees + _distances(apart, known, covariance))
    return Signature(mean, covariance)


def _distances(
    apart: npt.NDArray[np.float64], known: Mask, covariance: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    out = np.zeros(len(apart))
    code = (known * (1 << np.arange(known.shape[1]))).sum(axis=1)
    for pattern in np.unique(code[code > 0]):
        at = np.flatnonzero(code == pattern)
        features = np.flatnonzero(known[at[0]])
        part = apart[np.ix_(at, features)]
        out[at] = (part @ np.linalg.inv(covariance[np.ix_(features, features)]) * part).sum(axis=1)
    return out


def rows_of(
    samples: Sequence[dict[Any, npt.NDArray[np.float64]]],
) -> dict[tuple[str, str, str], tuple[Signature, int, int]]:
    """Fit every row on the samples of all cases: the row, how many cases it rests on, and how many pixels."""
    pooled: dict[tuple[str, str, str], list[npt.NDArray[np.float64]]] = {}
    for one in samples:
        for key, rows in one.items():
            pooled.setdefault(key, []).append(rows)
    return {
        key: (student_fit(np.concatenate(parts)), len(parts), sum(map(len, parts)))
        for key, parts in sorted(pooled.items())
    }


def candidates_of(known: Known, table: SignatureTable) -> Iterator[Candidate]:
    """Run the filter over a case, and measure the objects that stand out after each acquisition."""
    ground = known.case.ground
    evidence = belief.no_evidence(ground.shape)
    for one in known.compared:
        stable = ground.monitored_mask & ~_changed(known.case, date.fromordinal(one.day) - timedelta(days=40))
        ratios, turned, lead = emission.log_ratios(
            one.z,
            one.series.names,
            sensor=one.series.sensor,
            history=one.series.history_kind,
            stable_mask=stable,
            resolution_px=one.series.resolution_px,
            table=table,
        )
        if one.series.history_kind == ONE_SCENE:
            evidence = belief.add_ranks(evidence, ratios, turned, lead, day=one.day)
        else:
            evidence = belief.add_ratios(
                belief.settle_ranks(evidence), ratios[0], sensor=one.series.sensor, day=one.day
            )
        state = PixelState(ground, (one.series,), evidence)
        for maps in score_maps(state, table):
            if maps.history == one.series.history_kind:
                yield from _candidates(known, maps, table, one.day)


def _candidates(known: Known, maps: ScoreMaps, table: SignatureTable, day: int) -> Iterator[Candidate]:
    case = known.case
    true = np.any([np.zeros(case.ground.shape, bool), *(c.mask for c in case.changes)], axis=0)
    near = ndimage.binary_dilation(true, iterations=NEAR_PX)
    counted = case.ground.monitored_mask & ~case.anything & ~near
    for is_gain, score in ((True, maps.gain), (False, maps.loss)):
        found = find_objects(
            score,
            least=maps.least,
            core=maps.core,
            resolution_px=maps.resolution_px,
            weights=(0.0,) * 4,
            own=maps.own if is_gain else None,
        )
        for item in found:
            mask = item.object.mask.frame()
            mine = tuple(
                n
                for n, c in enumerate(case.changes)
                if (c.change is not Change.DEMOLITION) == is_gain
                and 0 <= day - c.begins.toordinal() <= 2 * WITHIN_DAYS
                and (c.mask & mask).sum() >= max(1, 0.1 * c.mask.sum())
            )
            is_false = not (mask & near).any() and 2 * (mask & counted).sum() >= mask.sum()
            if not mine and not is_false:
                continue
            lead = float(item.object.core.values(maps.lead).mean()) if is_gain and mine else None
            named = {case.changes[n].change for n in mine}
            is_built = (
                None if lead is None or len(named) > 1 or Change.FENCING in named else Change.CONSTRUCTION in named
            )
            row, column = (int(v) for v in np.argwhere(mask)[0])
            yield Candidate(
                known.ground, known.name, maps.history, day, item.measured, mine, (row, column), lead, is_built
            )


def _scenes(known: Known) -> Iterator[tuple[Compared, Mask]]:
    """The acquisitions of a case, each with the ground on which nothing had begun."""
    for one in known.compared:
        begun = date.fromordinal(one.day) - timedelta(days=40)
        yield one, known.case.ground.monitored_mask & ~_changed(known.case, begun)


def weights_of(found: Sequence[Candidate]) -> tuple[float, ...]:
    """Fit the logistic function of objects; every case counts by the root of how many it has."""
    x = np.array([c.measured for c in found])
    y = np.array([c.is_true for c in found], float)
    names, at = np.unique([c.case for c in found], return_inverse=True)
    weight = 1.0 / np.sqrt(np.bincount(at, minlength=len(names)))[at]
    middle, spread = x[:, :-1].mean(axis=0), x[:, :-1].std(axis=0) + 1e-6
    scaled = np.column_stack([(x[:, :-1] - middle) / spread, np.ones(len(x))])

    def loss(b: npt.NDArray[np.float64]) -> float:
        missed = np.logaddexp(0.0, -(2 * y - 1) * (scaled @ b))
        return float((weight * missed).sum() / weight.sum() + 1e-3 * (b[:-1] ** 2).sum())

    b = optimize.minimize(loss, np.zeros(scaled.shape[1])).x
    constant = b[-1] - (b[:-1] * middle / spread).sum()
    return (*(float(v) for v in b[:-1] / spread), float(constant))


def lead_of(found: Sequence[Candidate]) -> float:
    """Find the lead that parts construction from clearing with the fewest errors, both counting alike."""
    known = [(c.built_lead, c.is_built) for c in found if c.is_built is not None and c.built_lead is not None]
    lead, is_built = np.array([k[0] for k in known]), np.array([k[1] for k in known], bool)
    if not is_built.any() or is_built.all():
        return 0.0
    limits = np.quantile(lead, np.linspace(0.02, 0.98, 49))
    right = [(lead >= v)[is_built].mean() + (lead < v)[~is_built].mean() for v in limits]
    return float(limits[int(np.argmax(right))])


def fit(all_known: Sequence[Known], samples: Sequence[dict[Any, Any]], *, without: str | None) -> dict[str, Any]:
    """Fit a whole table as it is written, without one ground if asked."""
    kept = [n for n, known in enumerate(all_known) if known.ground != without]
    rows = rows_of([samples[n] for n in kept])
    table = SignatureTable(FEATURES, {key: row for key, (row, _, _) in rows.items()}, {}, {})
    table = replace(table, objects=dict.fromkeys((SEASONS, ONE_SCENE), (0.0,) * 4))
    found = [c for n in track(kept, description="objects") for c in candidates_of(all_known[n], table)]
    by_history = {h: [c for c in found if c.history == h] for h in (SEASONS, ONE_SCENE)}
    for history, some in by_history.items():
        print(history, len(some), "objects,", sum(c.is_true for c in some), "true; leads", _told(some))
    return {
        "source": "fit_signatures.py" + (f", without {without}" if without else ""),
        "features": {sensor: list(names) for sensor, names in FEATURES.items()},
        "rows": [
            {
                "sensor": sensor,
                "history": history,
                "ground": kind,
                "mean": np.round(row.mean, 4).tolist(),
                "covariance": np.round(row.covariance, 5).tolist(),
                "source": f"{pixels} pixels of {cases} cases of fit_cases.py",
            }
            for (sensor, history, kind), (row, cases, pixels) in rows.items()
        ]
        + level_rows((all_known[n].ground, levels_of(all_known[n], FEATURES)) for n in kept),
        "scatter": widest_scatter((scene for n in kept for scene in _scenes(all_known[n])), table),
        "objects": {h: [round(w, 4) for w in weights_of(some)] for h, some in by_history.items()},
        "built_lead": {h: round(lead_of(some), 2) for h, some in by_history.items()},
    }


def _told(found: Sequence[Candidate]) -> str:
    parts = []
    for word, is_built in (("built", True), ("cleared", False)):
        lead = [c.built_lead for c in found if c.is_built is is_built and c.built_lead is not None]
        parts.append(f"{word} {np.round(np.percentile(lead, [10, 25, 50, 75, 90]), 2).tolist()}" if lead else word)
    return ", ".join(parts)


def known_of(one: FitCase) -> Known:
    """Set the acquisitions of one case against their baselines."""
    return Known(one.name, one.ground, one.case, tuple(compared(one.case)), one.water)


def without_material(known: Known, material: str) -> Known:
    """Leave out of a case what was put in of a material: that ground is then neither changed nor quiet."""
    kept = tuple(change for change in known.case.changes if change.material != material)
    return replace(known, case=replace(known.case, changes=kept))


def fit_without(all_known: Sequence[Known], samples: Sequence[dict[Any, Any]], name: str) -> dict[str, Any]:
    """Fit a whole table without a ground or a material."""
    if name not in ROOFS:
        return fit(all_known, samples, without=name)
    some = [without_material(known, name) for known in all_known]
    return fit(some, [samples_of(known) for known in some], without=name)


def write(table: dict[str, Any], path: Path) -> None:
    """Write a table."""
    path.write_text(json.dumps(table, indent=1) + "\n")
    print(f"{path}: objects {table['objects']}, built lead {table['built_lead']}")


def main() -> None:
    """Fit one table, or one without each ground and each material."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", help="a ground or a material to leave out, or all, one at a time")
    parser.add_argument("--to", type=Path, default=Path(emission.__file__).with_name(PACKAGED))
    asked = parser.parse_args()
    all_known = [known_of(one) for one in track(list(fit_cases()), description="residuals")]
    samples = [samples_of(known) for known in all_known]
    if asked.without is None:
        write(fit(all_known, samples, without=None), asked.to)
        return
    if asked.without != "all":
        write(fit_without(all_known, samples, asked.without), asked.to)
        return
    asked.to.mkdir(parents=True, exist_ok=True)
    for name in (*sorted({known.ground for known in all_known}), *ROOFS):
        write(fit_without(all_known, samples, name), asked.to / f"{name}.json")


if __name__ == "__main__":
    main()
