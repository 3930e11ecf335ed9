"""How often somebody may try to log in."""

from __future__ import annotations

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

A_NAME = (parse("5 per minute"), parse("30 per hour"))
AN_ADDRESS = (parse("20 per minute"), parse("200 per hour"))


class Attempts:
    """Counts attempts by name and by address; forgotten when the desk is started again."""

    def __init__(self) -> None:
        """None yet."""
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def take(self, name: str, address: str) -> bool:
        """Count one attempt; False where there were too many."""
        wanted = [(limit, "name", name.casefold()[:200]) for limit in A_NAME]
        wanted += [(limit, "address", address) for limit in AN_ADDRESS]
        taken = [self._hit(limit, *key) for limit, *key in wanted]  # every one is counted
        return all(taken)

    def forgive(self, name: str) -> None:
        """Somebody has shown who they are: earlier slips do not count."""
        for limit in A_NAME:
            self._limiter.clear(limit, "name", name.casefold()[:200])

    def _hit(self, limit: RateLimitItem, *key: str) -> bool:
        return self._limiter.hit(limit, *key)
