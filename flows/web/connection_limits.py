"""Bound the connections of a web server: how many there are, and how long each may take."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

BACKLOG = 32  # connections that are accepted in one step, so at most these are open beyond the limit
MOST_CONNECTIONS = 512  # each holds at most some 130 kB of a request that is not whole yet
LEAST_CONNECTIONS = 16


@dataclass(frozen=True)
class ConnectionLimits:
    """How many connections are open at once, and how many seconds a request and its answer may take.

    `receipt_s` is the time from a connection (or a request's first byte) to the request's last byte; `answer_s` the
    time from there to the last byte that the other side takes.
    """

    connections: int
    receipt_s: float = 15.0
    answer_s: float = 120.0


def connection_limits() -> ConnectionLimits:
    """Return the limits that fit this process: half of the files it may open are left for the record and imagery."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return ConnectionLimits(MOST_CONNECTIONS)
    return ConnectionLimits(max(LEAST_CONNECTIONS, min(MOST_CONNECTIONS, (files - 2 * BACKLOG) // 2)))


def bounded_protocol(limits: ConnectionLimits) -> type[BoundedProtocol]:
    """Return the protocol of connections with these limits, for uvicorn's setting `http`."""
    return type("LimitedProtocol", (BoundedProtocol,), {"limits": limits})


class BoundedProtocol(H11Protocol):
    """HTTP on one connection, ended when a request does not arrive whole in time or its answer is not taken.

    Uvicorn by itself ends only connections that are silent after an answer. Where there are too many connections, a new
    one takes the place of the one that has waited longest without a whole request, of the address that has most.
    """

    limits: ClassVar[ConnectionLimits]

    def __init__(self, *given: Any, **named: Any) -> None:
        """Make the protocol of a connection that is not there yet."""
        super().__init__(*given, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._waits_since = self.loop.time()
        self._is_sending = False  # an answer is given to the system, and not all of it is taken yet

    @property
    def is_answering(self) -> bool:
        """Whether a whole request is here and its answer is not out yet."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    @property
    def _peer(self) -> str:
        return self.client[0] if self.client else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, in place of another one where there are too many."""
        super().connection_made(transport)
        self._limit(self.limits.receipt_s)
        if len(self.connections) > self.limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._limit(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request; the first one starts the time that the whole may take."""
        if self._timer is None or (self._is_sending and not self.transport.get_write_buffer_size()):
            self._is_sending = False
            self._limit(self.limits.receipt_s)
        was_answering = self.is_answering
        super().data_received(data)
        if self.is_answering and not was_answering:
            self._limit(self.limits.answer_s)

    def on_response_complete(self) -> None:
        """Wait for the next request; one that has begun to arrive has its own time."""
        answered, self._waits_since = self.cycle, self.loop.time()
        self._is_sending = bool(self.transport.get_write_buffer_size())
        if not (answered.more_body or self._is_sending):
            self._limit(None)
        super().on_response_complete()
        if self.cycle is not answered:  # a request that came with the one before
            self._is_sending = False
            self._limit(self.limits.answer_s if self.is_answering else self.limits.receipt_s)

    def _limit(self, seconds: float | None) -> None:
        """End the connection after so many seconds from now; None takes the limit away."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        if self._is_sending and not self.transport.get_write_buffer_size():
            self._is_sending = False  # it was taken in time; the silence after an answer has a limit of its own
            return
        self._end()

    def _end(self) -> None:
        self.connections.discard(self)  # its place is free at once, its descriptor a moment later
        self.transport.abort()

    def _make_room(self) -> None:
        others = [one for one in self.connections if isinstance(one, BoundedProtocol) and one is not self]
        waiting = [one for one in others if not one.is_answering]
        if not waiting:
            self._end()
            return
        held = Counter(one._peer for one in others)
        min(waiting, key=lambda one: (-held[one._peer], one._waits_since))._end()
