"""What the evidence shows at the end of a week."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

JUNE, SINCE, UNTIL = date(2024, 6, 3), date(2024, 4, 1), date(2024, 8, 25)
SHAPE = (56, 56)


@pytest.fixture(scope="module")
def built(scenery, every, watch):
    """Builds on a forest in June what covers so much of each pixel; the confirmed event."""

    def build(share: np.ndarray, colour: str = "roof"):
        ground = scenery(shape=SHAPE)
        roofs = scenery(shape=SHAPE, cover=colour)
        looks = []
        for day in [*every(date(2022, 7, 4), date(2024, 3, 31), 18), *every(SINCE, UNTIL, 7)]:
            look = ground.optical(day)
            mixed = share * (roofs.optical(day).pixels - look.pixels) if day >= JUNE else 0.0
            looks.append(type(look)(**{**vars(look), "pixels": (look.pixels + mixed).astype(np.float32)}))
        (event,) = [e for e in watch(looks, since=SINCE, until=UNTIL).events if e.confirmed_on and not e.merged_into]
        return event

    return build


def rim(inner: float, outer: float) -> np.ndarray:
    """A block of six by six pixels with a rim that is covered less."""
    share = np.zeros(SHAPE, np.float32)
    share[23:31, 23:31] = outer
    share[24:30, 24:30] = inner
    return share


def test_the_fringe_of_a_strong_change_is_not_counted(built):
    event = built(rim(1.0, 0.2))
    assert event.area_m2 == pytest.approx(3600, rel=0.15)
    assert event.area_m2_low <= 3600 <= event.area_m2_high


def test_what_is_covered_by_half_is_counted(built):
    event = built(rim(1.0, 0.6))
    assert event.area_m2 == pytest.approx(6400, rel=0.15)


@pytest.mark.parametrize("share", [0.5, 0.7, 1.0])
@pytest.mark.parametrize(("colour", "change"), [("roof", "construction"), ("soil", "clearing")])
def test_what_it_is_does_not_depend_on_how_much_of_a_pixel_it_covers(built, share, colour, change):
    assert built(rim(share, 0.0), colour).change.value == change
