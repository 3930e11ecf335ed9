"""What the watch has learned of an area, on disk: one file a state, named by the digest of all that led to it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt

from detectors.acquisition import Acquisition, StoredAcquisition
from detectors.array_space import IN_MEMORY, ArraySpace
from detectors.baseline.harmonic import Baseline
from detectors.events.lifecycle import EventState, LifecycleParameters
from detectors.evidence.belief import Evidence
from detectors.footprint import Footprint
from detectors.ground import Ground
from detectors.monitor.state import AreaState, MonitorParameters
from detectors.preprocessing.platforms import Placement, PlatformPosition
from detectors.records import Change, State, Transition
from detectors.sensor_series.series import RecentAcquisitions, SensorSeries
from flows.evidence.array_files import ArraySpaceError, FileArray, no_room
from flows.evidence.packed_arrays import PackedArrayError, read_packed, write_packed

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
        Placement,
        PlatformPosition,
        EventState,
        LifecycleParameters,
        Transition,
    )
}
_WORDS = {c.__name__: c for c in (Change, State)}
_IN_FILES = {c.__name__ for c in (Baseline, Evidence, RecentAcquisitions)}
"""Records whose arrays are only sliced, and so may lie in files."""
_Arrays = dict[str, npt.NDArray[Any] | FileArray]
_TREE = "tree.json"
# A byte turned over may also call for a password, another compression, or a place before the beginning.
_DAMAGE = (
    BadZipFile, PackedArrayError, KeyError, ValueError, TypeError, AttributeError, OverflowError, EOFError,
    RuntimeError, OSError,
)  # fmt: skip


def save_state(state: AreaState, path: Path) -> None:
    """Write a state by a temporary name and a rename: a kill leaves the old file or the new one.

    What a kill left half written goes with the next state of the folder, which only one process writes to at a time.
    Raises `ArraySpaceError` when there is no room.
    """
    arrays: _Arrays = {}
    tree = json.dumps(_pack(state, arrays), sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(".*.npz.*.tmp"):
        left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            with ZipFile(file, "w") as members:
                with members.open(_TREE, "w") as member:
                    member.write(tree.encode())
                for name, array in arrays.items():
                    with members.open(name, "w", force_zip64=True) as member:
                        write_packed(member, array)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise no_room("what the watch has learned of an area", path.parent, error) from error
        raise


def load_state(path: Path, *, read: Callable[[str], Acquisition], space: ArraySpace = IN_MEMORY) -> AreaState | None:
    """Load the state in a file; None where there is none, or one that is damaged or of another version.

    `read` gives an acquisition by the id of its scene: the last ones are measured again where ground is re-based. The
    arrays of its series and evidence come to lie in `space`. Raises `ArraySpaceError` when there is no room there.
    """
    try:
        with ZipFile(path) as members:
            if any(info.compress_type != ZIP_STORED for info in members.filelist):
                raise BadZipFile("a part of a state is compressed")
            state = _Reader(members, space, read).unpacked(json.loads(members.read(_TREE)), IN_MEMORY)
    except ArraySpaceError:
        raise
    except _DAMAGE:
        return None
    return replace(state, space=space) if isinstance(state, AreaState) else None


def _pack(value: object, arrays: _Arrays) -> Any:
    if isinstance(value, np.ndarray | FileArray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name, "shape": value.shape, "dtype": value.dtype.str}
    if isinstance(value, Acquisition | StoredAcquisition):
        return {"scene": [value.scene_id, value.sensor, value.day.toordinal(), value.track, value.platform]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = [f.name for f in dataclasses.fields(value) if f.name != "space"]
        fields = {name: _pack(getattr(value, name), arrays) for name in kept}
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


@dataclass(frozen=True)
class _Reader:
    """Makes a state of its tree: `members` hold its arrays."""

    members: ZipFile
    space: ArraySpace
    read: Callable[[str], Acquisition]

    def unpacked(self, value: Any, place: ArraySpace) -> Any:
        """A part of the tree, with its arrays in a place."""
        if isinstance(value, list):
            return tuple(self.unpacked(item, place) for item in value)
        if not isinstance(value, dict):
            return value
        if "array" in value:
            array = place.empty(tuple(value["shape"]), np.dtype(value["dtype"]))
            with self.members.open(value["array"]) as member:
                read_packed(member, array)
            return array
        if "scene" in value:
            scene, sensor, day, track, platform = value["scene"]
            read = partial(self.read, scene)
            return StoredAcquisition(scene, sensor, date.fromordinal(day), track, platform, read)
        if "record" in value:
            own = self.space if value["record"] in _IN_FILES else IN_MEMORY
            fields = {name: self.unpacked(field, own) for name, field in value["fields"].items()}
            return _RECORDS[value["record"]](**fields)
        if "word" in value:
            return _WORDS[value["word"]](value["value"])
        return date.fromordinal(value["day"])
