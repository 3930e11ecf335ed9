"""Taking other versions of archived scenes than the first: which there are, what it would change, and doing it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from aois.area import Area
from aois.grid import grid_of
from aois.week import Week
from detectors.records import State
from flows.config.settings import SettingsError
from flows.imagery.archive.index import INDEX_NAME
from flows.imagery.archive.store import Archive, ArchivedScene
from flows.imagery.archive.versions import Adoption
from flows.imagery.same_pass import is_same_pass
from flows.ledger.ledger import Ledger, open_ledger
from flows.pipeline.area import watch_area
from flows.pipeline.area_replay import Progress, Stores
from flows.pipeline.period import RunRequest
from flows.records.ids import AlertId


@dataclass(frozen=True)
class Offer:
    """A version that may be used instead of the one in use, and the name under which the archive keeps it."""

    version: ArchivedScene
    kept_as: str
    in_use: ArchivedScene

    @property
    def words(self) -> str:
        """Word the version for a person."""
        new, old = self.version, self.in_use
        return f"{new.sha256[:12]} ({_made(new)}) instead of {old.sha256[:12]} ({_made(old)})"


Choice = tuple[Offer, Adoption]


@dataclass(frozen=True)
class Trial:
    """What the weeks came to when they were worked through with other versions.

    `weeks` would be worked through again. `alerts` are those that would change, by id, with the state on record and the
    one after; None where there is none, or where it is retracted.
    """

    weeks: tuple[Week, ...]
    alerts: dict[str, tuple[str | None, str | None]]

    @property
    def lines(self) -> list[str]:
        """Word the trial for a person."""
        weeks = f"{self.weeks[0]} to {self.weeks[-1]}, {len(self.weeks)} in all" if self.weeks else "none"
        told = [f"alert {alert}: {old or 'none'} -> {new or 'none'}" for alert, (old, new) in self.alerts.items()]
        return [f"weeks to be worked through again: {weeks}", *(told or ["no alert would change"])]


def offers(archive: Archive, source: str, area: Area) -> list[Offer]:
    """List every version that the archive keeps of an area's scenes of a source beside the one in use.

    They are in the order of time.
    """
    grid = grid_of(area)
    used = archive.list(area.id, source, grid)
    names = [n for n in archive.source_names(area.id, grid) if n == source or n.startswith(f"{source}.revised-")]
    found = [
        Offer(version, name, current)
        for name in names
        for version in archive.versions(area.id, name, grid)
        for current in used
        if is_same_pass(version, current) and version.sha256 != current.sha256
    ]
    alone = {offer.version.sha256: offer for offer in reversed(found)}  # one that was in use once lies in two folders
    return sorted(alone.values(), key=lambda o: (o.in_use.acquired, o.in_use.scene_id, o.version.sha256))


def choose(found: Sequence[Offer], area: Area, *, scene_id: str, version: str | None) -> Offer:
    """Choose the one version of a scene that is meant.

    Raises `SettingsError` where there is none, or more than one.
    """
    of_scene = [o for o in found if scene_id in (o.version.scene_id, o.in_use.scene_id)]
    fitting = [o for o in of_scene if version is None or o.version.sha256.startswith(version)]
    if not fitting:
        what = f"`{version}`" if version and of_scene else "other"
        raise SettingsError(
            f"area `{area.id}`: the archive keeps no {what} version of scene `{scene_id}`; `sitewatch archive adopt "
            f"{area.id}` lists what there is"
        )
    if len(fitting) > 1:
        named = ", ".join(o.version.sha256[:12] for o in fitting)
        raise SettingsError(f"scene `{scene_id}` is kept in {len(fitting)} other versions; add --version, of {named}")
    return fitting[0]


def adoption_of(offer: Offer, *, by: str, why: str, at: datetime) -> Adoption:
    """Make the record of the decision to use a version: who took it, when and why."""
    version = offer.version
    return Adoption(
        version.scene_id, version.sha256, offer.in_use.sha256, version.baseline, offer.kept_as, by=by, at=at, why=why
    )


def adopt(archive: Archive, source: str, area: Area, choices: Sequence[Choice]) -> None:
    """Put versions into use, in the archive and in its object store; their weeks are still to be replayed."""
    for offer, decision in choices:
        archive.adopt(area.id, source, grid_of(area), offer.version, decision)


def try_out(
    stores: Stores,
    area: Area,
    choices: Sequence[Choice],
    *,
    today: date,
    progress: Progress,
) -> Trial:
    """Replay what would be replayed, on a copy of the record and the archive, and compare; nothing is changed.

    The area has a week on record. Raises `ImageryError` or `LedgerError` as a replay does.
    """
    ledger = stores.ledger
    recorded, before = ledger.chains(area.id), _alerts(ledger, area)
    asked = RunRequest(None, min(max(recorded).last_day, today), today)
    with tempfile.TemporaryDirectory(prefix="sitewatch-trial-") as place:
        outputs = Path(place)
        archive = _linked(outputs / "archive", area, choices[0][0])
        adopt(archive, stores.source_name, area, choices)
        ledger.back_up(outputs / "record")
        with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as scratch:
            scratch.restore(outputs / "record", replace=True)
            aside = replace(stores, outputs=outputs, archive=archive, ledger=scratch, source=None)
            watch_area(area, asked, aside, progress=progress)
            after, chains = _alerts(scratch, area), scratch.chains(area.id)
    moved = {alert: (before.get(alert), after.get(alert)) for alert in sorted(before.keys() | after.keys())}
    return Trial(
        tuple(week for week in sorted(recorded) if recorded[week] != chains.get(week)),
        {alert: states for alert, states in moved.items() if states[0] != states[1]},
    )


def _linked(root: Path, area: Area, offer: Offer) -> Archive:
    """An archive of the same versions and decisions; pictures are linked, not copied."""
    real = offer.in_use.path.parent
    folder = root / area.id / real.name
    folder.mkdir(parents=True)
    for path in real.glob("[!.]*"):
        if path.name == INDEX_NAME:
            shutil.copy(path, folder)  # it may be added to
        else:
            (folder / path.name).symlink_to(path.absolute())
    return Archive(root)


def _alerts(ledger: Ledger, area: Area) -> dict[AlertId, State]:
    """The alerts of an area that stand, by id, with their states."""
    told = ledger.alerts(area_id=area.id)
    return {alert.alert_id: alert.state for alert in told if alert.state is not State.RETRACTED}


def _made(version: ArchivedScene) -> str:
    baseline = f"processing baseline {version.baseline}, " if version.baseline else ""
    return f"{baseline}{len(version.items)} items"
