"""Measure the detectors and write the table.

    .venv/bin/python tests/benchmarks/accuracy [--seeds 4] [--first 100] [--to outputs/benchmarks]
        [--only parts places real walls demolitions truth desert province peers tails variety]
        [--province] [--ablations]

Seeds below 100 were used for choosing parameters; the default begins at 100. Real series are taken from
`../shared/archives`, and their lines are left out, saying so, where it is not there.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import breadth
import buildings
import instruments
import numpy as np
import reach
import series
import worlds
from rich.progress import track
from scoring import Figure

from aois.demonstration import demonstration

EXTRA = reach.SECTIONS | breadth.SECTIONS
SECTIONS = ("parts", "places", "real", *EXTRA)


def main() -> None:
    """Run the chosen experiments and write ``accuracy.md`` with its plots."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=4)
    asked.add_argument("--first", type=int, default=100)
    asked.add_argument("--to", type=Path, default=Path("outputs/benchmarks"))
    asked.add_argument("--only", nargs="+", choices=SECTIONS, default=[], help="sections to run")
    asked.add_argument("--province", action="store_true", help="also the province of 400 km², minutes a seed")
    asked.add_argument("--ablations", action="store_true", help="also leave out every step by itself, which is long")
    call = asked.parse_args()
    chosen = call.only or [name for name in SECTIONS if name != "province" or call.province]
    seeds = range(call.first, call.first + call.seeds)
    figures: list[Figure] = []
    with ProcessPoolExecutor(2, initializer=warnings.simplefilter, initargs=("ignore",)) as pool:
        for name in (name for name in SECTIONS if name in chosen):
            figures += _section(name, pool, seeds, call.to)
            _write(figures, call.to, seeds, [])  # what there is so far, should a later section be stopped
        chapters = breadth.ablation_table(partial(_all, pool), seeds) if call.ablations else []
    _write(figures, call.to, seeds, chapters)
    sys.stdout.write((call.to / "accuracy.md").read_text())


def _section(name: str, pool: ProcessPoolExecutor, seeds: range, to: Path) -> list[Figure]:
    if name in EXTRA:
        return EXTRA[name](partial(_all, pool), seeds, to)
    if name == "parts":
        return _instruments(seeds.start)
    if name == "places":
        return _simulated(pool, seeds)
    return _real(pool, seeds) if series.is_there() else []


def _instruments(seed: int) -> list[Figure]:
    found = instruments.speckle(seed=seed)
    return found + (instruments.registration(seed=seed) if series.is_there() else [])


def _simulated(pool: ProcessPoolExecutor, seeds: Iterable[int]) -> list[Figure]:
    jobs = [(area.id, {"seed": seed}) for seed in seeds for area in demonstration()]
    return worlds.figures(_all(pool, worlds.world, jobs, "simulated places"))


def _real(pool: ProcessPoolExecutor, seeds: Iterable[int]) -> list[Figure]:
    spans = [(name, *span) for name, found in buildings.SPANS.items() for span in found]
    jobs = [(*span, {"seed": seed, "mixing": m}) for span in spans for seed in seeds for m in breadth.MIXINGS]
    built = [t for trials in _all(pool, buildings.trials, jobs, "buildings in real series") for t in trials]
    return buildings.figures(built)


def _all(pool: ProcessPoolExecutor, work: Callable[..., Any], jobs: list[tuple[Any, ...]], what: str) -> list[Any]:
    """The results of every job, in order; the last of a job's arguments holds its keywords."""
    futures = [pool.submit(work, *job[:-1], **job[-1]) for job in jobs]
    return [future.result() for future in track(futures, description=what)]


def _write(figures: list[Figure], to: Path, seeds: range, chapters: list[str]) -> None:
    rows = [figure.row() for figure in figures if figure.count or np.isfinite(figure.value)]
    left_out = (
        [] if series.is_there() else ["", "Left out: everything on real series, which are not beside the checkout."]
    )
    table = [
        f"# Accuracy, seeds {seeds.start} to {seeds.stop - 1}",
        "",
        "| what | value | 95 % interval | of | goal | |",
        "|---|---|---|---|---|---|",
        *rows,
        *left_out,
        *chapters,
    ]
    to.mkdir(parents=True, exist_ok=True)
    (to / "accuracy.md").write_text("\n".join(table) + "\n")


if __name__ == "__main__":
    main()
