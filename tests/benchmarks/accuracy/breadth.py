"""The benchmark's breadth: peers, tails, kinds of ground and sky, and every step left out by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ablations
import buildings
import comparison
import ranking
import reliability
import series
import standings
import tails
import truth
import variety
from grounds import GROUNDS
from nuisances import drifted
from runner import Jobs, Runner
from scoring import Figure
from variety import SCENARIOS

from aois.area import AreaKind
from aois.demonstration import demonstration

MIXINGS = (0.6, 0.9)
SITES = tuple(area.id for area in demonstration() if area.kind is AreaKind.SITE)
SKIES = (
    "wooded ground",
    "desert",
    "slips of up to a pixel more",
    "haze that the mask misses",
    "flood over a fifth of the ground",
    "burnt fields and scrub",
)
ABLATED = {"romania": buildings.SPANS["romania"], "mine-1": buildings.SPANS["mine-1"][1:]}


def _peers(run: Runner, seeds: range, to: Path) -> list[Figure]:
    spans = [(name, *span) for name, found in buildings.SPANS.items() for span in found] if series.is_there() else []
    quiet = run(comparison.quiet_trial, [(*span, {}) for span in spans], "peers on quiet series")
    jobs = [(*span, {"seed": s, "mixing": m}) for span in spans for s in seeds for m in MIXINGS]
    built = run(comparison.building_trial, jobs, "peers on buildings in real series")
    places = [(name, {"seed": s}) for s in seeds for name in SITES]
    trials = [*quiet, *built, *run(comparison.place_trial, places, "peers on simulated places")]
    standings.plot(trials, to)
    return standings.figures(trials)


def _tails(run: Runner, seeds: range, to: Path) -> list[Figure]:
    real = [(name, {"seed": 0}) for name in tails.REAL] if series.is_there() else []
    drawn = [(name, {"seed": s}) for name in tails.GROUNDS if name not in tails.REAL for s in seeds]
    found = [tail for some in run(tails.tails, real + drawn, "tails on quiet ground") for tail in some]
    tails.plot(found, to)
    return tails.figures(found)


def _variety(run: Runner, seeds: range, to: Path) -> list[Figure]:
    jobs = [(n, {"seed": s}) for s in seeds for n in range(len(variety.SCENARIOS))]
    return variety.figures(run(variety.outcome, jobs, "kinds of ground and sky"))


def _cases(seeds: range) -> Jobs:
    """The jobs of `ablations`."""
    is_there = series.is_there()
    spans = [(name, *span) for name, found in ABLATED.items() for span in found] if is_there else []
    jobs: Jobs = [("built", *span, {"seed": s, "mixing": 0.75}) for span in spans for s in seeds]
    if is_there:
        jobs += [("cleared", "romania", *truth.SPANS["romania"][0], {})]
        jobs += [("pair", name, {"seed": s}) for name in truth.PAIRS for s in seeds]
        jobs += [("built", *spans[0], {"seed": s, "mixing": 0.75, "slip": drifted}) for s in seeds]
        jobs += [("pulled", *spans[0], {"seed": s}) for s in seeds]
        jobs += [("built", *spans[0], {"seed": s, "mixing": 0.9, "on_soil": True}) for s in seeds]
    jobs += [("place", name, {"seed": s}) for s in seeds for name in SITES]
    jobs += [(kind, {"seed": s}) for s in seeds for kind in ("walled", "arid", *(("torn",) if is_there else ()))]
    return jobs + [("sky", n, {"seed": s}) for s in seeds for n, (name, *_) in enumerate(SCENARIOS) if name in SKIES]


def _materials(run: Runner, seeds: range, to: Path) -> list[Figure]:
    """Roofs of what no parameter was chosen on, each material by itself."""
    if not series.is_there():
        return []
    spans = [(name, *span) for name, found in buildings.SPANS.items() for span in found]
    jobs = [(*span, {"seed": s, "mixing": 0.9, "roofs": buildings.MORE_ROOFS}) for span in spans for s in seeds]
    trials = [t for some in run(buildings.trials, jobs, "roofs of other materials") for t in some]
    return buildings.material_figures(trials, buildings.MORE_ROOFS)


def _ranking(run: Runner, seeds: range, to: Path) -> list[Figure]:
    """One threshold over all grounds, on the first two seeds and on real grounds."""
    ranked = run(ranking.of_case, _cases(seeds[:2]), "events of seeds by rank")
    if series.is_there():
        ranked += run(ranking.of_ground, [(name, {}) for name in GROUNDS], "events of real grounds by rank")
    return ranking.figures(ranked)


def _reliability(run: Runner, seeds: range, to: Path) -> list[Figure]:
    """What confidences are worth: on the first two seeds, on roofs that the fit never saw, and on real grounds."""
    found = run(reliability.of_case, _cases(seeds[:2]), "stated confidence on seeds")
    if series.is_there():
        roofs = buildings.ROOFS if run.left_out else buildings.MORE_ROOFS
        spans = [(name, *span) for name, some in ABLATED.items() for span in some]
        jobs = [(roof, *span, {"seed": s, "mixing": 0.75}) for roof in roofs for span in spans for s in seeds[:2]]
        found += run(reliability.of_material, jobs, "stated confidence on roofs of one material")
        found += run(reliability.of_ground, [(name, {}) for name in GROUNDS], "stated confidence on real grounds")
    reliability.plot(found, to)
    return reliability.figures(found, is_left_out=run.left_out is not None)


def _alone(run: Runner, seeds: range, to: Path) -> list[Figure]:
    found = [one for some in run(ablations.alone_runs, _cases(seeds[:2]), "each detector alone") for one in some]
    return ablations.alone_figures(found)


SECTIONS: dict[str, Callable[[Runner, range, Path], list[Figure]]] = {
    "alone": _alone,
    "peers": _peers,
    "tails": _tails,
    "materials": _materials,
    "ranking": _ranking,
    "reliability": _reliability,
    "variety": _variety,
}


def ablation_table(run: Runner, seeds: range) -> list[str]:
    """The table of every step left out, on the first two seeds: a chapter of ``accuracy.md``."""
    few = seeds[:2]
    found = [one for some in run(ablations.case_runs, _cases(few), "steps left out") for one in some]
    return ["", f"## Every step left out by itself, seeds {few.start} to {few.stop - 1}", "", *ablations.table(found)]
