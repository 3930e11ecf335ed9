"""Catalogs as they are found: a tree of JSON files, or a STAC API that answers searches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from pystac import Asset

from flows.imagery.catalog_item import Bounds, SceneItem
from flows.imagery.catalog_rules import RefusedPlaceError, rules_for
from flows.imagery.json_pages import JsonPages
from flows.imagery.limits import USUAL_LIMITS, Limits
from flows.imagery.network.url import is_url, without_secrets
from flows.imagery.raster_files import RasterFiles
from flows.imagery.scene import ImageryError
from flows.imagery.stac.item import read_scene_item
from flows.imagery.stac_walk import SearchTally, links_of, search, walk
from flows.imagery.unused_items import ItemKind, UnusedItemError, UnusedItems
from flows.imagery.web import WebClient, status_behind
from flows.printable import printable
from flows.records.json_object import JsonObject

NOT_THERE = 404
UNKNOWN = (400, NOT_THERE)  # what a search answers that knows a collection no more
MOST_NAMED = 6  # other collections, in a message


class Catalog(Protocol):
    """Where items are listed."""

    @property
    def label(self) -> str:
        """The catalog's name in a scene's provenance: the same on every machine, without secrets."""
        ...

    @property
    def files(self) -> RasterFiles:
        """The files of its items."""
        ...

    @property
    def passed_over(self) -> dict[str, str]:
        """Why each item or page that could not be used was passed over, by its name."""
        ...

    @property
    def unused(self) -> UnusedItems:
        """Well-formed items that are of no use here."""
        ...

    def items(self, bounds: Bounds, *, since: date, until: date) -> Sequence[SceneItem]:
        """All items that may touch the bounds in those days; others may be among them."""
        ...


def open_catalog(
    location: str,
    *,
    collections: Sequence[str],
    page_size: int,
    hosts: Sequence[str] = (),
    limits: Limits = USUAL_LIMITS,
) -> Catalog:
    """The catalog at a path or an address: an API when its first page offers a search, else a tree of files.

    `hosts` are those beside its own that it may name. Raises `ImageryError` when it cannot be read.
    """
    location = location if is_url(location) or "://" in location else str(Path(location).absolute())
    web = WebClient(rules_for(location, hosts), limits)
    pages = JsonPages(web, limits)
    try:
        page = pages.read(location)
        offered = {
            str(link.get("method", "GET")).upper(): web.rules.resolved(location, link.get("href", ""))
            for link in links_of(page)
            if link.get("rel") == "search"
        }
    except ImageryError as error:
        raise _unreadable(location, error) from error
    if offered:
        asked = AskedCollections(tuple(collections), _listing_of(page, location, web))
        return ApiCatalog(location, offered, web, asked=asked, page_size=page_size)
    return StaticCatalog(location, page, web, collections=collections)


def _listing_of(page: JsonObject, location: str, web: WebClient) -> str | None:
    """Where an API lists its collections, None where it does not say or it may not be asked there."""
    named = next((link.get("href", "") for link in links_of(page) if link.get("rel") == "data"), None)
    try:
        return None if named is None else web.rules.resolved(location, named)
    except RefusedPlaceError:
        return None


class StaticCatalog:
    """A tree of JSON files on disk or on the web, walked once."""

    def __init__(self, location: str, root: JsonObject, web: WebClient, *, collections: Sequence[str]) -> None:
        """Of a first page that was read already; its items are read when first asked for."""
        self._location = location
        self._root = root
        self._web = web
        self._items_of = _Reading(web, collections)
        self._lock = threading.Lock()
        self._items: list[SceneItem] | None = None
        self.files = RasterFiles(web, web.limits)

    @property
    def label(self) -> str:
        """The address, or the id of a catalog on disk: a path would differ from machine to machine."""
        if is_url(self._location):
            return without_secrets(self._location)
        return f"catalog {printable(self._root.get('id', ''), longest=100)}"

    @property
    def passed_over(self) -> dict[str, str]:
        """Why each item or page that could not be used was passed over, by its name."""
        return dict(self._items_of.passed_over)

    @property
    def unused(self) -> UnusedItems:
        """Well-formed items that are of no use here."""
        return self._items_of.unused

    def items(self, bounds: Bounds, *, since: date, until: date) -> Sequence[SceneItem]:
        """Every item of the catalog, wherever and whenever; the arguments only matter to an API."""
        with self._lock:
            if self._items is None:
                self._items = self._walk()
        return self._items

    def _walk(self) -> list[SceneItem]:
        reading, found = self._items_of, []
        pages = JsonPages(self._web, self._web.limits)  # its own time and counts: another walk may have failed before
        try:
            for place, said in walk(pages, self._location, self._root):
                if isinstance(said, ImageryError):
                    reading.pass_over(place, said)
                elif (item := reading.item(said, base=place, href=place)) is not None:
                    found.append(item)
        except ImageryError as error:
            raise _unreadable(self._location, error) from error
        if not found:
            raise ImageryError(
                f"catalog `{_shown(self._location)}` lists no item of Sentinel-2 (blue, green, red, nir, …) or "
                f"Sentinel-1 (vv, vh) that can be used{self._why()}; check the address, the collections and the names "
                f"of its assets"
            )
        return found

    def _why(self) -> str:
        passed = self.passed_over
        parts = [f"{kind}: {words}" for kind, words in self.unused.words.items()]
        if passed:
            name, words = next(iter(passed.items()))
            parts.append(f"{len(passed)} passed over, such as `{name}`: {words}")
        return "".join(f"; {part}" for part in parts)


class ApiCatalog:
    """A STAC API, asked by place and time; everything else is sorted out here, since servers answer it wrongly."""

    def __init__(
        self, location: str, offered: dict[str, str], web: WebClient, *, asked: AskedCollections, page_size: int
    ) -> None:
        """Of the addresses of its search by method; nothing is asked yet."""
        self._location = location
        self._posts = "POST" in offered
        self._address = offered["POST"] if self._posts else next(iter(offered.values()))
        self._web = web
        self._asked = asked
        self._page_size = page_size
        self._items_of = _Reading(web, asked.ids)
        self.files = RasterFiles(web, web.limits)

    @property
    def label(self) -> str:
        """The address."""
        return without_secrets(self._location)

    @property
    def passed_over(self) -> dict[str, str]:
        """Why each item that could not be used was passed over, by its name."""
        return dict(self._items_of.passed_over)

    @property
    def unused(self) -> UnusedItems:
        """Well-formed items that are of no use here."""
        return self._items_of.unused

    def items(self, bounds: Bounds, *, since: date, until: date) -> Sequence[SceneItem]:
        """The items that the API finds, from all pages of its answer."""
        question: JsonObject = {
            "bbox": list(bounds),
            "datetime": f"{since}T00:00:00Z/{until + timedelta(days=1)}T00:00:00Z",
            "limit": self._page_size,
        }
        if self._asked.ids:
            question["collections"] = list(self._asked.ids)
        pages = JsonPages(self._web, self._web.limits)
        try:
            read = list(self._read(pages, question))
        except ImageryError as error:
            raise _unreadable(self._location, error) from error
        return read

    def _read(self, pages: JsonPages, question: JsonObject) -> Iterator[SceneItem]:
        """What the API lists. A collection that brings nothing has to be there: a renamed one would look unseen."""
        tally = SearchTally()
        try:
            for feature in search(pages, self._address, question, posts=self._posts, tally=tally):
                if (item := self._items_of.item(feature, base=_self_of(feature, self._address))) is not None:
                    yield item
        except ImageryError as error:
            if status_behind(error) in UNKNOWN:
                self._asked.check(pages, ())
            raise
        self._asked.check(pages, tally.collections)
        if tally.missing:
            words = f"the catalog says that it lists {tally.matched} items and gave {len(tally.given)}"
            self._items_of.pass_over(
                f"search of {question['datetime']}", ImageryError(f"{words}; the next run asks again")
            )


@dataclass
class AskedCollections:
    """The collections that an API is asked for, and where it lists those that it has; None where it does not."""

    ids: tuple[str, ...]
    listing: str | None
    _known: set[str] = field(default_factory=set)

    def check(self, pages: JsonPages, answered: Collection[str]) -> None:
        """Look for each collection of which nothing came, once; raises `ImageryError` for one that is not there."""
        self._known.update(answered)
        for name in self.ids:
            if self.listing is None or name in self._known:
                continue
            try:
                pages.read(f"{self.listing.rstrip('/')}/{quote(name)}")
            except ImageryError as error:
                if status_behind(error) != NOT_THERE:
                    raise
                raise ImageryError(
                    f"it has no collection `{name}` any more{self._others(pages)}; it may have been renamed, and until "
                    f"Sitewatch is told, nothing of it is seen: name another catalog or preset"
                ) from error
            self._known.add(name)

    def _others(self, pages: JsonPages) -> str:
        """Those of the same satellite that it has."""
        listed = pages.read(str(self.listing)).get("collections")
        names = [str(one.get("id")) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        alike = [printable(name, longest=60) for name in names if "sentinel" in name.lower()][:MOST_NAMED]
        return f", but {', '.join(f'`{name}`' for name in alike)}" if alike else ""


class _Reading:
    """The items of a catalog as scenes' items, and those that are passed over."""

    def __init__(self, web: WebClient, collections: Sequence[str]) -> None:
        self._rules = web.rules
        self._collections = collections
        self.passed_over: dict[str, str] = {}
        self.unused = UnusedItems()

    def item(self, said: JsonObject, *, base: str, href: str | None = None) -> SceneItem | None:
        """What the JSON of an item offers; None for one that is not wanted, of another kind, or passed over."""
        name = said.get("id")
        name = name if isinstance(name, str) and name.strip() else base
        collection = said.get("collection")
        if self._collections and collection not in self._collections:
            kind = ItemKind(collection if isinstance(collection, str) else "", "")
            self.unused.add(name, kind, f"not asked for: the collections are {', '.join(self._collections)}")
            return None
        try:
            return read_scene_item(said, href=href, locate=self._locate(base))
        except UnusedItemError as error:
            self.unused.add(name, error.kind, str(error))
        except ImageryError as error:
            self.pass_over(name, error)
        return None

    def pass_over(self, name: str, error: ImageryError) -> None:
        """Keep why something is passed over."""
        self.passed_over[_shown(name)] = printable(error)

    def _locate(self, base: str) -> Callable[[Asset], str]:
        return partial(_place_of, self._rules.resolved, base)


def _place_of(resolved: Callable[[str, str], str], base: str, asset: Asset) -> str:
    return resolved(base, asset.href)


def _self_of(feature: JsonObject, address: str) -> str:
    """What the addresses of a feature are relative to: its own, or that of the search."""
    own = [str(link.get("href")) for link in links_of(feature) if link.get("rel") == "self"]
    return next(filter(is_url, own), address)


def _shown(place: str) -> str:
    return printable(without_secrets(place), longest=200)


def _unreadable(location: str, error: ImageryError) -> ImageryError:
    return ImageryError(
        f"catalog `{_shown(location)}` cannot be read ({printable(error)}); check the address and try again"
    )
