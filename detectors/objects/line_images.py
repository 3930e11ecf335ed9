"""The images in which a wall would show, from the last looks of every channel, and the lines that they hold.

Sentinel-2 shows a wall or its strip bright or dark against its flanks, or bare; Sentinel-1 by its double bounce. What
each shows faintly is sought in the sum of both. A median of several looks scatters by less than one look does, and so
does a sum: there, what a line must stand out by is told in the image's own scatter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.look import OPTICAL, RADAR, Floats, Mask
from detectors.objects.lines import FencingParameters, Least, Line, find_lines, old_lines
from detectors.sensor_series.channel import Channel
from detectors.statistics import median, robust_spread


@dataclass(frozen=True)
class ViewParameters:
    """How lines are looked for in the views.

    `least_change` and `least_pixel` as in `FencingParameters`, in robust σ of the view, for radar and for the sum of
    both instruments. `borne_out` is the mean, in robust σ of its view, from which an instrument bears a line out: each
    of those summed must, and so must radar where it is there, for any line of Sentinel-2 whose mean response is under
    `alone`. `limit` is where a view is cut off, `least_spread` the least that one is believed to scatter, in σ. A look
    shows a line when it shows the share `shows` of what the median shows; the line dates from the first look since
    which `most` do. Chosen on walls put into simulated dry country, and on quiet ground.
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
class View:
    """One image to look for lines in: `image` float32 (y, x), `old` bool (y, x) where there was a line before.

    `looks` float32 (time, y, x) with their `days` and `scenes` are what the image is the median of; a view that is the
    sum of others has `parts` in place of them.
    """

    sensor: str
    image: Floats
    old: Mask
    looks: Floats
    days: tuple[int, ...]
    scenes: tuple[str, ...]
    parts: tuple[View, ...] = ()

    @property
    def whole(self) -> tuple[View, ...]:
        """The views of one channel each that this one is made of."""
        return self.parts or (self,)

    def shown(self, mask: Mask) -> list[tuple[int, str, str]]:
        """Day, scene and sensor of the looks that show a line, oldest first, from the one since which most do."""
        p = ViewParameters()
        rows = []
        for view in self.whole:
            enough = p.shows * _mean(view.image, mask)
            seen = [
                (_mean(look, mask), day, scene)
                for look, day, scene in zip(view.looks, view.days, view.scenes, strict=True)
            ]
            rows += [(day, scene, view.sensor, x > enough) for x, day, scene in seen if np.isfinite(x)]
        rows.sort()
        late = [np.mean([shows for *_, shows in rows[n:]]) >= p.most for n in range(len(rows))]
        return [row[:3] for row, is_late in zip(rows, np.maximum.accumulate(late), strict=True) if row[3] and is_late]


@dataclass(frozen=True)
class Found:
    """A line and the view that shows it."""

    line: Line
    view: View


def views_of(channels: Sequence[Channel], watched: Mask, *, looks: int) -> tuple[View, ...]:
    """The views of an area in the median of the last so many looks of each channel, sums of instruments last.

    `watched` bool (y, x): elsewhere nothing is known.
    """
    p = ViewParameters()
    single = [view for channel in channels for view in _channel_views(channel, watched, looks=looks)]
    radar, optical = ([v for v in single if v.sensor == sensor] for sensor in (RADAR, OPTICAL))
    return (*single, *(_sum((seen, *radar), p) for seen in optical if radar))


def lines_of(views: Sequence[View]) -> tuple[Found, ...]:
    """The lines of all views; one that lies in an earlier one by more than half is that one."""
    p = ViewParameters()
    radar = [v for v in views if v.sensor == RADAR and not v.parts]
    found: list[Found] = []
    for view in views:
        for line in find_lines(view.image, old=view.old, least=_least(view, p)):
            if not _is_borne_out(line, view, radar, p):
                continue
            if not any((line.mask & f.line.mask).sum() > 0.5 * line.mask.sum() for f in found):
                found.append(Found(line, view))
    return tuple(found)


def _is_borne_out(line: Line, view: View, radar: Sequence[View], p: ViewParameters) -> bool:
    """True where each instrument sees of a line what is asked of it: of their sum, and of optics beside radar."""
    if view.parts:
        return all(_mean(_scaled(part.image, p), line.mask) >= p.borne_out for part in view.parts)
    if view.sensor == RADAR or not radar or line.response >= p.alone:
        return True
    return any(_mean(_scaled(other.image, p), line.mask) >= p.borne_out for other in radar)


def _least(view: View, p: ViewParameters) -> Least | None:
    """What a line must stand out by; optics, whose scatter is that of the land, is asked for σ of single looks."""
    if view.sensor == OPTICAL and not view.parts:
        return None
    middle, spread = _scatter(view.image, p)
    return Least(middle + p.least_change * spread, middle + p.least_pixel * spread)


def _channel_views(channel: Channel, watched: Mask, *, looks: int) -> list[View]:
    p = FencingParameters()
    recent = channel.recent
    kept = [n for n, day in enumerate(recent.days) if day >= channel.last_day - p.window_days][-looks:]
    if len(kept) < p.fewest_looks:
        return []
    name = "vv" if channel.sensor == RADAR else "contrast"
    if channel.sensor == RADAR:
        stacks = [recent.metric[kept, 0]]
    elif name in channel.names:
        barer, bright = _barer(channel, kept), np.clip(recent.z[kept, channel.names.index(name)], -6.0, 6.0)
        stacks = [barer + bright, barer - bright]
    else:
        return []
    before = channel.baseline.coefficients[channel.names.index(name) if name in channel.names else 0, 0]
    old = old_lines(before)
    days, scenes = tuple(recent.days[n] for n in kept), tuple(recent.scene_ids[n] for n in kept)
    hidden = [np.where(watched, stack, np.nan).astype(np.float32) for stack in stacks]
    return [View(channel.sensor, _median(s, p.fewest_looks), old, s, days, scenes) for s in hidden]


def _barer(channel: Channel, kept: list[int]) -> Floats | float:
    """How much barer each look is than was expected, float32 (time, y, x) in σ; 0 where that cannot be told."""
    name = next((n for n in ("vegetation", "greenness") if n in channel.names), None)
    if name is None:
        return 0.0
    return np.asarray(np.clip(-channel.recent.z[kept, channel.names.index(name)], -6.0, 6.0), np.float32)


def _median(looks: Floats, fewest: int) -> Floats:
    return np.where(np.isfinite(looks).sum(axis=0) >= fewest, median(looks), np.nan).astype(np.float32)


def _sum(parts: tuple[View, ...], p: ViewParameters) -> View:
    """Several views added up, each in its own scatter; NaN where one of them is."""
    image = sum(_scaled(v.image, p) for v in parts) / np.sqrt(len(parts))
    old = np.any([v.old for v in parts], axis=0)
    return View(parts[0].sensor, np.asarray(image, np.float32), old, parts[0].looks[:0], (), (), parts)


def _scaled(image: Floats, p: ViewParameters) -> Floats:
    middle, spread = _scatter(image, p)
    return np.asarray(np.clip((image - middle) / spread, -p.limit, p.limit), np.float32)


def _scatter(image: Floats, p: ViewParameters) -> tuple[float, float]:
    """Middle and robust spread of what is known of an image."""
    known = image[np.isfinite(image)]
    return (float(np.median(known)) if known.size else 0.0), max(robust_spread(image), p.least_spread)


def _mean(image: Floats, mask: Mask) -> float:
    known = image[mask]
    known = known[np.isfinite(known)]
    return float(known.mean()) if known.size else -np.inf
