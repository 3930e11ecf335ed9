"""Arrays come back from their packed form to the last byte, or not at all."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.evidence import packed_arrays
from flows.evidence.array_files import ArrayFiles
from flows.evidence.packed_arrays import PackedArrayError, read_packed, write_packed

RNG = np.random.default_rng(3)
NORMAL = RNG.normal(0, 1, (3, 60, 50)).astype(np.float32)
HOLES = np.where(NORMAL > 1, np.float32(np.nan), np.rint(NORMAL * 128) / 128).astype(np.float32)
ARRAYS: dict[str, np.ndarray] = {
    "noise": NORMAL,
    "rounded, with gaps": HOLES,
    "gaps only": np.full((4, 4), np.nan, np.float32),
    "a sign on nothing": np.where(HOLES == 0, np.float32(-0.0), HOLES),
    "endless": np.array([np.inf, -np.inf, 1.0], np.float32),
    "tiny": np.array([1e-44, 1e-20, 1.0], np.float32),
    "huge": np.array([1e38, 3.0, 0.5], np.float32),
    "huge beside tiny": np.array([2.0**-45, 1e38], np.float32),
    "one of many not rounded": np.append(HOLES.reshape(-1), np.float32(1e-7)).astype(np.float32),
    "doubles": NORMAL.astype(np.float64),
    "codes": RNG.integers(-32768, 32768, (5, 70), dtype=np.int16),
    "small codes": RNG.integers(-120, 120, (5, 70), dtype=np.int16),
    "days": RNG.integers(-(2**31), 2**31, (5, 70)).astype(np.int32),
    "mask": NORMAL > 0,
    "classes": RNG.integers(0, 255, 99, dtype=np.uint8),
    "nothing": np.empty((0, 5), np.float32),
}


def packed_of(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    write_packed(file, array)
    return file.getvalue()


@pytest.fixture(params=[1 << 22, 1 << 10], ids=["one stretch", "many"])
def stretch_bytes(request, monkeypatch) -> int:
    monkeypatch.setattr(packed_arrays, "STRETCH_BYTES", request.param)
    return request.param


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_to_the_last_byte(name, stretch_bytes):
    array = ARRAYS[name]
    back = np.empty_like(array)
    read_packed(io.BytesIO(packed_of(array)), back)
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize("name", ["noise", "rounded, with gaps", "codes"])
def test_an_array_in_a_file_is_packed_as_one_in_memory(name, stretch_bytes, tmp_path):
    space, array = ArrayFiles(tmp_path, smallest_bytes=0), ARRAYS[name]
    assert packed_of(space.keep(array)) == packed_of(array)
    back = space.empty(array.shape, array.dtype)
    read_packed(io.BytesIO(packed_of(array)), back)
    assert np.asarray(back).tobytes() == array.tobytes()


def test_what_was_rounded_takes_as_much_as_it_tells_and_what_is_constant_nothing():
    count = 1 << 18
    noise = RNG.normal(0, 1, count).astype(np.float32)
    assert len(packed_of(np.zeros(count, np.float32))) < 0.01 * count
    rounded = np.rint(noise * 128) / np.float32(128) + np.float32(0)
    assert len(packed_of(rounded)) < 1.35 * count, "it has 9.05 bits of entropy"
    assert len(packed_of(noise)) > 3 * count


def test_another_shape_or_type_is_an_error():
    packed = packed_of(HOLES)
    for wrong in (HOLES[:2], np.concatenate([HOLES, HOLES]), HOLES.astype(np.float64), HOLES.view(np.int16)):
        with pytest.raises(PackedArrayError):
            read_packed(io.BytesIO(packed), np.empty_like(wrong))


@settings(deadline=None, max_examples=400, derandomize=True)
@given(
    name=st.sampled_from(["noise", "rounded, with gaps", "codes", "mask"]),
    where=st.one_of(st.floats(0, 1), st.floats(0, 0.01)),
    flipped=st.integers(1, 255),
)
def test_a_damaged_one_is_an_error(name, where, flipped):
    packed = bytearray(packed_of(ARRAYS[name]))
    at = min(int(where * len(packed)), len(packed) - 1)
    packed[at] ^= flipped
    with pytest.raises(PackedArrayError):
        read_packed(io.BytesIO(packed), np.empty_like(ARRAYS[name]))


@settings(deadline=None, max_examples=200, derandomize=True)
@given(share=st.floats(0, 0.9999))
def test_one_cut_short_is_an_error(share):
    packed = packed_of(HOLES)
    with pytest.raises(PackedArrayError):
        read_packed(io.BytesIO(packed[: int(share * len(packed))]), np.empty_like(HOLES))
