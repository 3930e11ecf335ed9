"""What the watch has learned of an area, on disk: one file a state, named by the digest of all that led to it."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from detectors.baseline.harmonic import Baseline
from detectors.events.lifecycle import EventState, LifecycleParameters
from detectors.evidence.belief import Evidence
from detectors.footprint import Footprint
from detectors.ground import Ground
from detectors.monitor.state import AreaState, MonitorParameters
from detectors.preprocessing.platforms import PlatformPosition
from detectors.records import Change, State, Transition
from detectors.sensor_series.series import RecentAcquisitions, SensorSeries

_RECORDS = {
    c.__name__: c
    for c in (
        AreaState,
        Baseline,
        SensorSeries,
        Evidence,
        Footprint,
        Ground,
        MonitorParameters,
        RecentAcquisitions,
        PlatformPosition,
        EventState,
        LifecycleParameters,
        Transition,
    )
}
_WORDS = {c.__name__: c for c in (Change, State)}
_Arrays = dict[str, npt.NDArray[Any]]
# A byte turned over may also call for a password, another compression, or a place before the beginning.
_DAMAGE = (BadZipFile, KeyError, ValueError, TypeError, EOFError, RuntimeError, OSError)


def save_state(state: AreaState, path: Path) -> None:
    """Write a state by a temporary name and a rename: a kill leaves the old file or the new one."""
    arrays: _Arrays = {}
    tree = json.dumps(_pack(state, arrays), sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, tree=np.frombuffer(tree.encode(), np.uint8), **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load_state(path: Path) -> AreaState | None:
    """Load the state in a file; None where there is none, or one that is damaged or of another version."""
    try:
        opened = path.open("rb")
    except FileNotFoundError:
        return None
    with opened:
        try:
            with np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            state = _unpack(json.loads(arrays.pop("tree").tobytes()), arrays)
        except _DAMAGE:
            return None
    return state if isinstance(state, AreaState) else None


def _pack(value: object, arrays: _Arrays) -> Any:
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _pack(getattr(value, f.name), arrays) for f in dataclasses.fields(value)}
        return {"record": type(value).__name__, "fields": fields}
    if isinstance(value, Enum):
        return {"word": type(value).__name__, "value": value.value}
    if isinstance(value, date):
        return {"day": value.toordinal()}
    if isinstance(value, tuple):
        return [_pack(item, arrays) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _unpack(value: Any, arrays: _Arrays) -> Any:
    if isinstance(value, list):
        return tuple(_unpack(item, arrays) for item in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "record" in value:
        fields = {name: _unpack(field, arrays) for name, field in value["fields"].items()}
        return _RECORDS[value["record"]](**fields)
    if "word" in value:
        return _WORDS[value["word"]](value["value"])
    return date.fromordinal(value["day"])
