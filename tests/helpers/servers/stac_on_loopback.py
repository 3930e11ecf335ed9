"""A STAC API in this process that answers as a test says: its pages, its collections, and the files of its items."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from hostile_web import Answer, HostileWeb, hostile_web

Page = dict[str, Any]


@dataclass
class StacOnLoopback:
    """What it answers: `pages` to a search, one after the other, and `collections` that it has."""

    web: HostileWeb
    pages: list[Page] = field(default_factory=list)
    collections: list[str] = field(default_factory=lambda: ["sentinel-2-l2a"])
    searches: int = 0

    @property
    def address(self) -> str:
        """Its address."""
        return self.web.address

    def lists(self, *pages: list[Any], matched: int | None = None) -> None:
        """Answer searches with these pages of items from now on."""
        self.pages = [
            {"type": "FeatureCollection", "features": items, **({} if matched is None else {"numberMatched": matched})}
            for items in pages
        ]
        for number, page in enumerate(self.pages[:-1], start=1):
            body = {"token": str(number)}
            link = {"rel": "next", "href": f"{self.address}/search", "method": "POST", "body": body, "merge": True}
            page["links"] = [link]

    def answer_search(self, handler: BaseHTTPRequestHandler) -> None:
        """The next page; after the last one comes the first."""
        give(handler, json.dumps(self.pages[self.searches % len(self.pages)]).encode())
        self.searches += 1


def give(handler: BaseHTTPRequestHandler, content: bytes, *, status: int = 200, **headers: str) -> None:
    """Answer so."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(content)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


def page_for_people(title: str = "Maintenance") -> Answer:
    """An answer of 200 with a page of HTML."""
    content = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>Back soon</body></html>".encode()
    return lambda handler: give(handler, content, Content_Type="text/html")


@contextmanager
def stac_on_loopback(folder: Path) -> Iterator[StacOnLoopback]:
    """An API over the items of a folder that a `CatalogMaker` wrote; at first it lists none of them."""
    with hostile_web() as web:
        api = StacOnLoopback(web)
        links = [
            {"rel": "search", "href": f"{web.address}/search", "method": "POST"},
            {"rel": "data", "href": f"{web.address}/collections"},
        ]
        web.put("/", json.dumps({"type": "Catalog", "id": "loopback", "links": links}).encode())
        web.put("/search", lambda handler: api.answer_search(handler))
        for path in folder.rglob("*.tif"):
            web.put(f"/{path.relative_to(folder)}", path.read_bytes())
        web.put("/collections", lambda handler: give(handler, json.dumps(_listed(api)).encode()))
        yield api


def _listed(api: StacOnLoopback) -> dict[str, Any]:
    return {"collections": [{"id": name} for name in api.collections]}
