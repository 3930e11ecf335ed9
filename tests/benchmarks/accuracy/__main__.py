"""Measure the detectors and write the table.

    .venv/bin/python tests/benchmarks/accuracy [--seeds 4] [--first 100] [--to outputs/benchmarks]
        [--only parts places real truth grounds desert walls demolitions phases platforms haze province alone peers
        tails materials ranking reliability variety]
        [--province] [--ablations] [--left-out all --tables FOLDER]

Seeds below 100 were used for choosing parameters; the default begins at 100. Real series are taken from
`../shared/archives`, and their lines are left out, saying so, where it is not there. With `--left-out`, every section
on real series is given a second time, each ground watched with a table of signatures that was fitted without it; the
section on stated confidence then also has roofs of one material, each with a table fitted without that material.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import breadth
import buildings
import cloud_vote
import grounds
import instruments
import numpy as np
import pledges
import reach
import series
import worlds
from left_out import LeftOut, TablesWithout
from runner import Runner
from scoring import HEAD, Figure, share

from aois.demonstration import demonstration
from aois.errors import UserError


def main() -> None:
    """Run the chosen experiments and write ``accuracy.md`` with its plots."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=4)
    asked.add_argument("--first", type=int, default=100)
    asked.add_argument("--to", type=Path, default=Path("outputs/benchmarks"))
    asked.add_argument("--only", nargs="+", choices=SECTIONS, default=[], help="sections to run")
    asked.add_argument(
        "--province", action="store_true", help="a province of 400 km² for every seed, not the first alone"
    )
    asked.add_argument("--ablations", action="store_true", help="also leave out every step by itself, which is long")
    asked.add_argument(
        "--left-out",
        nargs="+",
        choices=("all", *grounds.GROUNDS, *buildings.ROOFS),
        default=[],
        help="grounds, and materials of roofs, left out of the fit, one at a time",
    )
    asked.add_argument("--tables", type=Path, default=Path("outputs/signatures"), help="tables fitted without one")
    call = asked.parse_args()
    try:
        left_out = _left_out_of_the_fit(call.left_out, call.tables)
    except UserError as why:
        asked.error(str(why))
    seeds = range(call.first, call.first + call.seeds)
    table: dict[str, list[Figure]] = {}
    with ProcessPoolExecutor(2, initializer=warnings.simplefilter, initargs=("ignore",)) as pool:
        run = Runner(pool)
        for name in (name for name in SECTIONS if not call.only or name in call.only):
            some = seeds[:1] if name == "province" and not call.province else seeds
            table[name] = SECTIONS[name](run, some, call.to)
            _write(table, run.confirmed_on, call.to, seeds, [])  # what there is, should a later section be stopped
        for name in (name for name in list(table) if left_out and name in ON_REAL_GROUND):
            without = Runner(pool, left_out=left_out)
            table[f"{name}, left out"] = SECTIONS[name](without, seeds, call.to / "left-out")
            run.confirmed_on += without.confirmed_on
            _write(table, run.confirmed_on, call.to, seeds, [])
        dates = tuple(run.confirmed_on)
        chapters = breadth.ablation_table(run, seeds) if call.ablations else []
    _write(table, dates, call.to, seeds, chapters)
    sys.stdout.write((call.to / "accuracy.md").read_text())


def _left_out_of_the_fit(names: Sequence[str], tables: Path) -> LeftOut | None:
    some = (*grounds.GROUNDS, *buildings.ROOFS) if "all" in names else tuple(names)
    if not some:
        return None
    parameters_for = TablesWithout(tables)
    for name in some:
        parameters_for(name)  # what is missing is said before anything is measured
    return LeftOut(some, parameters_for)


def _parts(run: Runner, seeds: range, to: Path) -> list[Figure]:
    found = instruments.registration(seed=seeds.start) if series.is_there() else []
    return found + instruments.speckle(seed=seeds.start)


def _places(run: Runner, seeds: range, to: Path) -> list[Figure]:
    jobs = [(area.id, {"seed": seed}) for seed in seeds for area in demonstration()]
    return worlds.figures(run(worlds.world, jobs, "simulated places"))


def _real(run: Runner, seeds: range, to: Path) -> list[Figure]:
    if not series.is_there():
        return []
    spans = [(name, *span) for name, found in buildings.SPANS.items() for span in found]
    jobs = [(*span, {"seed": seed, "mixing": m}) for span in spans for seed in seeds for m in breadth.MIXINGS]
    return buildings.figures([t for trials in run(buildings.trials, jobs, "buildings in real series") for t in trials])


SECTIONS = {"parts": _parts, "places": _places, "real": _real} | reach.SECTIONS | breadth.SECTIONS
ON_REAL_GROUND = ("real", "truth", "grounds", "walls", "demolitions", "phases", "materials", "ranking", "reliability")
TITLES = {
    "parts": "Registration and Sentinel-1 by themselves",
    "places": "The demonstration's places, simulated",
    "real": "Buildings put into real series",
    "walls": "Walls put into a real series and simulated ground",
    "demolitions": "Buildings pulled down",
    "phases": "Phases of one place",
    "platforms": "A radar series whose platform changes",
    "haze": "Hazy series, with and without a second opinion on clouds",
    "truth": "Real change, against truth drawn by eye",
    "grounds": "Real grounds, watched whole",
    "desert": "Bare ground in red, green and blue",
    "province": "A simulated province",
    "alone": "Each detector alone, and all together",
    "peers": "Peers on the same looks, at equal false objects",
    "tails": "Scores of quiet ground, against normal ones",
    "materials": "Roofs of other materials, each by itself",
    "ranking": "One threshold over all grounds",
    "reliability": "Stated confidence against what was true",
    "variety": "Kinds of ground and sky, simulated",
}


def _write(
    table: Mapping[str, Sequence[Figure]], dates: Sequence[int], to: Path, seeds: range, chapters: list[str]
) -> None:
    lines = [f"# Accuracy, seeds {seeds.start} to {seeds.stop - 1}", ""]
    verdicts = [f.verdict() for figures in table.values() for f in figures]
    lines.append(f"Goals met: {verdicts.count('met')}; short: {verdicts.count('SHORT')}, each with its reason.")
    for name, figures in table.items():
        rows = [figure.row() for figure in figures if figure.count or np.isfinite(figure.value)]
        section, _, without = name.partition(", ")
        title = TITLES[section] + (", left out of the fit one at a time" if without else "")
        lines += ["", f"## {title} (`{section}`)", "", *(HEAD + tuple(rows) if rows else ("Not measured here.",))]
    early = share("events confirmed on fewer than three dates, in all of these runs", [n < 3 for n in dates], "0.00")
    lines += ["", "## What holds throughout", "", *HEAD, *([early.row()] if dates else []), *pledges.rows()]
    lines += [*chapters, *_left_out(table, chapters)]
    to.mkdir(parents=True, exist_ok=True)
    (to / "accuracy.md").write_text("\n".join(lines) + "\n")


def _left_out(table: Mapping[str, Sequence[Figure]], chapters: list[str]) -> list[str]:
    out = [f"- `{name}`: {TITLES[name].lower()} (`--only {name}`)" for name in SECTIONS if name not in table]
    if not chapters:
        out.append("- every step left out by itself (`--ablations`)")
    if "haze" in table and not cloud_vote.is_installed():
        mend = "`.venv/bin/pip install -c requirements.lock -e '.[bench-clouds]'`"
        out.append(f"- a second opinion on clouds in `haze`, whose model is not installed; to have it: {mend}")
    if not series.is_there():
        out.append("- everything on real series, which are not beside the checkout (`../shared/archives`)")
    return ["", "## Left out of this run", "", *out] if out else []


if __name__ == "__main__":
    main()
