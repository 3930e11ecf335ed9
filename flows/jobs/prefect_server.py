"""Prefect servers of one's own, on loopback, behind a secret: one as long as `serve`, one as long as a command."""

from __future__ import annotations

import atexit
import errno
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx

from flows.config.child_environment import child_environment
from flows.config.settings import SettingsError
from flows.jobs.prefect_access import (
    EVERYWHERE,
    SECRET,
    ServerAccess,
    access_file,
    folder_of_servers,
    new_secret,
    own_url,
    write_access,
)
from flows.printable import printable
from flows.telemetry.logs import log

START_S = 120.0
STEP_S = 0.1
AGAIN_S = 5.0
MOST_DEATHS = 3  # of the server of one command
PORT_S = 15.0  # for a server to be gone whose `serve` was killed
LOCALLY = "127.0.0.1"
LAST_BYTES = 20_000
LEAST_FREE_BYTES = 50e6
ERROR = re.compile(r"[\w.]*(Error|Exception)\b")
KEPT_BACK = ("PREFECT_API_URL", "PREFECT_API_KEY", SECRET)  # a server has no use for what opens another one


@contextmanager
def kept_server(host: str, port: int, *, names: Sequence[str] = ()) -> Iterator[ServerAccess]:
    """Keep a Prefect server for the length of a ``with``, begun again if it dies, and say how it is reached.

    Parameters
    ----------
    host, port
        Where it listens.
    names
        Hosts under which it may be asked besides that one and those of loopback.

    Yields
    ------
    ServerAccess
        Its address and its secret, which also stand in `access_file` until the end.

    Raises
    ------
    SettingsError
        When the port belongs to somebody else, whoever it is: a server that this process did not start may be
        anybody's. Or when none comes up.
    """
    folder = folder_of_servers()
    path = access_file(port)
    patience_s = PORT_S if path.exists() else 0.0  # it was left by a `serve` that was killed, maybe just now
    keeper = _Keeper(_listener(host, port, patience_s=patience_s), folder / f"server-{port}.log")
    known = names if host in EVERYWHERE else (*names, host)
    access = ServerAccess(own_url(host, port), new_secret())
    try:
        keeper.start(access, names=known)
        keeper.wait()
        write_access(path, access)
        yield access
    finally:
        path.unlink(missing_ok=True)
        keeper.stop()


@contextmanager
def prefect_at_hand() -> Iterator[Callable[[], None]]:
    """Let Prefect's client find a server in the ``with``: the one that its settings name, or one of this process.

    Yields
    ------
    callable
        Waits until the server answers; what takes time to load can be loaded before. Raises `SettingsError` when none
        comes up.

    Raises
    ------
    SettingsError
        When that server fails in the middle, as on a full disk.
    """
    from prefect.exceptions import ObjectNotFound
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, get_current_settings, temporary_settings

    if get_current_settings().api.url is not None:
        yield check_named_server
        return
    keeper = _of_this_process()
    given = {PREFECT_API_URL: keeper.access.url, PREFECT_API_AUTH_STRING: keeper.access.secret}
    with temporary_settings(given):
        try:
            yield keeper.wait
        except (httpx.HTTPError, ObjectNotFound) as error:
            raise SettingsError(
                f"Prefect's server failed in the middle of the run ({type(error).__name__}): {keeper.last_words()}; "
                f"{keeper.mend()}; then run it again: what is on record is kept"
            ) from None


def check_named_server() -> None:
    """Ask the Prefect server that the settings name for its version.

    Raises `SettingsError` where it does not answer, or not to us.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    try:
        with get_client(sync_client=True) as client:
            client.api_version()
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        mend = f"set {SECRET} to its secret" if status == 401 else "look into its log"
        raise SettingsError(f"the Prefect server at {url} refuses the request with status {status}; {mend}") from None
    except (httpx.HTTPError, OSError, RuntimeError) as error:
        raise SettingsError(
            f"no Prefect server answers at {url} ({type(error).__name__}); start it, or unset PREFECT_API_URL to "
            "use a server of Sitewatch"
        ) from None


def is_healthy(url: str) -> bool:
    """Whether a Prefect API answers there."""
    try:
        return httpx.get(f"{url}/health", timeout=2.0, trust_env=False).json() is True
    except (httpx.HTTPError, ValueError):
        return False


_passing: list[_Keeper] = []


def _of_this_process() -> _Keeper:
    """The server that lasts as long as this process: what Prefect has to send at the end of a run still gets there."""
    if not _passing:
        listener = _listener(LOCALLY, 0)
        keeper = _Keeper(listener, folder_of_servers() / "server.log", is_passing=True)
        keeper.start(ServerAccess(own_url(LOCALLY, listener.getsockname()[1]), new_secret()))
        _passing[:] = [keeper]
        atexit.register(keeper.stop)
    return _passing[0]


def _listener(host: str, port: int, *, patience_s: float = 0.0) -> socket.socket:
    """A socket of this process, so that nobody else gets the port while a server is begun again."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            return socket.create_server((host, port), family=family)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(STEP_S)
                continue
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise SettingsError(
                f"the Prefect server cannot listen at {host}:{port} ({reason}); stop the program that does, "
                "name another port in SITEWATCH_SERVER_PORT, or use a server of yours: PREFECT_API_URL and "
                "PREFECT_API_AUTH_STRING"
            ) from None


class _Keeper:
    """The process of a server over a socket that lasts longer than it."""

    def __init__(self, listener: socket.socket, log_file: Path, *, is_passing: bool = False) -> None:
        self._listener, self._log_file, self._is_passing = listener, log_file, is_passing
        self._over = threading.Event()
        self._is_kept = False
        self._names: Sequence[str] = ()
        self.access: ServerAccess
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, access: ServerAccess, *, names: Sequence[str] = ()) -> None:
        """Begin it; it asks for the secret and answers under the names."""
        self.access, self._names = access, names
        try:
            self._start()
        except OSError as error:
            self._listener.close()
            raise SettingsError(
                f"the Prefect server cannot be started ({error.strerror}: `{printable(self._log_file)}`); {self.mend()}"
            ) from None

    def is_alive(self) -> bool:
        """Whether the process goes on."""
        return self._process is not None and self._process.poll() is None

    def wait(self) -> None:
        """Return once it answers, and keep it from then on; raises `SettingsError` when it does not."""
        deadline = time.monotonic() + START_S
        while not is_healthy(self.access.url):
            if not self.is_alive() or time.monotonic() > deadline:
                raise SettingsError(
                    f"no Prefect server came up at {self.access.url}: {self.last_words()}; {self.mend()}"
                )
            time.sleep(STEP_S)
        if not self._is_kept:
            self._is_kept = True
            threading.Thread(target=self._keep, daemon=True).start()

    def _keep(self) -> None:
        """Begin it again whenever it dies, until `stop`; one of a command is given up soon, so that nobody waits."""
        deaths = 0
        while not self._over.wait(STEP_S):
            if self.is_alive() or self._over.is_set():
                continue
            deaths += 1
            if self._is_passing and deaths > MOST_DEATHS:
                self._listener.close()
                return
            status = None if self._process is None else self._process.returncode
            log.error("the Prefect server ended with status %s and is started again", status)
            with suppress(OSError):
                self._start()
            self._over.wait(AGAIN_S)

    def stop(self) -> None:
        """End it; the port is free afterwards."""
        self._over.set()
        if self._process is None:
            self._listener.close()
            return
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._listener.close()

    def last_words(self) -> str:
        """The last error in its log, or else the last line."""
        try:
            lines = self._log_file.read_bytes()[-LAST_BYTES:].decode("utf-8", "replace").split("\n")
        except OSError:
            return "it left no log"
        told = [line for line in lines if line.strip()]
        errors = [line for line in told if ERROR.match(line)]
        return printable(errors[-1] if errors else told[-1]) if told else "it said nothing"

    def mend(self) -> str:
        """What to do about a server that fails: make room, or read its log."""
        folder = self._log_file.parent
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE_BYTES:
            return f"the disk of `{folder}` is full ({free / 1e6:.1f} MB free): make room, or set PREFECT_HOME"
        return f"look into `{self._log_file}`"

    def _start(self) -> None:
        kept = child_environment("PREFECT_")
        environment = {name: value for name, value in kept.items() if name not in KEPT_BACK}
        with ExitStack() as stack:
            descriptor = os.open(self._log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            stack.callback(os.close, descriptor)
            self._process = process = subprocess.Popen(
                self._command(),
                env=environment,
                pass_fds=(self._listener.fileno(),),
                stdin=subprocess.PIPE,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,  # a Ctrl-C is for this process, which ends the server itself
            )
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it died at once: `wait` and `keep` see to that
            process.stdin.write(f"{self.access.secret}\n".encode())
            process.stdin.flush()  # and it stays open: the server ends when it closes

    def _command(self) -> list[str]:
        """-P: nothing is imported from the present folder."""
        origin = self.access.url.removesuffix("/api")
        command = [sys.executable, "-P", "-m", "flows.jobs.prefect_process", "--fd", str(self._listener.fileno())]
        command += ["--passing"] if self._is_passing else []
        return [*command, "--origins", origin, "--names", *self._names]
