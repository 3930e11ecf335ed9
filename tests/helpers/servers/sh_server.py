"""A small Sentinel Hub on loopback: token, catalog search, process; and the faults that a real one has."""

from __future__ import annotations

import io
import json
import re
import tarfile
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
from rasterio.crs import CRS
from rasterio.io import MemoryFile
from sh_evalscript import Evalscript, EvalscriptError, Output
from sh_shelf import Shelf, Window, shown

CLIENT_ID, CLIENT_SECRET = "watcher-7f3a", "hunter2-5e1d9c"
LARGEST_SIDE_PX = 2500
TOKEN, SEARCH, PROCESS = "token", "search", "process"
PATHS = {"/auth/token": TOKEN, "/api/v1/catalog/1.0.0/search": SEARCH, "/api/v1/process": PROCESS}
HALF, WRONG_SIZE, EMPTY, CUT, HANG_UP, NO_CRS, REFUSED = (
    "half",
    "wrong size",
    "empty",
    "cut",
    "hang up",
    "no crs",
    "401",
)


@dataclass(frozen=True)
class Status:
    """A fault: this status, and after how many milliseconds to come again."""

    code: int
    retry_after_ms: int | None = None


@dataclass(frozen=True)
class Malformed:
    """A fault: this instead of the answer."""

    content: bytes


@dataclass
class Answer:
    status: int
    content: bytes
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    units: float = 0.0


@dataclass(frozen=True)
class Logged:
    """One request as the server saw it."""

    kind: str
    status: int
    units: float
    sent_bytes: int
    at: float
    payload: dict[str, Any]


class SentinelHubServer:
    """Serves the items of a static catalog; `faults[kind]` is what happens to its next requests, None for nothing."""

    def __init__(self, folder: Path) -> None:
        self.shelf = Shelf(folder)
        self.faults: defaultdict[str, deque[object]] = defaultdict(deque)
        self.log: list[Logged] = []
        self.tokens: set[str] = set()
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> SentinelHubServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def token_url(self) -> str:
        return f"{self.base_url}/auth/token"

    def count(self, kind: str, status: int | None = None) -> int:
        return sum(1 for seen in self.log if seen.kind == kind and status in (None, seen.status))

    @property
    def units(self) -> float:
        return sum(seen.units for seen in self.log)

    def fault_of(self, kind: str) -> object:
        with self.lock:
            return self.faults[kind].popleft() if self.faults[kind] else None

    def token(self, form: dict[str, list[str]]) -> Answer:
        given = (form.get("client_id", [""])[0], form.get("client_secret", [""])[0])
        if given != (CLIENT_ID, CLIENT_SECRET):
            error = {"error": "invalid_client", "error_description": "Invalid client or Invalid client credentials"}
            return Answer(401, json.dumps(error).encode())
        with self.lock:
            token = f"token-{len(self.tokens)}-{time.monotonic_ns()}"
            self.tokens.add(token)
        answer = {"access_token": token, "expires_in": 600, "token_type": "Bearer"}
        return Answer(200, json.dumps(answer).encode())

    def search(self, asked: dict[str, Any]) -> Answer:
        found, start, limit = self.shelf.search(asked), int(asked.get("next", 0)), int(asked.get("limit", 10))
        page = found[start : start + limit]
        context: dict[str, Any] = {"limit": limit, "returned": len(page)}
        if start + limit < len(found):
            context["next"] = start + limit
        return Answer(200, json.dumps({"features": [shown(i) for i in page], "context": context}).encode())

    def process(self, asked: dict[str, Any], *, fault: object) -> Answer:
        output, (data,) = asked["output"], asked["input"]["data"]
        if max(output["width"], output["height"]) > LARGEST_SIDE_PX:
            return _refused(f"the image is limited to {LARGEST_SIDE_PX} px a side")
        try:
            script = Evalscript(asked["evalscript"])
            samples = self.shelf.samples(data, _window(asked), script.bands)
            rasters = script.run(samples)
        except EvalscriptError as error:
            return _refused(str(error))
        asked_for = [response["identifier"] for response in output["responses"]]
        files = {name: _tiff(rasters[name], _window(asked), fault) for name in asked_for}
        units = _units(script, output, data, [o for o in script.outputs if o.identifier in asked_for])
        content = _tar(files) if len(files) > 1 else next(iter(files.values()))
        kind = "application/x-tar" if len(files) > 1 else "image/tiff"
        return Answer(200, content, kind, {"X-ProcessingUnits-Spent": repr(units)}, units)


def _handler(server: SentinelHubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            kind = PATHS.get(self.path, self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = server.fault_of(kind)
            if fault == HANG_UP:
                self._log(kind, Answer(0, b""), {})
                return
            payload = {} if kind == TOKEN else json.loads(body)
            answer = self._answer(kind, body, payload, fault)
            content = _spoilt(answer.content, fault) if kind == PROCESS else answer.content
            self._log(kind, answer, payload)
            self.send_response(answer.status)
            length = len(answer.content) if fault == CUT else len(content)
            for name, value in {"Content-Type": answer.kind, "Content-Length": str(length), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def _answer(self, kind: str, body: bytes, payload: dict[str, Any], fault: object) -> Answer:
            if isinstance(fault, Status):
                headers = {} if fault.retry_after_ms is None else {"Retry-After": str(fault.retry_after_ms)}
                return Answer(fault.code, b'{"error": {"message": "made to fail"}}', headers=headers)
            if isinstance(fault, Malformed):
                return Answer(200, fault.content)
            if kind == TOKEN:
                return server.token(parse_qs(body.decode()))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if fault == REFUSED:
                server.tokens.discard(token)
            if token not in server.tokens:
                return Answer(401, b'{"error": {"message": "Unauthorized"}}')
            if kind == SEARCH:
                return server.search(payload)
            if kind == PROCESS:
                return server.process(payload, fault=fault)
            return Answer(404, b"{}")

        def _log(self, kind: str, answer: Answer, payload: dict[str, Any]) -> None:
            with server.lock:
                seen = Logged(kind, answer.status, answer.units, len(answer.content), time.monotonic(), payload)
                server.log.append(seen)

    return Handler


def _window(asked: dict[str, Any]) -> Window:
    bounds, output = asked["input"]["bounds"], asked["output"]
    epsg = re.search(r"(\d+)$", bounds["properties"]["crs"])
    assert epsg is not None
    return Window(CRS.from_epsg(int(epsg[1])), tuple(bounds["bbox"]), output["width"], output["height"])


def _tiff(layers: np.ndarray, window: Window, fault: object) -> bytes:
    crs = None if fault == NO_CRS else window.crs
    if fault == WRONG_SIZE:
        layers = layers[:, :-1]
    count, height, width = layers.shape
    profile = {"count": count, "height": height, "width": width, "dtype": layers.dtype.name, "compress": "deflate"}
    with MemoryFile() as file:
        with file.open(driver="GTiff", crs=crs, transform=window.transform, **profile) as dataset:
            dataset.write(layers)
        return bytes(file.getbuffer())


def _tar(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{name}.tif")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _spoilt(content: bytes, fault: object) -> bytes:
    if fault in (HALF, CUT):
        return content[: len(content) // 2]
    return b"" if fault == EMPTY else content


def _refused(words: str) -> Answer:
    return Answer(400, json.dumps({"error": {"status": 400, "message": words}}).encode())


def _units(script: Evalscript, output: dict[str, Any], data: dict[str, Any], outputs: list[Output]) -> float:
    """What the service would charge, by its published rules."""
    area = max(output["width"] * output["height"] / (512 * 512), 0.01)
    bands = len([band for band in script.bands if band != "dataMask"])
    is_deep = any(o.dtype is np.float32 for o in outputs)
    is_orthorectified = data["type"] == "sentinel-1-grd" and data["processing"].get("orthorectify")
    return float(area * bands / 3 * (2 if is_deep else 1) * (2 if is_orthorectified else 1))
