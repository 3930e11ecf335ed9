# mypy: disable-error-code="no-any-return"
"""The steps of the chain, and what stands in for each when it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from swapping import Factory

from detectors.acquisition import OPTICAL, RADAR, Mask
from detectors.baseline.harmonic import BaselineParameters
from detectors.baseline.residual import Residual
from detectors.events.lifecycle import LifecycleParameters
from detectors.evidence.accumulate import OPTICAL_CUES, Cue, EvidenceParameters
from detectors.evidence.cues import CueParameters
from detectors.monitor.state import MonitorParameters
from detectors.objects.patches import UP_CUES, ObjectParameters
from detectors.preprocessing.masks import MaskParameters
from detectors.preprocessing.registration import UNKNOWN

EVERYTHING = "everything"


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


def _always(result: Any) -> Factory:
    return lambda original: lambda *a, **k: result


def _like_first(value: Any) -> Factory:
    """A mask of the shape of the first argument, True or False throughout."""
    return lambda original: lambda first, *a, **k: np.full(_shape_of(first), value)


def _shape_of(first: Any) -> tuple[int, int]:
    """Rows and columns of a residual, an area's state, a channel or an array."""
    if isinstance(first, np.ndarray):
        return first.shape[-2], first.shape[-1]
    if isinstance(first, Residual):
        return first.z.shape[-2], first.z.shape[-1]
    return first.ground.shape if hasattr(first, "ground") else first.baseline.acquisitions.shape


def _nothing_of(original: Any) -> Any:
    return lambda residual, *a, **k: np.zeros(residual.z.shape[1:], np.float32)


def _first_argument(original: Any) -> Any:
    return lambda first, *a, **k: first


def _item_itself(original: Any) -> Any:
    return lambda state, item, *a, **k: item


def _without_cues(*cues: Cue) -> Factory:
    """The optical metric with some cues silent."""
    silent = [OPTICAL_CUES.index(cue) for cue in cues]

    def factory(original: Any) -> Any:
        def metric(residual: Residual, **keywords: Any) -> Any:
            out = original(residual, **keywords)
            out[silent] = np.nan
            return out

        return metric

    return factory


def _unsettled(original: Any) -> Any:
    """Residuals as they are, with nothing that the scene has in common taken off."""
    return lambda *a, stable_mask, **k: original(*a, stable_mask=np.zeros_like(stable_mask), **k)


def _without_hue(original: Any) -> Any:
    def metric(residual: Residual, **keywords: Any) -> Any:
        names = tuple("" if name == "redness" else name for name in residual.names)
        return original(replace(residual, names=names), **keywords)

    return metric


def _greater_of_two(original: Any) -> Any:
    """Gains by the instrument that holds more, in place of the sum of both."""

    def confidence(evidence: Any, optical: Mask) -> Any:
        _, counts = original(evidence, optical)
        seen = evidence.confidence[list(UP_CUES)].max(axis=0) * optical
        return np.maximum(seen, evidence.confidence[Cue.BACKSCATTER_UP]), counts

    return confidence


def _monitor(**parameters: Any) -> dict[str, Factory]:
    return {"replay.begin": _given(parameters=MonitorParameters(**parameters))}


def _cues(**parameters: Any) -> dict[str, Factory]:
    return {"detectors.sensor_series.series.optical_metric": _given(parameters=CueParameters(**parameters))}


def _masks(**parameters: Any) -> dict[str, Factory]:
    return {"detectors.preprocessing.masks.clear_mask": _given(parameters=MaskParameters(**parameters))}


def _objects(**parameters: Any) -> dict[str, Factory]:
    return {"detectors.objects.extract.find_objects": _given(parameters=ObjectParameters(**parameters))}


METRIC = "detectors.sensor_series.series.optical_metric"
ABLATIONS: tuple[Ablation, ...] = (
    Ablation(EVERYTHING),
    Ablation("registration", {"detectors.preprocessing.align.measure_shift": _always(UNKNOWN)}, is_read_anew=True),
    Ablation("clouds widened by 40 m", _masks(spread_px=0), is_read_anew=True),
    Ablation("specks of cloud kept as ground", _masks(smallest_cloud_px=0), is_read_anew=True),
    Ablation(
        "snow that the classification leaves",
        {"detectors.preprocessing.masks.snow_mask": _like_first(False)},
        None,
        True,
    ),
    Ablation("seasons in the baseline", {"detectors.baseline.harmonic.harmonic_pairs": _always(0)}, None, True),
    Ablation(
        "robust fit", {"detectors.sensor_series.series.fit_baseline": _given(parameters=BaselineParameters(rounds=1))}
    ),
    Ablation("uncertainty of the prediction", {"detectors.sensor_series.series.prediction_factor": _always(1.0)}),
    Ablation("common motion and wider σ", {"detectors.sensor_series.series.standardise": _unsettled}),
    Ablation("wider σ in restless scenes", {"detectors.baseline.residual._excess": _always(1.0)}),
    Ablation("familiar looks count less", {"detectors.sensor_series.series.familiar_mask": _like_first(False)}),
    Ablation("lending between readings", _cues(agreement_credit=0.0)),
    Ablation("hue bears contrast out", {METRIC: _without_hue}),
    Ablation("texture bears contrast out", {"detectors.evidence.cues._contrast_limit": _like_first(np.float32(99.0))}),
    Ablation("contrast on bare ground only", _cues(built_vegetation=2.0, dark_roof_vegetation=2.0)),
    Ablation("roofs over half a pixel of what grows", _cues(half_built_vegetation=-2.0)),
    Ablation("roofs that turn to soil", {"detectors.evidence.cues._bared": _nothing_of}),
    Ablation("soil that turns grey", {"detectors.evidence.cues._paved": _nothing_of}),
    Ablation("open water told apart", _cues(water=-2.0)),
    Ablation("glint on ponds", _cues(pond_vegetation=-2.0)),
    Ablation("cue: exposure", {METRIC: _without_cues(Cue.EXPOSURE)}),
    Ablation("cue: structure", {METRIC: _without_cues(Cue.STRUCTURE)}),
    Ablation("cue: removal", {METRIC: _without_cues(Cue.REMOVAL)}),
    Ablation("all but exposure", {METRIC: _without_cues(Cue.STRUCTURE, Cue.REMOVAL)}),
    Ablation("radar (optical alone)", sensor=OPTICAL),
    Ablation("optics (radar alone)", sensor=RADAR),
    Ablation("the sum of both instruments", {"detectors.objects.extract.gain_confidence": _greater_of_two}),
    Ablation(
        "confidence of 36 (22.5 as published)",
        {"detectors.objects.extract.EvidenceParameters": _always(EvidenceParameters(confirmed=22.5))},
    ),
    Ablation("three dates to confirm", _monitor(lifecycle=LifecycleParameters(confirming_dates=1))),
    Ablation(
        "evidence lives through one calm look",
        {"detectors.monitor.steps.add_evidence": _given(parameters=EvidenceParameters(lost_after=1))},
    ),
    Ablation("hysteresis in a single look", _objects(single_edge=ObjectParameters().single_acquisition)),
    Ablation("patches joined", _objects(join_px=0)),
    Ablation("fringe taken off", {"detectors.objects.extract._without_fringe": _item_itself}),
    Ablation("lines", {"detectors.objects.extract._line_detections": _always([])}),
    Ablation("rings are fences", {"detectors.objects.extract.is_ring": _always(False)}),
    Ablation("colour of the change", {"detectors.objects.change_type.is_grey": _like_first(False)}),
    Ablation("radar says what stood", {"detectors.objects.extract._was_built": _like_first(True)}),
    Ablation("radar says what cannot have stood", {"detectors.objects.extract._may_be_built": _like_first(True)}),
    Ablation("changed ground made the baseline", {"detectors.monitor.steps.rebased_events": _first_argument}),
    Ablation("baselines fitted again", _monitor(refit_at=(), refit_days=100_000)),
)

# Every detector by itself, and all of them together.
ALONE: tuple[Ablation, ...] = (
    Ablation(EVERYTHING),
    Ablation("optics alone", sensor=OPTICAL),
    Ablation("radar alone", sensor=RADAR),
    *(
        Ablation(
            f"{cue.name.lower()} alone", {METRIC: _without_cues(*(c for c in OPTICAL_CUES if c is not cue))}, OPTICAL
        )
        for cue in OPTICAL_CUES
    ),
)
