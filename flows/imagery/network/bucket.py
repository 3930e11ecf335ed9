"""An object store: its address, how long it is waited for, and what is said when it cannot be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import from_url

from flows.imagery.network.url import without_secrets
from flows.imagery.scene import ImageryError

SCHEMES = ("s3", "gs", "az", "abfs", "http", "https", "file", "memory")
MAX_RETRIES = 4
_RETRY_POLICY = timedelta(seconds=60)


class Bucket:
    """A bucket or a folder in one, as `store` for obstore. Safe to use from several threads.

    Credentials come from where the store's own tools take them, such as `AWS_ACCESS_KEY_ID`; another address than
    Amazon's from `AWS_ENDPOINT_URL`.
    """

    def __init__(self, url: str, *, holds: str, options: Mapping[str, str] | None = None) -> None:
        """Of an address such as `s3://bucket/sitewatch`; nothing is asked yet. `holds`: what is kept in it, in a word.

        `options` are obstore's, beside those that the environment gives.

        Raises `ImageryError` for an address that is none of an object store.
        """
        self.name = f"{holds} `{without_secrets(url)}`"
        if urlsplit(url).scheme not in SCHEMES:
            raise ImageryError(f"{self.name} is not an object store; write it as s3://bucket/folder")
        config: Any = dict(options) if options else None
        with self.told():
            self.store: Any = from_url(
                url,
                config=config,
                client_options={"allow_http": True, "timeout": _RETRY_POLICY},
                retry_config={"max_retries": MAX_RETRIES, "retry_timeout": _RETRY_POLICY},
            )

    @contextmanager
    def told(self) -> Iterator[None]:
        """What goes wrong with the store within the block is an `ImageryError` that says so."""
        try:
            yield
        except (BaseError, OSError, ValueError) as error:  # a bucket that is gone is a FileNotFoundError
            said = " ".join(str(error).split("Debug source")[0].split())[:200]
            raise ImageryError(
                f"{self.name} cannot be used ({said}); check the address, the bucket and the credentials"
            ) from None
