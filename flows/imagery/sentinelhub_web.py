"""The way of a Sentinel Hub account's requests: to its own two hosts, bounded in bytes and time, without redirects."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import requests
from oauthlib.oauth2 import BackendApplicationClient
from requests.adapters import BaseAdapter
from requests_oauthlib import OAuth2Session  # type: ignore[import-untyped]
from sentinelhub import SentinelHubSession, SHConfig
from sentinelhub.download.models import DownloadRequest

from flows.imagery.catalog_rules import RefusedPlaceError, rules_for
from flows.imagery.host_patience import SlowError, TooOftenError
from flows.imagery.limits import MB, USUAL_LIMITS
from flows.imagery.network.retry import TransientError
from flows.imagery.scene import ImageryError
from flows.imagery.sentinelhub.account import ServiceAccount
from flows.imagery.web import REDIRECTS, WebClient
from flows.records.json_object import JsonObject

# A request of 2500 × 2500 px in nine layers of 2 bytes has 112 MB, and may take the service two minutes.
OWN_HEADERS = ("host", "content-length", "accept-encoding", "connection", "transfer-encoding")
ANSWER_BYTES = 256 * MB
SERVICE_LIMITS = replace(USUAL_LIMITS, exchange_s=150.0)


def service_web(account: ServiceAccount) -> WebClient:
    """Return the web as an account's requests may see it: its service and its token address, and nothing else."""
    token = urlsplit(account.token_url)
    return WebClient(rules_for(account.base_url, [token.netloc.rpartition("@")[2]]), SERVICE_LIMITS)


class WatchedAdapter(BaseAdapter):
    """Sends what the `requests` library prepared through a `WebClient`, and refuses every redirect."""

    def __init__(self, web: WebClient, *, most: int) -> None:
        """Refuse answers of more than `most` bytes."""
        super().__init__()
        self._web = web
        self._most = most

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Return the answer, whatever its status; raises what `requests` does for a network that fails."""
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        assert isinstance(body, bytes), "requests of the service are small"
        address, host = str(request.url), urlsplit(str(request.url)).netloc.rpartition("@")[2]
        headers = {str(k): str(v) for k, v in request.headers.items() if str(k).lower() not in OWN_HEADERS}
        try:
            answer = self._web.send(str(request.method), address, headers=headers, body=body, most=self._most)
        except TooOftenError:
            raise
        except SlowError as error:
            raise requests.exceptions.ReadTimeout(str(error)) from error
        except TransientError as error:
            raise requests.exceptions.ConnectionError(str(error)) from error
        except RefusedPlaceError as error:
            raise ImageryError(
                f"host {host} is not a host of the account, so nothing is sent there; check the address"
            ) from error
        except ImageryError as error:
            raise ImageryError(f"host {host}: {error}; check the address") from error
        if answer.status in REDIRECTS:
            raise ImageryError(
                f"host {host} redirects requests to another address ({answer.status}); check the address"
            )
        return _response(request, answer.status, answer.headers, answer.content)

    def close(self) -> None:
        """Leave the connections to the client."""


def session_with(adapter: WatchedAdapter, session: requests.Session) -> requests.Session:
    """Return a session that sends everything through an adapter, and takes nothing from the environment."""
    session.trust_env = False
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class WatchedSession(SentinelHubSession):
    """The library's token, asked for through an adapter."""

    def __init__(self, config: SHConfig, adapter: WatchedAdapter) -> None:
        """Ask for a token."""
        self._adapter = adapter
        super().__init__(config)

    def _fetch_token(self, request: DownloadRequest) -> JsonObject:
        client = BackendApplicationClient(client_id=self.config.sh_client_id)
        with OAuth2Session(client=client) as session:
            session_with(self._adapter, session)
            session.register_compliance_hook("access_token_response", self._compliance_hook)
            token: JsonObject = session.fetch_token(
                token_url=request.url,
                client_id=self.config.sh_client_id,
                client_secret=self.config.sh_client_secret,
                headers=self.DEFAULT_HEADERS,
                include_client_id=True,
            )
        return token


def _response(
    request: requests.PreparedRequest, status: int, headers: Mapping[str, str], content: bytes
) -> requests.Response:
    response = requests.Response()
    response.status_code, response.request, response.url = status, request, str(request.url)
    unpacked = {k: v for k, v in headers.items() if k not in ("content-encoding", "content-length")}
    response.headers = requests.structures.CaseInsensitiveDict(unpacked)
    response.raw = io.BytesIO(content)
    return response
