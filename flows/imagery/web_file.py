"""A file on the web or in a bucket, read in parts: what GDAL asks of it goes through the catalog's rules and limits."""

from __future__ import annotations

import io
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Protocol

from flows.imagery.limits import Limits
from flows.imagery.network.retry import BusyError, TransientError
from flows.imagery.scene import ImageryError
from flows.imagery.web import OK, PARTIAL, WebResponse

BLOCK = 16_384  # as GDAL reads by itself; the header of a COG fits into one
LONGEST_PART = 128 * BLOCK
KEPT = 1024  # blocks, as much as GDAL keeps
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
WAITS_S = (1.0, 2.0)  # between tries at what may pass by itself


class PartSource(Protocol):
    """Where parts of files come from: the web (`WebClient`), or object stores (`BucketParts`)."""

    @property
    def limits(self) -> Limits:
        """How much a file may take."""

    def get(self, address: str, *, most: int, part: tuple[int, int] | None = None) -> WebResponse:
        """Return a part of a file: `part` is its first and last byte, and at most `most` bytes may come."""


class WebFile(io.RawIOBase):
    """A file on the web or in a bucket, open for reading. For one thread at a time.

    GDAL hears of no exception: a read that fails gives nothing, and `failure` says why. Parts are kept while the file
    is open; what is read in order is fetched in parts that grow.
    """

    def __init__(self, web: PartSource, address: str) -> None:
        """Nothing is asked yet."""
        super().__init__()
        self._web, self._address = web, address
        self._at = 0
        self._size: int | None = None
        self._whole: bytes | None = None
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._next_block, self._ahead = 0, 1
        self._fetched = 0
        self._lock = threading.Lock()
        self.failure: ImageryError | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a byte."""
        if whence == io.SEEK_CUR:
            offset += self._at
        elif whence == io.SEEK_END:
            offset += self._known_size()
        self._at = max(0, offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes; fewer at the end of the file, none after a failure."""
        end = self._known_size()
        last = end if size is None or size < 0 else min(end, self._at + size)
        content = self._between(self._at, last) if self._at < last else b""
        self._at += len(content)
        return content

    def _known_size(self) -> int:
        if self._size is None:
            self._between(0, 1)
        return self._size or 0

    def _between(self, first: int, last: int) -> bytes:
        with self._lock:
            if self.failure is not None:
                return b""
            try:
                return self._read(first, last)
            except ImageryError as error:
                self.failure = error
                return b""

    def _read(self, first: int, last: int) -> bytes:
        numbers = range(first // BLOCK, (last - 1) // BLOCK + 1)
        found: dict[int, bytes] = {}
        for number in numbers:
            if self._whole is None and number not in self._blocks:
                self._fetch(number, numbers.stop)
            if self._whole is not None:
                return self._whole[first:last]
            found[number] = self._blocks[number]
        start = first - numbers.start * BLOCK
        return b"".join(found.values())[start : start + last - first]

    def _fetch(self, number: int, stop: int) -> None:
        """The missing blocks from `number` on are there, up to `stop` and further where the file is read in order."""
        self._ahead = min(2 * self._ahead, LONGEST_PART // BLOCK) if number == self._next_block and number else 1
        count = 1
        while number + count < max(stop, number + self._ahead) and count < LONGEST_PART // BLOCK:
            if number + count in self._blocks:
                break
            count += 1
        first = number * BLOCK
        last = first + count * BLOCK - 1
        if self._size is not None:
            last = min(last, self._size - 1)
        most = self._web.limits.file_bytes - self._fetched
        if last - first >= most:
            raise ImageryError(f"more than {self._web.limits.file_bytes / 1e6:g} MB of it would have to be read")
        self._keep(_asked_again(partial(self._web.get, self._address, most=most, part=(first, last))), first)
        self._next_block = number + count

    def _keep(self, answer: WebResponse, first: int) -> None:
        self._fetched += len(answer.content)
        if answer.status == OK:
            self._whole, self._size = answer.content, len(answer.content)
            return
        said = _RANGE.fullmatch(answer.headers.get("content-range", "").strip())
        size = int(said[3]) if said else 0
        is_asked = said is not None and (int(said[1]), int(said[2])) == (first, first + len(answer.content) - 1)
        if answer.status != PARTIAL or not is_asked or not answer.content:
            raise ImageryError("its server gives other parts of it than were asked for")
        if self._size is not None and size != self._size:
            raise ImageryError("it was changed while it was read; the next run reads it again")
        self._size = size
        for start in range(0, len(answer.content), BLOCK):
            block = answer.content[start : start + BLOCK]
            if len(block) < BLOCK and first + start + len(block) < size:
                raise ImageryError("its server gives shorter parts of it than were asked for")
            self._blocks[(first + start) // BLOCK] = block
        while len(self._blocks) > KEPT:
            self._blocks.popitem(last=False)


def _asked_again(ask: Callable[[], WebResponse]) -> WebResponse:
    """The answer, asked for again where it may pass; a server that is busy is left to the caller's retry policy."""
    for wait_s in (*WAITS_S, None):
        try:
            return ask()
        except BusyError:
            raise
        except TransientError:
            if wait_s is None:
                raise
            time.sleep(wait_s)
    raise AssertionError("the last try returns or raises")
