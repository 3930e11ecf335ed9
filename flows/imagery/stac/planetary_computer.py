"""Addresses of the Planetary Computer, signed: its catalog is open, its files want a token that anyone may ask for."""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flows.imagery.catalog_item import BandAsset, SceneItem
from flows.imagery.catalog_rules import rules_for
from flows.imagery.limits import USUAL_LIMITS
from flows.imagery.network.retry import RetryPolicy, TransientError
from flows.imagery.scene import ImageryError
from flows.imagery.web import WebClient, told_time
from flows.printable import printable

TOKEN_URL = "https://planetarycomputer.microsoft.com/api/sas/v1/token"
STORE = ".blob.core.windows.net"
RENEW_BEFORE_S = 300.0  # a scene is read in less
LARGEST_TOKEN = 100_000  # bytes of an answer; a token has some 300
_TOKEN = re.compile(r"[A-Za-z0-9%&=._~:+/-]{1,2000}")
_RETRY_POLICY = RetryPolicy(tries=5, first_wait_s=0.5, longest_wait_s=USUAL_LIMITS.longest_wait_s)


class Signer:
    """Adds the token of its container to an address in the store; tokens are kept until shortly before they end.

    How long a token lasts is reckoned by the clock of whoever gave it, since this machine's may be wrong.
    Its own library of 2023 is not used: it warns with pydantic 2 and will not run with 3. Safe for several threads.
    """

    def __init__(
        self, token_url: str = TOKEN_URL, *, store: str = STORE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Where tokens are given, and the end of the name of the hosts that want one. Nothing is asked yet."""
        self._token_url, self._store = token_url, store
        self._web, self._retry_policy = WebClient(rules_for(token_url)), _RETRY_POLICY
        self._clock = clock
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def signed(self, item: SceneItem) -> SceneItem:
        """The item with every asset's address signed; raises `ImageryError` when no token is to be had."""
        bands = {name: self._signed(asset) for name, asset in item.bands.items()}
        return replace(item, bands=bands, scl=None if item.scl is None else self._signed(item.scl))

    def forget(self) -> None:
        """Ask for new tokens from now on: one of those that are kept was refused."""
        with self._lock:
            self._tokens.clear()

    def _signed(self, asset: BandAsset) -> BandAsset:
        parts = urlsplit(asset.href)
        if not (parts.hostname or "").endswith(self._store) or parts.query:
            return asset
        account, container = (parts.hostname or "").removesuffix(STORE), parts.path.split("/")[1]
        return replace(asset, href=f"{asset.href}?{self._token(f'{account}/{container}')}")

    def _token(self, container: str) -> str:
        with self._lock:
            token, until = self._tokens.get(container, ("", -math.inf))
            if self._clock() + RENEW_BEFORE_S >= until:
                token, until = self._tokens[container] = self._ask(container)
            return token

    def _ask(self, container: str) -> tuple[str, float]:
        """A token, and until when by the clock of this object it may be used."""
        url = f"{self._token_url}/{container}"
        shown = printable(url)
        try:
            answer = self._retry_policy.retry(lambda: self._web.get(url, most=LARGEST_TOKEN))
            said = json.loads(answer.content)
            token, expiry = str(said["token"]), datetime.fromisoformat(str(said["msft:expiry"]))
        except TransientError as error:
            raise ImageryError(f"token address `{shown}` cannot be asked ({error}); try again later") from None
        except ImageryError as error:
            raise ImageryError(f"token address `{shown}` gives no token ({error}); try again later") from None
        except (LookupError, TypeError, ValueError, RecursionError):
            raise ImageryError(f"token address `{shown}` answers with no token; try again later") from None
        if not _TOKEN.fullmatch(token):
            raise ImageryError(f"token address `{shown}` answers with something that is not a token; try again later")
        ends_s = (expiry if expiry.tzinfo else expiry.replace(tzinfo=UTC)).timestamp()
        told_s = told_time(answer.headers)
        return token, self._clock() + ends_s - (time.time() if told_s is None else told_s)
