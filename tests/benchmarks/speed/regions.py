"""Whole regions: the first history, and weeks with two acquisitions of each sensor, from yards to towns.

Each size is watched in a process of its own, whose memory is that of the watch and of drawing one scene. The scenes are
drawn when they are asked for, so that what an archive takes to read them is not in the figures.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from measuring import Line, in_a_process
from scipy import ndimage

from detectors.acquisition import OPTICAL, RADAR, Acquisition, Floats, StoredAcquisition
from detectors.array_space import IN_MEMORY, STRIP_PX
from detectors.ground import Ground
from detectors.monitor.event_records import events_of
from detectors.monitor.state import AreaState
from detectors.monitor.steps import begin, end_week, observe
from flows.evidence.array_files import ArrayFiles
from flows.evidence.state import save_state

SINCE = date(2025, 6, 2)
BUILT = SINCE + timedelta(days=9)
BANDS = {"blue": 0.04, "green": 0.07, "red": 0.06, "nir": 0.28, "swir16": 0.20}
POWERS = {"vv": 0.08, "vh": 0.02}
HALL = (12, 15)
TILE_PX = 256
TILE_SIDE = 10_980  # of a tile of Sentinel-2


@dataclass(frozen=True)
class Land:
    """Ground of some relief with a season, clouds over a quarter of each scene, and a hall a square kilometre built."""

    side: int
    relief: Floats
    noise: Floats
    halls: tuple[tuple[int, int], ...]

    def scene(self, day: date, sensor: str) -> Acquisition:
        """Draw a scene."""
        number, shape = day.toordinal(), (self.side, self.side)
        means = BANDS if sensor == OPTICAL else POWERS
        pixels = np.empty((len(means), *shape), np.float32)
        season = 0.1 * np.cos(2 * np.pi * number / 365.25)
        noise = self._spread(np.roll(self.noise, (number * 37 % TILE_PX, number * 91 % TILE_PX), (0, 1)))
        for n, (band, mean) in enumerate(means.items()):
            if sensor == OPTICAL:
                greener = 1.0 + (season if band == "nir" else -season)
                np.multiply(self.relief, np.float32(mean * greener), out=pixels[n])
                pixels[n] += np.float32(0.004) * np.roll(noise, n, axis=0)
            else:
                np.multiply(self.relief, np.exp(0.35 * np.roll(noise, n, axis=0)) * np.float32(mean), out=pixels[n])
        for top, left in self.halls if day >= BUILT else ():
            part = pixels[:, top : top + HALL[0], left : left + HALL[1]]
            part[...] = part * 8.0 if sensor == RADAR else 0.3 + 0.01 * self.noise[: HALL[0], : HALL[1]]
        scl = None
        if sensor == OPTICAL:
            scl, left = np.full(shape, 4, np.uint8), number * 53 % self.side
            scl[:, left : left + self.side // 4] = 9
        track = ":r91" if sensor == RADAR else ""
        return Acquisition(
            f"{sensor}_{day}", sensor, day, tuple(means), pixels, np.ones(shape, bool), scl, track, platform=sensor
        )

    def stored(self, day: date, sensor: str) -> StoredAcquisition:
        """Draw a scene when it is asked for."""
        track = ":r91" if sensor == RADAR else ""
        return StoredAcquisition(f"{sensor}_{day}", sensor, day, track, sensor, partial(self.scene, day, sensor))

    def _spread(self, tile: Floats) -> Floats:
        return _spread(tile, self.side)


def land_of(side: int) -> Land:
    """Draw the land of a region from a seed."""
    rng = np.random.default_rng(1)

    def smooth(width: float) -> Floats:
        field = ndimage.gaussian_filter(rng.normal(0, 1, (TILE_PX, TILE_PX)).astype(np.float32), width, mode="wrap")
        return np.asarray(field / field.std(), np.float32)

    tile = 1.0 + 0.12 * smooth(1.5) + 0.1 * smooth(6.0)
    halls = rng.integers(30, side - 45, (max(1, side * side // 10_000 // 25), 2))
    noise = rng.normal(0, 1, (TILE_PX, TILE_PX)).astype(np.float32)
    return Land(side, _spread(tile, side), noise, tuple((int(top), int(left)) for top, left in halls))


def _spread(tile: Floats, side: int) -> Floats:
    times = -(-side // TILE_PX)
    return np.asarray(np.tile(tile, (times, times))[:side, :side], np.float32)


def watched(side: int, history: int, weeks: int, folder: str) -> dict[str, float]:
    """Watch a region of `side`² pixels: seconds of its history, weeks and one more date, bytes a pixel, and events."""
    land, shape = land_of(side), (side, side)
    space = ArrayFiles(Path(folder)) if side * side > STRIP_PX else IN_MEMORY
    ground = Ground(np.ones(shape, bool), np.zeros(shape, bool), is_region=True, intervention_distance_m=float("inf"))
    past = [SINCE - timedelta(days=730 - 730 * n // history) for n in range(history)]
    begun = time.perf_counter()
    state, _ = begin(
        ground, [land.stored(day, (OPTICAL, OPTICAL, RADAR)[n % 3]) for n, day in enumerate(past)], space=space
    )
    first, calm, spent = time.perf_counter() - begun, 0.0, []
    for week in range(weeks):
        monday = SINCE + timedelta(weeks=week)
        begun = time.perf_counter()
        for days, sensor in ((0, OPTICAL), (2, RADAR), (4, RADAR), (5, OPTICAL)):
            state, _ = observe(state, land.stored(monday + timedelta(days=days), sensor))
        ended = time.perf_counter()
        state = end_week(state, today=monday.toordinal() + 6)
        calm = time.perf_counter() - ended
        spent.append(time.perf_counter() - begun)
    last, begun = SINCE + timedelta(weeks=weeks), time.perf_counter()
    state, _ = observe(state, land.stored(last, OPTICAL))
    state = end_week(state, today=last.toordinal() + 6)
    date_s = time.perf_counter() - begun
    events = events_of(state, today=last.toordinal() + 6)
    return {
        "history": first,
        "week": float(np.median(spent)),
        "end": calm,
        "date": date_s,
        "bytes": _saved_bytes(state, Path(folder)) / side**2,
        "halls": len(land.halls),
        "confirmed": sum(event.confirmed_on is not None for event in events),
        "events": len(events),
    }


def _saved_bytes(state: AreaState, folder: Path) -> int:
    path = folder / "state.npz"
    save_state(state, path)
    size = path.stat().st_size
    path.unlink()
    return size


def lines(work: Path, to: Path, *, sides: Sequence[int], history: int, weeks: int) -> list[Line]:
    """Watch regions of every size, and plot what each takes."""
    work.mkdir(parents=True, exist_ok=True)
    found = []
    for side in sides:
        with tempfile.TemporaryDirectory(dir=work) as folder:
            found.append(in_a_process(watched, side, history, weeks, folder))
    with (
        tempfile.TemporaryDirectory(dir=work) as one,
        tempfile.TemporaryDirectory(dir=work) as other,
        ThreadPoolExecutor(2) as both,
    ):
        together = list(both.map(partial(in_a_process, watched, sides[-1], history, weeks), (one, other)))
    tile_s = TILE_SIDE**2 / sides[-1] ** 2 / 2 * max(spent.result["date"] for spent in together)
    sizes = " / ".join(f"{side / 100:g}" for side in sides)
    results = [spent.result for spent in found]
    pixels = [side * side / 1e6 for side in sides]

    def each(key: str, unit: float = 1.0) -> str:
        return " / ".join(f"{result[key] / unit:.3g}" for result in results)

    rates = [px * history / result["history"] for px, result in zip(pixels, results, strict=True)]
    peak = max(spent.peak_mib for spent in found) / 1024
    whole = (results[-1]["history"] + 17 * results[-1]["week"]) / 60
    _plot(pixels, results, [spent.peak_mib for spent in found], to)
    return [
        Line(f"regions of {sizes} km: a first history of {history} acquisitions", f"{each('history')} s"),
        Line(
            f"regions of {sizes} km: the same as Mpx·acquisition a second, drawing the scenes included",
            " / ".join(f"{rate:.3g}" for rate in rates),
        ),
        Line(
            f"regions of {sizes} km: a week with two acquisitions of each sensor, without its pages",
            f"{each('week')} s",
            "under 60 at 22 km",
            results[-1]["week"] < 60,
        ),
        Line(f"regions of {sizes} km: of that the week's end", f"{each('end')} s"),
        Line(
            f"regions of {sizes} km: peak memory",
            " / ".join(f"{spent.peak_mib / 1024:.2f}" for spent in found) + " GB",
            "≤ 1.5",
            peak <= 1.5,
        ),
        Line(
            f"regions of {sizes} km: saved state, bytes a pixel",
            each("bytes"),
            "≤ 128",
            max(result["bytes"] for result in results) <= 128,
        ),
        Line(f"regions of {sizes} km: history and 17 weeks of the largest", f"{whole:.1f} min", "under 15", whole < 15),
        Line(
            f"one date of Sentinel-2 over a whole tile and its week's end, as areas of {sides[-1] / 100:g} km, two at "
            f"once, of which two were measured ({together[0].peak_mib / 1024:.2f} GB each), without reading it",
            f"{tile_s:.0f} s",
            "under 90",
            tile_s < 90,
        ),
        Line(
            f"regions of {sizes} km: halls confirmed of halls built, and all events",
            " / ".join(f"{r['confirmed']:.0f} of {r['halls']:.0f}, {r['events']:.0f}" for r in results),
        ),
    ]


def _plot(pixels: list[float], results: list[dict[str, float]], peaks: list[float], to: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for key, words in (("history", "first history"), ("week", "a week"), ("end", "of that its end")):
        left.plot(pixels, [result[key] for result in results], marker="o", label=words)
    left.set(xscale="log", yscale="log", xlabel="million pixels", ylabel="seconds")
    left.legend(frameon=False)
    right.plot(pixels, [peak / 1024 for peak in peaks], marker="o")
    right.set(xscale="log", xlabel="million pixels", ylabel="peak memory, GB", ylim=(0, None))
    to.mkdir(parents=True, exist_ok=True)
    figure.savefig(to / "regions.png", dpi=120)
    pyplot.close(figure)
