"""What the evidence shows at the end of a week."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from detectors.acquisition import RADAR
from detectors.evidence.accumulate import Cue, no_evidence
from detectors.objects.change_type import is_grey
from detectors.objects.extract import may_be_wall, wall_of
from detectors.objects.line_images import DetectedLine, LineImage
from detectors.objects.lines import Line
from detectors.objects.patches import GroundObject

JUNE, SINCE, UNTIL = date(2024, 6, 3), date(2024, 4, 1), date(2024, 8, 25)
SHAPE = (56, 56)


@pytest.fixture(scope="module")
def built(scenery, every, watch):
    """Builds on a forest in June what covers so much of each pixel; the confirmed event."""

    def build(share: np.ndarray, colour: str = "roof"):
        ground = scenery(shape=SHAPE)
        roofs = scenery(shape=SHAPE, cover=colour)
        acquisitions = []
        for day in [*every(date(2022, 7, 4), date(2024, 3, 31), 18), *every(SINCE, UNTIL, 7)]:
            acquisition = ground.optical(day)
            mixed = share * (roofs.optical(day).pixels - acquisition.pixels) if day >= JUNE else 0.0
            acquisitions.append(
                type(acquisition)(**{**vars(acquisition), "pixels": (acquisition.pixels + mixed).astype(np.float32)})
            )
        (event,) = [
            e for e in watch(acquisitions, since=SINCE, until=UNTIL).events if e.confirmed_on and not e.merged_into
        ]
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


def patch(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[top : top + height, left : left + width] = True
    return mask


@pytest.mark.parametrize(
    ("thing", "is_wall"),
    [
        (patch(19, 10, 3, 8), True),
        (patch(19, 10, 3, 4) | patch(20, 25, 2, 4), True),
        (patch(22, 10, 3, 8), False),
        (patch(16, 10, 8, 8), False),
        (patch(19, 10, 3, 8) | patch(30, 10, 6, 6), False),
    ],
    ids=["piece", "pieces", "beside", "roof", "with a roof"],
)
def test_a_piece_of_a_line_is_a_wall(thing, is_wall):
    line = Line(patch(20, 8, 1, 30), 30.0, 9.0)
    line_image = LineImage(RADAR, np.zeros(SHAPE), np.zeros(SHAPE, bool), np.zeros((0, *SHAPE)), (), ())  # type: ignore[arg-type]
    wall = wall_of(GroundObject(thing, thing), (DetectedLine(line, line_image),))
    assert (wall is not None) is is_wall
    if wall is not None:
        assert np.array_equal(wall.mask, thing | line.mask)
        assert wall.length_px == 30.0


def test_the_star_that_kernels_draw_on_a_roof_makes_it_no_wall():
    roof = patch(20, 20, 6, 6)
    star = Line(roof & (np.indices(SHAPE).sum(axis=0) % 2 == 0), 20.0, 9.0)
    line_image = LineImage(RADAR, np.zeros(SHAPE), np.zeros(SHAPE, bool), np.zeros((0, *SHAPE)), (), ())  # type: ignore[arg-type]
    assert wall_of(GroundObject(roof, roof), (DetectedLine(star, line_image),)) is None


@pytest.mark.parametrize(
    ("cue", "thing", "may_be"),
    [
        (Cue.EXPOSURE, patch(19, 10, 2, 18), True),
        (Cue.EXPOSURE, patch(19, 10, 4, 8), False),
        (Cue.BACKSCATTER_UP, patch(19, 10, 4, 8), True),
    ],
    ids=["strip", "clearing", "radar"],
)
def test_what_optics_alone_show_as_no_strip_is_no_piece_of_a_wall(cue, thing, may_be):
    evidence = no_evidence(SHAPE)
    evidence.count[cue][thing] = 3.0
    assert may_be_wall(evidence, GroundObject(thing, thing)) is may_be


@pytest.mark.parametrize(
    ("gained", "green", "redness", "grey"),
    [
        (0.10, 0.40, 0.00, True),
        (0.02, 0.40, 0.00, True),
        (0.02, 0.65, 0.00, False),
        (0.06, 0.65, 0.00, True),
        (0.06, 0.65, 0.30, False),
        (0.005, 0.40, 0.00, False),
    ],
    ids=["roof", "faint roof", "weeds", "small roof in a wood", "soil under weeds", "nothing added"],
)
def test_the_colour_of_the_change_tells_a_roof_from_soil_and_weeds(gained, green, redness, grey):
    wood = {"vegetation": 0.85, "brightness": 0.03, "redness": 0.2}
    bright = wood["brightness"] + gained
    # what was added has the redness asked for, whatever it was added to
    mixed = (wood["brightness"] * wood["redness"] + gained * redness) / bright
    now = {"vegetation": green, "brightness": bright, "redness": mixed}
    level, seen = (np.stack([np.full(SHAPE, v, np.float32) for v in of.values()]) for of in (wood, now))
    series = SimpleNamespace(
        names=tuple(wood),
        recent=SimpleNamespace(observed=np.stack([seen] * 4)),
        baseline=SimpleNamespace(coefficients=level[:, None], acquisitions=np.zeros(SHAPE, np.int16)),
    )
    assert is_grey(series).all() == grey  # type: ignore[arg-type]
    assert is_grey(series).any() == grey  # type: ignore[arg-type]
