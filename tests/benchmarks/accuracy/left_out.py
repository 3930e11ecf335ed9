"""Grounds and materials left out of the fit: which parameters the watch gets, where a table without one is asked for.

The detector takes its table of signatures by a parameter. A script fits one table on everything, and one without each
ground and each material of roofs; a run with `--left-out` watches every case on such a ground, and roofs of such a
material, with the table that never saw it. A job needs not say its ground: it is the first real series that it reads.
One that is about a material notes that first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from aois.errors import UserError
from detectors.monitor.state import MonitorParameters

ParametersFor = Callable[[str], MonitorParameters]
FIELD = "signatures"
NEVER_FITTED = ("korba-s1s2",)  # of the real grounds


class OtherGround(Exception):
    """The job is about no ground or material that is left out, and is not asked for."""


@dataclass(frozen=True)
class TablesWithout:
    """Parameters for a ground or a material, with the table of `folder` that was fitted without it: ``<name>.json``.

    What was never in the fit is watched with the packaged table.
    """

    folder: Path

    def __call__(self, name: str) -> MonitorParameters:
        """The default parameters, with that table in place of the one fitted on everything."""
        if name in NEVER_FITTED:
            return MonitorParameters()
        path = self.folder / f"{name}.json"
        if FIELD not in {field.name for field in fields(MonitorParameters)}:
            raise UserError(f"this detector takes no table of {FIELD}, so that nothing can be left out of it")
        if not path.is_file():
            raise UserError(f"no table fitted without {name}: {path} is missing; fit it, or name another folder")
        return MonitorParameters(signatures=str(path.resolve()))


def read_table(path: Path) -> Any:
    """Read a fitted table as the detector's parameter holds it."""
    return json.loads(path.read_text())


@dataclass(frozen=True)
class LeftOut:
    """What a run leaves out: grounds and materials, one at a time, and the parameters for each."""

    names: tuple[str, ...]
    parameters_for: ParametersFor

    def parameters(self, read: Sequence[str]) -> MonitorParameters:
        """The parameters for a job that has noted these materials and real series, the one it is about first."""
        if not read or read[0] not in self.names:
            raise OtherGround
        return self.parameters_for(read[0])
