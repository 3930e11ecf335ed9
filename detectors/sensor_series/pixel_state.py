"""What the watch has learned pixel by pixel: the ground it watches, the baselines of its series, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.evidence.accumulate import Evidence
from detectors.ground import Ground
from detectors.sensor_series.channel import Channel


@dataclass(frozen=True)
class PixelState:
    """What objects are found in: ground, channels and evidence of one area, all on the same (y, x)."""

    ground: Ground
    channels: tuple[Channel, ...]
    evidence: Evidence

    def channel(self, name: str) -> Channel | None:
        """Return a channel by its name, or None where the area has none of that name."""
        return next((c for c in self.channels if c.name == name), None)
