"""Arrays packed for a file, a stretch at a time: what is constant takes nothing, what was rounded as much as it tells.

The numbers of a stretch become whole ones without a sign, of which Blosc puts all first bits before all second ones,
and so on, and packs them; where nearly all fit into one byte of two, it is all first bytes. Numbers of 32 bits that are
multiples of a power of two (`detectors/rounding.py`) are written as how many times that is. Before each stretch stand
its length and its checksum, which are held against it before it is unpacked: what is damaged must not get as far as
compiled code.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numcodecs import blosc

from flows.evidence.array_files import FileArray

STRETCH_BYTES = 1 << 22
_BIT_BY_BIT = blosc.Blosc(cname="zstd", clevel=1, shuffle=blosc.BITSHUFFLE)
_BYTE_BY_BYTE = blosc.Blosc(cname="zstd", clevel=1, shuffle=blosc.SHUFFLE)
_MOST_OVERHEAD = 16
_BEFORE = struct.Struct("<IIb")  # length, checksum, power of two
_HEADER = struct.Struct("<3xBI4xI")  # of Blosc: bytes of a number, of all unpacked, of all packed
_AS_IT_IS, _FINEST, _SAMPLED, _NEARLY_ALL = 127, 60, 97, 0.9
_UNKNOWN = np.iinfo(np.int32).min
_Array = npt.NDArray[Any]
blosc.use_threads = False  # areas are worked on in threads of their own


class PackedArrayError(Exception):
    """A packed array is damaged, or of another shape."""


def write_packed(file: IO[bytes], array: _Array | FileArray) -> None:
    """Write an array, a few megabytes at a time."""
    for stretch in _stretches(array):
        numbers, exponent = _as_whole_numbers(stretch)
        is_small = numbers.dtype.itemsize == 2 and np.mean(numbers[::_SAMPLED] < 256) > _NEARLY_ALL
        packed = (_BYTE_BY_BYTE if is_small else _BIT_BY_BIT).encode(numbers)
        file.write(_BEFORE.pack(len(packed), _checksum(packed, exponent), exponent))
        file.write(packed)


def read_packed(file: IO[bytes], array: _Array | FileArray) -> None:
    """Read into an array what `write_packed` wrote of it.

    Raises `PackedArrayError` for bytes that are not those of an array of its shape and type.
    """
    done, bytes_in_all = 0, math.prod(array.shape) * array.dtype.itemsize
    while done < bytes_in_all:
        size = min(STRETCH_BYTES, bytes_in_all - done)
        stretch = _from_whole_numbers(*_unpacked(file, size, array.dtype), array.dtype)
        if isinstance(array, FileArray):
            array.write_stretch(stretch.data, done)
        else:
            array.reshape(-1)[done // array.dtype.itemsize :][: len(stretch)] = stretch
        done += size
    if file.read(1):
        raise PackedArrayError("a packed array goes on after its end")


def _unpacked(file: IO[bytes], size: int, dtype: np.dtype[Any]) -> tuple[_Array, int]:
    before = file.read(_BEFORE.size)
    if len(before) < _BEFORE.size:
        raise PackedArrayError("a packed array ends too early")
    length, checksum, exponent = _BEFORE.unpack(before)
    packed = file.read(min(length, size + _MOST_OVERHEAD))
    if len(packed) != length or _checksum(packed, exponent) != checksum:
        raise PackedArrayError("a packed array is not what its checksum says")
    header = _HEADER.unpack_from(packed) if length >= _HEADER.size else ()
    if header != (dtype.itemsize, size, length):
        raise PackedArrayError("a packed array is of another type or length")
    numbers = np.empty(size // dtype.itemsize, f"u{dtype.itemsize}")
    _BIT_BY_BIT.decode(packed, out=numbers)
    return numbers, exponent


def _checksum(packed: bytes, exponent: int) -> int:
    return zlib.crc32(packed, exponent & 0xFF)


def _stretches(array: _Array | FileArray) -> Iterator[_Array]:
    if isinstance(array, FileArray):
        for part in array.stretches(STRETCH_BYTES):
            yield np.frombuffer(part, array.dtype)
        return
    whole, most = np.ascontiguousarray(array).reshape(-1), STRETCH_BYTES // array.dtype.itemsize
    for first in range(0, len(whole), most):
        yield whole[first : first + most]


def _as_whole_numbers(stretch: _Array) -> tuple[_Array, int]:
    """Numbers without a sign that tell the same, and the power of two that they were multiplied by."""
    if stretch.dtype == np.float32:
        exponent = _exponent(stretch)
        if exponent != _AS_IT_IS:
            with np.errstate(invalid="ignore", over="ignore"):
                times = (stretch * np.float32(2.0**exponent)).astype(np.int32)
            times[np.isnan(stretch)] = _UNKNOWN
            if _same_bytes(_divided(times, exponent), stretch):
                return _zigzag(times), exponent
    if stretch.dtype.kind == "i":
        return _zigzag(stretch), _AS_IT_IS
    return stretch.view(f"u{stretch.dtype.itemsize}"), _AS_IT_IS


def _from_whole_numbers(numbers: _Array, exponent: int, dtype: np.dtype[Any]) -> _Array:
    if dtype == np.float32 and exponent != _AS_IT_IS:
        return _divided(_unzigzag(numbers), exponent)
    return _unzigzag(numbers) if dtype.kind == "i" else numbers.view(dtype)


def _exponent(stretch: _Array) -> int:
    """The power of two that makes a sample of some numbers whole ones of 31 bits, or `_AS_IT_IS` where none does."""
    sample = np.abs(stretch[::_SAMPLED])
    sample = sample[(sample > 0.0) & np.isfinite(sample)]
    if not sample.size:
        return 0
    whole, power = np.frexp(sample)
    bits = (whole * np.float32(1 << 24)).astype(np.int64)
    exponent = 24 - int((power + np.frexp((bits & -bits).astype(float))[1] - 1).min())
    is_small = float(sample.max()) * 2.0**exponent < 2**30
    return exponent if is_small and abs(exponent) <= _FINEST else _AS_IT_IS


def _divided(times: _Array, exponent: int) -> _Array:
    values = np.multiply(times, np.float32(2.0**-exponent), dtype=np.float32)
    values[times == _UNKNOWN] = np.nan
    return values


def _same_bytes(one: _Array, other: _Array) -> bool:
    return np.array_equal(one.view(np.uint32), other.view(np.uint32))


def _zigzag(numbers: _Array) -> _Array:
    """Whole numbers with the sign as their last bit, so that small ones have few."""
    bits = 8 * numbers.dtype.itemsize
    return np.asarray((numbers << 1) ^ (numbers >> (bits - 1))).view(f"u{numbers.dtype.itemsize}")


def _unzigzag(numbers: _Array) -> _Array:
    signed = f"i{numbers.dtype.itemsize}"
    return np.asarray((numbers >> 1).view(signed) ^ -(numbers & 1).view(signed))
