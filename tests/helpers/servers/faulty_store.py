"""Files on the web that fail as told, run as a process of its own: GDAL waits for an answer with Python's lock held.

What a POST to any address brings is a list for each ending of a name; each request for such a name takes the next of
it: null answers, a number is that status, with `[429, 1]` a Retry-After of a second, and `cut` ends in the middle.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

plan: dict[str, list[Any]] = {}


class Store(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=sys.argv[1])

    def do_POST(self) -> None:
        plan.clear()
        plan.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        faults = plan.get(self.path.partition("?")[0].rpartition(".")[2])
        fault = faults.pop(0) if faults else None
        if fault is None:
            super().do_GET()
        elif fault == "cut":
            content = Path(self.translate_path(self.path)).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
        else:
            status, *wait_s = fault if isinstance(fault, list) else [fault]
            self.send_response(status)
            for seconds in wait_s:
                self.send_header("Retry-After", str(seconds))
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def faulty_store(folder: Path) -> Iterator[str]:
    """The address of a folder on loopback."""
    command = [sys.executable, __file__, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def tell(address: str, **faults: list[Any]) -> None:
    """From now on the store fails so."""
    urllib.request.urlopen(urllib.request.Request(address, data=json.dumps(faults).encode(), method="POST")).close()


if __name__ == "__main__":
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    print(listening.server_address[1], flush=True)
    listening.serve_forever()
