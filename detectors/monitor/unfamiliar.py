"""What is unlike anything that the table of signatures was fitted on: there, more is asked before a change is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detectors.evidence.familiarity import unlike_any
from detectors.evidence.signatures import SignatureTable
from detectors.objects.object_record import Detection
from detectors.records import UnfamiliarGround
from detectors.sensor_series.pixel_state import PixelState

MOSTLY, SAID_SHARE, SAMPLE_PX = 0.5, 0.25, 20_000
"""Shares of an object's surest pixels from which more is asked of it, and of an area from which people are told; the
pixels of an area that are asked."""


def with_familiarity(
    detections: tuple[Detection, ...], state: PixelState, table: SignatureTable
) -> tuple[Detection, ...]:
    """Mark the objects that lie mostly on unfamiliar ground, or that none but unfamiliar scenes show.

    Parameters
    ----------
    detections, state, table
        The objects of this week, what is known pixel by pixel, and the signatures.

    Returns
    -------
    tuple of Detection.
    """
    scenes = {scene for series in state.all_series for scene in series.recent.unfamiliar}

    def is_unfamiliar(found: Detection) -> bool:
        core = found.object.surest
        levels = [(s, core.values(s.baseline.coefficients)[:, 0]) for s in state.all_series]
        shares = [
            unlike_any(level, s.names, sensor=s.sensor, table=table).any(axis=0).mean()
            for s, level in levels
            if s.sensor in found.sensors
        ]
        return any(share >= MOSTLY for share in shares) or (bool(found.scenes) and scenes.issuperset(found.scenes))

    return tuple(replace(found, is_unfamiliar=is_unfamiliar(found)) for found in detections)


def unfamiliar_ground(state: PixelState, table: SignatureTable) -> UnfamiliarGround | None:
    """Measure how much of an area is unlike any ground that the table was fitted on.

    Parameters
    ----------
    state, table
        What is known pixel by pixel, and the signatures.

    Returns
    -------
    UnfamiliarGround, or None where it is under a quarter to every series.
    """
    watched, worst = np.flatnonzero(state.ground.monitored_mask), None
    y, x = np.unravel_index(watched[:: len(watched) // SAMPLE_PX + 1], state.ground.shape)
    for s in state.all_series:
        beyond = unlike_any(s.baseline.coefficients[:, 0, y, x], s.names, sensor=s.sensor, table=table)
        share = float((beyond != 0).any(axis=0).mean())
        if share >= SAID_SHARE and (worst is None or share > worst.share):
            parts = {
                (n, sign > 0): (of == sign).sum() for n, of in zip(s.names, beyond, strict=True) for sign in (-1, 1)
            }
            worst = UnfamiliarGround(round(share, 2), *max(parts, key=parts.__getitem__))
    return worst
