"""One hash for many files, and a proof for one of them that tells nothing of the others: the tree of RFC 9162."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

LEAF, NODE = b"\x00", b"\x01"
Side = tuple[str, bytes]
"""A hash beside the way up, and on which side of it: ``left`` or ``right``."""


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Compute the hash over all leaves, in their order; that of no leaf is the hash of nothing."""
    level = [sha256(LEAF + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        level = _above(level)
    return level[0] if level else sha256(b"").digest()


def ways_up(leaves: Sequence[bytes], wanted: Sequence[int]) -> dict[int, list[Side]]:
    """List for each wanted leaf, by its place, the hashes that lead from it to the root."""
    level, ways = [sha256(LEAF + leaf).digest() for leaf in leaves], {place: list[Side]() for place in wanted}
    at = {place: place for place in wanted}
    while len(level) > 1:
        for place, way in ways.items():
            beside = at[place] ^ 1
            if beside < len(level):
                way.append(("left" if beside < at[place] else "right", level[beside]))
            at[place] //= 2
        level = _above(level)
    return ways


def root_above(leaf: bytes, way: Sequence[Side]) -> bytes:
    """Compute the root that a leaf and its way lead to."""
    found = sha256(LEAF + leaf).digest()
    for side, beside in way:
        found = _node(beside, found) if side == "left" else _node(found, beside)
    return found


def _above(level: Sequence[bytes]) -> list[bytes]:
    """The next level: pairs are joined, and one that is left alone moves up as it is, which gives RFC 9162's tree."""
    pairs = [_node(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
    return pairs + ([level[-1]] if len(level) % 2 else [])


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(NODE + left + right).digest()
