"""Signed webhooks, sent so that no receiver can do harm."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from flows.alerts.addresses import check_web_address

DEADLINE_S = 20.0  # for the whole exchange: a receiver that answers a byte at a time gets no more
TALKATIVE = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))
"""Loggers that would write down addresses, and an address may be a secret."""
ALREADY_TAKEN = 409  # what a receiver may answer to a key that it has acted on


def post(url: str, body: bytes, headers: Mapping[str, str], *, deadline_s: float = DEADLINE_S) -> str:
    """Send a webhook once; empty when it was taken, else the reason in our own words.

    Redirects are not followed, since a message goes to the host that was named or nowhere. Not a byte of the answer's
    body is read.
    """
    try:
        check_web_address(url)
    except ValueError as error:
        return str(error)
    return in_quiet_thread(lambda: _post(url, body, headers, deadline_s))


def in_quiet_thread(exchange: Callable[[], Coroutine[Any, Any, str]]) -> str:
    """Do an exchange in a thread of its own, of which nothing is logged: the caller's may have an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_run, exchange).result()


def _run(exchange: Callable[[], Coroutine[Any, Any, str]]) -> str:
    with _hushed():
        return asyncio.run(exchange())


async def _post(url: str, body: bytes, headers: Mapping[str, str], deadline_s: float) -> str:
    try:
        async with asyncio.timeout(deadline_s), httpx.AsyncClient(timeout=deadline_s, follow_redirects=False) as client:
            sent = {"Content-Type": "application/json", **headers}
            async with client.stream("POST", url, content=body, headers=sent) as answer:
                return _reason(answer.status_code)
    except (TimeoutError, httpx.TimeoutException):
        return f"no answer within {deadline_s:g} s; check the receiver"
    except httpx.InvalidURL:
        return "the address cannot be read; write it like https://host/path"
    except httpx.HTTPError as error:
        return f"not reached ({type(error).__name__}); check its address and the network"


def _reason(status: int) -> str:
    if 200 <= status < 300 or status == ALREADY_TAKEN:
        return ""
    if 300 <= status < 400:
        return f"answered {status}, which points elsewhere; name the final address"
    return f"answered {status}; check the receiver and the secret"


@contextmanager
def _hushed() -> Iterator[None]:
    """Nothing that this thread does is logged; others may go on talking."""
    own = threading.get_ident()

    def is_of_others(record: logging.LogRecord) -> bool:
        return record.thread != own

    loggers = [logging.getLogger(name) for name in TALKATIVE]
    for logger in loggers:
        logger.addFilter(is_of_others)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_of_others)
