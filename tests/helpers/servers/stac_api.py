"""A real STAC API on loopback, as a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from child import Child
from loopback import free_port


@contextmanager
def served_items(
    folder: Path, collection: dict[str, Any], items: Sequence[dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    """The API's address, and the host that gives the items' files, which is another one, as with the public catalogs.

    The files stay where they lie in the folder, whose `*.json` for the API are written.
    """
    with files_of(folder) as host:
        items = json.loads(json.dumps(items))
        for item in items:
            for asset in item["assets"].values():
                asset["href"] = f"http://{host}/{Path(asset['href'])}"
        with api_of(folder, collection, items) as address:
            yield address, host


@contextmanager
def files_of(folder: Path) -> Iterator[str]:
    """The host and port of a folder on loopback, as a process of its own."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
    with Child(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"127.0.0.1:{server.stdout.readline().split()[5]}"
        finally:
            server.terminate()


@contextmanager
def api_of(folder: Path, collection: dict[str, Any], items: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The address of an API over items as they are."""
    (folder / "api-collection.json").write_text(json.dumps(collection))
    (folder / "api-items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    port = free_port()
    rustac = str(Path(sys.executable).with_name("rustac"))
    command = [rustac, "serve", "--addr", f"127.0.0.1:{port}", "api-collection.json", "api-items.json"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(port, server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        assert server.poll() is None, "the STAC API ended before it answered"
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the STAC API did not start")
