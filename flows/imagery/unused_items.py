"""What a catalog holds and a watch does not use, counted by kind, with the reason."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from flows.imagery.catalog_item import SceneItem
from flows.imagery.overpass import Overpass
from flows.imagery.scene import ImageryError
from flows.printable import printable


@dataclass(frozen=True)
class ItemKind:
    """A collection and a processing level, as the items themselves name them; empty where they name none."""

    collection: str
    level: str

    @property
    def words(self) -> str:
        """The kind for a person."""
        named = f"collection `{printable(self.collection, longest=100)}`" if self.collection else "no collection"
        return f"{named}, {printable(self.level, longest=40) or 'no processing level stated'}"


class UnusedItemError(ImageryError):
    """A well-formed item is of a kind that the watch does not use; the message says why."""

    def __init__(self, kind: ItemKind, reason: str) -> None:
        """With the kind of the item, and the reason."""
        super().__init__(reason)
        self.kind = kind


class UnusedItems:
    """Counts items that are not used, each once however often it is listed. Safe for several threads."""

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._names: dict[ItemKind, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._lock = threading.Lock()

    def add(self, name: str, kind: ItemKind, reason: str) -> None:
        """Count an item of that name."""
        with self._lock:
            self._names[kind][reason].add(name)

    def add_repeated(self, items: Iterable[SceneItem], used: Iterable[Overpass]) -> None:
        """Count the items of which a better product of the same day is used."""
        taken = {item.id for overpass in used for item in overpass.items}
        for item in items:
            if item.id not in taken:
                kind = ItemKind(item.collection, item.product.words)
                self.add(item.id, kind, "a better product of the same days is used")

    @property
    def words(self) -> dict[str, str]:
        """How many items there are and why they are not used, by their kind."""
        with self._lock:
            kinds = {kind: {why: len(names) for why, names in of.items()} for kind, of in self._names.items()}
        said = {
            kind.words: "; ".join(f"{_items(count)}, {why}" for why, count in sorted(of.items()))
            for kind, of in kinds.items()
        }
        return dict(sorted(said.items()))


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"
