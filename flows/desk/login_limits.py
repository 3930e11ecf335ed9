"""How often somebody may try to log in."""

from __future__ import annotations

import ipaddress

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from flows.records.account_names import fold_name

FROM_ONE_PLACE = (parse("5 per minute"), parse("30 per hour"))
"""For an account, from one network or from one browser that it has logged in with before."""
A_NETWORK = (parse("20 per minute"), parse("200 per hour"))
"""Whatever accounts it tries."""
AN_ACCOUNT = (parse("60 per hour"), parse("300 per day"))
"""From all networks together."""
MOST_KEPT = 10_000  # names and networks, before those that are over are looked for
IPV6_NETWORK = 64  # bits: what one household or one machine is given


class Attempts:
    """Counts attempts by account, network and browser; forgotten when the desk is started again.

    An attempt that a narrower limit refuses does not count for the wider ones: who tries from one network alone cannot
    use up what an account may be tried from elsewhere. A network that has tried too often is refused before the name
    that it gives is kept: made-up names take no memory beyond its limit.
    """

    def __init__(self) -> None:
        """None yet."""
        self._tidy_at = MOST_KEPT
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)

    def take(self, name: str, address: str, *, browser: str = "") -> bool:
        """Count one attempt; False where there were too many.

        `browser` names one that the account has logged in with before: it has a count of its own, which nobody else can
        use up. The name is folded as the record folds it, so every way to write an account is that account.
        """
        self._tidy()
        account, network = fold_name(name)[:200], network_of(address)
        if browser:
            return self._hit(FROM_ONE_PLACE, "browser", account, browser)
        return (
            self._is_left(A_NETWORK, "network", network)
            and self._hit(FROM_ONE_PLACE, "place", account, network)
            and self._hit(A_NETWORK, "network", network)
            and self._hit(AN_ACCOUNT, "account", account)
        )

    def forgive(self, name: str, address: str, *, browser: str = "") -> None:
        """Forget the slips of somebody who has shown who they are, from that network or browser."""
        for limit in FROM_ONE_PLACE:
            self._limiter.clear(limit, "place", fold_name(name)[:200], network_of(address))
            self._limiter.clear(limit, "browser", fold_name(name)[:200], browser)

    def count(self) -> int:
        """Return how many names, networks and browsers are remembered."""
        return len(self._storage.events)

    def _tidy(self) -> None:
        """Forget names whose attempts are all over; the library keeps their empty lists for ever."""
        events = self._storage.events
        if len(events) < self._tidy_at:
            return
        for key in [key for key, attempts in list(events.items()) if not attempts]:
            events.pop(key, None)
        self._tidy_at = max(MOST_KEPT, 2 * len(events))

    def _is_left(self, limits: tuple[RateLimitItem, ...], *key: str) -> bool:
        return all(self._limiter.test(limit, *key) for limit in limits)

    def _hit(self, limits: tuple[RateLimitItem, ...], *key: str) -> bool:
        return all(self._limiter.hit(limit, *key) for limit in limits)


def network_of(address: str) -> str:
    """Return the network that one visitor may have addresses of: an IPv4 address, or the first half of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found.packed, IPV6_NETWORK), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)
