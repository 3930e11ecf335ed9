"""The weather an area has had: rain, soil moisture and how green it has made the ground."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from flows.imagery.simulation.random_streams import generator

_MEMORY_DAYS = 240
_HALF_YEAR = 183


@dataclass(frozen=True)
class Weather:
    """The state of an area on one day: `moisture` and `greenness` from 0 (parched) to 1, `monsoon` the season's part.

    `season_day` counts from 1 January north of the equator and from 2 July south of it, so that the rains come
    around day 230 everywhere; `season_year` changes with it.
    """

    day: date
    season_year: int
    season_day: int
    moisture: float
    greenness: float
    monsoon: float


def season_of(day: date, *, southern: bool) -> tuple[int, int]:
    """Year and day of the growing season."""
    shifted = day + timedelta(days=_HALF_YEAR) if southern else day
    return shifted.year, shifted.timetuple().tm_yday


def monsoon(season_day: float) -> float:
    """0 in the dry months, 1 at the height of the rains (May to October, peak in August)."""
    rise = 1 / (1 + np.exp(-(season_day - 128) / 10))
    fall = 1 / (1 + np.exp((season_day - 300) / 9))
    return float(rise * fall)


@lru_cache(maxsize=512)
def _rain_of_year(place: int, year: int) -> npt.NDArray[np.float64]:
    """Rain in mm of each day of a season year; years differ in onset and in plenty."""
    rng = generator("rain", place, year)
    onset, plenty = rng.normal(0, 11), rng.lognormal(0, 0.22)
    chance = np.array([0.04 + 0.52 * plenty * monsoon(day - onset) for day in range(1, 367)])
    falls = rng.random(366) < np.minimum(chance, 0.9)
    rain = falls * rng.gamma(0.9, 13.0, 366)
    rain.flags.writeable = False
    return np.asarray(rain)


def weather_on(place: int, day: date, *, southern: bool) -> Weather:
    """The weather of a place (any number that names it) on a day, grown out of the rain of the months before."""
    from scipy.signal import lfilter  # takes a third of the time in which any command starts

    days = [day - timedelta(days=back) for back in range(_MEMORY_DAYS, -1, -1)]
    seasons = [season_of(one, southern=southern) for one in days]
    rain = np.array([_rain_of_year(place, year)[number - 1] for year, number in seasons])
    store = lfilter([1.0], [1.0, -np.exp(-1 / 7.0)], rain)
    moisture = 1 - np.exp(-store / 38.0)
    greening = lfilter([1 / 45.0], [1.0, -np.exp(-1 / 45.0)], moisture)
    year, number = seasons[-1]
    return Weather(day, year, number, float(moisture[-1]), float(np.clip(1.25 * greening[-1], 0, 1)), monsoon(number))
