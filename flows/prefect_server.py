"""The Prefect server of `sitewatch serve` when none is named: on loopback, begun again if it dies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from flows.logs import log
from flows.settings import SettingsError

START_S = 120.0
STEP_S = 0.5


@contextmanager
def kept_server(host: str, port: int) -> Iterator[str]:
    """The API's address of a server that answers as long as the ``with`` lasts.

    One that answers there already is used as it is: the one that outlived a `serve` that was killed. Raises
    `SettingsError` when none comes up.
    """
    url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/api"
    if is_healthy(url):
        log.info("a Prefect server answers at %s already and is used", url)
        yield url
        return
    keeper = _Keeper(host, port)
    keeper.start()
    try:
        _wait(url, keeper)
        thread = threading.Thread(target=keeper.keep, daemon=True)
        thread.start()
        yield url
    finally:
        keeper.stop()


def is_healthy(url: str) -> bool:
    """Whether a Prefect API answers there."""
    try:
        return httpx.get(f"{url}/health", timeout=2.0, trust_env=False).json() is True
    except (httpx.HTTPError, ValueError):
        return False


def _wait(url: str, keeper: _Keeper) -> None:
    deadline = time.monotonic() + START_S
    while not is_healthy(url):
        if keeper.process.poll() is not None or time.monotonic() > deadline:
            raise SettingsError(
                f"no Prefect server came up at {url}; look whether another program has that port, or name another with "
                "SITEWATCH_SERVER_PORT"
            )
        time.sleep(STEP_S)


class _Keeper:
    """A server's process, and the will to have one."""

    def __init__(self, host: str, port: int) -> None:
        self._command = [sys.executable, "-m", "prefect", "server", "start", "--host", host, "--port", str(port)]
        self._over = threading.Event()
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        environment = {**os.environ, "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
        self.process = subprocess.Popen(
            self._command, env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )

    def keep(self) -> None:
        while not self._over.wait(STEP_S):
            if self.process.poll() is not None and not self._over.is_set():
                log.error("the Prefect server ended with status %s and is started again", self.process.returncode)
                self.start()
                self._over.wait(10 * STEP_S)

    def stop(self) -> None:
        self._over.set()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
