"""Publication packs at the desk: each is made by `sitewatch export pack` as a process of its own, and kept as a zip."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from flows.config.child_environment import child_environment
from flows.config.settings import SettingsError
from flows.desk.backend.reruns import NEEDED, SITEWATCH, last_words
from flows.desk.errors import DeskError
from flows.desk.inputs import DeskPack, PackOffer
from flows.files import OWNER_FILE, private_folder
from flows.ledger.ledger import Ledger
from flows.ledger.references import ID
from flows.publication.errors import PublicationError
from flows.publication.pack import PackOrder
from flows.publication.pack_choice import PackChoice, subjects_of
from flows.publication.pack_subject import Sharing
from flows.publication.sharing_rules import check_public, what_readers_learn
from flows.reports.words import words_for

MOST_AT_ONCE = 2  # each takes a core for some seconds to minutes; chosen on 2026-11-30
MOST_KEPT = 20  # of each sharing; the oldest are deleted when another is made
NAME = re.compile(r"(event|area)_([a-z0-9][a-z0-9-]{0,63})_([a-z]{2})(_months)?")


@dataclass
class _Begun:
    """A pack that is being made, or that could not be."""

    process: subprocess.Popen[bytes]
    log: Path


@dataclass
class DeskPacks:
    """Packs in ``desk/packs/<sharing>/<name>.zip`` of the outputs, for their owner alone.

    A pack goes on being made if the desk ends. It is safe to delete the folder.
    """

    ledger: Ledger
    outputs: Path
    command: Sequence[str] = (*SITEWATCH, "export", "pack")
    _begun: dict[tuple[Sharing, str], _Begun] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def offer(self, choice: PackChoice, *, language: str) -> PackOffer | None:
        """What can be made; None for what is not on record."""
        try:
            subjects = subjects_of(choice, self.ledger)
        except PublicationError:
            return None
        told = PackOrder(subjects, Sharing.PUBLIC, language).told
        title, learned = what_readers_learn(subjects, told, words_for(language), self.outputs)
        return PackOffer(tuple(one.place for one in told), title, learned, self._refusal(choice))

    def packs(self, sharing: Sharing) -> Sequence[DeskPack]:
        """Those that are here or being made, the newest first; none that an earlier version named by an id."""
        with self._lock:
            stems = [path.stem for path in self._folder(sharing).glob("*.zip")]
            found = {stem for stem in stems if NAME.fullmatch(stem) and not ID.search(stem)}
            names = found | {name for kind, name in self._begun if kind is sharing}
            told = [self._told(sharing, name) for name in names]
        return sorted(
            told, key=lambda one: (not one.is_going, -(one.made_at.timestamp() if one.made_at else 0), one.name)
        )

    def begin(self, choice: PackChoice, *, sharing: Sharing, language: str, coarse_dates: bool) -> DeskPack:
        """One is being made; the earlier one of the same name is gone. Raises `DeskError` as `PackShelf` says."""
        name = self.ledger.references().in_text(_name_of(choice, language, coarse_dates=coarse_dates))
        if NAME.fullmatch(name) is None or self.offer(choice, language=language) is None:
            raise DeskError(
                "there is nothing on record to make a pack of; choose a case or a site", key="packs.nothing"
            )
        if sharing is Sharing.PUBLIC and (refusal := self._refusal(choice)):
            raise DeskError(refusal, key="packs.refused")
        with self._lock:
            going = [key for key, one in self._begun.items() if one.process.poll() is None]
            if (sharing, name) in going:
                return self._told(sharing, name)
            if len(going) >= MOST_AT_ONCE:
                raise DeskError(
                    f"{len(going)} packs are being made already; wait until one is ready",
                    key="packs.many",
                    number=len(going),
                )
            self._make_room(sharing, name)
            self._begun[sharing, name] = self._start(choice, sharing, name, language, coarse_dates=coarse_dates)
            return self._told(sharing, name)

    def file(self, sharing: Sharing, name: str) -> Path | None:
        """The file of one that is ready; None where there is none, or where it may no longer be public."""
        found = NAME.fullmatch(name)
        path = self._folder(sharing) / f"{name}.zip"
        if found is None or not path.is_file():
            return None
        choice = PackChoice(event=found[2]) if found[1] == "event" else PackChoice(area=found[2])
        return None if sharing is Sharing.PUBLIC and self._refusal(choice) else path

    def _refusal(self, choice: PackChoice) -> str:
        """Why there can be no public pack; empty where there can."""
        try:
            check_public(subjects_of(choice, self.ledger), self.outputs)
        except (PublicationError, SettingsError) as error:
            return str(error)
        return ""

    def _folder(self, sharing: Sharing) -> Path:
        return private_folder(self.outputs / "desk" / "packs" / sharing.value)

    def _make_room(self, sharing: Sharing, name: str) -> None:
        folder = self._folder(sharing)
        (folder / f"{name}.zip").unlink(missing_ok=True)
        kept = sorted(folder.glob("*.zip"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[MOST_KEPT - 1 :]:
            path.unlink(missing_ok=True)

    def _start(self, choice: PackChoice, sharing: Sharing, name: str, language: str, *, coarse_dates: bool) -> _Begun:
        target = self._folder(sharing) / f"{name}.zip"
        what = ("--event", choice.event) if choice.event else ("--area", str(choice.area))
        options = [*what, f"--{sharing}", "--lang", language, "--yes", *(["--coarse-dates"] if coarse_dates else [])]
        log = target.with_suffix(".log")
        log.touch(mode=OWNER_FILE)
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*self.command, str(target), *map(str, options), "--outputs", str(self.outputs)],
                env=child_environment(*NEEDED),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return _Begun(process, log)

    def _told(self, sharing: Sharing, name: str) -> DeskPack:
        path, begun = self._folder(sharing) / f"{name}.zip", self._begun.get((sharing, name))
        is_going = begun is not None and begun.process.poll() is None
        is_ready = not is_going and path.is_file()
        has_failed = begun is not None and begun.process.poll() not in (None, 0)
        said = path.stat() if is_ready else None
        return DeskPack(
            name,
            sharing,
            is_ready,
            is_going,
            None if said is None else datetime.fromtimestamp(said.st_mtime, UTC),
            0 if said is None else said.st_size,
            last_words(begun.log) if begun is not None and has_failed else "",
        )


def _name_of(choice: PackChoice, language: str, *, coarse_dates: bool) -> str:
    what = f"event_{choice.event}" if choice.event else f"area_{choice.area}"
    return f"{what}_{language}{'_months' if coarse_dates else ''}"
