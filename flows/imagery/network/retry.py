"""Trying again: what may pass by itself, how long to wait, and when to give up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from flows.imagery.scene import ImageryError

T = TypeVar("T")


class TransientError(ImageryError):
    """The provider could not answer just now; `wait_s` is what it asked to wait, 0 where it did not say."""

    def __init__(self, message: str, *, wait_s: float = 0.0) -> None:
        """With the words for the person who reads them when all tries have failed."""
        super().__init__(message)
        self.wait_s = wait_s


class BusyError(TransientError):
    """The provider asks to be left alone for a while."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often a request is tried, and the wait between: doubling from `first_wait_s`, and up to as much by chance.

    Eight tries wait some four minutes in all, so that a quota by the minute has refilled twice. Chosen on 2026-11-24.
    """

    tries: int = 8
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def retry(self, work: Callable[[], T]) -> T:
        """What the work gives, as soon as it no longer raises `TransientError`; the last one is raised."""
        growing = tenacity.wait_exponential(multiplier=self.first_wait_s, max=self.longest_wait_s)
        backoff = growing + tenacity.wait_random(0, self.first_wait_s)

        def wait_s(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.wait_s if isinstance(error, TransientError) else 0.0
            return max(backoff(state), min(asked, self.longest_wait_s))

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.tries),
            wait=wait_s,
            retry=tenacity.retry_if_exception_type(TransientError),
            sleep=self.sleep,
            reraise=True,
        )
        return retrying(work)
