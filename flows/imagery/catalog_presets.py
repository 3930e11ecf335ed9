"""The public catalogs by name: where each is, what of it is asked for, and where its files are."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flows.imagery.network.url import is_url


@dataclass(frozen=True)
class CatalogPreset:
    """A public catalog that can be named in place of an address.

    `collections` are those that hold calibrated Sentinel-1 or Sentinel-2, each pass once. `file_hosts` are where its
    files are, beside its own host. `is_signed` tells whether its files want the tokens of the Planetary Computer.
    """

    name: str
    address: str
    collections: tuple[str, ...]
    file_hosts: tuple[str, ...]
    is_signed: bool = False

    @property
    def host(self) -> str:
        """The host of its address."""
        return urlsplit(self.address).hostname or ""


_EARTH_SEARCH = "https://earth-search.aws.element84.com/v1"
_EARTH_SEARCH_FILES = (
    "sentinel-cogs.s3.us-west-2.amazonaws.com",
    "e84-earth-search-sentinel-data.s3.us-west-2.amazonaws.com",
)
_PLANETARY_COMPUTER = "https://planetarycomputer.microsoft.com/api/stac/v1"
_BLOBS = ("*.blob.core.windows.net",)
# As of November 2026; the README of this room says what is odd about each, and who says so. The first of a host is
# meant by its plain address. Left out: top-of-atmosphere, uncalibrated radar, other satellites, and the same again.
PRESETS = (
    CatalogPreset("earth-search", _EARTH_SEARCH, ("sentinel-2-l2a",), _EARTH_SEARCH_FILES),
    CatalogPreset("earth-search-c1", _EARTH_SEARCH, ("sentinel-2-c1-l2a",), _EARTH_SEARCH_FILES),
    CatalogPreset(
        "planetary-computer", _PLANETARY_COMPUTER, ("sentinel-2-l2a", "sentinel-1-rtc"), _BLOBS, is_signed=True
    ),
    CatalogPreset("planetary-computer-rtc", _PLANETARY_COMPUTER, ("sentinel-1-rtc",), _BLOBS, is_signed=True),
    CatalogPreset("cdse-stac", "https://stac.dataspace.copernicus.eu/v1", ("sentinel-2-l2a",), ("s3://eodata",)),
)
USUAL_PRESET = PRESETS[0]


@dataclass(frozen=True)
class CatalogChoice:
    """The catalog that was named: its address or path, and the collections that are asked for; all where none are."""

    location: str
    collections: tuple[str, ...] = ()
    is_signed: bool = False


def chosen_catalog(named: str | None) -> CatalogChoice:
    """Return the catalog that is meant by the name of a preset, an address, a path, or by None: Earth Search.

    The plain address of a public catalog means its first preset.
    """
    if named is None:
        return _choice(USUAL_PRESET, USUAL_PRESET.address)
    of_name = next((preset for preset in PRESETS if preset.name == named), None)
    if of_name is not None:
        return _choice(of_name, of_name.address)
    of_host = None
    if is_url(named):
        host = urlsplit(named).hostname
        of_host = next((preset for preset in PRESETS if preset.host == host), None)
    return CatalogChoice(named) if of_host is None else _choice(of_host, named)


def _choice(preset: CatalogPreset, location: str) -> CatalogChoice:
    return CatalogChoice(location, preset.collections, preset.is_signed)
