"""Listing the items of a catalog: a tree of pages walked within its limits, or the answers of a search API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlencode

from pydantic import JsonValue

from flows.imagery.catalog_rules import RefusedPlaceError
from flows.imagery.host_patience import SlowError
from flows.imagery.json_pages import JsonPages, PageError, SearchEndError
from flows.imagery.network.retry import TransientError
from flows.imagery.scene import ImageryError
from flows.printable import printable
from flows.records.json_object import JsonObject

AT_ONCE = 8  # pages of a catalog on the web that are asked for at the same time
ITEM, CHILD = "item", "child"
TIMES = 2  # a search is asked

Found = tuple[str, JsonObject | ImageryError]


@dataclass(frozen=True)
class _Link:
    """What a page names: an item or a folder at a place, or why it may not be read."""

    place: str
    is_folder: bool
    refusal: ImageryError | None = None


def walk(pages: JsonPages, location: str, root: Mapping[str, JsonValue]) -> Iterator[Found]:
    """Give each item's address with its JSON, or why it is passed over; so too for folders that cannot be read.

    Each address is read once, so that a catalog that names itself ends. Raises `SearchEndError` at one of the limits,
    and `ImageryError` where a page cannot be had just now.
    """
    seen = {location}
    level = _fresh(_links(pages, location, root), seen, pages)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(pages.limits.depth):
            below: list[_Link] = []
            for start in range(0, len(level), AT_ONCE):  # few at a time: each may be large
                some = level[start : start + AT_ONCE]
                read = partial(_page, pages)
                answers = pool.map(read, some) if pages.web.rules.is_web else map(read, some)
                for link, page in zip(some, answers, strict=True):
                    if link.is_folder and not isinstance(page, ImageryError):
                        below += _fresh(_links(pages, link.place, page), seen, pages)
                    else:
                        yield link.place, page
            if not below:
                return
            level = below
    raise SearchEndError(f"its folders are nested deeper than {pages.limits.depth}")


def _fresh(links: Iterator[_Link], seen: set[str], pages: JsonPages) -> list[_Link]:
    """The links to what was not seen yet, which is seen now."""
    fresh = []
    for link in links:
        if link.place in seen:
            continue
        seen.add(link.place)
        fresh.append(link)
        if len(seen) > pages.limits.items:
            raise SearchEndError(f"it lists more than {pages.limits.items} items")
    return fresh


@dataclass
class SearchTally:
    """What a search has given: its items by collection and id, and how many there are by its own word, if it says."""

    given: set[tuple[str, str]] = field(default_factory=set)
    matched: int | None = None

    @property
    def missing(self) -> int:
        """How many of those that it says there are it did not give."""
        return 0 if self.matched is None else max(0, self.matched - len(self.given))

    @property
    def collections(self) -> set[str]:
        """Those of which it gave an item."""
        return {collection for collection, _ in self.given}

    def is_new(self, feature: Mapping[str, JsonValue]) -> bool:
        """Take note of a feature, and tell whether it came for the first time."""
        name = (str(feature.get("collection")), str(feature.get("id")))
        is_new = name not in self.given
        self.given.add(name)
        return is_new


def search(
    pages: JsonPages, address: str, question: Mapping[str, JsonValue], *, posts: bool, tally: SearchTally
) -> Iterator[JsonObject]:
    """Give each feature once that a search API lists; where it gives fewer than it says, it is asked a second time.

    Items that come or go while it is read move those on the next page: some are given twice, others on no page. Raises
    as `search_pages`.
    """
    for _ in range(TIMES):
        for page in search_pages(pages, address, question, posts=posts):
            tally.matched = _matched(page) if tally.matched is None else tally.matched
            features = page.get("features")
            for said in features if isinstance(features, list) else []:
                feature = said if isinstance(said, dict) else {}
                if tally.is_new(feature):
                    yield feature
        if not tally.missing:
            return


def _matched(page: Mapping[str, JsonValue]) -> int | None:
    context = page.get("context")
    said = page.get("numberMatched", context.get("matched") if isinstance(context, dict) else None)
    return said if isinstance(said, int) and not isinstance(said, bool) else None


def search_pages(
    pages: JsonPages, address: str, question: Mapping[str, JsonValue], *, posts: bool
) -> Iterator[JsonObject]:
    """Give the pages that a search API answers.

    Raises `PageError` for an answer that is none, `SearchEndError` at one of the limits, and `RefusedPlaceError` where
    it goes on at an address that it may not name.
    """
    asked: JsonObject | None = dict(question)
    if not posts:
        address, asked = f"{address}{'&' if '?' in address else '?'}{_query(question)}", None
    count, seen = 0, set()
    while (address, repr(asked)) not in seen:
        seen.add((address, repr(asked)))
        page = pages.answer(address, asked)
        features = page.get("features")
        if not isinstance(features, list):
            raise PageError("it answers a search with no list of features")
        count += len(features)
        if count > pages.limits.items:
            raise SearchEndError(f"it lists more than {pages.limits.items} items")
        yield page
        following = next((link for link in links_of(page) if link.get("rel") == "next"), None)
        if not features or following is None:
            return
        address = pages.web.rules.resolved(address, following.get("href", ""))
        asked = _asked_next(following, question)


def links_of(page: Mapping[str, JsonValue]) -> list[JsonObject]:
    """Return the links of a page that are any."""
    links = page.get("links")
    return [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []


def _asked_next(link: Mapping[str, JsonValue], question: Mapping[str, JsonValue]) -> JsonObject | None:
    if str(link.get("method", "GET")).upper() != "POST":
        return None
    body = link.get("body")
    said = body if isinstance(body, dict) else {}
    return {**question, **said} if link.get("merge") else dict(said)


def _query(question: Mapping[str, JsonValue]) -> str:
    said = {k: ",".join(map(str, v)) if isinstance(v, list | tuple) else str(v) for k, v in question.items()}
    return urlencode(said)


def _links(pages: JsonPages, place: str, page: Mapping[str, JsonValue]) -> Iterator[_Link]:
    for link in links_of(page):
        if link.get("rel") not in (ITEM, CHILD):
            continue
        try:
            yield _Link(pages.web.rules.resolved(place, link.get("href", "")), link["rel"] == CHILD)
        except RefusedPlaceError as error:
            yield _Link(printable(link.get("href")), link["rel"] == CHILD, error)


def _page(pages: JsonPages, link: _Link) -> JsonObject | ImageryError:
    """The page, or why it is passed over; what may be had later is raised, since a week must not miss it in silence."""
    if link.refusal is not None:
        return link.refusal
    try:
        return pages.read(link.place, most=None if link.is_folder else pages.limits.item_bytes)
    except PageError as error:
        if isinstance(error.__cause__, TransientError | SlowError):
            raise
        return error
