"""What tests serve on loopback: ports that nobody else is given, and applications that answer from the first moment."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from typing import Any

import uvicorn

FIRST, EACH = 20_000, 3_000
"""Below what Linux hands out by itself (from 32,768): no connection and no other server comes upon these by chance."""
WORKERS = 4
_number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
_turns = count(os.getpid())


def free_port() -> int:
    """A port on loopback that nobody listens on, and that no other process of this run of the tests is given."""
    for turn in _turns:
        port = FIRST + EACH * _number + turn % EACH
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("turns have no end")


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of an ASGI application, for as long as a ``with`` lasts.

    The socket listens before the server runs: who asks at once waits and is not refused.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
