"""The process of a Prefect server of one's own: guarded, quiet, and gone when its parent is gone.

Started by `flows.jobs.prefect_server` alone, which hands over a listening socket, and the secret as the first line of
standard input: so it stands in no argument and no environment.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import socket
import stat
import sys
import threading
from collections.abc import Sequence
from time import sleep

STEP_S = 0.5
LAST_S = 5.0  # for an end in peace, once the parent is gone
MOST_LOG_BYTES = 5_000_000


def main() -> None:
    """Serve Prefect's API on the socket given until a signal comes or the parent is gone."""
    given = _arguments()
    parent = os.getppid()
    secret = sys.stdin.buffer.readline().decode().strip()
    if not secret:
        sys.exit("no secret came by standard input")
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    os.umask(0o077)  # Prefect's database is for its owner alone
    os.environ |= settings_of(secret, origins=given.origins, is_passing=given.passing)
    _serve(given.fd, given.names, secret)


def settings_of(secret: str, *, origins: Sequence[str], is_passing: bool) -> dict[str, str]:
    """Return the settings that Prefect's server starts with, beside those of the environment.

    Parameters
    ----------
    secret
        What clients give to be answered.
    origins
        The server's own addresses; pages of others get no answer that a browser would show them.
    is_passing
        True for a server of one command: without Prefect's page and without schedules.
    """
    passing = {"PREFECT_SERVER_UI_ENABLED": "false", "PREFECT__SERVER_EPHEMERAL": "1"} if is_passing else {}
    return {
        "PREFECT_SERVER_API_AUTH_STRING": secret,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(origins),
        "PREFECT_SERVER_UI_API_URL": os.environ.get("PREFECT_SERVER_UI_API_URL", "/api"),  # on whatever port it is
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        **passing,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m flows.jobs.prefect_process", description=__doc__)
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--passing", action="store_true")
    parser.add_argument("--origins", nargs="*", default=[])
    parser.add_argument("--names", nargs="*", default=[])
    return parser.parse_args()


def _serve(descriptor: int, names: Sequence[str], secret: str) -> None:
    import uvicorn
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    from flows.jobs.prefect_guard import guarded

    api = get_current_settings().server.api
    config = uvicorn.Config(
        guarded(create_app(final=True), names=names, secret=secret),
        lifespan="on",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=api.keepalive_timeout,
        ws_ping_interval=api.websocket_ping_interval,
        ws_ping_timeout=api.websocket_ping_timeout,
        timeout_graceful_shutdown=int(LAST_S),
    )
    with socket.socket(fileno=descriptor) as listener:
        uvicorn.Server(config).run(sockets=[listener])


def _end_with(parent: int) -> None:
    """End this process once its parent is gone, however it went, and keep the log within its bounds until then.

    The parent holds the other end of standard input, which closes with it; where a child of the parent has
    inherited that end, this process is given to another parent.
    """
    while os.getppid() == parent and not select.select([sys.stdin], [], [], STEP_S)[0]:
        _bound_log()
    os.kill(os.getpid(), signal.SIGTERM)
    sleep(LAST_S)
    os._exit(1)


def _bound_log() -> None:
    """Start the log anew where it has grown too long; it is opened for appending."""
    log = os.fstat(sys.stderr.fileno())
    if stat.S_ISREG(log.st_mode) and log.st_size > MOST_LOG_BYTES:
        os.ftruncate(sys.stderr.fileno(), 0)


if __name__ == "__main__":
    main()
