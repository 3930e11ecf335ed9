"""What of a search the archive holds already, lacks, or holds in another version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from flows.imagery.archive_index import ArchivedScene
from flows.imagery.scene import SceneRef, Sensor

# Radar without a known orbit is told by its time alone; passes of one satellite are 98 minutes apart.
SAME_PASS = timedelta(minutes=30)


@dataclass(frozen=True)
class Revised:
    """A scene that the archive holds in one processing baseline while the source now offers another."""

    ref: SceneRef
    held: ArchivedScene

    @property
    def words(self) -> str:
        """What happened, for a person."""
        return (
            f"offered again in processing baseline {self.ref.baseline}, archived in {self.held.baseline}; the new one "
            f"is kept beside the old and the watch stays with the old"
        )


def missing(refs: Iterable[SceneRef], archived: Iterable[ArchivedScene]) -> list[SceneRef]:
    """The scenes that the archive does not hold yet, in the order given.

    The same pass is held under whichever id it first had: a tile that is listed later, or a new version of one, moves
    a pass by seconds.
    """
    held = _Held(archived)
    return [ref for ref in refs if held.of(ref) is None]


def revised(refs: Iterable[SceneRef], archived: Iterable[ArchivedScene]) -> list[Revised]:
    """The scenes that the archive holds in another processing baseline than they have now, in the order given."""
    held = _Held(archived)
    pairs = [(ref, held.of(ref)) for ref in refs]
    return [Revised(ref, old) for ref, old in pairs if old is not None and _is_other(ref.baseline, old.baseline)]


class _Held:
    """Archived scenes by sensor, UTC day and what follows the time in their ids, which for radar is the orbit."""

    def __init__(self, archived: Iterable[ArchivedScene]) -> None:
        self._passes: dict[tuple[Sensor, date, str], list[ArchivedScene]] = defaultdict(list)
        for entry in archived:
            self._passes[_pass(entry)].append(entry)

    def of(self, ref: SceneRef) -> ArchivedScene | None:
        """The archived scene of the same pass."""
        found = _pass(ref)
        is_told = ref.sensor is Sensor.SENTINEL_2 or found[2] != ""
        return next(
            (e for e in self._passes[found] if is_told or abs(e.acquired - ref.acquired) <= SAME_PASS),
            None,
        )


def _pass(scene: SceneRef | ArchivedScene) -> tuple[Sensor, date, str]:
    orbit = scene.scene_id.partition(f"{scene.acquired:%Y%m%dT%H%M%S}")[2]
    return scene.sensor, scene.acquired.date(), orbit


def _is_other(new: str | None, old: str | None) -> bool:
    return new is not None and old is not None and new != old
