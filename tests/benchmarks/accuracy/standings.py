"""Where every method stands: recall at equal false alarms, and the curves of recall against false alarms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from comparison import EVIDENCE, OPTICAL_ALONE, WHOLE, Trial
from curves import COUNTED_UP_TO, THRESHOLDS, Chance, threshold_at
from scoring import Figure, median, rate, share


@dataclass(frozen=True)
class Curve:
    """One method on one kind of ground, at every threshold: its recall, and the most false objects down to it.

    False objects are by km² and year, and NaN where they have begun to melt into each other.
    """

    method: str
    recall: npt.NDArray[np.float64]
    false_rate: npt.NDArray[np.float64]


def grounds(trials: list[Trial]) -> list[str]:
    """The kinds of ground there are, in a fixed order."""
    return sorted({t.ground for t in trials})


def methods(trials: list[Trial]) -> list[str]:
    """Every method that has a score, this project's evidence last."""
    return list(dict.fromkeys(name for t in trials for name in t.counts))


def pooled(trials: list[Trial], method: str) -> tuple[tuple[Chance, ...], npt.NDArray[np.int64], float]:
    """Every chance, the false objects at every threshold, and the km² and years they were counted over."""
    chances = tuple(c for t in trials for c in t.chances.get(method, ()))
    counts = np.sum([t.counts[method] for t in trials if method in t.counts], axis=0)
    return chances, counts, sum(t.km2_years for t in trials)


def curves(trials: list[Trial]) -> list[Curve]:
    """The curve of every method with a score, on trials of one kind of ground."""
    out = []
    for name in methods(trials):
        chances, counts, exposure = pooled(trials, name)
        recall = np.array([np.mean([c.is_found(float(h)) for c in chances]) for h in THRESHOLDS])
        most = np.maximum.accumulate(counts[::-1])[::-1]
        out.append(Curve(name, recall, np.where(most >= COUNTED_UP_TO, np.nan, most / exposure)))
    return out


def figures(trials: list[Trial]) -> list[Figure]:
    """The lines of the table: this project's chain, then every peer at as many false objects."""
    return [line for ground in grounds(trials) for line in _figures([t for t in trials if t.ground == ground], ground)]


def _figures(trials: list[Trial], ground: str) -> list[Figure]:
    exposure = sum(t.km2_years for t in trials)
    out = []
    for chain in dict.fromkeys(name for t in trials for name in t.found):
        hits = [hit for t in trials for hit in t.found.get(chain, ())]
        false = sum(t.false.get(chain, 0) for t in trials)
        late = [d for t in trials for d in t.days.get(chain, ()) if d is not None]
        out.append(share(f"{ground}, {chain}: recall", hits))
        goal, why = ("≤ 0.05" if chain == WHOLE else ""), f"{false} over {exposure:.1f} km² and years"
        out.append(rate(f"{ground}, {chain}: false confirmed events a km² and year", false, exposure, goal, why=why))
        out.append(median(f"{ground}, {chain}: days to confirmation", late))
    allowed = sum(t.false.get(WHOLE, 0) for t in trials)
    ours = float(np.mean([hit for t in trials for hit in t.found.get(WHOLE, ())]))
    for name in methods(trials):
        chances, counts, _ = pooled(trials, name)
        threshold = threshold_at(counts, allowed)
        late = [d for c in chances if (d := c.days(threshold)) is not None]
        goal = f"< {ours:.2f}, Sitewatch's" if name != EVIDENCE else ""
        text = f"{ground}, {name} at as many false objects ({allowed})"
        hits = [c.is_found(threshold) for c in chances]
        out.append(share(f"{text}: recall", hits, goal, why=f"finds {sum(hits)} of {len(hits)}"))
        out.append(median(f"{text}: days to the first look that shows it", late))
    return out


def plot(trials: list[Trial], to: Path) -> None:
    """Write ``peers.png``: recall against false objects, one panel for each kind of ground."""
    from matplotlib.figure import Figure as Page

    names = grounds(trials)
    page = Page(figsize=(4.4 * len(names) + 2.8, 4.4), layout="constrained")
    panels = page.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for panel, ground in zip(panels, names, strict=True):
        some = [t for t in trials if t.ground == ground]
        exposure = sum(t.km2_years for t in some)
        for curve in curves(some):
            ours = {"linestyle": "-", "color": "black"} if curve.method == EVIDENCE else {"linestyle": "--"}
            panel.plot(curve.false_rate, curve.recall, label=curve.method, linewidth=1.3, **ours)
        for chain, mark in ((WHOLE, "o"), (OPTICAL_ALONE, "s")):
            hits = [hit for t in some for hit in t.found.get(chain, ())]
            if hits:
                false = sum(t.false.get(chain, 0) for t in some) / exposure
                panel.plot([false], [np.mean(hits)], mark, color="black", label=f"{chain}: events", zorder=3)
        panel.set(title=ground, xlabel="false objects a km² and year", ylim=(-0.02, 1.03), xlim=(-0.3, 12))
    panels[0].set_ylabel("recall")
    named = {text: line for panel in panels for line, text in zip(*panel.get_legend_handles_labels(), strict=True)}
    page.legend(named.values(), named, fontsize=8, loc="outside right upper")  # inside it would lie on curves
    to.mkdir(parents=True, exist_ok=True)
    page.savefig(to / "peers.png", dpi=110)
