"""What grows in each field on a day: flooded, green, ripe, cut, burnt, each field and year a little differently."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.imagery.simulation.random_streams import generator
from flows.imagery.simulation.season.weather import Weather

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fields:
    """Shares (0 to 1, one per field, together 1) of what a field shows from above on a day."""

    mud: Shares
    green: Shares
    straw: Shares
    char: Shares
    weeds: Shares
    soil: Shares


@dataclass(frozen=True)
class _Season:
    """One crop of one season year: when each field starts, how long it grows, how well, and what follows."""

    start: Shares
    length: Shares
    vigour: Shares
    is_grown: npt.NDArray[np.bool_]
    is_burnt: npt.NDArray[np.bool_]


def fields_on(
    place: int, is_paddy: npt.NDArray[np.bool_], rank: Shares, weather: Weather, *, country: int | None = None
) -> Fields:
    """The state of every field; `rank` says how low a field lies, for floods.

    Places of one `country` (a number that names it) have early and late years, good years and floods in common.
    """
    mud, green, straw, char = (np.zeros(len(rank)) for _ in range(4))
    for year in (weather.season_year - 1, weather.season_year):
        elapsed = weather.season_day + (365 if year < weather.season_year else 0)
        for season in _seasons(place, year, is_paddy, country):
            parts = _grow(season, elapsed - season.start, is_paddy)
            mud, green, straw, char = (old + new for old, new in zip((mud, green, straw, char), parts, strict=True))
    mud = np.maximum(mud, _flood(place if country is None else country, weather, is_paddy, rank))
    dry = np.clip(1 - mud, 0, 1)
    green = np.minimum(green, dry)
    char = np.minimum(char, dry - green)
    straw = np.minimum(straw, dry - green - char)
    rest = dry - green - straw - char
    weeds = rest * np.clip(_weediness(place, len(rank)) * weather.greenness, 0, 0.85)
    return Fields(mud, green, straw, char, weeds, rest - weeds)


def _weediness(place: int, count: int) -> Shares:
    return generator("weeds", place).uniform(0.2, 0.8, count)


def _seasons(place: int, year: int, is_paddy: npt.NDArray[np.bool_], country: int | None) -> tuple[_Season, _Season]:
    """The crop of the rains and, on some fields, a second one in the dry season before it."""
    rng = generator("crops", place, year)
    common = rng if country is None else generator("crops", country, year)
    count = len(is_paddy)
    late = common.normal(0, 8)
    main = _Season(
        start=np.where(is_paddy, 186.0, 152.0) + late + rng.normal(0, 11, count),
        length=np.where(is_paddy, 116.0, 128.0) + rng.normal(0, 6, count),
        vigour=rng.uniform(0.70, 1.0, count) * common.uniform(0.9, 1.0),
        is_grown=rng.random(count) < 0.92,
        is_burnt=rng.random(count) < 0.05,
    )
    watered = generator("canals", place).random(count) < 0.3
    second = _Season(
        start=12.0 + rng.normal(0, 14, count),
        length=108.0 + rng.normal(0, 6, count),
        vigour=rng.uniform(0.6, 0.95, count),
        is_grown=is_paddy & watered & (rng.random(count) < 0.75),
        is_burnt=rng.random(count) < 0.03,
    )
    return main, second


def _grow(season: _Season, age: Shares, is_paddy: npt.NDArray[np.bool_]) -> tuple[Shares, Shares, Shares, Shares]:
    """Mud, green, straw and char of fields `age` days after transplanting."""
    alive = season.is_grown & (age > -30) & (age < 330)
    ripe = _rise(age, season.length - 18, 6)
    standing = (age < season.length) & alive
    green = season.vigour * _rise(age, 32.0, 8) * (1 - 0.9 * ripe) * standing
    flooded = is_paddy * _rise(age, -13.0, 3) * (1 - _rise(age, season.length - 35, 6)) * alive
    since = age - season.length
    cut = (since >= 0) & alive
    straw = 0.85 * season.vigour * ripe * standing + 0.7 * np.exp(-np.maximum(since, 0) / 55.0) * cut
    burning = season.is_burnt & cut & (since > 14)
    char = 0.8 * np.exp(-np.maximum(since - 14, 0) / 28.0) * burning
    return 0.9 * flooded * (1 - green), green, np.where(burning, 0.2 * straw, straw), char


def _rise(age: Shares, middle: Shares | float, width: float) -> Shares:
    """From 0 to 1 around `middle`."""
    return np.asarray(1 / (1 + np.exp(np.clip(-(age - middle) / width, -40, 40))))


def _flood(place: int, weather: Weather, is_paddy: npt.NDArray[np.bool_], rank: Shares) -> Shares:
    """Standing water on the lowest paddies, in two of three years, some time in the height of the rains."""
    rng = generator("flood", place, weather.season_year)
    comes, peak, days, reach = rng.random() < 0.67, rng.uniform(225, 285), rng.uniform(6, 13), rng.uniform(0.1, 0.4)
    if not comes:
        return np.zeros(len(rank))
    depth = np.exp(-(((weather.season_day - peak) / days) ** 2)) * 2.5 * np.clip(1 - rank / reach, 0, 1)
    return np.asarray(np.clip(depth, 0, 0.97) * is_paddy)
