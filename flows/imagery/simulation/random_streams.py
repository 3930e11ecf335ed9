"""Random streams named by words, so that every draw is the same on every machine and in every process."""

from __future__ import annotations

import hashlib

import numpy as np


def number_of(*parts: object) -> int:
    """A 128-bit integer that depends on the written form of all parts, and on nothing else."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")


def generator(*parts: object) -> np.random.Generator:
    """A fresh random stream for these parts: the same parts give the same draws."""
    return np.random.Generator(np.random.PCG64(number_of(*parts)))
