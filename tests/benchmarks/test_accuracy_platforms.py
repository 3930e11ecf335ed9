"""A second radar platform takes over, off its place: no more false events with the correction, and many without."""

from __future__ import annotations

from dataclasses import replace

import platforms
import pytest
from replay import watch
from scoring import Figure
from swapping import swapped

PLACE, SEED = "demo-quiet-paddy", 5


def takeover(shift_px: float, *, is_corrected: bool) -> platforms.Takeover:
    return platforms.takeover(PLACE, shift_px, 0.0, seed=SEED, is_corrected=is_corrected)


@pytest.fixture(scope="module")
def in_place() -> platforms.Takeover:
    return takeover(0.0, is_corrected=True)


@pytest.mark.parametrize("shift_px", [0.5, 1.0, 2.0])
def test_a_shift_between_platforms_raises_no_false_events(in_place: platforms.Takeover, shift_px: float) -> None:
    moved = takeover(shift_px, is_corrected=True)
    assert (moved.confirmed, moved.held) <= (in_place.confirmed, in_place.held)


@pytest.mark.parametrize(("shift_px", "least_held", "least_confirmed"), [(0.5, 0, 0), (1.0, 2, 0), (2.0, 5, 2)])
def test_without_the_correction_shifts_of_a_pixel_and_more_are_told_as_change(
    shift_px: float, least_held: int, least_confirmed: int
) -> None:
    as_it_came = takeover(shift_px, is_corrected=False)
    assert as_it_came.held >= least_held
    assert as_it_came.confirmed >= least_confirmed
    assert shift_px > 0.5 or as_it_came.held == 0, "half a pixel is as much as the averages over 3 × 3 pixels bear"


@pytest.mark.parametrize("platform", ["sentinel-1a", ""])
def test_radar_of_one_platform_gives_the_same_events_as_without_the_correction(platform: str) -> None:
    looks, ground, since, until = platforms.simulated("demo-wall", 0.0, 0.0, seed=SEED)
    alone = [replace(look, platform=platform) for look in looks]
    told = []
    for swaps in ({}, platforms.UNPLACED):
        with swapped(swaps):
            told.append(watch(alone, since=since, until=until, ground=ground).events)
    assert [_said(event) for event in told[0]] == [_said(event) for event in told[1]]
    assert told[0]


def _said(event: object) -> list[object]:
    return [value.tobytes() if hasattr(value, "tobytes") else value for value in vars(event).values()]


def test_every_step_has_its_lines() -> None:
    found = [
        platforms.Takeover(place, shift, gain, is_corrected, 0, 0, 1.0)
        for place in (*platforms.PLACES, platforms.REAL)
        for shift, gain in platforms.STEPS
        for is_corrected in (True, False)
    ]
    lines: list[Figure] = platforms.figures(found)
    assert len(lines) == 2 * len(platforms.STEPS) * 4
    assert {line.verdict() for line in lines} == {"", "met"}
