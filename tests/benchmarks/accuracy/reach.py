# mypy: disable-error-code="var-annotated"
"""The sections on walls, demolitions, truth drawn by eye, the desert, platforms, haze and the province: their jobs."""

from __future__ import annotations

from pathlib import Path

import cloud_vote
import demolitions
import desert
import ground_pictures
import ground_tables
import grounds
import haze
import phases
import platforms
import province
import series
import truth
import walls
from runner import Runner
from scoring import Figure

DESERTS_A_SEED = 10


def _walls(run: Runner, seeds: range, to: Path) -> list[Figure]:
    jobs = [({"seed": seed, "fraction": f},) for seed in seeds for f in walls.FRACTIONS]
    real = run(walls.trials, jobs, "walls in a real series") if series.is_there() else []
    rows = [row for some in (*real, *run(walls.simulated, jobs, "walls on simulated ground")) for row in some]
    walls.plot(rows, to)
    return walls.figures(rows)


def _demolitions(run: Runner, seeds: range, to: Path) -> list[Figure]:
    if not series.is_there():
        return []
    torn = run(demolitions.trials, demolitions.jobs(seeds), "demolitions in real series")
    torn += run(demolitions.suburb, [({"seed": seed},) for seed in seeds], "real roofs pulled down")
    return demolitions.figures([t for some in torn for t in some])


def _phases(run: Runner, seeds: range, to: Path) -> list[Figure]:
    if not series.is_there():
        return []
    some = run(phases.trials, [({"seed": seed},) for seed in seeds], "two phases in a real series")
    return phases.figures([one for found in some for one in found])


def _truth(run: Runner, seeds: range, to: Path) -> list[Figure]:
    if not series.is_there():
        return []
    spans = [(name, *span, {}) for name, found in truth.SPANS.items() for span in found]
    results = run(truth.scored, spans, "real series against truth")
    results += run(truth.pair, [(name, {}) for name in truth.PAIRS], "real pairs against truth")
    return truth.figures(results, run(truth.quiet, [(name, {}) for name in truth.QUIET], "quiet ground"))


def _grounds(run: Runner, seeds: range, to: Path) -> list[Figure]:
    """Every real ground watched whole; `grounds.md` lists each change, and `grounds/` holds a picture of each."""
    if not series.is_there():
        return []
    jobs = [(name, {"to": to / "grounds"}) for name in grounds.GROUNDS]
    outcomes = run(ground_pictures.pictured, jobs, "real grounds watched whole")
    to.mkdir(parents=True, exist_ok=True)
    (to / "grounds.md").write_text(
        "\n".join(["# Real grounds, watched whole", "", *ground_tables.table(outcomes)]) + "\n"
    )
    return ground_tables.figures(outcomes)


def _desert(run: Runner, seeds: range, to: Path) -> list[Figure]:
    jobs = [({"seed": seed * DESERTS_A_SEED + n},) for seed in seeds for n in range(DESERTS_A_SEED)]
    return desert.figures([d for some in run(desert.trial, jobs, "compounds on desert") for d in some])


def _province(run: Runner, seeds: range, to: Path) -> list[Figure]:
    """Six minutes a seed; the suspects of each are listed in a file of its own."""
    provinces = []
    for seed in seeds:
        jobs = [(number, {"seed": seed}) for number in range(province.TILES)]
        provinces.append(province.gathered(seed, run(province.tile, jobs, f"province of seed {seed}")))
        to.mkdir(parents=True, exist_ok=True)
        (to / f"province-{seed}.md").write_text("\n".join(province.listing(provinces[-1])) + "\n")
    return province.figures(provinces)


def _platforms(run: Runner, seeds: range, to: Path) -> list[Figure]:
    jobs = platforms.jobs(seeds, has_real=series.is_there())
    return platforms.figures(run(platforms.takeover, jobs, "radar of which a second platform takes over"))


def _haze(run: Runner, seeds: range, to: Path) -> list[Figure]:
    """The first seed alone; without the model, the watch without its vote alone."""
    jobs = haze.jobs(seeds[:1], has_real=series.is_there(), has_model=cloud_vote.is_installed())
    done = run(haze.measured, jobs, "hazy series with and without a vote on clouds")
    return haze.figures([w for watches, _ in done for w in watches], [f for _, flagged in done for f in flagged])


SECTIONS = {
    "truth": _truth,
    "grounds": _grounds,
    "desert": _desert,
    "walls": _walls,
    "demolitions": _demolitions,
    "phases": _phases,
    "platforms": _platforms,
    "haze": _haze,
    "province": _province,
}
