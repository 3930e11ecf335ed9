"""A CoMapeo Cloud server on loopback: it takes and lists remote detection alerts, and refuses what the real one does.

After digidem/comapeo-cloud, ``src/routes.js`` and ``src/schemas.js``: one alert a request, 201 with an empty body, and
the same alert again is another one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROJECT = "a1" * 26
TOKEN = "the-bearer-token"
FLAT = (bool, int, float, str, type(None))


@dataclass
class CoMapeoServer:
    """The server; `alerts` are what it holds.

    `fails_after` makes it answer 503 from so many alerts on, `forgets_to_answer` makes it take the next alert and cut
    the connection, and `listing` is what it lists in place of its alerts.
    """

    port: int = 0
    alerts: list[dict[str, Any]] = field(default_factory=list)
    posts: int = 0
    fails_after: int | None = None
    forgets_to_answer: bool = False
    listing: bytes | None = None
    redirect: str | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def source_ids(self) -> list[str]:
        """The ids of the alerts that it holds."""
        return [one["sourceId"] for one in self.alerts]


def complaint_about(alert: Any) -> str:
    """What the schema of the real server refuses of an alert; empty where it takes it."""
    wanted = {"detectionDateStart", "detectionDateEnd", "sourceId", "metadata", "geometry"}
    if not isinstance(alert, dict) or not wanted <= alert.keys():
        return "a property is missing"
    for name in ("detectionDateStart", "detectionDateEnd"):
        try:
            if datetime.fromisoformat(alert[name]).tzinfo is None:
                return f"{name} has no time zone"
        except (TypeError, ValueError):
            return f"{name} is no date-time"
    if not isinstance(alert["sourceId"], str) or not alert["sourceId"]:
        return "sourceId is empty"
    if not isinstance(alert["metadata"], dict):
        return "metadata is no object"
    for value in alert["metadata"].values():
        if not all(isinstance(one, FLAT) for one in (value if isinstance(value, list) else [value])):
            return "metadata is not flat"
    geometry = alert["geometry"]
    if not isinstance(geometry, dict) or geometry.get("type") != "Point" or len(geometry.get("coordinates", ())) != 2:
        return "geometry is no point"
    lon, lat = geometry["coordinates"]
    return "" if -180 <= lon <= 180 and -90 <= lat <= 90 else "the point is not on the earth"


@contextmanager
def comapeo_server() -> Iterator[CoMapeoServer]:
    """A server for as long as a ``with`` lasts."""
    state = CoMapeoServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self._is_let_in():
                listed = [{"docId": str(n), "deleted": False, **one} for n, one in enumerate(state.alerts)]
                self._answer(200, state.listing or json.dumps({"data": listed}).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if not self._is_let_in():
                return
            state.posts += 1
            if state.fails_after is not None and len(state.alerts) >= state.fails_after:
                return self._refuse(503, "UNAVAILABLE", "")
            alert = json.loads(body)
            if why := complaint_about(alert):
                return self._refuse(400, "BAD_REQUEST", why)
            state.alerts.append(alert)
            if state.forgets_to_answer:
                state.forgets_to_answer = False
                self.connection.close()
                return None
            return self._answer(201, b"")

        def _is_let_in(self) -> bool:
            if state.redirect is not None:
                self.send_response(307)
                self.send_header("Location", state.redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif self.headers["Authorization"] != f"Bearer {TOKEN}":
                self._refuse(401, "UNAUTHORIZED", "Invalid bearer token")
            elif self.path != f"/projects/{PROJECT}/remoteDetectionAlerts":
                self._refuse(404, "PROJECT_NOT_FOUND", "Project not found")
            else:
                return True
            return False

        def _refuse(self, status: int, code: str, message: str) -> None:
            self._answer(status, json.dumps({"error": {"code": code, "message": message}}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
