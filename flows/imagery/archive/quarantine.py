"""What came and was not let into the archive, kept with the reason for whoever looks into it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from flows.imagery.scene import ImageryError, SceneRef
from flows.imagery.scene_check import BadContentError

FOLDER = ".quarantine"  # beside the areas' folders; no area id begins with a dot


def set_aside(root: Path, area_id: str, source_name: str, ref: SceneRef, error: BadContentError) -> Path:
    """The content and its reason stand under ``<root>/.quarantine/<area>/<source>/``; the path of the reason.

    The same content is kept once. Raises `ImageryError` when the disk does not take it.
    """
    folder = root / FOLDER / area_id / source_name
    digest = hashlib.sha256(error.content).hexdigest()
    stem = f"{ref.scene_id}-{digest[:12]}"
    said = {
        "scene_id": ref.scene_id,
        "item_ids": ref.item_ids,
        "reason": str(error),
        "sha256": digest,
        "bytes": len(error.content),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{stem}.bin").write_bytes(error.content)
        (folder / f"{stem}.json").write_text(json.dumps(said, indent=2, sort_keys=True) + "\n")
    except OSError as failure:
        raise ImageryError(f"quarantine {folder} cannot be written ({failure}); free space") from failure
    return folder / f"{stem}.json"
