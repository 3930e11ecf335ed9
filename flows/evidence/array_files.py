"""Arrays of an area that is too large for memory: each in a file without a name, which goes with its process.

An array in a file answers slices with copies and takes them back; it is mapped for as long as that takes, so that no
more of it counts as memory than what is worked on.
"""

from __future__ import annotations

import errno
import math
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aois.errors import UserError
from detectors.array_space import STRIP_PX

SMALLEST_BYTES = 1 << 20
"""Smaller arrays stay in memory."""
_COPIED_BYTES = 1 << 26
_OPEN_FILES = 1 << 16
"""A large area has some hundred files open, one for each acquisition while a baseline is fitted."""


class ArraySpaceError(UserError, OSError):
    """There is no room for the arrays of a large area."""


def no_room(what: str, folder: Path, error: OSError) -> ArraySpaceError:
    """Return what to raise where something cannot be kept in a folder: why not, and what to do."""
    mend = "free space, or move the outputs to a larger disk"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        mend = "raise the limit of open files (ulimit -n), or work on fewer areas at once (SITEWATCH_WORKERS)"
    return ArraySpaceError(f"{what} cannot be kept in {folder} ({error.strerror or error}); {mend}")


@dataclass(frozen=True, eq=False)
class FileArray:
    """An array in a file of its own: `shape` and `dtype` as numpy has them."""

    open_file: OpenFile
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        """Count its axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Count its bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        """Return the length of its first axis."""
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """Read a part into memory; of many layers one after the other, since what is mapped counts as memory too."""
        if isinstance(key, tuple) and len(key) == self.ndim > 2 and key[0] == slice(None):
            return np.stack([np.array(self._mapped("r")[(n, *key[1:])]) for n in range(len(self))])
        return np.array(self._mapped("r")[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write a part."""
        self._mapped("r+")[key] = value

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Read all of it into memory."""
        whole: npt.NDArray[Any] = self[...]
        return whole if dtype is None else whole.astype(dtype)

    def stretches(self, size: int = _COPIED_BYTES) -> Iterator[bytes]:
        """Read all its bytes, so many at a time."""
        for done in range(0, self.nbytes, size):
            part = os.pread(self.open_file.file.fileno(), size, done)
            if len(part) < min(size, self.nbytes - done):
                raise OSError(f"an array ends after {done + len(part)} of {self.nbytes} bytes")
            yield part

    def write_stretch(self, part: bytes | memoryview, done: int) -> None:
        """Write bytes of it, after so many."""
        rest = memoryview(part).cast("B")
        while rest:
            written = os.pwrite(self.open_file.file.fileno(), rest, done)
            done, rest = done + written, rest[written:]

    def _mapped(self, mode: str) -> npt.NDArray[Any]:
        return np.memmap(self.open_file.file, self.dtype, mode, 0, self.shape)  # type: ignore[call-overload,no-any-return]


class OpenFile:
    """An open file that is closed when nothing needs it any more."""

    def __init__(self, file: Any) -> None:
        """Of a file opened for bytes."""
        self.file = file

    def __del__(self) -> None:
        """Close the file; one without a name is gone then."""
        self.file.close()


class ArrayFiles:
    """Makes arrays in files of a folder. `strip_px` is how many pixels are worked on at once."""

    def __init__(self, folder: Path, *, strip_px: int = STRIP_PX, smallest_bytes: int = SMALLEST_BYTES) -> None:
        """Of a folder on a disk with room for them; it is made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        _allow_many_files()
        self.strip_px = strip_px
        self._folder, self._smallest = folder, smallest_bytes

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """Make an array of zeros."""
        kind = np.dtype(dtype)
        size = math.prod(shape) * kind.itemsize
        if size < self._smallest:
            return np.zeros(shape, kind)
        try:
            opened = OpenFile(tempfile.TemporaryFile(dir=self._folder, buffering=0))  # noqa: SIM115
            os.posix_fallocate(opened.file.fileno(), 0, size)  # a full disk is told now, not when it is written to
        except OSError as error:
            raise no_room(f"{size / 1e6:.0f} MB of a large area", self._folder, error) from error
        return FileArray(opened, tuple(shape), kind)

    def copy(self, array: Any) -> Any:
        """Copy an array, so that it can be changed."""
        if not isinstance(array, FileArray):
            return self._filled(array.shape, array.dtype, lambda own: own.__setitem__(..., array))
        return self._filled(array.shape, array.dtype, lambda own: _copy_bytes(array, own))

    def keep(self, array: Any) -> Any:
        """Put an array where arrays lie, unless it is there."""
        return array if isinstance(array, FileArray) else self.copy(array)

    def _filled(self, shape: tuple[int, ...], dtype: np.dtype[Any], fill: Callable[[Any], None]) -> Any:
        own = self.empty(shape, dtype)
        fill(own)
        return own


def _copy_bytes(one: FileArray, other: Any) -> None:
    """Copy the bytes of one array into another of the same shape, in memory or in a file."""
    if not isinstance(other, FileArray):
        other[...] = one[...]
        return
    for number, part in enumerate(one.stretches()):
        other.write_stretch(part, number * _COPIED_BYTES)


def _allow_many_files() -> None:
    """Raise the limit of open files as far as this process may, which begins with 1024 on most systems."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
