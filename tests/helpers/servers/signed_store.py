"""A store whose files are given only for the token that its own address hands out; run as a process of its own."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

FOLDER, MINUTES = sys.argv[1], float(sys.argv[2])
given: list[str] = []


class Store(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=FOLDER)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/token/"):
            self._give_token()
        elif parts.path == "/count":
            self._answer(str(len(given)).encode())
        elif parts.path.endswith(".tif") and parts.query not in given:
            self.send_error(403)
        else:
            super().do_GET()

    do_HEAD = do_GET

    def _give_token(self) -> None:
        given.append(f"sig=secret-{len(given)}")
        expiry = datetime.now(UTC) + timedelta(minutes=MINUTES)
        self._answer(json.dumps({"token": given[-1], "msft:expiry": expiry.isoformat()}).encode())

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    print(server.server_address[1], flush=True)
    server.serve_forever()
