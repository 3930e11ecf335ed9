"""Why a network call failed, in words that fit into one line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from urllib3.exceptions import HTTPError

_OBJECT = re.compile(r"<[^<>]*object at 0x[^<>]*>:?\s*")


def cause_of(error: BaseException) -> str:
    """The innermost reason of a network error, else the error's own words.

    What libraries wrap around it names addresses whole, keys included, and objects by their place in memory.
    """
    chain = list(_reasons(error))
    inner = chain[-1] if any(isinstance(step, HTTPError) for step in chain) else error
    return _OBJECT.sub("", str(inner)).strip() or type(inner).__name__


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """The error and what lies behind it: as an argument, as `reason` (urllib3), or as what it was raised from."""
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        yield inner
        behind = [a for a in (*inner.args, getattr(inner, "reason", None)) if isinstance(a, BaseException)]
        inner = behind[0] if behind else inner.__cause__ or inner.__context__
