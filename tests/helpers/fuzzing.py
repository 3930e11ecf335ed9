"""Feed generated inputs to a reader, with a limit on time and memory for each.

A test of `tests/security/` marks itself with ``@fuzzed`` and draws with ``@given``. In the suite it sees some tens of
inputs, the same in every run; by name (``python -m pytest -m fuzz``) it sees a thousand each.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

SECONDS = 10.0  # of the processor: how busy the machine is with other things fails no input
WAITED = 6  # times as long may pass by the clock
BYTES = 1_500_000_000  # beside what the tests' process holds already
LONGEST_MESSAGE = 2_000


settings.register_profile("suite", max_examples=40, derandomize=True, database=None)
settings.register_profile("fuzz", max_examples=1000, derandomize=True, database=None)


def choose_profile(*, by_name: bool) -> None:
    """Take some tens of inputs a test, or a thousand where the fuzzing tests are run by name."""
    settings.load_profile("fuzz" if by_name else "suite")


class TooSlowError(BaseException):
    """An input took longer than its limit. No `except Exception` of the code under test can swallow it."""


@contextmanager
def bounded(seconds: float = SECONDS, memory: int = BYTES) -> Iterator[None]:
    """Fail what takes longer than `seconds`, and refuse it more memory than `memory` bytes beside what is held.

    The seconds are those of the processor; for what waits, `WAITED` times as many by the clock.
    """

    def late(*_: object) -> None:
        raise TooSlowError(f"more than {seconds} s of the processor, or {WAITED * seconds} s by the clock")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as statm:  # noqa: PTH123
        held = int(statm.read().split()[0]) * resource.getpagesize()
    timers = {signal.ITIMER_PROF: seconds, signal.ITIMER_REAL: WAITED * seconds}
    before = {number: signal.signal(number, late) for number in (signal.SIGPROF, signal.SIGALRM)}
    resource.setrlimit(resource.RLIMIT_AS, (held + memory, hard))
    for timer, limit in timers.items():
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        for number, handler in before.items():
            signal.signal(number, handler)


def fuzzed(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a property test as fuzzing; how many inputs it sees is set in `tests/security/conftest.py`."""
    quiet = settings(
        deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, max_examples=settings().max_examples
    )
    marked: Callable[..., Any] = pytest.mark.fuzz(quiet(test))
    return marked


def assert_one_clear_line(error: BaseException, *kinds: type[BaseException]) -> None:
    """Assert that an error is one that a person can mend, said in one line without hidden characters."""
    assert isinstance(error, kinds), f"{type(error).__name__}: {error}"
    message = str(error)
    assert message.strip(), type(error)
    assert len(message) <= LONGEST_MESSAGE, len(message)
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in message), message
