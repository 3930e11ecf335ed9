"""Hash few passwords at a time, so that logins cannot use up memory and processors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

T = TypeVar("T")

AT_ONCE = 2  # each takes 64 MiB and all processors for some 50 to 100 ms
MOST_WAITING = 40
LONGEST_WAIT_S = 5.0


class TooBusyError(Exception):
    """Too many passwords wait to be hashed; the same may work in some seconds."""


class HashingQueue:
    """Lets `AT_ONCE` passwords be hashed at a time. Who waits takes no thread, so other pages go on."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Return what the work returns, done when it is its turn; raises `TooBusyError` where that takes too long."""
        if self._waiting >= MOST_WAITING:
            raise TooBusyError
        self._waiting += 1
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                await self._turns.acquire()
        except TimeoutError:
            raise TooBusyError from None
        finally:
            self._waiting -= 1
        try:
            return await run_in_threadpool(work)
        finally:
            self._turns.release()
