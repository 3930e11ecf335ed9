"""The pixels on which what a whole scene has in common is measured: all of a small area, a lattice of a large one."""

from __future__ import annotations

ALL_PX = 1 << 22
"""Up to so many pixels all are taken: after one scene, a ninth of 2 Mpx of desert moved ranks by up to 4 nats."""
AFTER_SEASONS_PX = 1 << 20
"""The same after a history of seasons, where each pixel has ten times as many numbers."""
LATTICE_PX = 1 << 20
"""So many at most are taken of more: a share of 1/2000 is then met by some hundreds."""


def lattice_step(shape: tuple[int, ...], *, all_px: int | None = None) -> int:
    """Choose the step of the lattice: the pixels whose row and column in the area are multiples of it are taken.

    Rows and columns are counted from the corner of the area, never from that of a block, so that areas cut into blocks
    of any size measure the same pixels.

    Parameters
    ----------
    shape
        Rows and columns of the whole area.
    all_px
        Up to so many pixels all are taken; `ALL_PX` where left out.

    Returns
    -------
    int, 1 where the area has no more pixels.
    """
    if shape[0] * shape[1] <= (ALL_PX if all_px is None else all_px):
        return 1
    step = 2
    while -(-shape[0] // step) * -(-shape[1] // step) > LATTICE_PX:
        step += 1
    return step


def lattice_of(shape: tuple[int, ...], *, all_px: int | None = None) -> tuple[slice, slice]:
    """Choose the rows and columns of the lattice.

    Parameters
    ----------
    shape, all_px
        As for `lattice_step`.

    Returns
    -------
    slice, slice.
    """
    step = lattice_step(shape, all_px=all_px)
    return slice(None, None, step), slice(None, None, step)
