"""What of a search the archive holds already, lacks, or holds in another version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from flows.imagery.archive.entry import ArchivedScene
from flows.imagery.same_pass import is_same_pass, key_of
from flows.imagery.scene import SceneRef, Sensor


@dataclass(frozen=True)
class Completed:
    """A scene of which the archive holds a part of the tiles, while the source now offers more."""

    ref: SceneRef
    held: ArchivedScene

    @property
    def words(self) -> str:
        """What happened, for a person."""
        late = sorted(set(self.ref.item_ids) - set(self.held.items))
        return (
            f"{len(late)} tiles came late ({', '.join(late)}), so the pass was fetched again with them; the version "
            f"without, {self.held.path.name}, is kept"
        )


@dataclass(frozen=True)
class Revised:
    """A scene that the archive holds in one version while the source now offers another."""

    ref: SceneRef
    held: ArchivedScene

    @property
    def words(self) -> str:
        """What happened, for a person."""
        is_new_baseline = _is_other(self.ref.baseline, self.held.baseline)
        what = (
            f"offered again in processing baseline {self.ref.baseline}, archived in {self.held.baseline}"
            if is_new_baseline
            else "offered again as other items"
        )
        return (
            f"{what}; the new one is kept beside the old and the watch stays with the old, until `sitewatch archive "
            f"adopt` takes it"
        )


def missing(refs: Iterable[SceneRef], archived: Iterable[ArchivedScene]) -> list[SceneRef]:
    """The scenes that the archive does not hold yet, in the order given."""
    held = _Held(archived)
    return [ref for ref in refs if held.of(ref) is None]


def completed(refs: Iterable[SceneRef], archived: Iterable[ArchivedScene]) -> list[Completed]:
    """The scenes that have more tiles now than when they were archived, in the order given.

    Nothing else may have changed: all that was there is offered still, in the same processing baseline, and no new
    item shows the ground of another one again.
    """
    return [Completed(ref, old) for ref, old in _pairs(refs, archived) if _is_more(ref, old)]


def revised(refs: Iterable[SceneRef], archived: Iterable[ArchivedScene]) -> list[Revised]:
    """The scenes that the source offers in another version than the archive holds, in the order given.

    That is another processing baseline, or other items that do not complete it.
    """
    return [
        Revised(ref, old)
        for ref, old in _pairs(refs, archived)
        if _is_other(ref.baseline, old.baseline) or (_late(ref, old) and not _is_more(ref, old))
    ]


def _pairs(refs: Iterable[SceneRef], archived: Iterable[ArchivedScene]) -> list[tuple[SceneRef, ArchivedScene]]:
    held = _Held(archived)
    return [(ref, old) for ref in refs if (old := held.of(ref)) is not None]


class _Held:
    """Archived scenes by their passes: one is held under whichever id it first had."""

    def __init__(self, archived: Iterable[ArchivedScene]) -> None:
        self._passes: dict[tuple[Sensor, date, str], list[ArchivedScene]] = defaultdict(list)
        for entry in archived:
            self._passes[key_of(entry)].append(entry)

    def of(self, ref: SceneRef) -> ArchivedScene | None:
        """The archived scene of the same pass."""
        return next((entry for entry in self._passes[key_of(ref)] if is_same_pass(ref, entry)), None)


def _late(ref: SceneRef, old: ArchivedScene) -> set[str]:
    return set(ref.item_ids) - set(old.items)


def _is_more(ref: SceneRef, old: ArchivedScene) -> bool:
    late = _late(ref, old)
    is_all_there = set(old.items) <= set(ref.item_ids)
    return bool(late) and is_all_there and ref.baseline == old.baseline and not late & set(ref.repeats)


def _is_other(new: str | None, old: str | None) -> bool:
    return new is not None and old is not None and new != old
