"""What the watch has learned pixel by pixel: the ground it watches, the baselines of its series, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.evidence.belief import Evidence
from detectors.ground import Ground
from detectors.sensor_series.series import SensorSeries


@dataclass(frozen=True)
class PixelState:
    """What objects are found in: ground, series and evidence of one area, all on the same (y, x)."""

    ground: Ground
    all_series: tuple[SensorSeries, ...]
    evidence: Evidence

    def series(self, name: str) -> SensorSeries | None:
        """Return a series by its name, or None where the area has none of that name."""
        return next((c for c in self.all_series if c.name == name), None)
