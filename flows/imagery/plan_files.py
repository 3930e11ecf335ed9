"""Where acquisition plans come from, and the copies that are kept: files, folders, addresses, and pages that link."""

from __future__ import annotations

import gzip
import logging
import re
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from lxml import html
from lxml.etree import ParserError

from aois.area import Area
from flows.files import atomic_write, private_folder
from flows.imagery.acquisition_plans import AcquisitionPlan, AreaPlan, plan_over, planned_time, read_plan
from flows.imagery.catalog_rules import RefusedPlaceError, rules_for
from flows.imagery.limits import USUAL_LIMITS, Limits
from flows.imagery.network.retry import RetryPolicy
from flows.imagery.network.url import is_url, without_secrets
from flows.imagery.scene import ImageryError
from flows.imagery.web import WebClient, is_page_for_people
from flows.printable import printable

FOLDER = "plans"  # of the outputs
MOST_FILES = 60  # of one place: ESA's page of Sentinel-1 links to some ten for each satellite
LONG_AGO = timedelta(days=40)  # three cycles of a satellite after the end of a plan
FIRST_WAIT_S = 0.3
_STAMPED = re.compile(r"(?i)s(entinel-)?[12][a-z]_mp_\S*\d{8}t\d{6}")
_ENDING = ".kml"
log = logging.getLogger("sitewatch.imagery")


def keep_plans(places: Sequence[str], folder: Path) -> int:
    """Keep a copy of each plan at some places that is not kept yet, under its name and hash; return how many are new.

    Raises `ImageryError` for a place or a file that cannot be used; plans that were read before it are kept.
    """
    new = 0
    for place in places:
        for name, content in plans_at(place):
            read_plan(name, content)
            path = folder / f"{_safe(name)}-{sha256(content).hexdigest()[:16]}.gz"
            if not path.exists():
                private_folder(folder)
                atomic_write(path, gzip.compress(content, mtime=0))
                new += 1
    return new


def kept_plans(folder: Path, *, known_by: date) -> tuple[AcquisitionPlan, ...]:
    """Return the plans of which a copy is kept that had begun by a day and had not ended long before it.

    One that is damaged is passed over, which the log says.
    """
    found = (_kept(str(path)) for path in sorted(folder.glob("*.gz")) if _is_of_that_time(path.name, known_by))
    return tuple(plan for plan in found if plan is not None)


def _is_of_that_time(name: str, known_by: date) -> bool:
    times = planned_time(name)
    return times is None or (times[0].date() <= known_by and known_by - times[1].date() <= LONG_AGO)


def plans_over(areas: Iterable[Area], outputs: Path, *, known_by: date) -> dict[str, AreaPlan]:
    """Return what the plans kept in some outputs that had begun by a day say of each area, by its id."""
    plans = kept_plans(outputs / FOLDER, known_by=known_by)
    return {area.id: plan_over(area, plans, known_by=known_by) for area in areas}


@lru_cache(maxsize=512)
def _kept(path: str) -> AcquisitionPlan | None:
    name, _, mark = Path(path).name.removesuffix(".gz").rpartition("-")
    try:
        content = gzip.decompress(Path(path).read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        log.warning(
            "acquisition plan %s cannot be read (%s); delete it, and the next run fetches it again", path, error
        )
        return None
    if sha256(content).hexdigest()[:16] != mark:
        log.warning("acquisition plan %s is damaged; delete it, and the next run fetches it again", path)
        return None
    return read_plan(name, content)


def plans_at(place: str, *, limits: Limits = USUAL_LIMITS) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each plan at a place: a file, a folder, an address, or a page with links.

    What is on the web is asked for as a catalog is: on its own host alone, within the limits.
    """
    if not is_url(place):
        yield from _on_disk(Path(place), limits)
        return
    try:
        client = WebClient(rules_for(place), limits)
        content = _asked(client, place)
        if not is_page_for_people(content):
            yield _name_of(place), content
            return
        for address in _links(client, place, content):
            yield _name_of(address), _asked(client, address)
    except ImageryError as error:
        raise ImageryError(f"acquisition plans at `{_shown(place)}`: {error}") from error


def _asked(client: WebClient, address: str) -> bytes:
    limits = client.limits
    policy = RetryPolicy(limits.tries, FIRST_WAIT_S, limits.longest_wait_s, time.sleep)
    return policy.retry(lambda: client.get(address, most=limits.page_bytes)).content


def _links(client: WebClient, page: str, content: bytes) -> list[str]:
    """The plans that a page links to on its own host, each once, the newest first."""
    try:
        hrefs = [str(href) for href in html.fromstring(content).xpath("//a/@href")]
    except (ParserError, ValueError):
        hrefs = []
    found: dict[str, str] = {}
    for href in (href for href in hrefs if _is_plan(_name_of(href))):
        try:
            found.setdefault(_name_of(href).lower(), client.rules.resolved(page, href))
        except RefusedPlaceError:
            continue
    if not found:
        raise ImageryError("this page links to no plan on its own host; name a KML file, or a folder of them")
    newest = sorted(found, key=lambda name: (re.findall(r"\d{8}t\d{6}", name)[:1], name), reverse=True)
    return [found[name] for name in newest[:MOST_FILES]]


def _on_disk(place: Path, limits: Limits) -> Iterator[tuple[str, bytes]]:
    try:
        is_folder = place.is_dir()
        paths = sorted(p for p in place.iterdir() if p.is_file() and _is_plan(p.name)) if is_folder else [place]
        if not paths:
            raise ImageryError(f"acquisition plans in `{place}`: there is no KML file; put ESA's files there")
        for path in paths:
            if path.stat().st_size > limits.page_bytes:
                raise ImageryError(f"acquisition plan `{path}` is larger than {limits.page_bytes / 1e6:g} MB")
            yield path.name, path.read_bytes()
    except OSError as error:
        words = printable(error.strerror or error)
        raise ImageryError(f"acquisition plans at `{place}` cannot be read: {words}") from error


def _is_plan(name: str) -> bool:
    """ESA's own names have no ending on the web: ``s1c_mp_user_20261002t172332_20261024t194000``."""
    return name.lower().endswith(_ENDING) or _STAMPED.match(name) is not None


def _name_of(address: str) -> str:
    return address.partition("?")[0].rstrip("/").rpartition("/")[2]


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]", "_", name)[:120].lstrip(".") or "plan"


def _shown(place: str) -> str:
    return printable(without_secrets(place), longest=200)
