"""Parts of files in object stores, as `WebFile` asks for them: with the operator's credentials, within the limits."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError

from flows.imagery.catalog_rules import BUCKET
from flows.imagery.limits import USUAL_LIMITS, Limits
from flows.imagery.network.answer_counts import AnswerCounter, AnswerFault
from flows.imagery.network.bucket import Bucket
from flows.imagery.network.retry import TransientError
from flows.imagery.scene import ImageryError
from flows.imagery.web import OK, PARTIAL, WebResponse
from flows.printable import printable

_YES = ("YES", "TRUE", "ON", "1")
_REFUSED = (PermissionDeniedError, UnauthenticatedError, PermissionError)


class BucketParts:
    """The object stores that one catalog may name. Safe to use from several threads."""

    def __init__(self, limits: Limits = USUAL_LIMITS) -> None:
        """Nothing is asked yet."""
        self.limits = limits
        self.counter = AnswerCounter()
        self._stores: dict[str, Any] = {}
        self._lock = threading.Lock()

    def get(self, address: str, *, most: int, part: tuple[int, int] | None = None) -> WebResponse:
        """Return a part of a file: `part` is its first and last byte, and at most `most` bytes may come.

        Raises `TransientError` where it may be had later, and `ImageryError` where it is not there or not for us.
        """
        try:
            answer = self._get(address, most, part)
        except TransientError:
            self.counter.note(AnswerFault.LOST)
            raise
        except ImageryError:
            self.counter.note(AnswerFault.REFUSED)
            raise
        self.counter.note()
        return answer

    def _get(self, address: str, most: int, part: tuple[int, int] | None) -> WebResponse:
        bucket, _, key = address.removeprefix(BUCKET).partition("/")
        first, last = part or (0, most - 1)
        try:
            store = self._store(bucket)
            found = store.get(key, options={"range": (first, last + 1)})
            begin, end = found.range
            content = bytes(found.bytes())
        except (NotFoundError, FileNotFoundError):
            raise ImageryError("there is no such file in its bucket") from None
        except _REFUSED:
            raise ImageryError(f"bucket `{bucket}` refuses the credentials in the `AWS_…` variables") from None
        except ValueError as error:
            raise ImageryError(_line(error)) from None
        except (BaseError, OSError) as error:
            if first == 0 and _is_empty(store, key):
                return WebResponse(OK, {}, b"", address)
            raise TransientError(f"bucket `{bucket}` does not answer ({_line(error)})") from None
        said = {"content-range": f"bytes {begin}-{end - 1}/{found.meta['size']}"}
        return WebResponse(PARTIAL, said, content, address)

    def _store(self, bucket: str) -> Any:
        with self._lock:
            if bucket not in self._stores:
                opened = Bucket(f"{BUCKET}{bucket}", holds="imagery", options=s3_options(os.environ))
                self._stores[bucket] = opened.store
            return self._stores[bucket]


def s3_options(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that GDAL and other tools know by other names than the store's own `AWS_…` variables."""
    options = {}
    if environment.get("AWS_NO_SIGN_REQUEST", "").upper() in _YES:
        options["aws_skip_signature"] = "true"
    host = environment.get("AWS_S3_ENDPOINT", "")
    if host and "AWS_ENDPOINT_URL" not in environment:
        scheme = "http" if environment.get("AWS_HTTPS", "").upper() in ("NO", "FALSE", "OFF", "0") else "https"
        options["aws_endpoint"] = host if "://" in host else f"{scheme}://{host}"
    return options


def _is_empty(store: Any, key: str) -> bool:
    """Whether a file has no byte: then no part of it can be asked for."""
    try:
        return bool(store.head(key)["size"] == 0)
    except (BaseError, OSError):
        return False


def _line(error: Exception) -> str:
    return printable(" ".join(str(error).split("Debug source")[0].split()), longest=200)
