"""Which of the versions of a pass is in use: the most complete one, in the baseline that somebody stands for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.imagery.archive.entry import SHA_IN_NAME, ArchivedScene
from flows.imagery.same_pass import best_products, by_pass
from flows.imagery.scene import ImageryError

ADOPTION_SUFFIX = ".adopted.json"


@dataclass(frozen=True)
class Adoption:
    """Somebody's decision to use another version of a pass than before.

    `sha256` is that of the version to use from `at` (UTC) on, `instead_of` that of the one in use until then.
    """

    scene_id: str
    sha256: str
    instead_of: str
    baseline: str | None
    kept_as: str
    by: str
    at: datetime
    why: str

    def content(self) -> bytes:
        """The decision as it is kept."""
        said = asdict(self) | {"at": self.at.astimezone(UTC).isoformat()}
        return (json.dumps(said, indent=2, sort_keys=True) + "\n").encode()

    @property
    def file_name(self) -> str:
        """The name under which it is kept, which holds the start of its own hash."""
        return f"{self.scene_id}-{hashlib.sha256(self.content()).hexdigest()[:SHA_IN_NAME]}{ADOPTION_SUFFIX}"


def read_adoption(path: Path) -> Adoption:
    """A decision that was kept; raises `ImageryError` for a file that is none."""
    try:
        said = json.loads(path.read_bytes())
        return Adoption(**(said | {"at": datetime.fromisoformat(said["at"])}))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ImageryError(f"{path} is not a record of an adoption ({error}); restore it from a copy") from error


def in_use(entries: Iterable[ArchivedScene], adoptions: Sequence[Adoption]) -> list[ArchivedScene]:
    """One version of each pass, sorted by (acquired, scene_id); it depends on what there is, never on what came first.

    The version adopted last, or any where none was, and of those that complete it the one that rests on most items. A
    pass that is there as Level-1C and as Level-2A is used as Level-2A.
    """
    chosen = best_products(_chosen(versions, adoptions) for versions in by_pass(entries))
    return sorted(chosen, key=lambda entry: (entry.acquired, entry.scene_id))


def completes(new: ArchivedScene, old: ArchivedScene) -> bool:
    """True where the new version rests on all items of the old one, in the same processing baseline."""
    return new.baseline == old.baseline and set(new.items) >= set(old.items)


def _chosen(versions: list[ArchivedScene], adoptions: Sequence[Adoption]) -> ArchivedScene:
    of_hash = {version.sha256: version for version in versions}
    taken = max((a for a in adoptions if a.sha256 in of_hash), key=lambda a: (a.at, a.sha256), default=None)
    adopted = None if taken is None else of_hash[taken.sha256]
    decided = {sha256 for a in adoptions for sha256 in (a.sha256, a.instead_of)}  # for or against: these complete none
    standing = [
        v for v in versions if adopted is None or v == adopted or (completes(v, adopted) and v.sha256 not in decided)
    ]
    return max(standing, key=lambda version: (len(version.items), version.sha256))
