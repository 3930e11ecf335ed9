"""What a pack says of itself: the index for programs, and the README for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from detectors import VERSION
from flows.publication.caption_files import credit
from flows.publication.pack_subject import PackFile, Sharing
from flows.publication.pack_writing import files_in
from flows.publication.told_subject import ToldSubject
from flows.reports.words import words_for

INDEX = "index.json"
FORMAT = "sitewatch-pack-1"


@dataclass(frozen=True)
class Missing:
    """What could not be made, and why."""

    what: str
    why: str


def index_file(
    folder: Path, subjects: Sequence[ToldSubject], sharing: Sharing, missing: Sequence[Missing], *, language: str
) -> PackFile:
    """Make the index of the files that are in a pack's folder: what it shows, and each file's size and SHA-256."""
    files = [
        {"path": name, "bytes": path.stat().st_size, "sha256": sha256(path.read_bytes()).hexdigest()}
        for name, path in files_in(folder)
    ]
    said = {
        "format": FORMAT,
        "sharing": sharing.value,
        "software": {"name": "Sitewatch", "version": version("sitewatch"), "detectors": VERSION},
        "language": language,
        "simulated": any(one.is_simulated for one in subjects),
        "attribution": credit(words_for("en"), subjects),
        "shows": [_shown(one) for one in subjects],
        "files": files,
        "not_made": [asdict(one) for one in missing],
    }
    return PackFile(INDEX, (json.dumps(said, ensure_ascii=False, indent=2) + "\n").encode())


def readme_file(sharing: Sharing, missing: Sequence[Missing], *, language: str) -> PackFile:
    """Make the text that says for whom a pack is, what its files are, and what could not be made."""
    words = words_for(language)
    parts = [words("pack.readme_title"), words(f"pack.for_{sharing}"), words("pack.readme_files")]
    left_out = {one.what for one in missing}
    parts += [words("pack.readme_formats")] if sharing is Sharing.RESTRICTED and "formats" not in left_out else []
    parts += [words("pack.readme_proof")] if "proof" not in left_out else []
    if missing:
        lines = [words("pack.readme_missing"), *(f"- {one.what}: {one.why}" for one in missing)]
        parts.append("\n".join(lines))
    return PackFile("README.txt", ("\n\n".join(parts) + "\n").encode())


def _shown(subject: ToldSubject) -> dict[str, object]:
    events = [
        {"event": one.label, "change": one.change, "state": one.state, "first_seen": str(one.first_seen)}
        for one in subject.events
    ]
    return {"place": subject.place, "first": str(subject.first), "until": str(subject.until), "events": events}
