"""What the tests of several rooms share: servers of their own, on loopback, and a browser."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from fuzzing import choose_profile
from loopback import free_port
from made_once import made_once  # noqa: F401 - its folder is made here, so that all workers share it
from playwright.sync_api import Browser, sync_playwright
from slow_tests import longest_first, mark_slow_tests
from sqlalchemy import create_engine

import flows  # noqa: F401 - says where compiled code is kept, before numba is loaded

pytest_plugins = ["sea_watch"]

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
}


def pytest_configure(config: pytest.Config) -> None:
    """Settle how many inputs the fuzzing tests see, before any is imported."""
    choose_profile(by_name="fuzz" in config.getoption("markexpr").split())
    if os.environ.get("CI") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailuresAtOnce(config))


class FailuresAtOnce:
    """Prints each failure when it comes: a run that is cut off has then said what it found."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print what failed, and where."""
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            terminal.write_line(f"\n{report.when} of {report.nodeid} failed:\n{report.longreprtext}")


@pytest.hookimpl(tryfirst=True)  # before pytest itself looks at `-m`
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests, by one table, and begin with the longest files."""
    mark_slow_tests(items)
    longest_first(items)


@dataclass
class PostgresServer:
    """A running server on loopback."""

    port: int
    data: Path
    start: Callable[[], None]
    numbers: Any = field(default_factory=count)

    def die(self) -> None:
        """The server and all it has started are gone, as without power; `start` brings it back."""
        head = int((self.data / "postmaster.pid").read_text().split()[0])
        helpers = Path(f"/proc/{head}/task/{head}/children").read_text().split()
        for pid in (head, *map(int, helpers)):
            os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{head}").exists():
            time.sleep(0.05)

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql+psycopg://sitewatch@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """The name of a new database."""
        name = f"test{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def drop(self, name: str) -> None:
        """The database is no more, whoever is connected to it."""
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """Have a statement done, as its owner."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


def programs() -> Path | None:
    """Where PostgreSQL's programs are: on the path, or where Debian puts them."""
    places = [Path(found).parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


def account() -> dict[str, Any]:
    """How `subprocess` becomes somebody unprivileged, if it has to."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(UNPRIVILEGED)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def sorting(binaries: Path) -> list[str]:
    """Options to sort as people do, not as bytes: what the ledger gives back must not depend on it. From 15 on."""
    said = subprocess.run([binaries / "initdb", "--version"], capture_output=True, text=True, check=True).stdout
    major = int(said.split()[2].split(".")[0])
    return ["--locale-provider=icu", "--icu-locale=en-US"] if major >= 15 else []


@contextmanager
def running(binaries: Path) -> Iterator[PostgresServer]:
    """A server in a folder of its own, stopped at the end."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="sitewatch-postgresql-", dir=memory if memory.is_dir() else None))
    rights = account()
    if rights:
        os.chown(folder, rights["user"], rights["group"])
    port = free_port()
    how: dict[str, Any] = {"cwd": folder, "check": True, "capture_output": True, **rights}
    locale = [*sorting(binaries), "--locale=C.UTF-8", "--encoding=UTF8"]
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    options = " ".join(["-p", str(port), "-k", str(folder), *settings])
    try:
        subprocess.run([binaries / "initdb", "-D", folder / "data", "-U", "sitewatch", "-A", "trust", *locale], **how)
        control: list[str | Path] = [binaries / "pg_ctl", "-D", folder / "data", "-w"]

        def start() -> None:
            subprocess.run([*control, "-l", folder / "log", "-o", options, "start"], **how | {"capture_output": False})

        start()
        try:
            yield PostgresServer(port, folder / "data", start)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **how)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, or a skipped test that says why there is none."""
    binaries = programs()
    if binaries is None:
        pytest.skip("no PostgreSQL server on this machine; apt-get install postgresql")
    with running(binaries) as server:
        yield server


@pytest.fixture
def full_disk(tmp_path: Path, postgres: PostgresServer) -> Iterator[Callable[[str], tuple[Callable[[], None], ...]]]:
    """Puts a database on a disk of 20 MB; what it gives back fills that up, and makes room again.

    A server on a full disk may refuse a new connection, so that one has to be there before.

    The disk is a file system in memory, which only root may mount; elsewhere the test is skipped and says so.
    """
    disk = Path(tempfile.mkdtemp(prefix="sitewatch-full-"))
    mount: list[str | Path] = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", disk]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        disk.rmdir()
        pytest.skip("no right to mount a small disk here; run as root")
    spaces: list[str] = []

    def moved(database: str) -> tuple[Callable[[], None], ...]:
        rights = account()
        (disk / "space").mkdir()
        if rights:
            os.chown(disk / "space", rights["user"], rights["group"])
        name = f"small_{database}"
        postgres.run(f"CREATE TABLESPACE {name} LOCATION '{disk / 'space'}'")
        spaces.append(name)
        postgres.run(f"ALTER DATABASE {database} SET TABLESPACE {name}")
        ballast = disk / "ballast"

        def fill() -> None:
            ballast.write_bytes(b"\0" * (shutil.disk_usage(disk).free - 16_384))

        return fill, ballast.unlink

    yield moved
    for name in spaces:
        database = name.removeprefix("small_")
        postgres.run(f"ALTER DATABASE {database} SET TABLESPACE pg_default")
        postgres.run(f"DROP TABLESPACE {name}")
    subprocess.run(["umount", "--lazy", disk], check=True)
    disk.rmdir()


@dataclass
class MailServer:
    """A mail server that keeps what it takes, or refuses everything."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    refuses: bool = False

    @property
    def url(self) -> str:
        """Its address for Apprise."""
        return f"mailto://127.0.0.1:{self.port}/?from=watch@example.org&to=anna@example.org&mode=insecure"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail."""
        if self.refuses:
            return "451 not now"
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def unused_port() -> int:
    """A port on loopback that nobody listens on."""
    return free_port()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A mail server on loopback."""
    server = MailServer(free_port())
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    yield server
    controller.stop()


@dataclass(frozen=True)
class Post:
    """What was posted to a web server."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class WebServer:
    """A web server that keeps what is posted to it; `answers` says how, by path, 200 if not."""

    port: int
    posts: list[Post] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)

    def url(self, path: str = "/hook", scheme: str = "http") -> str:
        """The address of a path."""
        return f"{scheme}://127.0.0.1:{self.port}{path}"


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    """A web server on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            kept.posts.append(Post(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(kept.answers.get(self.path, 200))
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = WebServer(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database that holds nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'ledger.sqlite'}"
        return
    postgres = request.getfixturevalue("postgres")
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    if not CHROMIUM.exists():
        pytest.skip("no Chromium at /usr/bin/chromium; apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()
