"""How many tiles a JPEG 2000 file says it has, read before anything takes memory for them."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

Read = Callable[[int, int], bytes]
"""The bytes of a file from an offset on, so many; fewer at its end."""

CODESTREAM = b"\xff\x4f\xff\x51"  # how a codestream begins: its start, then the marker of its size
MOST_BOXES = 100  # before the codestream; real files have three to ten
MOST_TILES = 65_535  # of all bands together; a file has no number for more
LARGEST = 2**50  # bytes
_BOX, _LONG_BOX = struct.Struct(">I4s"), struct.Struct(">Q")
_SIZE = struct.Struct(">HHIIIIIIIIH")  # length, capabilities, size and offset of image and of tiles, components


def fault_of_tiles(read: Read) -> str:
    """Return why a JPEG 2000 file has no tiles that can be opened, empty where it has: each takes memory at once.

    The size is read where a decoder reads it: at the codestream to which the file's boxes lead, wherever else the
    same bytes may stand.
    """
    at = _codestream(read)
    said = b"" if at is None else read(at, len(CODESTREAM) + _SIZE.size)
    if not said.startswith(CODESTREAM) or len(said) < len(CODESTREAM) + _SIZE.size:
        return "it is a JPEG 2000 file without a size"
    _, _, right, bottom, left, top, tile_w, tile_h, *_, bands = _SIZE.unpack_from(said, len(CODESTREAM))
    tiles = math.ceil((right - left) / max(tile_w, 1)) * math.ceil((bottom - top) / max(tile_h, 1))
    return f"it has {tiles} tiles in {bands} bands" if not tile_w or not tile_h or tiles * bands > MOST_TILES else ""


def _codestream(read: Read) -> int | None:
    """Where the codestream begins: at the first byte, or in the first box that holds one; None without such a box."""
    at = 0
    if read(0, len(CODESTREAM)) == CODESTREAM:
        return at
    for _ in range(MOST_BOXES):
        head = read(at, _BOX.size + _LONG_BOX.size)
        if len(head) < _BOX.size:
            break
        length, kind = _BOX.unpack_from(head)
        header = _BOX.size
        if length == 1 and len(head) == _BOX.size + _LONG_BOX.size:
            (length,), header = _LONG_BOX.unpack_from(head, _BOX.size), len(head)
        if kind == b"jp2c":
            return at + header
        if length < header:  # 0: the last box of the file, and no codestream
            break
        at += length
        if at > LARGEST:
            break
    return None
