"""What a catalog may name: addresses on its own host and on hosts that the operator allows, files in its own folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin
from urllib.request import url2pathname

import httpx

from flows.imagery.address_scope import AddressScope
from flows.imagery.catalog_presets import PRESETS
from flows.imagery.network.url import is_url, without_secrets
from flows.imagery.scene import ImageryError
from flows.printable import printable

SETTING = "SITEWATCH_CATALOG_HOSTS"
PORTS = {"http": 80, "https": 443}
BUCKET = "s3://"
# Where the public catalogs keep their files. All of them are also allowed to a catalog on disk.
KNOWN_HOSTS = {preset.host: preset.file_hosts for preset in PRESETS}
ANY_KNOWN = tuple(name for names in KNOWN_HOSTS.values() for name in names if not name.startswith(("*", BUCKET)))
_NAME = re.compile(r"(\*\.)?(?P<host>\[[0-9a-f:.]+\]|[^\s/:@\[\]*?#]+)(:(?P<port>\d{1,5}))?")
LONGEST_NAME = 4_000  # characters; signed addresses have some 500
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BUCKET_NAME = re.compile(r"s3://[A-Za-z0-9][A-Za-z0-9._-]+/?")
_BUCKET_FILE = re.compile(r"s3://[A-Za-z0-9][A-Za-z0-9._-]+/[^\x00-\x1f?#!|]+")


class RefusedPlaceError(ImageryError):
    """A catalog names what it may not; the message says what, and how the operator allows it if it can be allowed."""


@dataclass(frozen=True)
class Host:
    """A host that may be asked; with `below` each name that ends so. `port` None is the scheme's own."""

    name: str
    port: int | None = None
    below: bool = False

    def matches(self, name: str, port: int, scheme: str) -> bool:
        """Return whether that host and port are meant."""
        if (self.port or PORTS[scheme]) != port:
            return False
        return name.endswith(f".{self.name}") if self.below else name == self.name


@dataclass(frozen=True)
class CatalogRules:
    """What one catalog may name.

    `location` is its address or its path; `folders` are where the files of a catalog on disk may lie, its own first.
    `allowed` are the operator's hosts; `known` those of the public catalogs, which must lie on the public internet;
    `buckets` the object stores, as ``s3://name``.
    """

    location: str
    own: Host | None
    folders: tuple[str, ...] = ()
    allowed: tuple[Host, ...] = ()
    known: tuple[Host, ...] = ()
    buckets: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_web(self) -> bool:
        """Whether the catalog lies on the web."""
        return not self.folders

    def resolved(self, base: str, href: object) -> str:
        """Return the whole address of a link or file that the document at `base` names.

        Raises `RefusedPlaceError` for one that the catalog may not name.
        """
        if not isinstance(href, str) or not 0 < len(href) <= LONGEST_NAME or _HIDDEN.search(href):
            raise RefusedPlaceError(f"`{printable(href)}` is not an address")
        if href.startswith(BUCKET):
            return self._bucket(href)
        if is_url(href) or is_url(base):
            try:
                address = urljoin(base, href) if is_url(base) else href
            except ValueError:
                raise RefusedPlaceError(f"`{printable(href)}` is not an address") from None
            self.check(address)
            return address
        return self._local(base, href)

    def check(self, address: str) -> httpx.URL:
        """Return an address on the web that may be asked, taken apart; raises `RefusedPlaceError` for any other."""
        url = parsed(address)
        shown = _shown(address)
        if url is None:
            raise RefusedPlaceError(
                f"`{shown}` is not an address of the web, and this catalog may name nothing else: no path, no /vsi "
                f"name, no other scheme"
            )
        host = self.host_of(url)
        if url.scheme == "http" and (host in self.known or not self._is_plain()):
            raise RefusedPlaceError(
                f"`{shown}` is not encrypted, but the catalog is; ask its owner to name it by https"
            )
        if host is None:
            port = "" if url.port is None else f":{url.port}"
            raise RefusedPlaceError(
                f"`{shown}` lies on another host than the catalog; if it belongs to it, add {url.host}{port} to "
                f"{SETTING}"
            )
        return url

    def host_of(self, url: httpx.URL) -> Host | None:
        """Return the rule by which a host may be asked, None where it may not."""
        port = url.port or PORTS[url.scheme]
        own = () if self.own is None else (self.own, Host(self.own.name, 443))
        hosts: tuple[Host, ...] = (*own, *self.allowed, *self.known)
        for host in hosts:
            if host.matches(url.host.lower().rstrip("."), port, url.scheme):
                return host
        return None

    def farthest(self, host: Host | None, own: AddressScope | None) -> AddressScope:
        """Return how far from the public internet a host may lie, for a catalog that lies itself at `own`.

        A public catalog leads nowhere but to public addresses, unless the operator allows an address itself; one on
        disk to whatever the operator allows.
        """
        if host is None or host in self.known:
            return AddressScope.PUBLIC
        if not self.is_web or _is_literal(host.name):
            return AddressScope.LINK
        return AddressScope.LINK if own is None else own

    def _is_plain(self) -> bool:
        return self.location.startswith("http://") or not self.is_web

    def _local(self, base: str, href: str) -> str:
        named = url2pathname(href.removeprefix("file://")) if href.startswith("file:///") else href
        if self.is_web or _SCHEME.match(named):
            raise RefusedPlaceError(f"`{_shown(href)}` is not an address that this catalog may name")
        path = os.path.normpath(os.path.join(os.path.dirname(base), named))  # noqa: PTH118, PTH120
        if not any(path.startswith(folder.rstrip("/") + "/") for folder in self.folders):
            raise RefusedPlaceError(
                f"`{_shown(href)}` lies outside the catalog's folder; to allow that, add its folder to {SETTING}"
            )
        return path

    def _bucket(self, href: str) -> str:
        bucket = "/".join(href.split("/")[:3])
        if _BUCKET_FILE.fullmatch(href) is None or ".." in href.split("/"):
            raise RefusedPlaceError(f"`{_shown(href)}` is not a file in a bucket")
        if bucket not in self.buckets:
            raise RefusedPlaceError(f"`{_shown(href)}` lies in an object store; to allow it, add {bucket} to {SETTING}")
        return href


def rules_for(location: str, hosts: Sequence[str] = (), *, also: Iterable[str] = ()) -> CatalogRules:
    """Return the rules for the catalog at a path or an address.

    Parameters
    ----------
    location
        Where the catalog is, as the operator names it.
    hosts
        What the operator allows beside: ``name``, ``name:port``, ``*.name`` for all names below, ``s3://bucket``, and
        for a catalog on disk ``/folder``.
    also
        Further hosts that belong to it.

    Raises
    ------
    ImageryError
        For an address or a name that is none.
    """
    names = [*hosts, *also]
    buckets = frozenset(name.rstrip("/") for name in names if _BUCKET_NAME.fullmatch(name))
    folders = tuple(os.path.normpath(name) for name in names if name.startswith("/"))
    allowed = tuple(_host(name) for name in names if name.rstrip("/") not in buckets and not name.startswith("/"))
    if not is_url(location):
        if "://" in location:
            raise ImageryError(f"catalog `{_shown(location)}` is neither a path nor an address of the web")
        folder = os.path.dirname(os.path.abspath(location))  # noqa: PTH100, PTH120
        return CatalogRules(location, None, (folder, *folders), allowed, tuple(map(_host, ANY_KNOWN)), buckets)
    url = parsed(location)
    if url is None:
        raise ImageryError(f"catalog `{_shown(location)}` is not an address; write it as https://host/…")
    pairs = KNOWN_HOSTS.get(url.host, ())
    known = tuple(_host(name) for name in pairs if not name.startswith(BUCKET))
    own = Host(url.host.lower().rstrip("."), url.port or PORTS[url.scheme])
    return CatalogRules(location, own, (), allowed, known, buckets | {n for n in pairs if n.startswith(BUCKET)})


def parsed(address: str) -> httpx.URL | None:
    """Return an address of the web taken apart, None for anything else."""
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        return None
    is_whole = url.scheme in PORTS and bool(url.host) and url.port not in (0,)
    return url if is_whole else None


def _host(name: str) -> Host:
    match = _NAME.fullmatch(name.lower().rstrip("."))
    if match is None or int(match["port"] or 1) not in range(1, 65_536):
        raise ImageryError(
            f"setting {SETTING}: `{printable(name)}` is no host; write names separated by blanks, such as "
            f"files.example.org, *.example.org, files.example.org:8443, s3://bucket or /folder"
        )
    port = None if match["port"] is None else int(match["port"])
    return Host(match["host"].strip("[]"), port, below=match[1] is not None)


def _is_literal(name: str) -> bool:
    return name == "localhost" or re.fullmatch(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*", name) is not None


def _shown(address: str) -> str:
    """An address for a message, without keys and hidden characters."""
    try:
        return printable(without_secrets(address), longest=200)
    except ValueError:
        return printable(address.partition("?")[0], longest=200)
