"""A web server on loopback that answers as told: files, redirects, endless bodies, a byte a second."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = bytes | Callable[[BaseHTTPRequestHandler], None]


@dataclass
class HostileWeb:
    """What it answers at each path, and what it was asked."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def put(self, path: str, answer: Answer) -> str:
        """Answer so at a path from now on; return the path's address."""
        self.answers[path] = answer
        return f"{self.address}{path}"


@contextmanager
def hostile_web(certificate: ssl.SSLContext | None = None) -> Iterator[HostileWeb]:
    """A server of its own for as long as the block lasts; with a certificate it speaks TLS alone."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            web.asked.append(self.path)
            answer = web.answers.get(self.path.partition("?")[0])
            if self.command == "POST":
                web.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            try:
                if answer is None:
                    self.send_response(404)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                elif callable(answer):
                    answer(self)
                else:
                    self.give(answer)
            except OSError:  # the client has gone, as it should
                self.close_connection = True

        do_POST = do_GET
        do_HEAD = do_GET  # without a body

        def give(self, content: bytes) -> None:
            asked = self.headers.get("Range", "")
            if asked.startswith("bytes="):
                first, _, last = asked.removeprefix("bytes=").partition("-")
                end = min(int(last or len(content) - 1), len(content) - 1)
                part = content[int(first) : end + 1]
                self.send_response(206 if part else 416)
                self.send_header("Content-Range", f"bytes {first}-{end}/{len(content)}")
            else:
                part = content
                self.send_response(200)
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(part)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if certificate is not None:
            server.socket = certificate.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.block_on_close = False
        web = HostileWeb(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


def redirect(target: str, status: int = 302) -> Answer:
    """Send the client elsewhere."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    """A body without an end, as fast as it is taken, with no length said."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    while True:
        handler.wfile.write(b" " * 1_000_000)


def slow(handler: BaseHTTPRequestHandler) -> None:
    """A byte at a time, often enough that no single wait is long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(100_000):
        handler.wfile.write(b" ")
        time.sleep(0.05)


def slow_headers(handler: BaseHTTPRequestHandler) -> None:
    """A header a byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _ in range(100_000):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def busy(handler: BaseHTTPRequestHandler) -> None:
    """Asked to come again in an hour."""
    handler.send_response(429)
    handler.send_header("Retry-After", "3600")
    handler.send_header("Content-Length", "0")
    handler.end_headers()
