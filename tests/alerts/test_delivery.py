"""Delivery to real receivers on loopback."""

from __future__ import annotations

import json
import logging
import socket
import threading
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller

from flows.alerts import Message, deliver

# Apprise imports a module that Python 3.11 and 3.12 call deprecated; it brings its own from 3.13 on.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

MESSAGE = Message(
    "Sitewatch 2026-W47: 1 alert at 1 place", "pier-1: 1 alert\n- confirmed: 2,400 m²\n  al-0123456789ab\n"
)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def mailbox():
    class Mailbox:
        def __init__(self) -> None:
            self.received = []
            self.port = free_port()

        async def handle_DATA(self, server, session, envelope):
            self.received.append(envelope)
            return "250 OK"

    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def receiver():
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"] or 0))))
            refused = "refuse" in self.path
            self.send_response(302 if "elsewhere" in self.path else 403 if refused else 200)
            self.send_header("Location", "/redirected")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.received = received
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_mail_server_gets_exactly_one_message(mailbox):
    (result,) = deliver(
        MESSAGE, [f"mailto://127.0.0.1:{mailbox.port}/?from=watch@example.org&to=anna@example.org&mode=insecure"]
    )
    assert (result.channel, result.delivered, result.reason) == ("mailto #1", True, "")
    (envelope,) = mailbox.received
    assert envelope.rcpt_tos == ["anna@example.org"]
    mail = message_from_bytes(envelope.content, policy=policy.default)
    assert mail["Subject"] == MESSAGE.title
    text = mail.get_body(("plain", "html")).get_content()
    assert "2,400 m²" in text
    assert "al-0123456789ab" in text
    assert "http" not in text


def test_a_webhook_gets_exactly_one_message(receiver):
    (result,) = deliver(MESSAGE, [f"json://127.0.0.1:{receiver.server_port}/hook"])
    assert (result.channel, result.delivered) == ("json #1", True)
    ((path, body),) = receiver.received
    sent = json.loads(body)
    assert path == "/hook"
    assert (sent["title"], sent["message"].strip()) == (MESSAGE.title, MESSAGE.body_text.strip())


def test_a_channel_that_fails_does_not_stop_the_others(receiver):
    port = receiver.server_port
    results = deliver(
        MESSAGE,
        [
            f"json://127.0.0.1:{port}/refuse",
            f"json://127.0.0.1:{free_port()}/nobody-listens",
            "nosuchscheme://hunter2",
            "hunter2 without a scheme",
            f"json://127.0.0.1:{port}/taken",
        ],
    )
    assert [one.delivered for one in results] == [False, False, False, False, True]
    assert [one.channel for one in results] == ["json #1", "json #2", "nosuchscheme #3", "channel #4", "json #5"]
    assert [path for path, _ in receiver.received] == ["/refuse", "/taken"]


def test_a_receiver_cannot_send_the_message_on_to_another_host(receiver):
    (result,) = deliver(MESSAGE, [f"json://127.0.0.1:{receiver.server_port}/elsewhere"])
    assert not result.delivered
    assert [path for path, _ in receiver.received] == ["/elsewhere"]


def test_secrets_are_neither_in_results_nor_in_logs(receiver, caplog):
    caplog.set_level(logging.NOTSET)
    port = receiver.server_port
    urls = [f"json://anna:hunter2@127.0.0.1:{port}/{path}" for path in ("refuse-t0ken", "taken-t0ken")]
    results = deliver(
        MESSAGE, [*urls, "slack://t0ken/hunter2", f"mailto://anna:hunter2@127.0.0.1:{free_port()}/?to=t0ken"]
    )
    assert [one.delivered for one in results] == [False, True, False, False]
    for text in (repr(results), caplog.text):
        assert "hunter2" not in text
        assert "t0ken" not in text
    logging.getLogger("apprise").warning("loggers speak again")
    assert "loggers speak again" in caplog.text


def test_without_channels_nothing_is_sent():
    assert deliver(MESSAGE, []) == []
