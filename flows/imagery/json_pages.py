"""Pages of a catalog: JSON read from disk or the web, of bounded size and depth, within one time for all of them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.imagery.limits import Limits
from flows.imagery.network.retry import RetryPolicy, TransientError
from flows.imagery.network.url import is_url
from flows.imagery.scene import ImageryError
from flows.imagery.web import WebClient, WebResponse, is_page_for_people
from flows.printable import printable
from flows.records.json_object import JsonObject

FIRST_WAIT_S = 0.3


class PageError(ImageryError):
    """One page cannot be read; the message says why, without its address."""


class SearchEndError(ImageryError):
    """A search came to one of its limits."""


@dataclass
class JsonPages:
    """Reads the pages of one search. Safe to use from several threads."""

    web: WebClient
    limits: Limits
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _read: int = 0
    _bytes: int = 0
    _begun: float = field(default=-1.0)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, place: str, *, most: int | None = None) -> JsonObject:
        """Return the object at a path or an address, of `most` bytes at most.

        Raises `PageError` for one that cannot be read or is none, `SearchEndError` when the search took too much.
        """
        largest = self.limits.page_bytes if most is None else most
        self._begin()
        if not is_url(place):
            return self._object(_on_disk(place, largest))
        return self._asked(lambda: self.web.get(place, most=largest))

    def answer(self, address: str, question: JsonObject | None) -> JsonObject:
        """Return the object that an address answers to a question sent by POST, or by GET without one; as `read`."""
        if question is None:
            return self.read(address)
        self._begin()
        body = json.dumps(question).encode()
        return self._asked(lambda: self.web.post(address, body, most=self.limits.page_bytes))

    def _asked(self, ask: Callable[[], WebResponse]) -> JsonObject:
        limits = self.limits
        retry_policy = RetryPolicy(limits.tries, FIRST_WAIT_S, limits.longest_wait_s, self._sleep)
        try:
            content = retry_policy.retry(lambda: self._data(ask())).content
        except SearchEndError:
            raise
        except ImageryError as error:
            raise PageError(str(error)) from error
        return self._object(content)

    def _data(self, answer: WebResponse) -> WebResponse:
        """The answer; a page for people that came in its place is counted, and may be gone the next time."""
        if is_page_for_people(answer.content):
            self.web.counter.note_odd()
            raise TransientError("it answered with a page for people (HTML) in place of JSON; the next run asks again")
        return answer

    def _sleep(self, seconds: float) -> None:
        self.sleep(seconds)
        self._check_time()

    def _begin(self) -> None:
        with self._lock:
            if self._begun < 0:
                self._begun = self.clock()
            self._read += 1
        if self._read > self.limits.pages:
            raise SearchEndError(f"it has more than {self.limits.pages} pages")
        self._check_time()

    def _check_time(self) -> None:
        if self.clock() - self._begun > self.limits.search_s:
            raise SearchEndError(f"reading it took longer than {self.limits.search_s:g} s")

    def _object(self, content: bytes) -> JsonObject:
        with self._lock:
            self._bytes += len(content)
        if self._bytes > self.limits.search_bytes:
            raise SearchEndError(f"its pages have more than {self.limits.search_bytes / 1e6:g} MB")
        try:
            said = json.loads(content.decode("utf-8-sig"))
        except RecursionError:
            raise PageError(f"it is nested deeper than {self.limits.depth}") from None
        except UnicodeDecodeError:
            raise PageError("it is not in UTF-8") from None
        except ValueError:
            raise PageError("it is not JSON") from None
        if not isinstance(said, dict):
            raise PageError("it is not a JSON object")
        if is_deeper(said, self.limits.depth):
            raise PageError(f"it is nested deeper than {self.limits.depth}")
        return said


def _on_disk(path: str, most: int) -> bytes:
    try:
        if not Path(path).is_file():
            raise PageError("there is no such file")
        with Path(path).open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:
        raise PageError(printable(getattr(error, "strerror", None) or error)) from error
    if len(content) > most:
        raise PageError(f"it is larger than the {most / 1e6:g} MB that are allowed")
    return content


def is_deeper(value: Any, depth: int) -> bool:
    """Return whether lists and objects are nested deeper than so many levels."""
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
