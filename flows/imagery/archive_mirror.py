"""An object store behind the archive: what one machine has fetched, another need not fetch again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

from flows.imagery.address import without_secrets
from flows.imagery.archive_index import SHA_IN_NAME
from flows.imagery.scene import ImageryError

SCHEMES = ("s3", "gs", "az", "abfs", "http", "https", "file", "memory")
_RETRIES = 4
_PATIENCE = timedelta(seconds=60)


class Mirror:
    """Archived files in an object store, under the same names as on disk. Safe to use from several threads.

    Credentials come from where the store's own tools take them, such as `AWS_ACCESS_KEY_ID`; another address than
    Amazon's from `AWS_ENDPOINT_URL`. A file is written once: its name holds the start of its hash.
    """

    def __init__(self, url: str) -> None:
        """Of a bucket and, if wanted, a folder in it, such as `s3://bucket/sitewatch`; nothing is asked yet.

        Raises `ImageryError` for an address that is none of an object store.
        """
        self._label = without_secrets(url)
        if urlsplit(url).scheme not in SCHEMES:
            raise ImageryError(f"archive `{self._label}` is no object store; write it as s3://bucket/folder")
        with self._told():
            self._store = from_url(
                url,
                client_options={"allow_http": True, "timeout": _PATIENCE},
                retry_config={"max_retries": _RETRIES, "retry_timeout": _PATIENCE},
            )

    def names(self, folder: str) -> set[str]:
        """The names of the archived files in a folder."""
        with self._told():
            listed = [entry["path"] for page in obstore.list(self._store, prefix=f"{folder}/") for entry in page]
        names = {path.removeprefix(f"{folder}/") for path in listed}
        return {name for name in names if "/" not in name and name.endswith(".tif")}

    def get(self, folder: str, name: str) -> bytes:
        """A file's content; raises `ImageryError` unless it is what its name says."""
        with self._told():
            content = bytes(obstore.get(self._store, f"{folder}/{name}").bytes())
        found = hashlib.sha256(content).hexdigest()[:SHA_IN_NAME]
        if not name.endswith(f"-{found}.tif"):
            raise ImageryError(
                f"archive `{self._label}`: {folder}/{name} is damaged, its SHA-256 begins with {found}; take it out of "
                f"the object store to have it fetched again"
            )
        return content

    def put(self, folder: str, name: str, content: bytes) -> None:
        """The file stands in the store; one that is there already stays."""
        with self._told():
            try:
                obstore.put(self._store, f"{folder}/{name}", content, mode="create")
            except AlreadyExistsError:
                return

    def delete(self, folder: str, name: str) -> None:
        """The file is no longer in the store."""
        with self._told():
            try:
                obstore.delete(self._store, f"{folder}/{name}")
            except FileNotFoundError:
                return

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, ValueError) as error:
            said = " ".join(str(error).split("Debug source")[0].split())[:200]
            raise ImageryError(
                f"archive `{self._label}` cannot be used ({said}); check the address, the bucket and the credentials"
            ) from None
