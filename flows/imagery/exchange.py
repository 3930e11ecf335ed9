"""Network connections for one catalog: no slower than allowed, and to no address that it may not lead to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from flows.imagery.address_scope import AddressScope, address_scope_of, addresses_of
from flows.imagery.catalog_rules import PORTS, CatalogRules, Host, RefusedPlaceError
from flows.imagery.limits import Limits
from flows.printable import printable

_now: Callable[[], float] = time.monotonic


class TimeBudget:
    """The time that one exchange may take, which grows with what came of it."""

    def __init__(self, limits: Limits) -> None:
        """Begin now."""
        self._limits = limits
        self._begun = _now()
        self.received = 0

    def left_s(self) -> float:
        """Return the seconds that are left; raises `httpcore.ReadTimeout` when none are."""
        limits = self._limits
        earned = limits.exchange_s + self.received / limits.slowest_bytes_s
        left = self._begun + min(earned, limits.longest_exchange_s) - _now()
        if left <= 0:
            raise httpcore.ReadTimeout("it is too slow")
        return left


class Whereabouts:
    """How far the hosts of one catalog may lie, which depends on where the catalog lay when it was first asked."""

    def __init__(self, rules: CatalogRules) -> None:
        """Nothing was asked yet."""
        self._rules = rules
        self._own: AddressScope | None = None

    def farthest(self, name: str, port: int, reaches: Sequence[AddressScope]) -> AddressScope:
        """Return how far a host may lie, of which the addresses lie at `reaches`.

        A catalog with one public address is public: whoever publishes its name cannot add the addresses of a private
        network to what it may lead to.
        """
        scheme = "https" if port == PORTS["https"] else "http"
        shown = f"[{name}]" if ":" in name else name
        host, own = self._rules.host_of(httpx.URL(f"{scheme}://{shown}:{port}")), self._rules.own
        if self._own is None and host is not None and own is not None and _is_own(host, own):
            self._own = min(reaches, default=AddressScope.PUBLIC)
        return self._rules.farthest(host, self._own)


def _is_own(host: Host, own: Host) -> bool:
    return host.name == own.name and not host.below


class WatchedNetwork(httpcore.NetworkBackend):
    """Connects only to addresses within reach, and holds each exchange to its pace.

    A name is looked up here and the connection goes to the address that was checked, so that a name which changes its
    address between two looks gains nothing.
    """

    def __init__(
        self, limits: Limits, farthest: Callable[[str, int, Sequence[AddressScope]], AddressScope] | None
    ) -> None:
        """Ask `farthest(host, port, reaches)` how far a host may lie; with None any host may lie anywhere."""
        self._limits = limits
        self._farthest = farthest
        self._inner = httpcore.SyncBackend()
        self._of_thread = threading.local()

    @contextmanager
    def exchange(self) -> Iterator[TimeBudget]:
        """Hold what this thread does on the network to one pace."""
        self._of_thread.pace = TimeBudget(self._limits)
        try:
            yield self._of_thread.pace
        finally:
            self._of_thread.pace = None

    def pace(self) -> TimeBudget:
        """The pace of this thread's exchange."""
        pace: TimeBudget | None = getattr(self._of_thread, "pace", None)
        return pace or TimeBudget(self._limits)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that answers; one that says nothing is not waited for long.

        Raises `RefusedPlaceError` where the catalog may lead to none of them.
        """
        name = host.strip("[]")
        try:
            addresses = addresses_of(name, port)
        except OSError as error:
            raise httpcore.ConnectError(f"failed to resolve {name}: {error}") from error
        if self._farthest is not None:
            reaches = tuple(map(address_scope_of, addresses))
            farthest = self._farthest(name, port, reaches)
            addresses = tuple(a for a, reach in zip(addresses, reaches, strict=True) if reach <= farthest)
            if not addresses:
                raise RefusedPlaceError(f"{printable(name)} lies on a private address, where this catalog may not lead")
        failure: Exception = httpcore.ConnectError(f"{name} has no address")
        for number, address in enumerate(addresses, 1):
            left_s = self.pace().left_s()
            wait_s = left_s if number == len(addresses) else min(left_s, self._limits.connect_s)
            try:
                inner = self._inner.connect_tcp(address, port, wait_s, local_address, socket_options)
                return _WatchedStream(inner, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _WatchedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, network: WatchedNetwork) -> None:
        self._inner = inner
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        pace = self._network.pace()
        content = self._inner.read(max_bytes, pace.left_s())
        pace.received += len(content)
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._network.pace().left_s())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left_s = self._network.pace().left_s()
        return _WatchedStream(self._inner.start_tls(ssl_context, server_hostname, left_s), self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
