"""Measure speed and write the table.

    .venv/bin/python tests/benchmarks/speed --to outputs/benchmarks [--only pixels|regions|events|sites] [--small]

Peers come with the extra `bench`. Everything is drawn from seeds; `--work` takes up to 20 GB.
The sites are watched for a year first: 98 of them take some 15 minutes of two idle cores and 15 GB, once; with the same
`--work` another call measures at once. `--small` proves that the command works; its figures mean little.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"  # core for core; read when the libraries are loaded

import events  # noqa: E402
import pixels  # noqa: E402
import regions  # noqa: E402
import sites  # noqa: E402
from measuring import Line  # noqa: E402

PARTS = ("pixels", "regions", "events", "sites")
SIDES = (512, 1024, 2048, 3072)
REGIONS = (250, 500, 1000, 2200)


def main() -> None:
    """Measure the parts asked for and write ``speed.md`` and its plots."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--to", type=Path, default=Path("outputs/benchmarks"))
    asked.add_argument("--work", type=Path, default=None)
    asked.add_argument("--only", choices=PARTS, action="append")
    asked.add_argument("--small", action="store_true")
    asked.add_argument("--sites", type=int, default=98)
    asked.add_argument("--history", type=int, default=100, help="acquisitions before a region is watched")
    asked.add_argument("--rounds", type=int, default=5)
    call = asked.parse_args()
    work = call.work or Path(tempfile.mkdtemp(prefix="sitewatch-speed-"))
    lines: list[Line] = []
    for part in call.only or PARTS:
        lines += _measured(part, work, call)
        _write(lines, call.to)
    sys.stdout.write((call.to / "speed.md").read_text())


def _measured(part: str, work: Path, call: argparse.Namespace) -> list[Line]:
    if part == "pixels":
        return pixels.lines(sides=SIDES[:2] if call.small else SIDES, rounds=call.rounds)
    if part == "regions":
        sides, history = (REGIONS[:2], 24) if call.small else (REGIONS, call.history)
        return regions.lines(work, call.to, sides=sides, history=history, weeks=4)
    if part == "events":
        return events.lines(call.to, side=700 if call.small else 2000)
    return sites.weekly_pass(work / "sites", sites=call.sites)


def _write(lines: list[Line], to: Path) -> None:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    table = [
        f"# Speed, {datetime.now(UTC):%Y-%m-%d}, {machine}, load {os.getloadavg()[0]:.1f} at the end",
        "",
        "Ratios are medians of rounds in which every contender runs once. On one core, rates are by processor time.",
        "",
        "| what | measured; ratio | goal | met |",
        "|---|---|---|---|",
        *(line.row() for line in lines),
    ]
    to.mkdir(parents=True, exist_ok=True)
    (to / "speed.md").write_text("\n".join(table) + "\n")


if __name__ == "__main__":
    main()
