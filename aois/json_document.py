"""JSON from outside, read with limits."""

from __future__ import annotations

import json
from typing import Any

from aois.list_limits import LIMITS
from aois.wording import shown


class DocumentError(ValueError):
    """A text is no JSON that can be used; the message is what is wrong and the mend."""


def json_document(text: str) -> Any:
    """Read a JSON text from outside.

    Parameters
    ----------
    text
        The whole text.

    Returns
    -------
    Any: the value it holds, with `dict`, `list`, `str`, `int`, `float`, `bool` and None.

    Raises
    ------
    DocumentError
        For what is no JSON, is nested deeper or has more lists and objects than `LIMITS` allow, or gives a name twice
        in one object, of which one value would be lost without a word.
    """
    if text.count("[") + text.count("{") > LIMITS.containers:
        raise DocumentError(f"has more than {LIMITS.containers} lists and objects; split it into several files")
    try:
        document = json.loads(text, object_pairs_hook=_object_of)
    except DocumentError:
        raise
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"not JSON at line {error.lineno}, column {error.colno} ({error.msg}); correct it there, or export the "
            f"list again as GeoJSON"
        ) from None
    except (ValueError, RecursionError):
        raise DocumentError("not JSON that can be read; export the list again as GeoJSON") from None
    _refuse_depth(document)
    return document


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DocumentError(f"gives `{shown(twice)}` twice in one object; keep one of them")
    return found


def _refuse_depth(document: object) -> None:
    level = [document]
    for _ in range(LIMITS.depth):
        containers = [each for each in level if isinstance(each, dict | list)]
        level = [each for one in containers for each in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return
    if any(isinstance(each, dict | list) for each in level):
        raise DocumentError(f"is nested deeper than {LIMITS.depth} levels; export the list again as plain GeoJSON")
