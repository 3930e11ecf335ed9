"""One archived file as the archive's list knows it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows.imagery.scene import ImageryError, Scene, Sensor

SHA_IN_NAME = 12


@dataclass(frozen=True)
class ArchivedScene:
    """A version of a scene in the archive: what it is, the SHA-256 of its file, and where that lies.

    `items` are those that the source listed for the pass when it was fetched.
    """

    scene_id: str
    sensor: Sensor
    acquired: datetime
    sha256: str
    path: Path
    baseline: str | None = None
    items: tuple[str, ...] = ()


def entry_of(scene: Scene, folder: Path, *, sha256: str) -> ArchivedScene:
    """The entry of a scene whose file has that hash; the file's name holds the id and the start of the hash."""
    path, where = folder / f"{scene.scene_id}-{sha256[:SHA_IN_NAME]}.tif", scene.provenance
    items = where.offered or where.item_ids
    return ArchivedScene(scene.scene_id, scene.sensor, scene.acquired, sha256, path, where.processing_baseline, items)


def checked_content(entry: ArchivedScene) -> bytes:
    """The bytes of an archived file; raises `ImageryError` unless they are those that were put there."""
    try:
        content = entry.path.read_bytes()
    except OSError as error:
        raise ImageryError(f"archived scene {entry.path} cannot be read ({error}); check the disk") from error
    found = hashlib.sha256(content).hexdigest()
    if found != entry.sha256:
        raise ImageryError(
            f"archived scene {entry.path} is damaged: SHA-256 {found[:SHA_IN_NAME]}…, archived as "
            f"{entry.sha256[:SHA_IN_NAME]}…; restore it from a copy, or move it away to have it fetched again"
        )
    return content
