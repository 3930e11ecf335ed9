"""The images in which a wall would show, from the last acquisitions of every series, and the lines that they hold.

Sentinel-2 shows a wall or its strip bright or dark against its flanks, or bare; Sentinel-1 by its double bounce. What
each shows faintly is sought in the sum of both. A median of several acquisitions scatters by less than one acquisition
does, and so does a sum: there, what a line must stand out by is told in the image's own scatter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np

from detectors.acquisition import OPTICAL, RADAR, Floats, Mask
from detectors.array_space import IN_MEMORY, ArraySpace, write_by_strips
from detectors.baseline.residual import combined_backscatter
from detectors.footprint import Box, Footprint
from detectors.objects.lines import FencingParameters, Least, Line, find_lines, old_lines
from detectors.sensor_series.series import SensorSeries
from detectors.statistics import median, middle_and_spread


@dataclass(frozen=True)
class ViewParameters:
    """How lines are looked for in the views.

    `least_change` and `least_pixel` as in `FencingParameters`, in robust σ of the view, for radar and for the sum of
    both instruments. `borne_out` is the mean, in robust σ of its view, from which an instrument bears a line out: each
    of those summed must, and so must radar where it is there, for any line of Sentinel-2 whose mean response is under
    `alone`. `limit` is where a view is cut off, `least_spread` the least that one is believed to scatter, in σ. An
    acquisition shows a line when it shows the share `shows` of what the median shows; the line dates from the first
    acquisition since which `most` do. Chosen on walls put into simulated dry country, and on quiet ground.
    """

    least_change: float = 2.0
    least_pixel: float = 0.5
    borne_out: float = 1.0
    alone: float = 12.0
    limit: float = 6.0
    least_spread: float = 0.2
    shows: float = 0.5
    most: float = 0.75


@dataclass(frozen=True)
class LineImage:
    """One image to look for lines in: `image` float32 (y, x), `old` bool (y, x) where there was a line before.

    `acquisitions` gives, of a window, float32 (time, y, x) with their `days` and `scenes`: what the image is the median
    of; a view that is the sum of others has `parts` in place of them.
    """

    sensor: str
    image: Floats
    old: Mask
    acquisitions: Callable[[Box], Floats]
    days: tuple[int, ...]
    scenes: tuple[str, ...]
    parts: tuple[LineImage, ...] = ()

    @property
    def whole(self) -> tuple[LineImage, ...]:
        """List the images of one series each that this one is made of; itself where it is of one series."""
        return self.parts or (self,)

    @cached_property
    def scatter(self) -> tuple[float, float]:
        """Measure middle and robust spread of what is known of the image."""
        middle, spread = middle_and_spread(self.image[:])
        least = ViewParameters().least_spread
        return (0.0, least) if np.isnan(middle) else (middle, max(spread, least))

    def scaled(self, values: Floats) -> Floats:
        """Express values of the image in its own scatter, float32 of the same shape, cut off where a view is."""
        (middle, spread), limit = self.scatter, ViewParameters().limit
        return np.asarray(np.clip((values - middle) / spread, -limit, limit), np.float32)

    def shown(self, mask: Footprint) -> list[tuple[int, str, str]]:
        """List day number, scene and sensor of the acquisitions that show a line, oldest first.

        The list begins with the acquisition since which most of them do.
        """
        p = ViewParameters()
        rows = []
        for line_image in self.whole:
            enough = p.shows * _mean(line_image.image, mask)
            if not line_image.days:
                continue
            values = line_image.acquisitions(mask.box)[:, mask.mask]
            seen = [
                (_mean_of(acquisition), day, scene)
                for acquisition, day, scene in zip(values, line_image.days, line_image.scenes, strict=True)
            ]
            rows += [(day, scene, line_image.sensor, x > enough) for x, day, scene in seen if np.isfinite(x)]
        rows.sort()
        late = [np.mean([shows for *_, shows in rows[n:]]) >= p.most for n in range(len(rows))]
        return [row[:3] for row, is_late in zip(rows, np.maximum.accumulate(late), strict=True) if row[3] and is_late]


@dataclass(frozen=True)
class DetectedLine:
    """A line and the view that shows it."""

    line: Line
    line_image: LineImage


def earlier_lines(all_series: Sequence[SensorSeries], *, space: ArraySpace = IN_MEMORY) -> Callable[[str], Mask]:
    """Make the function that tells where the ground of a series showed a line before; each is looked for once.

    Parameters
    ----------
    all_series
        The series of an area.
    space
        Where the masks are to lie.

    Returns
    -------
    A function that gives bool (y, x) for the name of a series.
    """
    by_name = {series.name: series for series in all_series}

    @cache
    def earlier(name: str) -> Mask:
        series = by_name[name]
        feature = _line_feature(series)
        at = series.names.index(feature) if feature in series.names else 0
        return np.asarray(space.keep(old_lines(series.baseline.coefficients[at, 0])))

    return earlier


def line_images_of(
    all_series: Sequence[SensorSeries],
    monitored_mask: Mask,
    *,
    acquisitions: int,
    earlier: Callable[[str], Mask],
    space: ArraySpace = IN_MEMORY,
) -> tuple[LineImage, ...]:
    """Make the images in which a wall would show: medians of the last acquisitions, series by series and summed up.

    Parameters
    ----------
    all_series
        The series of an area.
    monitored_mask
        bool (y, x), the ground on which change is reported.
    acquisitions
        How many of the last acquisitions are taken.
    earlier
        As `earlier_lines` gives it for the series.
    space
        Where the arrays of the series lie.

    Returns
    -------
    tuple of LineImage.
    """
    single = [
        line_image
        for series in all_series
        for line_image in _series_views(series, monitored_mask, earlier, acquisitions=acquisitions, space=space)
    ]
    radar, optical = ([v for v in single if v.sensor == sensor] for sensor in (RADAR, OPTICAL))
    return (*single, *(summed_image((seen, *radar), space=space) for seen in optical if radar))


def lines_of(line_images: Sequence[LineImage]) -> tuple[DetectedLine, ...]:
    """Find the lines in all images; one that lies in an earlier one by more than half is that one.

    Parameters
    ----------
    line_images
        As `line_images_of` gives them.

    Returns
    -------
    tuple of DetectedLine.
    """
    p = ViewParameters()
    radar = [v for v in line_images if v.sensor == RADAR and not v.parts]
    found: list[DetectedLine] = []
    for line_image in line_images:
        for line in find_lines(line_image.image[:], old=line_image.old[:], least=_least(line_image, p)):
            if not _is_borne_out(line, line_image, radar, p):
                continue
            if not any((line.mask & f.line.mask).pixels > 0.5 * line.mask.pixels for f in found):
                found.append(DetectedLine(line, line_image))
    return tuple(found)


def _is_borne_out(line: Line, line_image: LineImage, radar: Sequence[LineImage], p: ViewParameters) -> bool:
    """True where each instrument sees of a line what is asked of it: of their sum, and of optics beside radar."""
    if line_image.parts:
        return all(_mean_scaled(part, line.mask) >= p.borne_out for part in line_image.parts)
    if line_image.sensor == RADAR or not radar or line.response >= p.alone:
        return True
    return any(_mean_scaled(other, line.mask) >= p.borne_out for other in radar)


def _least(line_image: LineImage, p: ViewParameters) -> Least | None:
    """What a line must stand out by; optics scatters as the land does and is asked for σ of single acquisitions."""
    if line_image.sensor == OPTICAL and not line_image.parts:
        return None
    middle, spread = line_image.scatter
    return Least(middle + p.least_change * spread, middle + p.least_pixel * spread)


def _series_views(
    series: SensorSeries,
    monitored_mask: Mask,
    earlier: Callable[[str], Mask],
    *,
    acquisitions: int,
    space: ArraySpace,
) -> list[LineImage]:
    p = FencingParameters()
    recent = series.recent
    kept = [n for n, day in enumerate(recent.days) if day >= series.last_day - p.window_days][-acquisitions:]
    if len(kept) < p.fewest_acquisitions:
        return []
    name, fewest = _line_feature(series), p.fewest_acquisitions
    if series.sensor == OPTICAL and name not in series.names:
        return []
    days, scenes = tuple(recent.days[n] for n in kept), tuple(recent.scene_ids[n] for n in kept)
    views = [partial(_backscatter, series, kept)]
    if series.sensor == OPTICAL:
        views = [partial(_bare_and_bright, series, kept, name, sign) for sign in (1.0, -1.0)]

    def shown(view: Callable[[Box], Floats], box: Box) -> Floats:
        return np.where(monitored_mask[box], view(box), np.nan).astype(np.float32)

    def middle(stack: Callable[[Box], Floats]) -> Floats:
        image: Floats = write_by_strips(
            space, monitored_mask.shape, np.float32, lambda box: _median(stack(box), fewest)
        )
        return image

    stacks = [partial(shown, view) for view in views]
    return [LineImage(series.sensor, middle(stack), earlier(series.name), stack, days, scenes) for stack in stacks]


def _line_feature(series: SensorSeries) -> str:
    return "vv" if series.sensor == RADAR else "contrast"


def _backscatter(series: SensorSeries, kept: list[int], box: Box) -> Floats:
    """How much brighter each acquisition is to radar, of a window, float32 (time, y, x) in σ."""
    return np.stack([combined_backscatter(series.recent.z_at(n, slice(None), box)) for n in kept])


def _bare_and_bright(series: SensorSeries, kept: list[int], name: str, sign: float, box: Box) -> Floats:
    """How much barer, and brighter or darker, each acquisition is than was expected, of a window, (time, y, x) in σ."""

    def clipped(feature: str, sign: float) -> Floats:
        layers = [series.recent.z_at(n, series.z_names.index(feature), box) for n in kept]
        return np.asarray(np.clip(np.float32(sign) * np.stack(layers), -6.0, 6.0), np.float32)

    bright = clipped(name, sign)
    greenness = next((n for n in ("vegetation", "greenness") if n in series.z_names), None)
    return bright if greenness is None else clipped(greenness, -1.0) + bright


def _median(acquisitions: Floats, fewest: int) -> Floats:
    return np.where(np.isfinite(acquisitions).sum(axis=0) >= fewest, median(acquisitions), np.nan).astype(np.float32)


def summed_image(parts: tuple[LineImage, ...], *, space: ArraySpace = IN_MEMORY) -> LineImage:
    """Add up several images, each in its own scatter.

    Parameters
    ----------
    parts
        Images of one series each, at least one, on the same (y, x).
    space
        Where the image is to lie.

    Returns
    -------
    LineImage
        Its `image` is in σ, NaN where one of the parts is; its `old` is True where one of theirs is.
    """
    shape = parts[0].image.shape

    def summed(box: Box) -> Floats:
        return np.asarray(sum(v.scaled(v.image[box]) for v in parts) / np.sqrt(len(parts)), np.float32)

    def old(box: Box) -> Mask:
        return np.asarray(np.any([v.old[box] for v in parts], axis=0))

    image, was_old = write_by_strips(space, shape, np.float32, summed), write_by_strips(space, shape, np.bool_, old)
    return LineImage(parts[0].sensor, image, was_old, parts[0].acquisitions, (), (), parts)


def _mean(image: Floats, mask: Footprint) -> float:
    return _mean_of(mask.values(image))


def _mean_scaled(line_image: LineImage, mask: Footprint) -> float:
    return _mean_of(line_image.scaled(mask.values(line_image.image)))


def _mean_of(known: Floats) -> float:
    known = known[np.isfinite(known)]
    return float(known.mean()) if known.size else -np.inf
