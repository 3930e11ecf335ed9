"""Addresses of the Planetary Computer, signed: its catalog is open, its files want a token that anyone may ask for."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from flows.imagery.catalog_item import BandAsset, SceneItem
from flows.imagery.catalog_rules import rules_for
from flows.imagery.limits import USUAL_LIMITS
from flows.imagery.network.retry import RetryPolicy, TransientError
from flows.imagery.scene import ImageryError
from flows.imagery.web import WebClient
from flows.printable import printable

PLANETARY_COMPUTER = "planetarycomputer.microsoft.com"
# Its `sentinel-1-grd` is uncalibrated, and its other collections are of other satellites.
PLANETARY_COMPUTER_COLLECTIONS = ("sentinel-2-l2a", "sentinel-1-rtc")
TOKEN_URL = f"https://{PLANETARY_COMPUTER}/api/sas/v1/token"
STORE = ".blob.core.windows.net"
RENEW_BEFORE = timedelta(minutes=5)  # a scene is read in less
LARGEST_TOKEN = 100_000  # bytes of an answer; a token has some 300
_TOKEN = re.compile(r"[A-Za-z0-9%&=._~:+/-]{1,2000}")
_RETRY_POLICY = RetryPolicy(tries=5, first_wait_s=0.5, longest_wait_s=USUAL_LIMITS.longest_wait_s)


class Signer:
    """Adds the token of its container to an address in the store; tokens are kept until shortly before they end.

    Its own library of 2023 is not used: it warns with pydantic 2 and will not run with 3. Safe for several threads.
    """

    def __init__(self, token_url: str = TOKEN_URL, *, store: str = STORE) -> None:
        """Where tokens are given, and the end of the name of the hosts that want one. Nothing is asked yet."""
        self._token_url, self._store = token_url, store
        self._web, self._retry_policy = WebClient(rules_for(token_url)), _RETRY_POLICY
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
        shown = printable(url)
        try:
            content = self._retry_policy.retry(lambda: self._web.get(url, most=LARGEST_TOKEN)).content
            said = json.loads(content)
            token, expiry = str(said["token"]), datetime.fromisoformat(str(said["msft:expiry"]))
        except TransientError as error:
            raise ImageryError(f"token address `{shown}` cannot be asked ({error}); try again later") from None
        except ImageryError as error:
            raise ImageryError(f"token address `{shown}` gives no token ({error}); try again later") from None
        except (LookupError, TypeError, ValueError, RecursionError):
            raise ImageryError(f"token address `{shown}` answers with no token; try again later") from None
        if not _TOKEN.fullmatch(token):
            raise ImageryError(f"token address `{shown}` answers with something that is not a token; try again later")
        return token, expiry if expiry.tzinfo else expiry.replace(tzinfo=UTC)


def is_planetary_computer(location: str) -> bool:
    """True for the address of its catalog."""
    return urlsplit(location).hostname == PLANETARY_COMPUTER
