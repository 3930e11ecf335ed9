# mypy: disable-error-code="no-any-return"
"""The steps of the chain, and what stands in for each when it is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from swapping import Factory

from detectors.acquisition import OPTICAL, RADAR, Floats, Mask
from detectors.baseline.harmonic import BaselineParameters
from detectors.events.lifecycle import LifecycleParameters
from detectors.evidence import emission
from detectors.evidence.belief import REMOVED, SENSORS, STATES, Evidence, add_ratios, clear_evidence, settle_ranks
from detectors.evidence.signatures import BESIDE, SEASONS, UNCHANGED, WATER, Signature, SignatureTable
from detectors.monitor import steps as monitor_steps
from detectors.monitor.state import AreaState, MonitorParameters
from detectors.monitor.steps import Shown
from detectors.objects.patches import ObjectParameters
from detectors.preprocessing.features import Features
from detectors.preprocessing.masks import MaskParameters
from detectors.preprocessing.registration import UNKNOWN
from detectors.rounding import coded_said, coded_z, rounded_probability
from detectors.sensor_series.series import SensorSeries

EVERYTHING = "everything"
AFTER_SEASONS = "detectors.monitor.steps._after_seasons"
RATIOS, TABLE = "detectors.monitor.steps.log_ratios", "detectors.monitor.steps.load_signatures"
EMISSION, BELIEF = "detectors.evidence.emission.PARAMETERS", "detectors.evidence.belief.PARAMETERS"
ANY_AREA_PX = 1 << 40
LARGEST_Z = 80.0  # whose sinh is a number in 32 bits


@dataclass(frozen=True)
class Ablation:
    """One step left out: its name, what is exchanged for what, which instrument is left, whether looks read anew."""

    name: str
    swaps: Mapping[str, Factory] = field(default_factory=dict)
    sensor: str | None = None
    is_read_anew: bool = False


def _given(**parameters: Any) -> Factory:
    """The same function with parameters of our own, whatever it is called with."""
    return lambda original: lambda *a, **k: original(*a, **(k | parameters))


def _with(**numbers: Any) -> Factory:
    """The same record of numbers set by hand, with others of ours."""
    return lambda original: replace(original, **numbers)


def _always(result: Any) -> Factory:
    return lambda original: lambda *a, **k: result


def _instead(value: Any) -> Factory:
    return lambda original: value


def one_step_at_a_time() -> dict[str, Factory]:
    """Name what a watch needs so that any step of it can be left out.

    It gives the same numbers, slower, for areas of up to `AFTER_SEASONS_PX` and wherever the history is of seasons.
    """
    return {AFTER_SEASONS: _instead(after_seasons)}


def _nowhere(original: Any) -> Any:
    """A mask of the shape of the acquisition's pixels, False throughout."""
    return lambda acquisition, *a, **k: np.zeros(acquisition.shape[-2:], bool)


def _first_argument(original: Any) -> Any:
    return lambda first, *a, **k: first


def _item_itself(original: Any) -> Any:
    return lambda state, item, *a, **k: item


def _unsettled(original: Any) -> Any:
    """Residuals as they are, with nothing that the scene has in common taken off."""
    return lambda *a, stable_mask, **k: original(*a, stable_mask=np.zeros_like(stable_mask), **k)


def after_seasons(
    state: AreaState, series: SensorSeries, features: Features, day: int, stable_mask: Mask, table: SignatureTable
) -> tuple[Evidence, Shown, float]:
    """Do what `monitor.steps._after_seasons` does in one compiled pass, step by step, so that each can be exchanged."""
    used = vars(monitor_steps)  # where the watch looks its functions up, and what an ablation exchanges
    z = used["compare"](series, features, day=day, stable_mask=stable_mask).z
    how = {"sensor": series.sensor, "history": SEASONS, "stable_mask": stable_mask, "table": table}
    ratios, _, _ = used["log_ratios"](z, series.names, resolution_px=series.resolution_px, **how)
    is_known = (series.sensor, SEASONS, UNCHANGED) in table.rows
    scatter = used["relative_scatter"](z, series.names, **how) if is_known else 0.0
    evidence = settle_ranks(state.evidence) if series.sensor == OPTICAL else state.evidence
    evidence = add_ratios(evidence, ratios[0], sensor=series.sensor, day=day)
    row = SENSORS.index(series.sensor)
    evidence.probability[row] = rounded_probability(evidence.probability[row])
    said = np.stack([ratios[0][:REMOVED].max(axis=0), ratios[0][REMOVED]])
    kept = [series.names.index(name) for name in series.z_names]
    return evidence, (coded_z(z[kept]), coded_said(said)), scatter


# -- what an acquisition says ----------------------------------------------------------------------------------------


def _without_feature(name: str) -> Factory:
    """What an acquisition says where one feature is as if it had not been measured."""

    def factory(original: Any) -> Any:
        return lambda z, names, **k: original(z, tuple("" if n == name else n for n in names), **k)

    return factory


def _of_z(original: Any) -> Any:
    """The emission of z itself in place of asinh z; the table has to be that of z too."""
    return lambda z, names, **k: original(np.sinh(np.clip(z, -LARGEST_Z, LARGEST_Z)), names, **k)


def _with_rows(change: Callable[[Signature], Signature]) -> Factory:
    """The table with every row changed."""

    def factory(original: Any) -> Any:
        def table(*a: Any, **k: Any) -> SignatureTable:
            read: SignatureTable = original(*a, **k)
            return replace(read, rows={key: change(row) for key, row in read.rows.items()})

        return table

    return factory


def _row_of_z(row: Signature) -> Signature:
    """A row of asinh z carried over to z, to the first order: dz is cosh x times dx."""
    stretch = np.cosh(row.mean)
    return Signature(np.sinh(row.mean), row.covariance * np.outer(stretch, stretch))


def _uncorrelated(row: Signature) -> Signature:
    return Signature(row.mean, np.diag(np.diag(row.covariance)))


def _without_row(ground: str) -> Factory:
    """The table without the rows of one kind of ground."""

    def factory(original: Any) -> Any:
        def table(*a: Any, **k: Any) -> SignatureTable:
            read: SignatureTable = original(*a, **k)
            return replace(read, rows={key: row for key, row in read.rows.items() if key[2] != ground})

        return table

    return factory


def _no_lead(original: Any) -> Any:
    """The table by which a gain is construction as soon as it is rather built than cleared."""

    def table(*a: Any, **k: Any) -> SignatureTable:
        read: SignatureTable = original(*a, **k)
        return replace(read, built_lead=dict.fromkeys(read.built_lead, 0.0))

    return table


def _unwidened(original: Any) -> Any:
    def null(*a: Any, **k: Any) -> Any:
        unchanged, wider = original(*a, **k)
        return unchanged, np.zeros_like(wider)

    return null


def _surest(original: Any) -> Any:
    """An event is as likely as in its surest week, also before it is confirmed."""
    return lambda event_state, detection, today: max(event_state.strength, detection.strength)


def _greater_of_two(original: Any) -> Any:
    """The log-odds by the sensor that holds more, in place of the sum of both."""

    def odds(evidence: Evidence) -> Floats:
        everywhere: Mask = np.ones(evidence.shape, bool)
        by_sensor = [original(clear_evidence(evidence, everywhere, sensors=(other,))) for other in SENSORS]
        return np.asarray(np.maximum(*by_sensor), np.float32)

    return odds


def _monitor(**parameters: Any) -> dict[str, Factory]:
    return {"replay.begin": _given(parameters=MonitorParameters(**parameters))}


def _masks(**parameters: Any) -> dict[str, Factory]:
    return {"detectors.preprocessing.masks.clear_mask": _given(parameters=MaskParameters(**parameters))}


def _objects(**parameters: Any) -> dict[str, Factory]:
    return {"detectors.objects.extract.find_objects": _given(parameters=ObjectParameters(**parameters))}


def _places(*independent: float) -> dict[str, Factory]:
    """Places of each size that say so many pixels' worth; none at all where that is 0."""
    return {EMISSION: _with(independent=independent)}


SMALL, LARGE = emission.PARAMETERS.independent
ONE_STRATUM = {"detectors.baseline.residual.PX_IN_STRATUM": _instead(ANY_AREA_PX)}
PREPROCESSING = (
    Ablation("registration", {"detectors.preprocessing.align.measure_shift": _always(UNKNOWN)}, is_read_anew=True),
    Ablation("clouds widened by 40 m", _masks(spread_px=0), is_read_anew=True),
    Ablation("specks of cloud kept as ground", _masks(smallest_cloud_px=0), is_read_anew=True),
    Ablation(
        "snow that the classification leaves", {"detectors.preprocessing.masks.snow_mask": _nowhere}, is_read_anew=True
    ),
)
BASELINE = (
    Ablation("seasons in the baseline", {"detectors.baseline.harmonic.harmonic_pairs": _always(0)}, is_read_anew=True),
    Ablation(
        "robust fit", {"detectors.sensor_series.series.fit_baseline": _given(parameters=BaselineParameters(rounds=1))}
    ),
    Ablation("uncertainty of the prediction", {"detectors.sensor_series.series.prediction_factor": _always(1.0)}),
    Ablation("common motion and wider σ", {"detectors.sensor_series.series.standardise": _unsettled}),
    Ablation("wider σ in restless scenes", {"detectors.baseline.residual._excess": _always(1.0), **ONE_STRATUM}),
    Ablation("wider σ where seasons are strong", ONE_STRATUM),
    Ablation("narrower σ in calm scenes", {"detectors.sensor_series.series.standardise": _given(floors=None)}),
)
EVIDENCE = (
    Ablation("null of the acquisition's own ground", {EMISSION: _with(own_share=0.0)}),
    Ablation("classes widened in restless scenes", {"detectors.evidence.emission._null": _unwidened}),
    Ablation("cap by the share that is false", {EMISSION: _with(doubtful=np.inf)}),
    Ablation("floor", {EMISSION: _with(floor=1e-6)}),
    Ablation("asinh of z", {RATIOS: _of_z, TABLE: _with_rows(_row_of_z)}),
    Ablation("heavy tails", {EMISSION: _with(degrees=200.0)}),
    Ablation("covariances of the table", {TABLE: _with_rows(_uncorrelated)}),
    *(Ablation(f"feature: {name}", {RATIOS: _without_feature(name)}) for name in ("texture", "redness", "contrast")),
    Ablation("places after one scene", _places(0.0, 0.0)),
    Ablation("places, the small ones", _places(0.0, LARGE)),
    Ablation("places, the large ones", _places(SMALL, 0.0)),
    Ablation("ground beside a change", {TABLE: _without_row(BESIDE)}),
    Ablation("water", {TABLE: _without_row(WATER)}),
    Ablation("anomaly state", {BELIEF: _with(anomaly_share=0.0)}),
    Ablation(
        "filter (a plain sum)", {"detectors.evidence.belief._generator": _always(np.zeros((len(STATES), len(STATES))))}
    ),
    Ablation("tempering", {BELIEF: _with(tempered=1.0)}),
    Ablation("ranks after one scene", {"detectors.sensor_series.series.ONE_SCENE": _instead(SEASONS)}),
    Ablation(
        "quiet half after one scene",
        {"detectors.evidence.emission._quiet_scatter": _instead(emission._clipped_scatter)},
    ),
)
OBJECTS = (
    Ablation("decoys", {"detectors.objects.extract.without_chance": _first_argument}),
    Ablation("the sum of both instruments", {"detectors.objects.extract.log_odds": _greater_of_two}),
    Ablation("patches joined", _objects(join_px=0)),
    Ablation("fringe taken off", {"detectors.objects.extract._without_fringe": _item_itself}),
    Ablation("lead of what is built, fitted", {TABLE: _no_lead}),
    Ablation("lines", {"detectors.objects.extract._line_detections": _always([])}),
    Ablation("pieces of a line are walls", {"detectors.objects.extract.wall_of": _always(None)}),
    Ablation("rings are fences", {"detectors.objects.extract.is_ring": _always(False)}),
)
MONITOR = (
    Ablation("radar (optical alone)", sensor=OPTICAL),
    Ablation("optics (radar alone)", sensor=RADAR),
    Ablation("a provisional event fades", {"detectors.events.lifecycle._strength": _surest}),
    Ablation("three dates to confirm", _monitor(lifecycle=LifecycleParameters(confirming_dates=1))),
    Ablation("a likely object to confirm", _monitor(lifecycle=LifecycleParameters(confirming_probability=0.0))),
    Ablation("changed ground made the baseline", {"detectors.monitor.steps.rebased_events": _first_argument}),
    Ablation("baselines fitted again", _monitor(refit_at=(), refit_days=100_000)),
)
ABLATIONS: tuple[Ablation, ...] = (Ablation(EVERYTHING), *PREPROCESSING, *BASELINE, *EVIDENCE, *OBJECTS, *MONITOR)

# Every instrument by itself, and both together.
ALONE: tuple[Ablation, ...] = (
    Ablation(EVERYTHING),
    Ablation("optics alone", sensor=OPTICAL),
    Ablation("radar alone", sensor=RADAR),
)
