"""Attacks on the review desk as it is served: passwords, redirects, accounts, bodies, connections."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from loopback import free_port

from flows.desk.cookies import SESSION_COOKIE
from flows.desk.guard import key_hash
from flows.desk.known_browser import known_browser
from flows.desk.login_limits import Attempts
from flows.desk.passwords import hashed
from flows.ledger import Ledger, open_ledger
from flows.ledger.errors import LedgerError
from tests.desk.conftest import PASSWORD, PEOPLE, record

FORM_KEY = "a-key-that-the-attacker-made-up"
COMMAND = (sys.executable, "-c", "from flows.cli.main import main; main()")
ANOTHER = "wooden lamps under snow"


@dataclass
class RunningDesk:
    """The command `sitewatch desk` in a process of its own."""

    port: int
    process: subprocess.Popen[bytes]
    outputs: Path
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, *, address: str = "127.0.0.1", **cookies: str) -> httpx.Client:
        """Somebody's browser, at an address of loopback."""
        transport = httpx.HTTPTransport(local_address=address, retries=3)
        return httpx.Client(base_url=self.url, cookies=cookies, transport=transport, timeout=30)

    def try_password(self, client: httpx.Client, name: str, password: str, **headers: str) -> httpx.Response:
        client.cookies.set("sitewatch_login", FORM_KEY)
        form = {"form_key": FORM_KEY, "name": name, "password": password}
        return client.post("/login", data=form, headers=headers)

    def session_of(self, name: str) -> str:
        """The key of a session, as if somebody had logged in."""
        key, now = f"{name}-{time.monotonic_ns()}", datetime.now(UTC)
        with opened(self.outputs) as ledger:
            account = ledger.accounts.find(name)
            assert account is not None
            ends_at = now + timedelta(hours=1)
            ledger.accounts.open_session(key_hash(key), "form", account=account.number, at=now, ends_at=ends_at)
        return key

    def resident(self) -> int:
        """Bytes of memory that the desk holds, at most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024


def opened(outputs: Path) -> Ledger:
    return open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}")


def make_outputs(outputs: Path) -> Path:
    """Outputs with two places, five events and five people, and no imagery."""
    kept = hashed(PASSWORD)
    with opened(outputs) as ledger:
        record(ledger)
        for name, role in PEOPLE.items():
            at = datetime(2026, 11, 23, 6, tzinfo=UTC)
            ledger.accounts.add(name, role=role, sees_positions=False, password_hash=kept, at=at)
    return outputs


@contextlib.contextmanager
def running(outputs: Path, *, files: int | None = None, **environment: str) -> Iterator[RunningDesk]:
    """A desk as its operator starts it, with so many descriptors."""
    port, log = free_port(), outputs.parent / f"desk-{time.monotonic_ns()}.log"

    def limit() -> None:
        if files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    call = [*COMMAND, "desk", "--port", str(port), "--outputs", str(outputs)]
    with log.open("wb") as said:
        process = subprocess.Popen(
            call, cwd=outputs.parent, stdout=said, stderr=said, preexec_fn=limit, env=os.environ | environment
        )
    desk = RunningDesk(port, process, outputs, log)
    try:
        wait_for(lambda: b"The desk is at" in log.read_bytes(), seconds=60)
        with desk.client() as client:
            assert client.get("/login").status_code == 200
        yield desk
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(condition: Callable[[], bool], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A desk that all tests of this file attack, each from addresses of its own."""
    with running(make_outputs(tmp_path_factory.mktemp("attacked") / "outputs")) as served:
        yield served


# Logins


def test_every_way_to_write_a_name_is_one_account_and_no_header_is_another_address(desk: RunningDesk) -> None:
    ways = ["rita", " rita", "rita ", "RITA", "ｒita", "  Rita\t"]
    with desk.client(address="127.0.1.1") as client:
        statuses = [
            desk.try_password(
                client,
                ways[n % len(ways)],
                f"wrong {n}",
                **{"X-Forwarded-For": f"10.0.{n}.1", "Forwarded": "for=1.2.3.4"},
            ).status_code
            for n in range(60)
        ]
    assert statuses == [403] * 5 + [429] * 55


def test_a_stranger_keeps_nobody_out(desk: RunningDesk) -> None:
    with desk.client(address="127.0.2.1") as own, desk.client(address="127.0.2.2") as stranger:
        assert desk.try_password(own, "rolf", PASSWORD).status_code == 303
        own.cookies.delete(SESSION_COOKIE)
        while desk.try_password(stranger, "rolf", "wrong").status_code != 429:
            pass
        assert desk.try_password(stranger, "rolf", PASSWORD).status_code == 429, "the right one neither, from there"
        assert desk.try_password(own, "rolf", PASSWORD).status_code == 303, "from elsewhere"
    with desk.client(address="127.0.2.2", sitewatch_browser=own.cookies["sitewatch_browser"]) as known:
        assert desk.try_password(known, "rolf", PASSWORD).status_code == 303, (
            "from the same address, by a known browser"
        )


def test_a_known_browser_is_counted_too_and_knows_one_account_alone(desk: RunningDesk) -> None:
    with desk.client(address="127.0.3.1") as client:
        assert desk.try_password(client, "otto", PASSWORD).status_code == 303
        token = client.cookies["sitewatch_browser"]
        statuses = [desk.try_password(client, "otto", "wrong").status_code for _ in range(7)]
        assert statuses == [403] * 5 + [429] * 2
    with desk.client(address="127.0.3.2", sitewatch_browser=token) as client:
        statuses = [desk.try_password(client, "vera", "wrong").status_code for _ in range(6)]
        assert statuses[-1] == 429, "vera's account does not know it: this counts for the address"
    with opened(desk.outputs) as ledger:
        otto, vera = ledger.accounts.find("otto"), ledger.accounts.find("vera")
    number, _, signature = token.partition(".")
    assert known_browser(token, otto) == number
    for forged in (f"{number[::-1]}.{signature}", f"{number}.", "", f".{signature}", "a" * 3000, f"{number}.é"):
        assert known_browser(forged, otto) == ""
    assert known_browser(token, vera) == known_browser(token, None) == ""
    assert known_browser(token, replace(otto, password_hash="another")) == "", "it ends with the password"


def test_an_account_has_a_slower_limit_from_all_networks_together() -> None:
    attempts = Attempts()
    taken = [attempts.take("Rita", f"10.0.{n % 50}.1") for n in range(250)]
    assert sum(taken) == 60
    assert not attempts.take("ｒita ", "192.0.2.1")
    assert attempts.take("rolf", "192.0.2.1"), "another account"
    assert attempts.take("rita", "192.0.2.1", browser="known")


def test_one_network_alone_uses_up_no_account_and_ipv6_has_no_endless_addresses() -> None:
    attempts = Attempts()
    taken = [attempts.take("rita", f"2001:db8::{n:x}") for n in range(1000)]
    assert sum(taken) == 5
    assert attempts.take("rita", "2001:db8:0:1::1")
    assert sum(attempts.take(f"name {n}", "::ffff:10.0.0.1") for n in range(100)) == 20
    assert not attempts.take("one more", "10.0.0.1")


def test_made_up_names_from_one_network_fill_no_memory() -> None:
    attempts = Attempts()
    for n in range(20):
        attempts.take(f"name {n}", "192.0.2.1")
    known = attempts.count()
    assert not any(attempts.take(f"made up {n}", "192.0.2.1") for n in range(500))
    assert attempts.count() == known
    assert attempts.take("rita", "192.0.2.2"), "another network"


def test_names_whose_attempts_are_over_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.desk.login_limits.MOST_KEPT", 100)
    attempts = Attempts()
    for n in range(16):
        attempts.take(f"name {n}", f"192.0.2.{n}")
    in_two_days = time.time() + 2 * 86_400
    monkeypatch.setattr("limits.storage.memory.time.time", lambda: in_two_days)
    attempts.take("late", "192.0.2.200")
    assert attempts.count() > 100
    time.sleep(0.1)  # the library forgets in a thread of its own
    attempts.take("later", "192.0.2.201")
    assert attempts.count() < 20, "of some hundred"


def test_two_hundred_logins_at_once_take_little_memory_and_keep_no_reader_waiting(desk: RunningDesk) -> None:
    before, waits, statuses = desk.resident(), [], []
    stop = threading.Event()

    def read() -> None:
        with desk.client(**{SESSION_COOKIE: desk.session_of("vera")}) as client:
            while not stop.is_set():
                began = time.monotonic()
                assert client.get("/").status_code == 200
                waits.append(time.monotonic() - began)

    async def log_in(n: int) -> None:
        body = urlencode({"form_key": FORM_KEY, "name": f"somebody {n}", "password": "wrong"})
        head = (
            f"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sitewatch_login={FORM_KEY}\r\nConnection: close\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port, local_addr=(f"127.0.5.{n + 1}", 0))
        writer.write((head + body).encode())
        answer = (await reader.read()).decode()
        statuses.append(int(answer.split()[1]))
        if statuses[-1] == 503:
            assert "busy" in answer
            assert "retry-after" in answer
        writer.close()

    async def all_at_once() -> None:
        await asyncio.gather(*(log_in(n) for n in range(200)))

    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(read)
        try:
            asyncio.run(all_at_once())
        finally:
            stop.set()
        reading.result()
    assert set(statuses) <= {403, 503}
    assert statuses.count(403) >= 4, "those whose turn it was"
    assert desk.resident() - before < 350_000_000
    assert max(waits) < 2.0, (max(waits), statuses.count(403))


def test_no_weak_password_is_taken_on_the_command_line(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    opened(outputs).close()
    for weak in (" " * 12, "a" * 12, "password1234", "P@ssw0rd2026!", "qwertyuiop12", "anna" * 3, "Summer2026!!"):
        call = [*COMMAND, "desk", "account", "add", "anna", "--role", "admin", "--password-stdin"]
        given: dict[str, Any] = {
            "input": f"{weak}\n",
            "text": True,
            "capture_output": True,
            "cwd": tmp_path,
            "check": False,
        }
        done = subprocess.run([*call, "--outputs", str(outputs)], **given) if weak == "password1234" else None
        with pytest.raises(ValueError, match="easy to guess"):
            hashed(weak, name="anna")
        assert done is None or (done.returncode == 2 and "easy to guess" in done.stderr)
    with opened(outputs) as ledger:
        assert ledger.accounts.all() == []


@pytest.mark.parametrize("name", ["vеra", "vеrа", "ⅴera", "verа", "ᴠera", "rоlf", "r0lf", "оttо", "ａda", "аdа"])
def test_no_second_name_looks_like_one_that_is_there(desk: RunningDesk, name: str) -> None:
    with opened(desk.outputs) as ledger, pytest.raises(LedgerError, match=r"alphabets|looks like|there already"):
        ledger.accounts.add(name, role="reviewer", sees_positions=False, password_hash="-", at=datetime.now(UTC))


def test_names_in_any_one_alphabet_are_taken(tmp_path: Path) -> None:
    with opened(tmp_path / "outputs") as ledger:
        for name in ("copa", "анна", "Ελένη", "田中さん", "محمد", "andré", "andre", "jean-luc 2", "กมล"):
            ledger.accounts.add(name, role="viewer", sees_positions=False, password_hash="-", at=datetime.now(UTC))
        with pytest.raises(LedgerError, match="looks like"):
            ledger.accounts.add("сора", role="viewer", sees_positions=False, password_hash="-", at=datetime.now(UTC))


# Accounts


@pytest.mark.parametrize("name", ["ada", "ADA", "Ada", " ada ", "ａda"])
@pytest.mark.parametrize("form", [{"role": "viewer"}, {"close": "1"}])
def test_an_admin_cannot_take_their_own_role(desk: RunningDesk, name: str, form: dict[str, str]) -> None:
    with desk.client(**{SESSION_COOKIE: desk.session_of("ada")}) as client:
        assert client.post(f"/accounts/{name}", data={"form_key": "form", **form}).status_code == 409
    with opened(desk.outputs) as ledger:
        ada = ledger.accounts.find("ada")
        assert (ada.role, ada.closed_at) == ("admin", None)


def test_the_last_admin_cannot_be_taken_from_the_record_by_two_at_once(desk: RunningDesk) -> None:
    with opened(desk.outputs) as ledger:
        with pytest.raises(LedgerError, match="nobody with the role `admin` would be left"):
            ledger.accounts.change("ada", role="viewer", always_one="admin")
        assert ledger.accounts.find("ada").role == "admin"


def test_a_person_changes_their_own_password(tmp_path: Path, desk: RunningDesk) -> None:
    with opened(desk.outputs) as ledger:
        kept = hashed(PASSWORD)
        ledger.accounts.add("mina", role="viewer", sees_positions=False, password_hash=kept, at=datetime.now(UTC))
    other = desk.session_of("mina")
    with desk.client(address="127.0.6.1") as client:
        assert desk.try_password(client, "mina", PASSWORD).status_code == 303
        key = form_key_on(client.get("/password").text)

        def change(present: str, new: str, again: str | None = None, form_key: str = key) -> httpx.Response:
            given = {"present": present, "new": new, "again": new if again is None else again, "form_key": form_key}
            return client.post("/password", data=given)

        assert change(PASSWORD, ANOTHER, form_key="stolen").status_code == 403
        assert change(PASSWORD, ANOTHER, "another again").status_code == 422
        assert change(PASSWORD, "password1234").status_code == 422
        assert change(PASSWORD, "short").status_code == 422
        assert change("not the present one", ANOTHER).status_code == 403
        done = change(PASSWORD, ANOTHER)
        assert (done.status_code, done.headers["location"]) == (303, "/password?changed=1")
        page = client.get("/password?changed=1")
        assert "Your password is changed" in page.text
        key = form_key_on(page.text)
        statuses = [change(f"guess {n}", "other lamps under snow", form_key=key).status_code for n in range(7)]
        assert statuses[-1] == 429, "a thief of a session cannot guess on"
    with desk.client(**{SESSION_COOKIE: other}) as client:
        assert client.get("/").status_code == 303, "other sessions have ended"
    with desk.client(address="127.0.6.2") as client:
        assert desk.try_password(client, "mina", PASSWORD).status_code == 403
        assert desk.try_password(client, "mina", ANOTHER).status_code == 303
    with opened(desk.outputs) as ledger:
        assert ("mina", "password", "mina") in [(a.by, a.act, a.subject) for a in ledger.accounts.acts()]
    assert ANOTHER.encode() not in desk.log.read_bytes()


def form_key_on(page: str) -> str:
    found = re.search(r'action="/password">\s*<input type="hidden" name="form_key" value="([^"]+)"', page)
    assert found is not None
    return found[1]


# Addresses


ELSEWHERE = [
    "//evil.example", "///evil.example/x", "////evil.example", "/\\evil.example", "\\\\evil.example",
    "/\t/evil.example", "https://evil.example/", "https:evil.example", "javascript:alert(1)", "evil.example",
    "/\nSet-Cookie: a=b", "//[x", "http://[", "/\x00", "/é", "/" + "a" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("where", ELSEWHERE)
def test_no_address_leads_away_from_the_desk(desk: RunningDesk, where: str) -> None:
    with desk.client(address="127.0.7.1") as client:
        answer = client.get("/language/fr", params={"next": where})
        assert answer.status_code in (303, 400)
        assert answer.headers.get("location", "/") == "/"
        page = client.get("/login", params={"next": where})
        assert page.status_code in (200, 400)
        assert page.status_code == 400 or '<input type="hidden" name="next" value="/">' in page.text


def test_no_address_leads_away_after_a_login(desk: RunningDesk) -> None:
    with desk.client(address="127.0.7.2") as client:
        client.cookies.set("sitewatch_login", FORM_KEY)
        for where in ("///evil.example/x", "//[x"):
            form = {"form_key": FORM_KEY, "name": "otto", "password": PASSWORD, "next": where}
            answer = client.post("/login", data=form)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            client.cookies.set("sitewatch_login", FORM_KEY)


@pytest.mark.parametrize("origin", ["http://[", "http://evil.example", "null", "http://127.0.0.1:1", "", "//", "\x80"])
def test_a_form_with_a_strange_origin_is_refused_in_words(desk: RunningDesk, origin: str) -> None:
    with desk.client(address="127.0.7.3") as client:
        answer = client.post("/login", data={"name": "x"}, headers={b"Origin": origin.encode("latin-1")})
    assert answer.status_code == 403
    assert answer.headers["x-frame-options"] == "DENY"


def test_what_nobody_can_type_is_refused_in_words(desk: RunningDesk) -> None:
    with desk.client(address="127.0.7.4", **{SESSION_COOKIE: desk.session_of("rita")}) as client:
        client.cookies.set("sitewatch_login", FORM_KEY)
        answers = [
            client.post("/login", data={"form_key": FORM_KEY, "name": "ri\0ta", "password": "x"}),
            client.post("/cases/ev-a1/verdicts", data={"form_key": "form", "verdict": "unsure", "note": "\0"}),
            client.get("/cases/ev%00-a1"),
            client.get("/", params={"text": "\0"}),
        ]
    for answer in answers:
        assert answer.status_code == 400
        assert "cannot read this request" in answer.text
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::1]", "", "@", "localhost@evil.example"])
def test_no_other_name_is_answered(desk: RunningDesk, host: str) -> None:
    with desk.client() as client:
        assert client.get("/login", headers={"Host": host}).status_code == 400


def test_answers_tell_nothing_of_the_server_and_stay_in_no_cache(desk: RunningDesk) -> None:
    with desk.client(**{SESSION_COOKIE: desk.session_of("ada")}) as client:
        for path in ("/", "/cases/ev-a1", "/acts", "/areas/heron/map", "/nothing", "/login"):
            headers = client.get(path).headers
            assert "server" not in headers
            assert headers["cache-control"] == "no-store"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]


# Bodies and connections


def raw(desk: RunningDesk, *pieces: bytes, seconds: float = 20.0) -> bytes:
    """What the desk answers to bytes, until it closes or is silent."""
    said = b""
    with socket.create_connection(("127.0.0.1", desk.port), timeout=seconds) as connection:
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
        with contextlib.suppress(OSError):
            while part := connection.recv(65_536):
                said += part
                if b"\r\n\r\n" in said:
                    break
    return said


FIELD = b"n=" + b"x" * 999_997 + b"&"
CHUNKS = [b"%x\r\n%s\r\n" % (len(FIELD), FIELD)] * 19 + [b"0\r\n\r\n"]  # as many and as long as the parser takes
HEAD = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Transfer-Encoding: chunked\r\nContent-Length: 20\r\n\r\n",
        b"Content-Length: 20\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_body_of_20_mb_in_pieces_is_refused_and_takes_no_memory(desk: RunningDesk, head: bytes) -> None:
    before = desk.resident()
    with ThreadPoolExecutor(5) as many:
        said = list(many.map(lambda _: raw(desk, HEAD + head, *CHUNKS), range(5)))
    assert all(not one or one.startswith(b"HTTP/1.1 413") for one in said)
    assert any(said)
    assert desk.resident() - before < 60_000_000


def test_idle_sockets_at_few_descriptors_stop_nobody_and_fill_no_log(tmp_path: Path) -> None:
    outputs = make_outputs(tmp_path / "outputs")
    idle: list[socket.socket] = []
    with running(outputs, files=256) as desk:
        try:
            for _ in range(400):
                connection = socket.socket()
                connection.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    connection.connect(("127.0.0.1", desk.port))
                idle.append(connection)
            for _ in range(5):
                began = time.monotonic()
                with desk.client(**{SESSION_COOKIE: desk.session_of("vera")}) as client:
                    assert client.get("/cases/ev-a1").status_code == 200
                assert time.monotonic() - began < 5
                time.sleep(0.3)
            assert desk.log.stat().st_size < 10_000
        finally:
            for connection in idle:
                connection.close()


@pytest.mark.parametrize("is_answer_page", [False, True])
def test_a_head_that_never_ends_is_cut(tmp_path: Path, is_answer_page: bool) -> None:
    """Played against the serving function, with its times made short."""
    program = (
        "import socket, sys\n"
        "from starlette.responses import PlainTextResponse\n"
        "from flows.web.connection_limits import ConnectionLimits\n"
        "from flows.web.serve_app import listening, serve_app\n"
        "with listening('127.0.0.1', int(sys.argv[1])) as at:\n"
        "    print('up', flush=True)\n"
        "    big = PlainTextResponse('x' * 30_000_000)\n"
        "    serve_app(big, at, limits=ConnectionLimits(50, receipt_s=1.0, answer_s=1.5))\n"
    )
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", program, str(port)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            began = time.monotonic()
            if is_answer_page:  # the answer is asked for and never taken
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(3)
                with contextlib.suppress(ConnectionError):
                    taken = 0
                    while part := connection.recv(1 << 20):
                        taken += len(part)
                    assert taken < 30_000_000
            else:
                with contextlib.suppress(OSError):
                    connection.sendall(b"GET / HTTP/1.1\r\n")
                    while time.monotonic() - began < 5:
                        connection.sendall(b"x")
                        time.sleep(0.05)
                assert time.monotonic() - began < 3
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()
