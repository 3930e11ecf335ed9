"""Who asks, and where: the services of the Sentinel Hub protocol and an account with one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from flows.imagery.network.url import is_url, without_secrets
from flows.imagery.scene import ImageryError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Service(StrEnum):
    """The services that are known by name."""

    CDSE = "cdse"
    SENTINELHUB = "sentinelhub"


@dataclass(frozen=True)
class ServiceAccount:
    """Where requests and the credentials go, and the credentials, which show in no representation of it."""

    base_url: str
    token_url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)

    def __str__(self) -> str:
        """The service's address, without anything secret."""
        return without_secrets(self.base_url)

    def scrubbed(self, text: str) -> str:
        """A text of the service's or a library's, without the credentials if it should repeat them."""
        for secret in (self.client_secret, self.client_id):
            text = text.replace(secret, "…") if secret else text
        return text


# Base and token URL as both operators document them, November 2026.
_HOSTS = {
    Service.CDSE: (
        "https://sh.dataspace.copernicus.eu",
        "https://identity.dataspace.copernicus.eu/auth/realms/CDSE/protocol/openid-connect/token",
    ),
    Service.SENTINELHUB: (
        "https://services.sentinel-hub.com",
        "https://services.sentinel-hub.com/auth/realms/main/protocol/openid-connect/token",
    ),
}


def hosts_of(service: Service, *, base_url: str | None = None, token_url: str | None = None) -> tuple[str, str]:
    """The base and the token URL of a service, or of any other server when both are given.

    Raises `ImageryError` for one without the other, since the credentials would then go to a host that nobody named,
    and for an address without https other than on this machine.
    """
    if (base_url is None) != (token_url is None):
        missing = "SITEWATCH_SH_BASE_URL" if base_url is None else "SITEWATCH_SH_TOKEN_URL"
        raise ImageryError(f"setting {missing} is missing; set both addresses of the server, or neither")
    if base_url is None or token_url is None:
        return _HOSTS[service]
    for name, url in (("SITEWATCH_SH_BASE_URL", base_url), ("SITEWATCH_SH_TOKEN_URL", token_url)):
        _check(name, url)
    return base_url.rstrip("/"), token_url


def _check(name: str, url: str) -> None:
    host = urlsplit(url).hostname
    if not is_url(url) or not host:
        raise ImageryError(f"setting {name} `{without_secrets(url)}` is not an address; write it as https://host/…")
    if url.startswith("http://") and host not in LOOPBACK:
        raise ImageryError(f"setting {name} `{without_secrets(url)}` would send the credentials in clear; use https")
