"""Run the detectors again on the scenes of a pack, in a folder to be thrown away, and compare the events."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aois.errors import UserError
from detectors import VERSION
from flows.evidence.geojson_files import write_events
from flows.evidence.verifying import Check
from flows.imagery.archive.store import Archive
from flows.ledger.ledger import open_ledger
from flows.pipeline.area import watch_area
from flows.pipeline.area_replay import Stores
from flows.pipeline.period import RunRequest
from flows.pipeline.watch_terms import FILE as TERMS
from flows.pipeline.watch_terms import WatchTerms, is_replayable, read_watch_terms
from flows.printable import printable
from flows.publication.proof.pack_contents import PackContents
from flows.publication.proof.proof_files import OUTPUTS

MOST_NAMED = 5


@dataclass(frozen=True)
class PackReplay:
    """What came of a replay, None where there was nothing to replay, and what to know beside it."""

    check: Check | None = None
    notes: tuple[str, ...] = ()


def replay_pack(contents: PackContents, paths: Sequence[str]) -> PackReplay:
    """Replay every area among the files of the evidence in a pack; a region is left out, and a note says so."""
    names = sorted(path for path in paths if path.startswith("areas/") and path.endswith(f"/{TERMS}"))
    wrong, notes, replayed = [], [], 0
    for name in names:
        try:
            terms = read_watch_terms(contents.read(f"{OUTPUTS}/{name}") or b"", path=name)
            if terms.detectors != VERSION:
                notes.append(
                    f"{terms.area.id} was watched with detectors {terms.detectors}, and these are {VERSION}: a "
                    "difference may come from that"
                )
            if not is_replayable(terms):
                notes.append(f"{terms.area.id} is a region: its replay needs the list of known sites, not in the pack")
                continue
            replayed += 1
            wrong += _differences(contents, paths, terms)
        except UserError as error:
            wrong.append(f"{printable(name)}: cannot be replayed: {error}")
    if not names:
        notes.append("there is nothing to replay in this pack")
    if not replayed and not wrong:
        return PackReplay(None, tuple(notes))
    words = f"the events of {replayed} place{'' if replayed == 1 else 's'}, the same bytes from the scenes again"
    return PackReplay(Check("replay", words, tuple(wrong)), tuple(notes))


def _differences(contents: PackContents, paths: Sequence[str], terms: WatchTerms) -> list[str]:
    """What is other than the pack says, a line or none."""
    name = f"areas/{terms.area.id}/events.geojson"
    with tempfile.TemporaryDirectory(prefix="sitewatch-verify-") as folder:
        again = Path(folder)
        for path in paths:
            if path.startswith(f"archive/{terms.area.id}/") and ".." not in path.split("/"):
                target = again / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(contents.read(f"{OUTPUTS}/{path}") or b"")
        found = _replayed(terms, again)
    expected = contents.read(f"{OUTPUTS}/{name}") or b""
    return [] if found == expected else [f"{name}: the scenes give something else{_named(expected, found)}"]


def _replayed(terms: WatchTerms, again: Path) -> bytes:
    """The file of events that the scenes in a folder give."""
    asked = RunRequest(terms.first.first_day, terms.last.last_day, terms.last.last_day, replay=True)
    with open_ledger(f"sqlite:///{again / 'ledger.sqlite'}") as ledger:
        ledger.record_areas([terms.area])
        archive = Archive(again / "archive")
        stores = Stores(again, archive, ledger, None, terms.source, (terms.area,), terms.history_days)
        watch_area(terms.area, asked, stores, progress=lambda *_: None)
        write_events(ledger.events(terms.area.id), again / "events.geojson")
    return (again / "events.geojson").read_bytes()


def _named(expected: bytes, found: bytes) -> str:
    """Which events are missing, more, or other, as far as the files can be read."""
    try:
        kept, new = ({str(one["id"]): one for one in json.loads(text)["features"]} for text in (expected, found))
    except (ValueError, KeyError, TypeError):
        return ""
    lines = [f"{one} is not found" for one in kept.keys() - new.keys()]
    lines += [f"{one} is found as well" for one in new.keys() - kept.keys()]
    lines += [f"{one} is another" for one in kept.keys() & new.keys() if kept[one] != new[one]]
    shown = sorted(lines)[:MOST_NAMED]
    return f": {printable('; '.join(shown))}" if shown else ""
