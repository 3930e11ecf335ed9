"""What a pack shows, with whom it is shared, what it is made from, and the files that it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from aois.area import Area
from flows.imagery.archive.store import Archive
from flows.ledger.ledger import Ledger
from flows.records.events import EventRecord

Progress = Callable[[str, int, int], None]
"""Is told what is being made, how much of it is done, and how much there is."""


class Sharing(StrEnum):
    """Who may see a pack: anybody, or only people who may know where the places lie."""

    PUBLIC = "public"
    RESTRICTED = "restricted"


@dataclass(frozen=True)
class PackSubject:
    """One place with the events that a pack shows, from its first day to its last."""

    area: Area
    events: tuple[EventRecord, ...]
    first: date
    until: date


@dataclass(frozen=True)
class PackStores:
    """What packs are made from. `source_name` is the one that the scenes in the archive came from."""

    outputs: Path
    ledger: Ledger
    archive: Archive
    source_name: str


@dataclass(frozen=True)
class PackFile:
    """One file of a pack: its path within the pack, with `/`, and its bytes."""

    path: str
    content: bytes
