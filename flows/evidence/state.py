"""What the watch has learned of an area, on disk: one file a state, named by the digest of all that led to it."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import replace
from datetime import date
from enum import Enum
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from detectors.array_space import IN_MEMORY, ArraySpace
from detectors.baseline.harmonic import Baseline
from detectors.events.lifecycle import EventState, LifecycleParameters
from detectors.evidence.belief import Evidence
from detectors.footprint import Footprint
from detectors.ground import Ground
from detectors.monitor.state import AreaState, MonitorParameters
from detectors.preprocessing.platforms import PlatformPosition
from detectors.records import Change, State, Transition
from detectors.sensor_series.series import RecentAcquisitions, SensorSeries
from flows.evidence.array_files import SMALLEST_BYTES, FileArray, OpenFile, no_room

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
_IN_FILES = {c.__name__ for c in (Baseline, Evidence, RecentAcquisitions)}
"""Records whose arrays are only sliced, and so may stay in their file."""
_Arrays = dict[str, npt.NDArray[Any] | FileArray]
# A byte turned over may also call for a password, another compression, or a place before the beginning.
_DAMAGE = (BadZipFile, KeyError, ValueError, TypeError, EOFError, RuntimeError, OSError)


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
                for name, array in {"tree": np.frombuffer(tree.encode(), np.uint8), **arrays}.items():
                    with members.open(f"{name}.npy", "w", force_zip64=True) as member:
                        _write_array(member, array)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise no_room("what the watch has learned of an area", path.parent, error) from error
        raise


def load_state(path: Path, *, space: ArraySpace = IN_MEMORY) -> AreaState | None:
    """Load the state in a file; None where there is none, or one that is damaged or of another version.

    Where the arrays of the area do not lie in memory, those of its series and evidence stay in the file.
    """
    try:
        opened = OpenFile(path.open("rb", buffering=0))
    except FileNotFoundError:
        return None
    try:
        with ZipFile(opened.file) as members:
            arrays = {
                info.filename.removesuffix(".npy"): _array(members, info, opened, space) for info in members.filelist
            }
        state = _unpack(json.loads(np.asarray(arrays.pop("tree")).tobytes()), arrays)
    except _DAMAGE:
        return None
    return replace(state, space=space) if isinstance(state, AreaState) else None


def _write_array(member: IO[bytes], array: npt.NDArray[Any] | FileArray) -> None:
    """An array as numpy's own files have it."""
    if isinstance(array, FileArray):
        header = {"descr": npy.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
        npy.write_array_header_1_0(member, header)
        member.writelines(array.stretches())
    else:
        npy.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


def _array(members: ZipFile, info: ZipInfo, opened: OpenFile, space: ArraySpace) -> npt.NDArray[Any] | FileArray:
    """An array of a state in memory; a large one where it lies in the file, once its bytes are found unharmed."""
    if space is IN_MEMORY or info.file_size < SMALLEST_BYTES:
        with members.open(info) as member:
            return npy.read_array(member, allow_pickle=False)
    if info.compress_type != ZIP_STORED:
        raise BadZipFile("an array of a state is compressed")
    with members.open(info) as member:
        while member.read(1 << 24):  # the checksum is held against it at the end
            pass
    file = opened.file
    file.seek(info.header_offset + 26)
    names = int.from_bytes(file.read(2), "little") + int.from_bytes(file.read(2), "little")
    file.seek(info.header_offset + 30 + names)
    npy.read_magic(file)
    shape, is_by_columns, dtype = npy.read_array_header_1_0(file)
    if is_by_columns:
        raise BadZipFile("an array of a state lies column by column")
    return FileArray(opened, shape, dtype, file.tell(), is_writable=False)


def _pack(value: object, arrays: _Arrays) -> Any:
    if isinstance(value, np.ndarray | FileArray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
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


def _unpack(value: Any, arrays: _Arrays) -> Any:
    if isinstance(value, list):
        return tuple(_unpack(item, arrays) for item in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "record" in value:
        fields = {name: _unpack(field, arrays) for name, field in value["fields"].items()}
        if value["record"] not in _IN_FILES:
            fields = {n: np.asarray(field) if isinstance(field, FileArray) else field for n, field in fields.items()}
        return _RECORDS[value["record"]](**fields)
    if "word" in value:
        return _WORDS[value["word"]](value["value"])
    return date.fromordinal(value["day"])
