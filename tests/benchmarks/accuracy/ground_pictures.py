"""A picture of each ground: before, after, truth outlined, and every event outlined and labelled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from ground_truth import GroundTruth
from grounds import GROUNDS, GroundOutcome, run_ground, truth_on, weeks_of
from matplotlib.axes import Axes
from series import real_series

from detectors.acquisition import OPTICAL, RADAR, Acquisition
from detectors.monitor.state import MonitorParameters
from detectors.preprocessing.masks import clear_of
from detectors.records import Event, State

COLOURS = {"construction": "#ff2d2d", "fencing": "#ff9d00", "clearing": "#ffe600", "demolition": "#36a2ff"}
PANEL_IN, MOST_LABELS, LOOKS = 9.0, 60, 3


def pictured(name: str, *, to: Path, parameters: MonitorParameters | None = None) -> GroundOutcome:
    """Watch a ground, draw its picture and give its figures."""
    outcome, events = run_ground(name, parameters=parameters)
    to.mkdir(parents=True, exist_ok=True)
    draw(name, outcome, events, to / f"{name}.png")
    return outcome


def draw(name: str, outcome: GroundOutcome, events: Sequence[Event], path: Path) -> None:
    """Draw before and after, with what truly changed in white and green, and what was told over the second."""
    since, _, _ = weeks_of(GROUNDS[name], real_series(name))
    truth = truth_on(name)
    before, after = _images(real_series(name), since)
    rows, columns = before.shape[:2]
    figure, axes = plt.subplots(1, 2, figsize=(2 * PANEL_IN, PANEL_IN * rows / columns + 0.8), dpi=110)
    for axis, image, title in zip(
        axes, (before, after), ("before, and what was drawn by eye", "after, and what was told"), strict=True
    ):
        axis.imshow(image, interpolation="nearest")
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    _outline_truth(axes[0], truth, is_named=True)
    _outline_truth(axes[1], truth, is_named=False)
    _outline_events(axes[1], outcome, events)
    figure.suptitle(_title(name, outcome), fontsize=9)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def _title(name: str, outcome: GroundOutcome) -> str:
    words = ", ".join(
        f"{change} {colour}" for change, colour in zip(COLOURS, ("red", "orange", "yellow", "blue"), strict=True)
    )
    false = len(outcome.false("alerted"))
    return (
        f"{name}: {words}; a dashed line is an event without an alert. White: sure change; grey: not sure; "
        f"green: quiet. False events: {false} alerted, {len(outcome.false('confirmed'))} confirmed."
    )


def _outline_truth(axis: Axes, truth: GroundTruth, *, is_named: bool) -> None:
    for change in truth.changes:
        axis.contour(change.mask, [0.5], colors="white" if change.is_sure else "#aaaaaa", linewidths=0.9)
        if is_named:
            y, x = (float(v.mean()) for v in np.nonzero(change.mask))
            axis.text(x, y, change.name, color="white", fontsize=5, ha="center", clip_on=True)
    if truth.quiet.any() and not truth.quiet.all() and truth.drawn_quiet:
        axis.contour(truth.quiet, [0.5], colors="#40e060", linewidths=0.9)


def _outline_events(axis: Axes, outcome: GroundOutcome, events: Sequence[Event]) -> None:
    fates = {fate.key: fate for fate in outcome.events}
    held = [e for e in events if e.state is not State.RETRACTED and e.merged_into is None]
    for n, event in enumerate(sorted(held, key=lambda e: -e.footprint.pixels)):
        fate, colour = fates[event.key], COLOURS[event.change.value]
        axis.contour(
            event.footprint.frame(), [0.5], colors=colour, linewidths=0.9, linestyles="-" if fate.is_alerted else "--"
        )
        if n < MOST_LABELS:
            y, x = (float(v.mean()) for v in np.nonzero(event.footprint.frame()))
            false = " ✗" if fate.is_true is False else ""
            axis.text(x, y, f"{event.confidence:.2f}{false}", color=colour, fontsize=6, clip_on=True)


def _images(acquisitions: Sequence[Acquisition], since: date) -> tuple[np.ndarray, np.ndarray]:
    """The median of the last clear looks before the watch, and of the last of all, in one stretch."""
    sensor = OPTICAL if any(k.sensor == OPTICAL for k in acquisitions) else RADAR
    looks = [k for k in acquisitions if k.sensor == sensor]
    bands = _bands(looks)
    looks = [
        k for k in looks if clear_of(k).mean() > 0.5 * k.valid.mean() and all(b in k.bands for b in bands)
    ] or looks
    pair = [_median(some[-LOOKS:], bands) for some in ([k for k in looks if k.day < since], looks)]
    low, high = np.nanpercentile(np.stack(pair), (2, 98), axis=(0, 1, 2))
    before, after = (np.nan_to_num(np.clip((image - low) / (high - low), 0, 1)) ** 0.8 for image in pair)
    return before, after


def _bands(looks: Sequence[Acquisition]) -> tuple[str, str, str]:
    """Red, green and blue, or the nearest that every look has: a band may stand for a missing one."""
    common = set.intersection(*(set(k.bands) for k in looks))
    if {"red", "green", "blue"} <= common:
        return "red", "green", "blue"
    if {"swir16", "nir", "red"} <= common:
        return "swir16", "nir", "red"
    return "vv", "vh", "vv"


def _median(looks: Sequence[Acquisition], bands: Sequence[str]) -> np.ndarray:
    stack = []
    for look in looks:
        image = np.stack([look.pixels[look.bands.index(b)] for b in bands], axis=-1)
        image = np.where(clear_of(look)[..., None], image, np.nan)
        stack.append(np.log10(np.maximum(image, 1e-4)) if look.sensor == RADAR else image)
    with np.errstate(all="ignore"):
        return np.asarray(np.nanmedian(np.stack(stack), axis=0))
