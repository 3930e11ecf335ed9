"""Asking the web on behalf of one catalog: under its rules, within the limits, redirects included."""

from __future__ import annotations

import email.utils
import logging
import os
import ssl
import time
import weakref
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from flows.imagery.catalog_rules import CatalogRules
from flows.imagery.exchange import WatchedNetwork, Whereabouts
from flows.imagery.host_patience import HostPatience, SlowError
from flows.imagery.limits import USUAL_LIMITS, Limits
from flows.imagery.network.answer_counts import AnswerCounter, AnswerFault
from flows.imagery.network.retry import BusyError, TransientError
from flows.imagery.scene import ImageryError
from flows.printable import printable

BUSY = (429, 503)
REDIRECTS = {301: "GET", 302: "GET", 303: "GET", 307: "", 308: ""}  # the method that follows; '' the same
OK, PARTIAL, BROKEN = 200, 206, 500
BAD = 400
REFUSALS = (401, 403)
LONGEST_COMPLAINT = 1_000_000  # bytes of an answer that says what went wrong
LOOPBACK = ("127.0.0.1", "::1", "localhost")
AT_ONCE = 16
log = logging.getLogger("sitewatch.imagery")
OTHER_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # files or folders
for _part in ("connection", "http11", "proxy"):
    logging.getLogger(f"httpcore.{_part}").setLevel(logging.WARNING)  # the others repeat addresses with their keys


@dataclass(frozen=True)
class WebResponse:
    """What came of a request: `status`, `headers` in lower case, `content` unpacked, and the address in the end."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    address: str


class AnswerError(ImageryError):
    """A server answered, but not with what was asked for; `status` is what it said."""

    def __init__(self, status: int) -> None:
        """With its status."""
        super().__init__(f"it answered {status}")
        self.status = status


def status_behind(error: BaseException) -> int | None:
    """Return the status of the answer that an error goes back to, None where it goes back to none."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AnswerError):
            return cause.status
        cause = cause.__cause__
    return None


def is_refusal(error: BaseException) -> bool:
    """Return whether an error goes back to a server that wants other credentials."""
    return status_behind(error) in REFUSALS


def is_page_for_people(content: bytes) -> bool:
    """Return whether an answer begins as HTML does: a notice of maintenance or a login, where data was asked for."""
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    return start.startswith((b"<!doctype html", b"<html")) or (
        start.startswith(b"<!--") and b"<html" in content.lower()
    )


class WebClient:
    """The web as one catalog may see it. Safe to use from several threads.

    Every request, and every redirect that it leads to, is checked by the catalog's rules; the address behind a name is
    checked where the connection is made. What passes by itself raises `TransientError`, all else `ImageryError`, each
    with one line that repeats no key.
    """

    def __init__(self, rules: CatalogRules, limits: Limits = USUAL_LIMITS) -> None:
        """Under these rules; nothing is asked yet."""
        self.rules = rules
        self.limits = limits
        self.counter = AnswerCounter()
        self._patience = HostPatience(limits)
        self._network = WatchedNetwork(limits, Whereabouts(rules).farthest)
        self._direct = _pool(self._network)
        self._proxies: dict[str, tuple[httpcore.ConnectionPool, WatchedNetwork]] = {}
        weakref.finalize(self, _close, self._direct, self._proxies)

    def get(self, address: str, *, most: int, part: tuple[int, int] | None = None) -> WebResponse:
        """Return what an address holds, or a part of it: `part` is its first and last byte.

        More than `most` bytes are refused. Raises `ImageryError` for a status other than 200 or 206.
        """
        headers = {"Accept-Encoding": "gzip"} if part is None else {"Range": f"bytes={part[0]}-{part[1]}"}
        return self._checked(self._followed("GET", address, headers, b"", most))

    def post(self, address: str, body: bytes, *, most: int) -> WebResponse:
        """Return what an address answers to a JSON document; as `get`."""
        headers = {"Accept-Encoding": "gzip", "Content-Type": "application/json"}
        return self._checked(self._followed("POST", address, headers, body, most))

    def send(self, method: str, address: str, *, headers: Mapping[str, str], body: bytes, most: int) -> WebResponse:
        """Return the answer to one request, whatever its status; no redirect is followed."""
        return self._exchanged(method, address, {"Accept-Encoding": "gzip", **headers}, body, most)

    def _followed(self, method: str, address: str, headers: dict[str, str], body: bytes, most: int) -> WebResponse:
        for _ in range(self.limits.redirects + 1):
            answer = self._exchanged(method, address, headers, body, most)
            target = answer.headers.get("location")
            if answer.status not in REDIRECTS or target is None:
                return answer
            if REDIRECTS[answer.status] and method == "POST":
                method, body = "GET", b""
                headers.pop("Content-Type", None)
            address = self.rules.resolved(answer.address, target)
        raise ImageryError(f"more than {self.limits.redirects} redirects")

    def _exchanged(self, method: str, address: str, headers: Mapping[str, str], body: bytes, most: int) -> WebResponse:
        self._patience.check()
        url = self.rules.check(address)
        pool, network = self._way_to(url)
        sent = [("Host", url.netloc.decode()), ("User-Agent", "sitewatch"), ("Accept", "*/*")]
        if url.username:
            word = b64encode(f"{unquote(url.username)}:{unquote(url.password)}".encode()).decode()
            sent.append(("Authorization", f"Basic {word}"))
        if method == "POST":
            sent.append(("Content-Length", str(len(body))))
        ours = {name.lower() for name, _ in headers.items()}
        sent = [*((name, value) for name, value in sent if name.lower() not in ours), *headers.items()]
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        with self._told(), network.exchange(), pool.stream(method, target, headers=sent, content=body) as answer:
            said = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in answer.headers}
            largest = most if answer.status in (OK, PARTIAL) else min(most, LONGEST_COMPLAINT)
            content = b"" if answer.status in REDIRECTS else b"".join(_unpacked(answer.iter_stream(), said, largest))
            self._patience.note_answer()
            self._note(answer.status, said)
            return WebResponse(answer.status, said, content, address)

    def _note(self, status: int, headers: Mapping[str, str]) -> None:
        """Count an answer, and compare clocks."""
        self.counter.note(_fault_of(status))
        if (told := told_time(headers)) is not None:
            self.counter.note_clock(time.time() - told)

    def _checked(self, answer: WebResponse) -> WebResponse:
        if answer.status in (OK, PARTIAL):
            self._patience.note_success()
            return answer
        words = f"it answered {answer.status}"
        if answer.status in BUSY:
            self._patience.note_busy()
            wait_s = asked_wait_s(answer.headers.get("retry-after", ""), now_s=told_time(answer.headers))
            raise BusyError(f"{words}: the server is busy; the next run asks again", wait_s=wait_s)
        if answer.status >= BROKEN:
            raise TransientError(words)
        raise AnswerError(answer.status)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong on the network within the block is said in one line."""
        try:
            yield
        except (httpcore.TimeoutException, TimeoutError) as error:
            self._patience.note_late()
            self.counter.note(AnswerFault.LATE)
            raise SlowError(f"it took longer than {self.limits.exchange_s:g} s, or is slower than allowed") from error
        except httpcore.ConnectError as error:
            self.counter.note(AnswerFault.LOST)
            if isinstance(error.__cause__, ssl.SSLError) or "certificate" in str(error):
                raise ImageryError(f"its certificate cannot be trusted ({printable(error)})") from error
            raise TransientError(printable(error)) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, ssl.SSLError, OSError) as error:
            self.counter.note(AnswerFault.LOST)
            raise TransientError(f"the connection broke: {printable(error) or type(error).__name__}") from error

    def _way_to(self, url: httpx.URL) -> tuple[httpcore.ConnectionPool, WatchedNetwork]:
        """The connections to a host: direct, or through the proxy that the environment names."""
        proxy = None if proxy_bypass(url.host) else getproxies().get(url.scheme)
        if not proxy or url.host in LOOPBACK:
            return self._direct, self._network
        if proxy not in self._proxies:
            network = WatchedNetwork(self.limits, None)  # the proxy looks up the name, so that only it can check
            at = httpx.URL(proxy if "://" in proxy else f"http://{proxy}")
            auth = (unquote(at.username), unquote(at.password)) if at.username else None
            way = httpcore.Proxy(f"{at.scheme}://{at.netloc.decode()}", auth=auth)
            self._proxies[proxy] = (_pool(network, way), network)
        return self._proxies[proxy]


def _pool(network: WatchedNetwork, proxy: httpcore.Proxy | None = None) -> httpcore.ConnectionPool:
    return httpcore.ConnectionPool(
        ssl_context=trusted_authorities(),
        proxy=proxy,
        max_connections=AT_ONCE,
        keepalive_expiry=15.0,
        network_backend=network,
    )


def _close(direct: httpcore.ConnectionPool, proxies: dict[str, tuple[httpcore.ConnectionPool, WatchedNetwork]]) -> None:
    for pool in (direct, *(pool for pool, _ in proxies.values())):
        pool.close()


def asked_wait_s(header: str, *, now_s: float | None = None) -> float:
    """Return how many seconds a ``Retry-After`` asks to wait, 0 where it does not say; in seconds or as a date.

    `now_s` is the time by the clock of the server that wrote the date, where it said: this machine's may be wrong.
    """
    if header.strip().isdecimal() and len(header) < 10:
        return float(header)
    until = _timestamp(header)
    return 0.0 if until is None else max(0.0, until - (time.time() if now_s is None else now_s))


def told_time(headers: Mapping[str, str]) -> float | None:
    """Return the time by the clock of a server, seconds since 1970, None where its answer does not say."""
    return _timestamp(headers.get("date", ""))


def _timestamp(header: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(header).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _fault_of(status: int) -> AnswerFault | None:
    if status in BUSY:
        return AnswerFault.BUSY
    if status >= BROKEN:
        return AnswerFault.BROKEN
    return AnswerFault.REFUSED if status >= BAD else None


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Return whom we believe: the authorities of the library or of SSL_CERT_FILE, and those given to other programs."""
    context = httpx.create_ssl_context()
    for name in OTHER_AUTHORITIES:
        place = os.environ.get(name)
        if not place:
            continue
        try:
            is_folder = Path(place).is_dir()
            context.load_verify_locations(capath=place if is_folder else None, cafile=None if is_folder else place)
        except OSError as error:  # of which an SSLError is one; hosts that need them are refused in words
            words = printable(error.strerror or error)
            log.warning("%s: `%s` holds no certificates (%s); mend or unset it", name, printable(place), words)
    return context


def _unpacked(pieces: Iterator[bytes], headers: Mapping[str, str], most: int) -> Iterator[bytes]:
    """The body, of which more than `most` bytes, packed or not, are refused unread."""
    declared = headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > most:
        raise _too_large(most)
    packing = headers.get("content-encoding", "").strip().lower()
    if packing not in ("", "identity", "gzip", "x-gzip"):
        raise ImageryError(f"it is packed by `{printable(packing, longest=40)}`, which was not asked for")
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if "gzip" in packing else None
    count = 0
    for piece in pieces:
        while piece:
            try:
                content = piece if unpack is None else unpack.decompress(piece, most - count + 1)
            except zlib.error as error:
                raise ImageryError("it cannot be unpacked") from error
            count += len(content)
            if count > most:
                raise _too_large(most)
            yield content
            piece = b"" if unpack is None else unpack.unconsumed_tail


def _too_large(most: int) -> ImageryError:
    return ImageryError(f"it is larger than the {most / 1e6:g} MB that are allowed")
