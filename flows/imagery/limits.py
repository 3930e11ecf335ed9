"""How much a catalog and its files may take: bytes, pixels, items, depth and time, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What one catalog, one page of it, and one file may take. All chosen on 2026-11-29.

    Attributes
    ----------
    page_bytes, item_bytes
        Of one JSON document, unpacked. Real pages: 1.5 MB for 100 items of Earth Search, 10 MB for a folder of 50,000
        links; a real item: 10 to 100 kB.
    search_bytes
        Of all pages of one search. 10,000 items of Earth Search have 150 MB.
    pages
        Documents read in one search. A static catalog has one for each item.
    items
        Of one catalog or search, folders included: a place in 20 overlapping tiles, seen twice a week for 20 years.
    items_a_scene
        Of one pass of a satellite over one area. A region of 100 × 100 km lies in some 9 tiles.
    depth
        Of folders of a catalog, and of lists and objects within one document. Real ones have 5 and 12.
    search_s
        Of one search, with all its pages, waits and tries.
    connect_s
        A connection to one address of a host, where another can be tried after it.
    exchange_s, slowest_bytes_s, longest_exchange_s
        One request may take `exchange_s`, and a second more for each `slowest_bytes_s` that came, and never longer than
        `longest_exchange_s`: a byte a second ends, a large file over a slow line does not.
    late, busy
        Requests that may end so in one run, less one for each 100 in time, before the catalog's hosts are not asked
        again; and answers one after the other that ask to come again later, before its hosts get a rest of
        `longest_wait_s`.
    redirects
        That are followed for one request.
    tries, longest_wait_s
        Of one request that may pass by itself, and the wait between two, whatever the server asks for.
    file_bytes
        Fetched from one file, and of a file whose server gives no parts. A whole band of a Sentinel-2 tile has 241 MB.
    block_bytes
        Of one strip or tile of a raster, unpacked: GDAL unpacks it whole to read a pixel of it. A whole band of a
        Sentinel-2 tile in one strip is taken.
    bands
        Of one file.
    raster_pixels
        Of one band. A country of 1,000 × 1,000 km at 10 m.
    read_pixels
        Of one band for one scene: four whole Sentinel-2 tiles.
    """

    page_bytes: int = 16 * MB
    item_bytes: int = 4 * MB
    search_bytes: int = 500 * MB
    pages: int = 100_000
    items: int = 50_000
    items_a_scene: int = 200
    depth: int = 64
    search_s: float = 900.0
    connect_s: float = 5.0
    exchange_s: float = 30.0
    slowest_bytes_s: float = 20_000.0
    longest_exchange_s: float = 900.0
    late: int = 10
    busy: int = 40
    redirects: int = 5
    tries: int = 4
    longest_wait_s: float = 20.0
    file_bytes: int = 1_000 * MB
    block_bytes: int = 256 * MB
    bands: int = 256
    raster_pixels: int = 10_000_000_000
    read_pixels: int = 500_000_000


USUAL_LIMITS = Limits()
