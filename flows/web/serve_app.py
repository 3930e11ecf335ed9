"""Serve a web app so that no visitor can use up the machine's memory, descriptors or disk."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from flows.config.settings import SettingsError
from flows.web.connection_limits import BACKLOG, ConnectionLimits, bounded_protocol, connection_limits
from flows.web.log_limit import RepetitionFilter

QUEUE = 512  # connections that the system holds until they are accepted
MOST_HEADER_BYTES = 16_384
LOGGERS = ("uvicorn.error", "asyncio", "sitewatch.web")


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listen on an address for as long as a ``with`` lasts; raises `SettingsError` where that is not possible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=QUEUE)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; name another with --host or --port"
        ) from None
    with listener:
        yield listener


def serve_app(
    app: ASGIApp, listener: socket.socket, *, proxies: Sequence[object] = (), limits: ConnectionLimits | None = None
) -> None:
    """Serve an app on a socket until the process is told to stop.

    Parameters
    ----------
    app
        What answers.
    listener
        A socket that listens; see `listening`.
    proxies
        Addresses or networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed. Without any, nobody's
        are: then the address of a visitor is that of the other end of the connection.
    limits
        Of the connections; those that fit this process when left out.
    """
    config = uvicorn.Config(
        app,
        access_log=False,  # an address may hold a token or a position
        log_level="warning",
        lifespan="off",
        ws="none",
        http=bounded_protocol(limits or connection_limits()),
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=[str(one) for one in proxies],
        backlog=BACKLOG,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        timeout_graceful_shutdown=10,
    )
    for name in LOGGERS:
        _limit_log(logging.getLogger(name))
    try:
        _Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        return


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; afterwards the system holds more connections than are accepted in one step."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(QUEUE)


def _limit_log(logger: logging.Logger) -> None:
    if not any(isinstance(one, RepetitionFilter) for one in logger.filters):
        logger.addFilter(RepetitionFilter())
