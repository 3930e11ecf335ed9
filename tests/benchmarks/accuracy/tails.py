# mypy: disable-error-code="arg-type"
"""How often quiet ground is believed to have changed, and how far its scores are from normal ones.

A baseline is fitted on the first looks of quiet ground, and every later look is weighed against it by the filter. Of
each class it is counted how often a pixel has gained 2, 4 and 6 nats on its prior. Were
all ratios those of true probabilities, a share of e⁻², e⁻⁴ and e⁻⁶ would at most (Markov's inequality: over unchanged
ground the mean of a ratio is 1), after however many looks; the figure is the multiple of that. Errors of one baseline
that looks share, or tails that the table lacks, raise it. The features' own scores are drawn against normal quantiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import buildings
import numpy as np
import numpy.typing as npt
from scipy import stats
from scoring import Figure, ratio
from series import measured, real_series, shape_of
from worlds import place_of

from detectors.acquisition import OPTICAL, Acquisition, Floats, Mask
from detectors.evidence.belief import add_ratios, log_odds, no_evidence
from detectors.evidence.emission import log_ratios
from detectors.evidence.signatures import CLASSES, load_signatures
from detectors.preprocessing.align import align_acquisition
from detectors.sensor_series.series import build_series, compare

LIMITS = (2.0, 4.0, 6.0)
EDGES = np.linspace(-12.0, 12.0, 961)
HISTORY_DAYS, TESTED_DAYS = 730, 365
RADAR_CATALOGS = ("s1-t137-292319-iw2", "s1-t137-292321-iw2", "s1-t137-292323-iw2")


@dataclass(frozen=True)
class Tail:
    """Scores of one channel on one quiet ground.

    `passed` int64 (look, what, limit) and `seen` int64 (look, what) count pixels, `what` being one of `CLASSES`;
    `histogram` int64 (feature, bin of `EDGES`) is of the features' z.
    """

    ground: str
    sensor: str
    names: tuple[str, ...]
    passed: npt.NDArray[np.int64]
    seen: npt.NDArray[np.int64]
    histogram: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Quiet:
    """Looks of one channel, which of them are history, and the ground (bool (y, x)) on which nothing happens."""

    acquisitions: tuple[Acquisition, ...]
    history: int
    ground: Mask


def real_optical(series: str, since: date) -> list[Quiet]:
    """A real optical series, less all ground whose summers differ."""
    acquisitions = [k for k in real_series(series) if -HISTORY_DAYS <= (k.day - since).days < TESTED_DAYS]
    changed = buildings.real_change(tuple(real_series(series)), since, acquisitions[-1].day)
    earlier = sum(k.day < since for k in acquisitions)
    return [Quiet(tuple(acquisitions), earlier, measured(tuple(acquisitions)) & ~changed)]


def real_radar(series: str) -> list[Quiet]:
    """A Sentinel-1 catalog, each orbit by itself: the first half of its dates is history."""
    acquisitions = real_series(series)
    all_series = sorted({k.series for k in acquisitions})
    per_series = [tuple(k for k in acquisitions if k.series == name) for name in all_series]
    return [Quiet(some, len(some) // 2, np.ones(shape_of(some), bool)) for some in per_series if len(some) >= 8]


def simulated(area_id: str, *, seed: int) -> list[Quiet]:
    """A simulated place in which nothing happens, each instrument by itself."""
    acquisitions, ground, _ = place_of(area_id, seed=seed)
    out = []
    for name in sorted({k.series for k in acquisitions}):
        some = tuple(k for k in acquisitions if k.series == name)
        last = some[-1].day.toordinal()
        history = sum(last - k.day.toordinal() > 182 for k in some)
        out.append(Quiet(some, history, ground.monitored_mask))
    return out


GROUNDS: dict[str, Callable[[int], list[Quiet]]] = {
    "Romania, unchanged": lambda _: real_optical("romania", date(2018, 1, 1)),
    "the mine, unchanged": lambda _: real_optical("mine-1", date(2023, 10, 2)),
    **{f"Sentinel-1, catalog {n}": partial(lambda name, _: real_radar(name), c) for n, c in enumerate(RADAR_CATALOGS)},
    "simulated town": lambda seed: simulated("demo-quiet-town", seed=seed),
    "simulated paddies": lambda seed: simulated("demo-quiet-paddy", seed=seed),
}
REAL = tuple(name for name in GROUNDS if not name.startswith("simulated"))


def tails(ground: str, *, seed: int) -> list[Tail]:
    """The scores of every channel on one of `GROUNDS`; the seed matters to simulated ones only."""
    found = [_tail(ground, quiet) for quiet in GROUNDS[ground](seed)]
    return [tail for tail in found if tail is not None]


def _tail(name: str, quiet: Quiet) -> Tail | None:
    never = np.zeros(quiet.ground.shape, np.int32)
    series, _ = build_series(quiet.acquisitions[: quiet.history], monitored_mask=quiet.ground, since=never)
    if series is None:
        return None
    evidence = no_evidence(quiet.ground.shape)
    prior = log_odds(evidence)
    passed, seen = [], []
    histogram = np.zeros((len(series.names), len(EDGES) - 1), np.int64)
    for acquisition in quiet.acquisitions[quiet.history :]:
        reading = align_acquisition(acquisition, reference=series.reference, monitored_mask=quiet.ground)
        if reading.report.status != "used":
            continue
        residual = compare(series, reading.features, day=reading.report.day, stable_mask=quiet.ground)
        ratios, *_ = log_ratios(
            residual.z,
            series.names,
            sensor=series.sensor,
            history=series.history_kind,
            stable_mask=quiet.ground,
            resolution_px=series.resolution_px,
            table=load_signatures(),
        )
        evidence = add_ratios(evidence, ratios[0], sensor=series.sensor, day=reading.report.day)
        counted = quiet.ground & np.isfinite(ratios[0]).all(axis=0)
        values = (log_odds(evidence) - prior)[:, counted]
        passed.append([[int((v >= limit).sum()) for limit in LIMITS] for v in values])
        seen.append([v.size for v in values])
        histogram += _histogram(residual.z, quiet.ground)
    if not seen:
        return None
    return Tail(name, series.sensor, series.names, np.array(passed), np.array(seen), histogram)


def _histogram(z: Floats, ground: Mask) -> npt.NDArray[np.int64]:
    inside = [np.clip(layer[ground & np.isfinite(layer)], EDGES[0], EDGES[-1]) for layer in z]
    return np.stack([np.histogram(values, EDGES)[0] for values in inside])


def figures(found: list[Tail]) -> list[Figure]:
    """Exceedance ratios of all that is believed, grounds of one kind together, with intervals over looks."""
    out = []
    for kind in dict.fromkeys(_kind(tail) for tail in found):
        some = [tail for tail in found if _kind(tail) == kind]
        for w, what in enumerate(CLASSES):
            for n, limit in enumerate(LIMITS):
                passed = np.concatenate([tail.passed[:, w, n] for tail in some])
                seen = np.concatenate([tail.seen[:, w] for tail in some])
                name = f"{kind}, {what}: gains of {limit:g} nats / e^-{limit:g}"
                out.append(ratio(name, passed, seen * np.exp(-limit), "≤ 1", why=_why(passed, seen)))
    return out


def _kind(tail: Tail) -> str:
    return "quiet Sentinel-1, three catalogs" if tail.ground.startswith("Sentinel-1") else _place(tail)


def _place(tail: Tail) -> str:
    instrument = "" if tail.ground in REAL else " by radar" if tail.sensor != OPTICAL else " by optics"
    return f"{tail.ground}{instrument}"


def _why(passed: np.ndarray, seen: np.ndarray) -> str:
    """In how few looks the half of what passed lies: pixels of one look go together."""
    order = np.sort(passed)[::-1]
    half = 1 + int(np.searchsorted(np.cumsum(order), order.sum() / 2))
    return f"half of what passes lies in {half} of {len(seen)} looks"


def plot(found: list[Tail], to: Path) -> None:
    """Write ``tails.png``: quantiles of each feature's z against normal ones, one panel for each kind of ground."""
    from matplotlib.figure import Figure as Page

    kinds = list(dict.fromkeys(_kind(tail) for tail in found))
    columns = min(4, len(kinds))
    page = Page(figsize=(3.4 * columns, 3.4 * -(-len(kinds) // columns)), layout="constrained")
    panels = page.subplots(-(-len(kinds) // columns), columns, sharex=True, sharey=True, squeeze=False).ravel()
    chances = np.concatenate([np.geomspace(2e-5, 0.02, 40), np.linspace(0.02, 0.98, 60)[1:-1]])
    chances = np.unique(np.concatenate([chances, 1 - chances]))
    for panel, kind in zip(panels, kinds, strict=False):
        some = [tail for tail in found if _kind(tail) == kind]
        for f, name in enumerate(some[0].names):
            total = np.sum([tail.histogram[f] for tail in some], axis=0)
            share = np.cumsum(total) / max(total.sum(), 1)
            panel.plot(stats.norm.ppf(chances), np.interp(chances, share, EDGES[1:]), label=name, linewidth=1.1)
        panel.plot([-4, 4], [-4, 4], color="black", linewidth=0.6, label="normal")
        panel.set(title=kind, xlim=(-4.2, 4.2), ylim=(-9, 9))
        panel.title.set_fontsize(8)
        panel.legend(fontsize=6)
    for panel in panels[len(kinds) :]:
        panel.set_visible(False)
    for panel in panels[len(kinds) - columns : len(kinds)]:
        panel.tick_params(labelbottom=True)  # the lowest of its column
    page.supxlabel("normal quantile, σ")
    page.supylabel("quantile of z, σ")
    to.mkdir(parents=True, exist_ok=True)
    page.savefig(to / "tails.png", dpi=110)
