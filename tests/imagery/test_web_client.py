"""Hosts that rest, are slow now and then, or have an address that leads nowhere are reached all the same."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import trustme
from hostile_web import HostileWeb, hostile_web

from flows.imagery import exchange
from flows.imagery.catalog_rules import rules_for
from flows.imagery.host_patience import GIVEN_BACK_EVERY, HostPatience, TooOftenError
from flows.imagery.limits import USUAL_LIMITS
from flows.imagery.network.retry import BusyError
from flows.imagery.scene import ImageryError
from flows.imagery.web import WebClient, trusted_authorities

RESTING = replace(USUAL_LIMITS, busy=3, longest_wait_s=0.3)


@pytest.fixture
def web() -> Iterator[HostileWeb]:
    with hostile_web() as server:
        server.put("/page.json", b"{}")
        yield server


def unavailable(handler: BaseHTTPRequestHandler) -> None:
    """Answer 503 without saying for how long."""
    handler.send_response(503)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def test_a_busy_host_gets_a_rest_and_is_asked_again_in_the_same_run(web: HostileWeb) -> None:
    client = WebClient(rules_for(web.address), RESTING)
    address = web.put("/busy", unavailable)
    for _ in range(6):
        with pytest.raises(BusyError) as caught:
            client.get(address, most=100)
    assert web.asked.count("/busy") == 3  # and three were not sent
    assert 0 < caught.value.wait_s <= 0.3
    time.sleep(caught.value.wait_s + 0.02)
    assert client.get(f"{web.address}/page.json", most=100).content == b"{}"
    web.put("/busy", b"{}")
    assert client.get(address, most=100).status == 200


def test_a_slow_answer_now_and_then_ends_no_run() -> None:
    patience = HostPatience(replace(USUAL_LIMITS, late=2))
    for _ in range(5):
        patience.note_late()
        for _ in range(GIVEN_BACK_EVERY):
            patience.note_answer()
        patience.check()
    patience.note_late()
    patience.check()
    patience.note_late()
    with pytest.raises(TooOftenError):
        patience.check()


def test_an_address_that_leads_nowhere_does_not_take_the_time_of_the_next(
    web: HostileWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        deaf = stack.enter_context(socket.create_server(("127.0.0.2", web.port), backlog=0))
        for _ in range(3):  # its queue is full: who comes now hears nothing
            knocking = stack.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(deaf.getsockname())
        monkeypatch.setattr(exchange, "addresses_of", lambda *_: ("127.0.0.2", "127.0.0.1"))
        limits = replace(USUAL_LIMITS, connect_s=0.2, exchange_s=3.0)
        begun = time.monotonic()
        client = WebClient(rules_for(f"http://stac.example.org:{web.port}"), limits)
        assert client.get(f"http://stac.example.org:{web.port}/page.json", most=100).status == 200
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_of_other_programs_are_trusted_too(
    name: str, web: HostileWeb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with hostile_web(context) as server:
        address = server.put("/page.json", b"{}").replace("http:", "https:")
        trusted_authorities.cache_clear()
        with pytest.raises(ImageryError, match="certificate cannot be trusted"):
            WebClient(rules_for(address)).get(address, most=100)
        monkeypatch.setenv(name, str(tmp_path / "authority.pem"))
        trusted_authorities.cache_clear()
        assert WebClient(rules_for(address)).get(address, most=100).status == 200
    trusted_authorities.cache_clear()


def test_authorities_that_are_not_there_are_said_and_stop_nothing(
    web: HostileWeb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "gone.pem"))
    trusted_authorities.cache_clear()
    assert WebClient(rules_for(web.address)).get(f"{web.address}/page.json", most=100).status == 200
    assert "CURL_CA_BUNDLE: `" in caplog.text
    assert "holds no certificates (No such file or directory); mend or unset it" in caplog.text
    trusted_authorities.cache_clear()
