"""Requests to a Sentinel Hub service: limited, counted, tried again, with a token that is renewed."""

from __future__ import annotations

import threading
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import requests
from oauthlib.oauth2 import OAuth2Error
from sentinelhub import DataCollection, SentinelHubCatalog, SentinelHubDownloadClient, SentinelHubSession, SHConfig
from sentinelhub.decoding import decode_sentinelhub_err_msg
from sentinelhub.download.models import DownloadRequest, DownloadResponse
from sentinelhub.exceptions import BaseSentinelHubException, DownloadFailedException

from flows.imagery.limits import MB, USUAL_LIMITS
from flows.imagery.network.answer_counts import AnswerCounts
from flows.imagery.network.error_cause import cause_of
from flows.imagery.network.quota import Cost, Limiter, Meter
from flows.imagery.network.retry import RetryPolicy, TransientError
from flows.imagery.network.url import without_secrets
from flows.imagery.scene import ImageryError
from flows.imagery.sentinelhub.account import ServiceAccount
from flows.imagery.sentinelhub_web import ANSWER_BYTES, WatchedAdapter, WatchedSession, service_web, session_with
from flows.printable import printable
from flows.records.json_object import JsonObject

UNITS_SPENT = "X-ProcessingUnits-Spent"
RETRY_AFTER = "Retry-After"  # in milliseconds, other than HTTP has it: so the service documents it
REFUSED, TOO_MANY, BROKEN = 401, 429, 500
TRIES_OF_TOKEN = 2
TOKEN_BYTES = 1 * MB
# What no other try will change; other errors of a token address come from what stands before it.
_FINAL = {
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "unauthorized_client",
    "access_denied",
    "insecure_transport",
    "missing_token",
}


def config_of(account: ServiceAccount) -> SHConfig:
    """The library's configuration for an account, with nothing from its file; repetition is left to `RetryPolicy`."""
    return SHConfig(
        use_defaults=True,
        sh_client_id=account.client_id,
        sh_client_secret=account.client_secret,
        sh_base_url=account.base_url,
        sh_token_url=account.token_url,
        max_download_attempts=1,
    )


def bound(collection: DataCollection, account: ServiceAccount) -> DataCollection:
    """The collection at the account's own service: as the library defines it, its requests would take the token to
    services.sentinel-hub.com wherever the account is."""
    if collection.service_url == account.base_url:
        return collection
    return collection.define_from(f"{collection.name} at {account.base_url}", service_url=account.base_url)


class SentinelHubClient:
    """Sends requests to the service of one account and returns the responses; safe for several threads.

    Raises `ImageryError` with one line for whatever goes wrong, after as many tries as `retry_policy` allows where it
    may pass by itself. No message repeats the credentials.
    """

    def __init__(self, account: ServiceAccount, *, limiter: Limiter, meter: Meter, retry_policy: RetryPolicy) -> None:
        """Nothing is sent yet."""
        self.account = account
        self.meter = meter
        self._limiter = limiter
        self._retry_policy = retry_policy
        self._config = config_of(account)
        self._web = service_web(account)
        self._session: SentinelHubSession | None = None
        self._refusal: ImageryError | None = None
        self._lock = threading.Lock()

    @property
    def config(self) -> SHConfig:
        """The library's configuration, credentials included: not to be shown."""
        return self._config

    @property
    def answers(self) -> AnswerCounts:
        """How the service has answered so far."""
        return self._web.counter.counts

    def ask(self, method: str, request: DownloadRequest, headers: dict[str, str], *, most: int) -> requests.Response:
        """The answer to one sending, whatever its status."""
        with session_with(WatchedAdapter(self._web, most=most), requests.Session()) as session:
            return session.request(method, str(request.url), json=request.post_values, headers=headers)

    def features(self, collection: DataCollection, **search: Any) -> list[JsonObject]:
        """All features of a catalog search, from all its pages; `search` as `SentinelHubCatalog.search` takes it."""
        catalog = SentinelHubCatalog(self._config)
        catalog.client = _Client(self, 0.0)
        try:
            found = list(islice(catalog.search(collection, **search), USUAL_LIMITS.items + 1))
        except (BaseSentinelHubException, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            words = f"{type(error).__name__}: {printable(error, longest=200)}"
            raise ImageryError(
                f"service {self.account}: the catalog's answer cannot be read ({words}); check that the address is "
                f"that of a Sentinel Hub service"
            ) from None
        if len(found) > USUAL_LIMITS.items:
            raise ImageryError(f"service {self.account}: the catalog lists more than {USUAL_LIMITS.items} items")
        return found

    def fetch(self, request: DownloadRequest, *, units: float) -> bytes:
        """The content of the answer to a request of so many processing units."""
        (answer,) = _Client(self, units).download([request], max_threads=1, decode_data=False)
        content: bytes = answer.content
        return content

    def send(self, client: _Client, request: DownloadRequest) -> DownloadResponse:
        """One request answered well, however often it had to be sent."""
        refused = 0

        def once() -> DownloadResponse:
            nonlocal refused
            self._limiter.wait_for(client.units)
            session = self._current_session()
            response = self._exchange(client, request, session)
            if response.status_code == REFUSED:
                refused += 1
                self._forget(session)
                raise self._refused_token(final=refused >= TRIES_OF_TOKEN)
            self._check_status(response)
            return DownloadResponse.from_response(response, request)

        return self._retry_policy.retry(once)

    def _exchange(self, client: _Client, request: DownloadRequest, session: SentinelHubSession) -> requests.Response:
        client.session = session
        self.meter.reserve(client.units)
        spent = Cost(requests=1)
        try:
            response = client.exchange(request)
            spent = Cost(1, _units_of(response, foreseen=client.units), len(response.content))
        except requests.RequestException as error:
            raise self._unreachable(self.account.base_url, error) from None
        finally:
            self.meter.settle(client.units, spent)
        return response

    def _current_session(self) -> SentinelHubSession:
        """A session whose token has not run out; refused credentials are not sent a second time."""
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            try:
                if self._session is None:
                    self._limiter.wait_for(0.0)
                    self.meter.settle(0.0, Cost(requests=1))
                    self._session = WatchedSession(self._config, WatchedAdapter(self._web, most=TOKEN_BYTES))
                assert self._session.token
                return self._session
            except (OAuth2Error, requests.RequestException, DownloadFailedException) as error:
                raise self._no_token(error) from None

    def _forget(self, session: SentinelHubSession) -> None:
        with self._lock:
            if self._session is session:
                self._session = None

    def _no_token(self, error: Exception) -> ImageryError:
        where = f"token address `{without_secrets(self.account.token_url)}`"
        cause = getattr(error, "request_exception", None) or error
        if isinstance(cause, OAuth2Error):
            code = str(getattr(cause, "error", "") or type(cause).__name__)
            if code not in _FINAL:
                return TransientError(
                    f"{where} gives no token ({printable(self.account.scrubbed(code), longest=100)}); try again later"
                )
            self._refusal = ImageryError(
                f"{where} gives no token ({code}); check SH_CLIENT_ID and SH_CLIENT_SECRET, and that they belong to "
                f"this service"
            )
            return self._refusal
        response = getattr(cause, "response", None)
        if response is None:
            return self._unreachable(self.account.token_url, cause)
        if response.status_code >= BROKEN or response.status_code == TOO_MANY:
            return TransientError(
                f"{where} answered {response.status_code}; try again later", wait_s=_asked_s(response)
            )
        self._refusal = ImageryError(f"{where} answered {response.status_code}; check the address and the credentials")
        return self._refusal

    def _refused_token(self, *, final: bool) -> ImageryError:
        if final:
            return ImageryError(f"service {self.account} refuses a new token (401); check the rights of the account")
        return TransientError(f"service {self.account} refuses its token (401)")

    def _check_status(self, response: requests.Response) -> None:
        if response.ok:
            return
        status, said = response.status_code, printable(self.account.scrubbed(decode_sentinelhub_err_msg(response)))
        words = f"service {self.account} answered {status}{f' ({said})' if said else ''}"
        if status == TOO_MANY or status >= BROKEN:
            raise TransientError(f"{words}; try again later", wait_s=_asked_s(response))
        raise ImageryError(f"{words}; check the account's quota and rights, the address and the area")

    def _unreachable(self, url: str, error: Exception) -> ImageryError:
        host, reason = urlsplit(without_secrets(url)).netloc, self.account.scrubbed(cause_of(error))
        if isinstance(error, requests.exceptions.SSLError):
            return ImageryError(f"host {host} shows no certificate that can be trusted ({reason}); check the address")
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return ImageryError(f"address {host} cannot be asked ({reason}); check the address")
        return TransientError(f"host {host} cannot be reached ({reason}); check the address and the network")


class _Client(SentinelHubDownloadClient):
    """The library's client with its own sending, limiting and repeating left to `SentinelHubClient`.

    The library reads a quota's wait from 429 but then sends again without an end, takes no new token on 401, and hides
    headers when it gives up.
    """

    def __init__(self, hub_client: SentinelHubClient, units: float) -> None:
        super().__init__(config=hub_client.config)
        self.units = units
        self._hub_client = hub_client

    def _execute_download(self, request: DownloadRequest) -> DownloadResponse:
        return self._hub_client.send(self, request)

    def exchange(self, request: DownloadRequest) -> requests.Response:
        """The answer to one sending, whatever its status."""
        most = ANSWER_BYTES if self.units else USUAL_LIMITS.page_bytes
        headers: dict[str, str] = self._prepare_headers(request)
        return self._hub_client.ask(request.request_type.value, request, headers, most=most)


def _units_of(response: requests.Response, *, foreseen: float) -> float:
    """The processing units that an answer has cost, as it says or else as foreseen; a failed one costs nothing."""
    if not response.ok:
        return 0.0
    try:
        return float(response.headers[UNITS_SPENT])
    except (KeyError, ValueError):
        return foreseen


def _asked_s(response: requests.Response) -> float:
    """The seconds that an answer asks to wait, 0 where it does not say."""
    asked = response.headers.get(RETRY_AFTER, "")
    return int(asked) / 1000 if asked.isdigit() else 0.0
