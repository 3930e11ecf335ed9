"""Whether the pages of a week would come out as they lie on disk, so that a run with nothing new builds none again.

Pages are made from the record, the archive, the list of areas and this program. A mark says from which they were
made. Anything that cannot be told to be the same is built again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from aois.area import Area
from aois.grid import grid_of
from aois.reading import to_feature_collection
from aois.week import Week
from flows.files import OWNER_FILE, atomic_write, private_folder
from flows.imagery.archive.store import Archive
from flows.imagery.plan_files import FOLDER as PLANS
from flows.ledger.journal import Head
from flows.ledger.ledger import Ledger
from flows.records.provider_weeks import ProviderWeek
from flows.reports.data.public_crowd import FOLDER as CROWD_FOLDER
from flows.reports.data.public_week import OWNER_FOLDER, PUBLIC_FOLDER
from flows.reports.data.releases import FILE as RELEASES_FILE
from flows.reports.files import BUILT

NOT_SHOWN = ("runs", "messages", "dispatches", "deliveries")
"""Tables of the record that no page is made from, but for what runs say of providers, and for the state in which people
first heard of an alert, which is written with the versions of its event. The secret of references is none of them, as
the owner's pages hold references: it is made before the first of them, so only another secret builds them again."""
PROGRAM = Path(__file__).parents[3]


class BuiltMark(BaseModel):
    """What pages were made from: the end of the journal, a digest of all else, and the files with size and time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    changes: int
    link: str
    digest: str
    files: dict[str, tuple[int, int]]


def digest_of_inputs(
    areas: Sequence[Area],
    *,
    archive: Archive,
    source_name: str,
    outputs: Path,
    failures: Mapping[str, str],
    languages: Sequence[str],
    providers: Sequence[ProviderWeek],
) -> str:
    """Compute the SHA-256 of all that a week's pages are made from beside the record."""
    scenes = [archive.folder(area.id, source_name, grid_of(area)) for area in areas]
    code = [path for room in ("aois", "detectors", "flows") for path in sorted((PROGRAM / room).rglob("*"))]
    held: dict[str, Any] = {
        "areas": to_feature_collection(areas),
        "source": source_name,
        "failures": dict(sorted(failures.items())),
        "languages": list(languages),
        "providers": [vars(one) for one in providers],
        "archive": _stamps(
            archive.root, (path for folder in scenes for path in (folder, *sorted(folder.glob("*.jsonl"))))
        ),
        "released": _stamps(outputs, [outputs / RELEASES_FILE]),
        "plans": _stamps(outputs, sorted((outputs / PLANS).glob("*.gz"))),
        "program": _stamps(PROGRAM, (path for path in code if path.is_file() and "__pycache__" not in path.parts)),
    }
    return sha256(json.dumps(held, sort_keys=True, default=str).encode()).hexdigest()


def is_unchanged(week: Week, digest: str, *, ledger: Ledger, outputs: Path) -> bool:
    """Tell whether a week's pages are there as they were built, and nothing that they are made from has changed."""
    try:
        mark = BuiltMark.model_validate_json(_path(outputs, week).read_bytes())
    except (OSError, ValidationError):
        return False
    head = Head(mark.changes, mark.link)
    return (
        mark.digest == digest
        and mark.files == _pages(outputs, week)
        and not ledger.has_changed_since(head, but=NOT_SHOWN)
    )


def mark_as_built(week: Week, digest: str, *, before: Head, outputs: Path) -> None:
    """Write from what the pages of a week were made; `before` is where the journal ended when that began."""
    mark = BuiltMark(changes=before.changes, link=before.link, digest=digest, files=_pages(outputs, week))
    atomic_write(_path(outputs, week), mark.model_dump_json() + "\n", mode=OWNER_FILE)


def _path(outputs: Path, week: Week) -> Path:
    return private_folder(outputs / BUILT) / f"{week}.json"


def _pages(outputs: Path, week: Week) -> dict[str, tuple[int, int]]:
    """All files of both editions, and the totals that the public one keeps for a quarter, with size and time."""
    folders = [outputs / CROWD_FOLDER, *(outputs / name / str(week) for name in (OWNER_FOLDER, PUBLIC_FOLDER))]
    return _stamps(outputs, (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()))


def _stamps(root: Path, paths: Iterable[Path]) -> dict[str, tuple[int, int]]:
    """Size and time of each path that is there, by its name below a folder: a copy of the whole is unchanged."""
    found = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        found[path.relative_to(root).as_posix()] = (stat.st_size, stat.st_mtime_ns)
    return found
