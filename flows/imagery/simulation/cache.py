"""A small memory of things that are slow to build."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Slot(Generic[Value]):
    """One value, or the place where one thread is building it while the others wait."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.values: list[Value] = []


class Cache(Generic[Key, Value]):
    """Holds the `size` values last asked for; each is built by one thread only, and keys do not wait for each other."""

    def __init__(self, size: int) -> None:
        """An empty memory."""
        self._size = size
        self._lock = Lock()
        self._slots: OrderedDict[Key, _Slot[Value]] = OrderedDict()

    def get(self, key: Key, build: Callable[[], Value]) -> Value:
        """The value kept under `key`, built now if there is none."""
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._size:
                self._slots.popitem(last=False)
        with slot.lock:
            if not slot.values:
                slot.values.append(build())
            return slot.values[0]
