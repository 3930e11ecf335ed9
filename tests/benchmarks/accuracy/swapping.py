# mypy: disable-error-code="arg-type"
"""Names of a module exchanged for a while, and pure functions that remember what they gave."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

Factory = Callable[[Any], Any]


@contextmanager
def swapped(factories: Mapping[str, Factory]) -> Iterator[None]:
    """Within it, each dotted name stands for what its factory makes of the original.

    A name has to be that of the module which *uses* the function: ``from a import f`` binds it there. Raises
    `LookupError` for one that is not there.
    """
    places = [(*_place(name), factory) for name, factory in factories.items()]
    originals = [getattr(module, name) for module, name, _ in places]
    try:
        for (module, name, factory), original in zip(places, originals, strict=True):
            setattr(module, name, factory(original))
        yield
    finally:
        for (module, name, _), original in zip(places, originals, strict=True):
            setattr(module, name, original)


def _place(dotted: str) -> tuple[Any, str]:
    module, _, name = dotted.rpartition(".")
    place = importlib.import_module(module)
    if not hasattr(place, name):
        raise LookupError(f"`{dotted}`: `{module}` has nothing of that name any more; give the ablation its new one")
    return place, name


def remembering(memory: dict[tuple[Any, ...], Any]) -> Factory:
    """A factory of the same function that looks up calls it has had before, arrays compared by their bytes."""

    def factory(original: Callable[..., Any]) -> Callable[..., Any]:
        def remembered(*arguments: Any, **keywords: Any) -> Any:
            key = (original.__name__, *map(_key, arguments), *((n, _key(v)) for n, v in sorted(keywords.items())))
            if key not in memory:
                memory[key] = original(*arguments, **keywords)
            return memory[key]

        remembered.__name__ = original.__name__
        return remembered

    return factory


def _key(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return (value.shape, zlib.crc32(np.ascontiguousarray(value)))
    if hasattr(value, "scene_id"):
        return value.scene_id
    if isinstance(value, list | tuple):
        return tuple(map(_key, value))
    return repr(value)
