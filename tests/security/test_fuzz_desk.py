"""Requests to the desk that no browser sends, made from good ones: each is answered in words and echoes nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import pytest
from fuzzing import assert_one_clear_line, bounded, fuzzed
from hypothesis import given
from hypothesis import strategies as st

from flows.desk.backend.wiring import open_desk
from flows.desk.errors import DeskError
from flows.desk.guard import inside, key_hash
from flows.desk.headers import SECURITY
from flows.desk.passwords import LEAST, MOST, check_new_password
from flows.imagery.archive.store import Archive
from flows.ledger import Ledger, open_ledger
from flows.ledger.accounts import plain_name
from flows.ledger.errors import LedgerError
from flows.records.account_names import fold_name
from tests.desk.conftest import PASSWORD, copied, prepared

__all__ = ["prepared"]

TAG, ATTRIBUTE = "<zq", 'zq" onzq="'
URLENCODED = b"application/x-www-form-urlencoded"
SESSION = "the key of a session"
PEOPLE = ("vera", "rita", "otto", "ada")
KEYS = {"form_key": "form"}


@dataclass(frozen=True)
class Ask:
    """A request: a path in pieces, pairs of a query and of a form, headers, and what is done to its body."""

    method: str
    path: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    kind: bytes = URLENCODED
    body: bytes | None = None
    length: bytes | None = None


def post(*path: str, **form: str) -> Ask:
    return Ask("POST", path, form=tuple((KEYS | form).items()))


def get(*path: str, **query: str) -> Ask:
    return Ask("GET", path, tuple(query.items()))


GOOD = (
    get("login", next="/cases/ev-a1"),
    post("login", form_key="login key", name="rita", password="not this one", next="/cases/ev-a1"),
    post("login", form_key="login key", name="nobody", password=PASSWORD, next="/"),
    get("static", "desk.css"),
    get("language", "fr", next="/login?next=%2F"),
    post("logout"),
    get("password", changed="1"),
    post("password", present=PASSWORD, new="password1234", again="password1234"),
    get("", show="all", kind="expansion", change="construction", state="confirmed", text="heron", page="1", done="1"),
    get("cases", "ev-a1", show="all", undone="1"),
    get("cases", "ev-a1", "pictures", "main-after.webp"),
    get("precision"),
    post("cases", "ev-a1", "verdicts", verdict="rejected:other", note="a shed", show="all", text="heron"),
    post("cases", "ev-b2", "verdicts", verdict="unsure"),
    post("verdicts", "1", "undo", show="mine"),
    get("areas", "heron", "map", layer="picture"),
    get("tiles", "heron", "picture", "12", "2082", "2027.png"),
    get("runs"),
    post("areas", "nowhere", "reruns"),
    get("accounts"),
    post("accounts", "rolf", role="reviewer", positions="1"),
    post("accounts", "ADA", role="viewer"),
    get("acts"),
)
HOSTILE = (
    f"{TAG} onzq='1'>", ATTRIBUTE, f"'{ATTRIBUTE}'", "{{ 7*7 }}", "\0", "\u202e", "//evil.example", "ev-a1'--",
    "///evil.example/x", "//[x", "http://[", "/\\evil.example", "javascript:alert(1)", "\r\nSet-Cookie: zq=1", "..",
    "../../../etc/passwd", "%2e%2e%2f", "%00", "-1", "9" * 400, "1e400", "NaN", "０", "𝟙", "", " ", "x" * 9_999,
    "é" * 300, "%", "%ff",
)  # fmt: skip
words = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40), st.text(alphabet="/\\.%[]@:?#&=;\x00 ", max_size=12))
pairs = st.tuples(words, words)
plain_bytes = st.one_of(st.sampled_from([text.encode() for text in HOSTILE]), st.binary(max_size=60)).map(
    lambda text: bytes(c for c in text if c >= 0x20 and c != 0x7F)
)  # what h11 lets through
HEADERS = (b"host", b"origin", b"referer", b"cookie", b"accept-language", b"x-forwarded-for", b"x-forwarded-proto",
           b"x-forwarded-host", b"forwarded", b"content-encoding", b"expect", b"range", b"if-none-match",
           b"x-http-method-override", b"transfer-encoding", b"upgrade", b"connection")  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, values: tuple[Any, ...], new: st.SearchStrategy[Any]) -> tuple[Any, ...]:
    """A sequence with one element changed, added, doubled or left out."""
    items, place = list(values), draw(st.integers(0, len(values)))
    how = draw(st.sampled_from(["change", "add", "double", "leave out"]))
    if how == "add" or place == len(items):
        items.insert(place, draw(new))
    elif how == "change" and isinstance(items[place], tuple):
        items[place] = (items[place][0], draw(new)[1])
    elif how == "change":
        items[place] = draw(new)
    elif how == "double":
        items.insert(place, items[place])
    else:
        del items[place]
    return tuple(items)


def multipart(ask: Ask) -> Ask:
    parts = "".join(f'--zq\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in ask.form)
    return replace(ask, kind=b"multipart/form-data; boundary=zq", body=f"{parts}--zq--\r\n".encode(errors="replace"))


@st.composite
def asks(draw: st.DrawFn) -> tuple[Ask, str | None]:
    """A good request with one to three things wrong with it, and who sends it (None: nobody who is logged in)."""
    ask = draw(st.sampled_from(GOOD))
    for what in draw(st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=3)):
        ask = draw(what(ask))
    return ask, draw(st.sampled_from((*PEOPLE, "ada", "ada", None)))


def of_path(ask: Ask) -> st.SearchStrategy[Ask]:
    return changed(ask.path, words).map(lambda path: replace(ask, path=path))


def of_query(ask: Ask) -> st.SearchStrategy[Ask]:
    return changed(ask.query, pairs).map(lambda query: replace(ask, query=query))


def of_form(ask: Ask) -> st.SearchStrategy[Ask]:
    return changed(ask.form, pairs).map(lambda form: replace(ask, form=form, body=None))


def of_headers(ask: Ask) -> st.SearchStrategy[Ask]:
    one = st.tuples(st.sampled_from(HEADERS), plain_bytes)
    return one.map(lambda header: replace(ask, headers=(*ask.headers, header)))


def of_cookies(ask: Ask) -> st.SearchStrategy[Ask]:
    names = ("session", "login", "browser", "language")
    one = st.tuples(st.sampled_from(names).map("sitewatch_".__add__), words)
    return one.map(lambda cookie: replace(ask, cookies=(*ask.cookies, cookie)))


def of_method(ask: Ask) -> st.SearchStrategy[Ask]:
    return st.sampled_from(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "zq")).map(
        lambda method: replace(ask, method=method)
    )


def of_body(ask: Ask) -> st.SearchStrategy[Ask]:
    form = b"multipart/form-data"
    boundaries = (form + b"; boundary=zq", form + b"; boundary=" + b"z" * 200)
    others = (b"", b"text/plain", b"application/json", form, URLENCODED + b"; charset=zq")
    kinds = st.sampled_from((*others, *boundaries))
    lengths = st.sampled_from((None, b"-1", b"0", b"99999", b"zq", b"9" * 30, b"+5"))
    bodies = st.one_of(st.none(), st.binary(max_size=300), st.just(b"x" * 100_001), st.just(b"a&" * 40_000))
    torn = st.builds(lambda k, n, b: replace(ask, kind=k, length=n, body=b), kinds, lengths, bodies)
    return st.one_of(st.just(multipart(ask)), of_form(ask).map(multipart), torn)


MUTATIONS = (of_path, of_path, of_query, of_form, of_form, of_headers, of_cookies, of_method, of_body)


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class InProcess:
    """The desk's app, asked without a network: nothing between a generated request and the code."""

    app: Any
    ledger: Ledger
    runner: asyncio.Runner
    asked: int = 0

    def ask(self, ask: Ask, who: str | None) -> Answer:
        self.asked += 1
        if who is not None:
            self._open_session(who)
        return self.runner.run(self._ask(ask, who))

    def state(self) -> tuple[Any, ...]:
        return (self.ledger.accounts.all(), self.ledger.reviews.last_said(), self.ledger.reviews.generation())

    def _open_session(self, who: str) -> None:
        account, now = self.ledger.accounts.find(who), datetime.now(UTC)
        self.ledger.accounts.close_session(key_hash(SESSION))
        ends_at = now + timedelta(hours=1)
        self.ledger.accounts.open_session(key_hash(SESSION), "form", account=account.number, at=now, ends_at=ends_at)

    async def _ask(self, ask: Ask, who: str | None) -> Answer:
        answer, body = Answer(), body_of(ask)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in message["headers"]}
            else:
                answer.body += message.get("body", b"")

        number = self.asked % 60_000
        await self.app(scope_of(ask, who, body, client=f"10.1.{number // 250}.{number % 250}"), receive, send)
        return answer


def body_of(ask: Ask) -> bytes:
    if ask.body is not None or ask.method == "GET":
        return ask.body or b""
    coded = (f"{quote_plus(k, errors='replace')}={quote_plus(v, errors='replace')}" for k, v in ask.form)
    return "&".join(coded).encode()


def scope_of(ask: Ask, who: str | None, body: bytes, *, client: str) -> dict[str, Any]:
    """The request as uvicorn would hand it on."""
    raw = "/" + "/".join(quote(piece, errors="replace", safe="%[]:@!$&'()*+,;=~") for piece in ask.path)
    query = "&".join(f"{quote_plus(k, errors='replace')}={quote(v, errors='replace')}" for k, v in ask.query)
    cookies = [*([("sitewatch_session", SESSION)] if who else []), ("sitewatch_login", "login key"), *ask.cookies]
    jar = "; ".join(f"{k}={v}" for k, v in cookies).encode("utf-8", "replace")
    headers = [(b"cookie", bytes(c for c in jar if c >= 0x20 and c != 0x7F)), (b"content-type", ask.kind)]
    headers.append((b"content-length", str(len(body)).encode() if ask.length is None else ask.length))
    given = {name for name, _ in ask.headers}
    headers += [(b"host", b"127.0.0.1:8050")] if b"host" not in given else []
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "scheme": "http",
        "method": ask.method, "path": unquote(raw), "raw_path": raw.encode(), "query_string": query.encode(),
        "root_path": "", "headers": [*headers, *ask.headers], "client": (client, 1), "server": ("127.0.0.1", 8050),
        "state": {},
    }  # fmt: skip


@pytest.fixture(scope="module")
def desk(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    outputs = copied(prepared, tmp_path_factory.mktemp("fuzzed") / "outputs")
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger, asyncio.Runner() as runner:
        app, _ = open_desk(ledger, Archive(outputs / "archive"), outputs)
        yield InProcess(app, ledger, runner)


def test_the_good_requests_are_good(desk: InProcess) -> None:
    """Else what is made from them would not reach far."""
    statuses = {(ask.method, ask.path): desk.ask(ask, "ada").status for ask in GOOD}
    assert set(statuses.values()) <= {200, 303, 403, 409, 422}, statuses
    assert [k for k, v in statuses.items() if v == 403] == [("POST", ("login",))]


@fuzzed
@given(made=asks())
def test_whatever_is_asked_is_answered_in_words(desk: InProcess, made: tuple[Ask, str | None]) -> None:
    ask, who = made
    lines: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = lines.append  # type: ignore[assignment]
    logging.getLogger("sitewatch.web").addHandler(handler)
    before = desk.state()
    try:
        with bounded():
            answer = desk.ask(ask, who)
    finally:
        logging.getLogger("sitewatch.web").removeHandler(handler)
    assert 200 <= answer.status < 500, (answer.status, [line.getMessage() for line in lines])
    assert not lines
    for name, value in SECURITY.items():
        assert answer.headers.get(name.lower()) == value, name
    assert "server" not in answer.headers
    for value in answer.headers.values():
        assert "\n" not in value
        assert "\r" not in value
    assert TAG.encode() not in answer.body
    assert ATTRIBUTE.encode() not in answer.body
    location = answer.headers.get("location", "/")
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    if answer.status >= 400 or ask.method != "POST":
        assert desk.state() == before, "something was done all the same"


@fuzzed
@given(address=words)
def test_every_address_is_inside_or_none(address: str) -> None:
    kept = inside(address)
    assert kept in (address, "/")
    assert kept.startswith("/")
    assert not kept.startswith(("//", "/\\"))
    assert kept.isascii()
    assert kept.isprintable()


@fuzzed
@given(name=words)
def test_every_name_is_plain_or_refused_in_one_line(name: str) -> None:
    with bounded():
        try:
            plain = plain_name(name)
        except LedgerError as error:
            assert_one_clear_line(error, LedgerError)
            return
    assert plain == fold_name(name) == plain_name(plain)


@fuzzed
@given(password=st.one_of(words, st.text(min_size=LEAST, max_size=MOST + 4)), name=words)
def test_every_password_is_taken_or_refused_in_one_line(password: str, name: str) -> None:
    with bounded():
        try:
            check_new_password(password, name=name)
        except DeskError as error:
            assert_one_clear_line(error, DeskError)
            return
    assert LEAST <= len(password) <= MOST
    assert len(set(password)) > 5
