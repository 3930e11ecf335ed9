"""Catalogs as they are found: a tree of JSON files, or a STAC API that answers searches."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol

import pystac
import urllib3
from pystac.stac_io import DefaultStacIO
from pystac_client import ItemSearch
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from urllib3.exceptions import HTTPError

from flows.imagery.address import is_url, without_secrets
from flows.imagery.causes import cause_of
from flows.imagery.scene import ImageryError
from flows.imagery.stac_item import Bounds, SceneItem, scene_item

TIMEOUT_S = 60.0
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # its warnings repeat addresses with their keys
_RETRY = urllib3.Retry(
    total=3,
    backoff_factor=0.3,
    backoff_jitter=0.3,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods={"GET", "POST"},
)
# What reading a catalog raises: files that are not there, pages that are not JSON, JSON that is not STAC (pystac fails
# on that with whatever it stumbles over).
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, HTTPError, APIError, pystac.STACError)


class Catalog(Protocol):
    """Where items are listed."""

    @property
    def label(self) -> str:
        """The catalog's name in a scene's provenance: the same on every machine, without secrets."""
        ...

    def items(self, bounds: Bounds, *, since: date, until: date) -> Sequence[SceneItem]:
        """All items that may touch the bounds in those days; others may be among them."""
        ...


def open_catalog(location: str, *, collections: Sequence[str], page_size: int) -> Catalog:
    """The catalog at a path or an address: an API when its first page offers a search, else a tree of files."""
    reader = _Reader()
    try:
        page = reader.read_json(location)
        search = [link for link in page.get("links", ()) if link.get("rel") == "search"]
        if search:
            return ApiCatalog(location, search, collections=collections, page_size=page_size)
        kind = pystac.Collection if page.get("type") == "Collection" else pystac.Catalog
        return StaticCatalog(location, kind.from_file(location, reader), collections=collections)
    except _UNREADABLE as error:
        raise _unreadable(location, error) from error


class StaticCatalog:
    """A tree of JSON files on disk or on the web, walked once."""

    def __init__(self, location: str, root: pystac.Catalog, *, collections: Sequence[str]) -> None:
        """Of a root that was read already; its items are read when first asked for."""
        self._location = location
        self._root = root
        self._collections = collections
        self._lock = threading.Lock()
        self._items: list[SceneItem] | None = None

    @property
    def label(self) -> str:
        """The address, or the id of a catalog on disk: a path would differ from machine to machine."""
        return without_secrets(self._location) if is_url(self._location) else f"catalog {self._root.id}"

    def items(self, bounds: Bounds, *, since: date, until: date) -> Sequence[SceneItem]:
        """Every item of the catalog, wherever and whenever; the arguments only matter to an API."""
        with self._lock:
            if self._items is None:
                self._items = self._walk()
        return self._items

    def _walk(self) -> list[SceneItem]:
        try:
            listed = list(self._root.get_items(recursive=True))
        except _UNREADABLE as error:
            raise _unreadable(self._location, error) from error
        found = _scene_items(listed, self._collections)
        if not found:
            raise ImageryError(
                f"catalog `{without_secrets(self._location)}` lists no item with Sentinel-2 bands (blue, green, red, "
                f"nir, …) or Sentinel-1 bands (vv, vh); check the address and the names of its assets"
            )
        return found


class ApiCatalog:
    """A STAC API, asked by place and time; everything else is sorted out here, since servers answer it wrongly."""

    def __init__(
        self, location: str, search: Sequence[dict[str, Any]], *, collections: Sequence[str], page_size: int
    ) -> None:
        """Of a landing page's `search` links; nothing is asked yet."""
        methods = {str(link.get("method", "GET")).upper(): str(link["href"]) for link in search}
        self._location = location
        self._method = "POST" if "POST" in methods else "GET"
        self._address = methods[self._method]
        self._collections = collections
        self._page_size = page_size

    @property
    def label(self) -> str:
        """The address."""
        return without_secrets(self._location)

    def items(self, bounds: Bounds, *, since: date, until: date) -> Sequence[SceneItem]:
        """The items that the API finds, from all pages of its answer."""
        asked = ItemSearch(
            self._address,
            method=self._method,
            stac_io=StacApiIO(timeout=TIMEOUT_S, max_retries=_RETRY),
            collections=list(self._collections) or None,
            bbox=bounds,
            datetime=f"{since}T00:00:00Z/{until + timedelta(days=1)}T00:00:00Z",
            limit=self._page_size,
        )
        try:
            listed = list(asked.items())
        except _UNREADABLE as error:
            raise _unreadable(self._location, error) from error
        return _scene_items(listed, self._collections)


class _Reader(DefaultStacIO):
    """Reads JSON from disk, or from the web with a time limit and a few retries."""

    def __init__(self) -> None:
        super().__init__()
        self._pool = urllib3.PoolManager(retries=_RETRY, timeout=TIMEOUT_S)

    def read_text_from_href(self, href: str) -> str:
        if not is_url(href):
            return Path(href).read_text("utf-8")
        answer = self._pool.request("GET", href)
        if answer.status != 200:
            raise OSError(f"{without_secrets(href)} answered {answer.status}")
        return answer.data.decode("utf-8")


def _scene_items(items: Iterable[pystac.Item], collections: Sequence[str]) -> list[SceneItem]:
    wanted = (item for item in items if not collections or item.collection_id in collections)
    return [known for known in map(scene_item, wanted) if known is not None]


def _unreadable(location: str, error: Exception) -> ImageryError:
    reason = "it is not JSON" if isinstance(error, json.JSONDecodeError) else cause_of(error)
    return ImageryError(
        f"catalog `{without_secrets(location)}` cannot be read ({reason}); check the address and try again"
    )
