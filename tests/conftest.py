"""What the tests of several rooms share: a PostgreSQL server of their own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
}


@dataclass
class PostgresServer:
    """A running server on loopback."""

    port: int
    numbers: Any = field(default_factory=count)

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql+psycopg://sitewatch@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """The name of a new database."""
        name = f"test{next(self.numbers)}"
        self._run(f"CREATE DATABASE {name}")
        return name

    def drop(self, name: str) -> None:
        """The database is no more, whoever is connected to it."""
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
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


@contextmanager
def running(binaries: Path) -> Iterator[PostgresServer]:
    """A server in a folder of its own, stopped at the end."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="sitewatch-postgresql-", dir=memory if memory.is_dir() else None))
    rights = account()
    if rights:
        os.chown(folder, rights["user"], rights["group"])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    how: dict[str, Any] = {"cwd": folder, "check": True, "capture_output": True, **rights}
    # Sorted as people sort, not as bytes: what the ledger gives back must not depend on it.
    locale = ("--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8", "--encoding=UTF8")
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    options = " ".join(["-p", str(port), "-k", str(folder), *settings])
    try:
        subprocess.run([binaries / "initdb", "-D", folder / "data", "-U", "sitewatch", "-A", "trust", *locale], **how)
        control = [binaries / "pg_ctl", "-D", folder / "data", "-w"]
        subprocess.run([*control, "-l", folder / "log", "-o", options, "start"], **how | {"capture_output": False})
        try:
            yield PostgresServer(port)
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
