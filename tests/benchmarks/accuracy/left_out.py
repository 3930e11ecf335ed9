"""Grounds left out of the fit: which parameters the watch gets, where a table fitted without a ground is asked for.

The detector takes its table of signatures by a parameter. A script fits one table on everything, and one without each
ground; a run with `--left-out` watches every case on such a ground with the table that never saw it. A job needs not
say its ground: it is the first real series that it reads.
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


class OtherGround(Exception):
    """The job reads no ground that is left out, and is not asked for."""


@dataclass(frozen=True)
class TablesWithout:
    """Parameters for a ground, with the table of `folder` that was fitted without it: ``<ground>.json``."""

    folder: Path

    def __call__(self, ground: str) -> MonitorParameters:
        """The default parameters, with that table in place of the one fitted on everything."""
        path = self.folder / f"{ground}.json"
        if FIELD not in {field.name for field in fields(MonitorParameters)}:
            raise UserError(f"this detector takes no table of {FIELD}, so that no ground can be left out of it")
        if not path.is_file():
            raise UserError(f"no table fitted without {ground}: {path} is missing; fit it, or name another folder")
        return MonitorParameters(**{FIELD: read_table(path)})


def read_table(path: Path) -> Any:
    """Read a fitted table as the detector's parameter holds it."""
    return json.loads(path.read_text())


@dataclass(frozen=True)
class LeftOut:
    """What a run leaves out: the grounds, one at a time, and the parameters for each."""

    grounds: tuple[str, ...]
    parameters_for: ParametersFor

    def parameters(self, read: Sequence[str]) -> MonitorParameters:
        """The parameters for a job that has read these real series, the one it is about first."""
        if not read or read[0] not in self.grounds:
            raise OtherGround
        return self.parameters_for(read[0])
