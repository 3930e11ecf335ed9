"""Whole tiles from files to files: one new date, memory, growth; the first run; and nrt's own way of doing it."""

from __future__ import annotations

import shutil
import time
import warnings
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import rasterio
from kernels import fill_monitor
from measuring import Line, in_a_process, ratio, ratio_line
from rich.console import Console
from tiles import UNTIL, Drawn, begin, tile_of

from detectors.tile_search.clear_mask import clear_strip
from detectors.tile_search.objects import join_runs, runs_of_state
from detectors.tile_search.places import places_of
from detectors.tile_search.update import WideParameters, common_shift, day_number, season_weights
from detectors.tile_search.update_numba import update
from flows.tile_search.search_tile import SearchPeriod, search_tile

TILE = 10_980
CAMBODIA_PX = 1.8e9
SPAN = SearchPeriod(UNTIL + timedelta(days=1), date(2024, 12, 31))
DAYS = [UNTIL + timedelta(days=6 + 5 * n) for n in range(8)]
console = Console()


def step(state: Path, drawn: Path, side: int, drawn_side: int, days: list[date], threads: int) -> dict[str, float]:
    """Take looks into a tile's state, and read its places off; also the time without the start of the process."""
    land, tile = Drawn(drawn, drawn_side), tile_of(state, side)
    acquisitions = [*_history(land), *(land.look(day) for day in days)]
    load_kernels()
    begun, used = time.perf_counter(), time.process_time()
    found = search_tile(tile, acquisitions, SPAN, threads=threads)
    places, _ = places_of(found.objects, shape=tile.grid.shape, pixel_size_m=10, today=days[-1])
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "cpu": time.process_time() - used, "places": len(places), "taken": found.taken}


def load_kernels() -> None:
    """Everything compiled is loaded; that takes a third of a second, once a process."""
    ground = np.ones((4, 4), np.uint16)
    clear = clear_strip(np.full((6, 2), 4, np.uint8), halo=(2, 2))
    static, dynamic = np.ones((7, 4, 4), np.int16), np.zeros((3, 4, 4), np.int16)
    weights, p = season_weights(UNTIL), WideParameters()
    shifts = common_shift(static, weights, ground, ground, clear, parameters=p)
    how: dict[str, Any] = {"weights": weights, "shifts": shifts, "red": ground, "nir": ground, "clear": clear}
    update(static, dynamic, day=day_number(UNTIL), parameters=p, **how)
    join_runs([runs_of_state(dynamic)])


def several(states: list[Path], drawn: Path, side: int, drawn_side: int, days: list[date], threads: int) -> int:
    """One tile after the other in one process."""
    step(states[0], drawn, side, drawn_side, days, threads)
    for state in states[1:]:
        step(state, drawn, side, drawn_side, days, threads)
    return len(states)


def first_run(state: Path, drawn: Path, side: int, count: int) -> dict[str, float]:
    """Fit a tile's baseline from `count` looks of two years; seconds and processor seconds."""
    land, tile = Drawn(drawn, side), tile_of(state, side)
    acquisitions = land.looks(first=UNTIL - timedelta(days=5 * (count - 1)), count=count)
    begun, used = time.perf_counter(), time.process_time()
    search_tile(tile, acquisitions, SearchPeriod(UNTIL + timedelta(days=1), UNTIL + timedelta(days=1)), threads=2)
    return {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}


def lines(work: Path, to: Path, *, sides: tuple[int, ...], rounds: int, acquisitions: int) -> list[Line]:
    """Everything on whole tiles; `sides` from small to full, `looks` of the first run."""
    drawn, full = work / "drawn", sides[-1]
    console.print(f"drawing a look of {full}² pixels")
    for day in DAYS[: rounds + 1]:
        Drawn(drawn, full).look(day)
    grown = _growth(work, drawn, sides, rounds)
    _plot(grown, to)
    return [
        *_full_tile(grown, full),
        _linear(grown),
        _memory(work, drawn, sides[0], full),
        *_against_nrt(work, drawn, sides[1], full, rounds),
        *_first_runs(work, acquisitions),
    ]


Grown = dict[int, tuple[list[float], list[float], float, int]]


def _growth(work: Path, drawn: Path, sides: tuple[int, ...], rounds: int) -> Grown:
    """For each size the seconds of each round on two threads, processor seconds, the peak in MiB, and places found."""
    for side in sides:
        _fresh(work / f"state-{side}", drawn, side, full=sides[-1])
        in_a_process(step, work / f"state-{side}", drawn, side, sides[-1], DAYS[:1], 2)  # pages and kernels warm
    found: Grown = {side: ([], [], 0.0, 0) for side in sides}
    for n in range(1, rounds + 1):
        for side in sides:
            spent = in_a_process(step, work / f"state-{side}", drawn, side, sides[-1], [DAYS[n]], 2)
            seconds, cpu, peak, _ = found[side]
            said = spent.result
            found[side] = ([*seconds, said["seconds"]], [*cpu, said["cpu"]], max(peak, spent.peak_mib), said["places"])
            console.print(f"{side}²: {said['seconds']:.1f} s")
    return found


def _full_tile(grown: Grown, side: int) -> list[Line]:
    seconds, cpu, peak, places = grown[side]
    megapixels = side * side / 1e6
    rate, core_rate = megapixels / median(seconds), megapixels / median(cpu)
    country = CAMBODIA_PX / 1e6
    return [
        Line(
            f"one new date over a tile of {side}² pixels: read, update, label, write; two threads",
            f"{median(seconds):.1f} s, {rate:.1f} Mpx/s ({median(cpu):.1f} s of processor time); {places} places",
        ),
        Line(
            "carried to all of Cambodia, one date",
            f"1.8 × 10⁹ px ÷ {rate:.1f} Mpx/s = {country / rate:.0f} s on two threads; "
            f"÷ {core_rate:.1f} Mpx/s = {country / core_rate:.0f} s of one core",
        ),
        Line(
            "peak memory of that process, everything loaded", f"{peak:.0f} MiB", "≤ 512 MiB (floor 1024)", peak <= 512
        ),
    ]


def _linear(grown: Grown) -> Line:
    """What a further pixel costs from one size to the next: the same, if time is linear."""
    sizes = [(side, median(cpu)) for side, (_, cpu, _, _) in grown.items()]
    added = [1e9 * (more - less) / (large**2 - small**2) for (small, less), (large, more) in pairwise(sizes)]
    totals = ", ".join(f"{side}²: {seconds:.2f} s" for side, seconds in sizes)
    return Line(
        "processor time by the size of the tile",
        f"{totals}; per added pixel {', '.join(f'{ns:.0f}' for ns in added)} ns",
        "linear",
        max(added) <= 1.3 * min(added),
    )


def _memory(work: Path, drawn: Path, side: int, full: int) -> Line:
    peaks = []
    for count in (1, 2, 4):
        states = [_fresh(work / f"several-{n}", drawn, side, full=full) for n in range(count)]
        peaks.append(in_a_process(several, states, drawn, side, full, DAYS[:1], 2).peak_mib)
    said = ", ".join(f"{count}: {peak:.0f} MiB" for count, peak in zip((1, 2, 4), peaks, strict=True))
    return Line(
        f"peak memory by the number of tiles of {side}² in one process", said, "flat", peaks[-1] <= 1.1 * peaks[0]
    )


def nrt_step(state: Path, drawn: Path, side: int, drawn_side: int, day: date) -> dict[str, float]:
    """The same by nrt: load its netCDF state, read the look, monitor, save."""
    from nrt.monitor.ewma import EWMA

    warnings.simplefilter("ignore")
    acquisition = Drawn(drawn, drawn_side).look(day)
    begun, used = time.perf_counter(), time.process_time()
    monitor = EWMA.from_netcdf(state)
    window = rasterio.windows.Window(0, 0, side, side)
    red, nir = (_band(band.path, window) for band in (acquisition.red, acquisition.nir))
    with rasterio.open(acquisition.classes.path) as file:  # type: ignore[union-attr]
        classes = file.read(1, window=rasterio.windows.Window(0, 0, side // 2, side // 2))
    index = (nir - red) / (nir + red - 2000)
    index[np.repeat(np.repeat(classes == 9, 2, axis=0), 2, axis=1)[: index.shape[0], : index.shape[1]]] = np.nan
    monitor.monitor(index, datetime(day.year, day.month, day.day))  # noqa: DTZ001 - nrt takes no zone
    state.unlink()
    monitor.to_netcdf(state)
    return {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}


def _against_nrt(work: Path, drawn: Path, side: int, full: int, rounds: int) -> list[Line]:
    side -= side % 2
    ours, theirs, peaks = [], [], []
    state, netcdf = work / "state-one", work / "nrt.nc"
    _fresh(state, drawn, side, full=full)
    in_a_process(nrt_begin, netcdf, side)
    in_a_process(step, state, drawn, side, full, DAYS[:1], 1)
    for n in range(1, rounds + 1):
        ours.append(in_a_process(step, state, drawn, side, full, [DAYS[n]], 1).result["cpu"])
        spent = in_a_process(nrt_step, netcdf, drawn, side, full, DAYS[n])
        theirs.append(spent.result["cpu"])
        peaks.append(spent.peak_mib)
    rates = [side * side / 1e6 / median(times) for times in (ours, theirs)]
    return [
        ratio_line(
            f"end to end, {side}², against nrt (netCDF in, monitor, netCDF out), processor time, compressed state",
            f"{rates[0]:.1f} against {rates[1]:.2f} Mpx/s of one core; nrt's peak {max(peaks):.0f} MiB",
            ratio(theirs, ours), excellent=20, floor=8,
        )
    ]  # fmt: skip


def nrt_begin(path: Path, side: int) -> None:
    """A fitted monitor of nrt on disk."""
    from nrt.monitor.ewma import EWMA

    warnings.simplefilter("ignore")
    monitor = EWMA(trend=False, harmonic_order=2)
    fill_monitor(monitor, side, np.random.default_rng(1))
    path.unlink(missing_ok=True)
    monitor.to_netcdf(path)


def _first_runs(work: Path, acquisitions: int) -> list[Line]:
    """Two sizes, so that memory is seen to stay."""
    said = []
    for side in (1024, 1536):
        Drawn(work / "history", side).looks(first=UNTIL - timedelta(days=5 * (acquisitions - 1)), count=acquisitions)
        shutil.rmtree(work / f"first-{side}", ignore_errors=True)
        spent = in_a_process(first_run, work / f"first-{side}", work / "history", side, acquisitions)
        said.append((side, spent.result, spent.peak_mib))
    rate = 1536**2 * acquisitions / 1e6 / said[1][1]["cpu"]
    hours = TILE**2 * acquisitions / 1e6 / rate / 3600
    text = ", ".join(
        f"{n}²: {t['seconds']:.0f} s ({t['cpu']:.0f} s of processor time), peak {p:.0f} MiB" for n, t, p in said
    )
    return [
        Line(
            f"first run over two years ({acquisitions} looks), streamed by block, robust fit, two threads",
            f"{text}; {rate:.0f} Mpx·date/s a core, so {hours:.1f} core hours for a full tile",
            "memory flat",
            said[1][2] <= 1.1 * said[0][2],
        )
    ]


def _fresh(state: Path, drawn: Path, side: int, *, full: int) -> Path:
    shutil.rmtree(state, ignore_errors=True)
    begin(tile_of(state, side), _history(Drawn(drawn, full)))
    return state


def _history(land: Drawn) -> list[Any]:
    """Looks that the made baseline is said to rest on; their files are never opened, nor drawn."""
    from flows.tile_search.local_file_look import BandFile, FileLook

    nowhere = BandFile(str(land.folder / "none.tif"), 1, 0, 0)
    days = [UNTIL - timedelta(days=10 * n) for n in range(20)]
    return [FileLook(f"history-{day}", day, nowhere, nowhere, None) for day in reversed(days)]


def _band(path: str, window: Any) -> np.ndarray:
    with rasterio.open(path) as file:
        numbers: np.ndarray = file.read(1, window=window).astype(np.float32)
    return numbers


def _plot(grown: Grown, to: Path) -> None:
    from matplotlib.figure import Figure

    page = Figure(figsize=(6, 4), layout="constrained")
    axes = page.subplots()
    pixels = [side**2 / 1e6 for side in grown]
    axes.plot(pixels, [median(t[0]) for t in grown.values()], marker="o", label="seconds, two threads")
    axes.plot(pixels, [median(t[1]) for t in grown.values()], marker="s", label="processor seconds")
    axes.set(xlabel="million pixels", ylabel="one new date: read, update, label, write", xlim=(0, None), ylim=(0, None))
    axes.legend()
    to.mkdir(parents=True, exist_ok=True)
    page.savefig(to / "speed.png", dpi=110)
