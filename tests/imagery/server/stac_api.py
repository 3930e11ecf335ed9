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

from loopback import free_port


@contextmanager
def served_items(folder: Path, collection: dict[str, Any], items: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The API's address; the items' files stay where they lie in the folder, whose `*.json` for the API are written."""
    items = json.loads(json.dumps(items))
    for item in items:
        for asset in item["assets"].values():
            asset["href"] = str((folder / asset["href"]).resolve())
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
