"""Addresses of the Planetary Computer, signed: its catalog is open, its files want a token that anyone may ask for."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from flows.imagery.causes import cause_of
from flows.imagery.scene import ImageryError
from flows.imagery.stac_bands import BandAsset
from flows.imagery.stac_item import SceneItem

PLANETARY_COMPUTER = "planetarycomputer.microsoft.com"
# Its `sentinel-1-grd` is uncalibrated, and its other collections are of other satellites.
PLANETARY_COMPUTER_COLLECTIONS = ("sentinel-2-l2a", "sentinel-1-rtc")
TOKEN_URL = f"https://{PLANETARY_COMPUTER}/api/sas/v1/token"
STORE = ".blob.core.windows.net"
RENEW_BEFORE = timedelta(minutes=5)  # a scene is read in less
_RETRY = urllib3.Retry(total=5, backoff_factor=0.5, backoff_jitter=0.5, status_forcelist=(429, 500, 502, 503, 504))
_TIMEOUT_S = 60.0


class Signer:
    """Adds the token of its container to an address in the store; tokens are kept until shortly before they end.

    Its own library of 2023 is not used: it warns with pydantic 2 and will not run with 3. Safe for several threads.
    """

    def __init__(self, token_url: str = TOKEN_URL, *, store: str = STORE) -> None:
        """Where tokens are given, and the end of the name of the hosts that want one. Nothing is asked yet."""
        self._token_url, self._store = token_url, store
        self._pool = urllib3.PoolManager(retries=_RETRY, timeout=_TIMEOUT_S)
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._lock = threading.Lock()

    def signed(self, item: SceneItem) -> SceneItem:
        """The item with every asset's address signed; raises `ImageryError` when no token is to be had."""
        bands = {name: self._signed(asset) for name, asset in item.bands.items()}
        return replace(item, bands=bands, scl=None if item.scl is None else self._signed(item.scl))

    def _signed(self, asset: BandAsset) -> BandAsset:
        parts = urlsplit(asset.href)
        if not (parts.hostname or "").endswith(self._store) or parts.query:
            return asset
        account, container = (parts.hostname or "").removesuffix(STORE), parts.path.split("/")[1]
        return replace(asset, href=f"{asset.href}?{self._token(f'{account}/{container}')}")

    def _token(self, container: str) -> str:
        with self._lock:
            token, until = self._tokens.get(container, ("", datetime.min.replace(tzinfo=UTC)))
            if datetime.now(UTC) + RENEW_BEFORE >= until:
                token, until = self._tokens[container] = self._ask(container)
            return token

    def _ask(self, container: str) -> tuple[str, datetime]:
        url = f"{self._token_url}/{container}"
        try:
            answer = self._pool.request("GET", url)
            said = json.loads(answer.data) if answer.status == 200 else {}
            return str(said["token"]), datetime.fromisoformat(str(said["msft:expiry"]))
        except HTTPError as error:
            raise ImageryError(f"token address `{url}` cannot be asked ({cause_of(error)}); try again later") from None
        except (KeyError, TypeError, ValueError):
            raise ImageryError(
                f"token address `{url}` gives no token (status {answer.status}); try again later"
            ) from None


def is_planetary_computer(location: str) -> bool:
    """True for the address of its catalog."""
    return urlsplit(location).hostname == PLANETARY_COMPUTER
