"""What a tile's baseline rests on, decided once and kept beside it, so that a run that was killed goes on with it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from detectors.tile_search.update import WideParameters
from flows.files import locked
from flows.tile_search.look import WideLook
from flows.tile_search.tile import Tile, WideError

VERSION = 1
"""Raised whenever the same looks give other state: every tile is then fitted again."""
REFIT_AFTER_DAYS = 365
_FEWEST_LOOKS = 12


@dataclass(frozen=True)
class BaselinePlan:
    """The looks (ids, in order) up to and including the day `until` from which the static layers are fitted.

    `name` follows from them, from the tile's grid and from the thresholds; the state files bear it.
    """

    name: str
    until: date
    looks: tuple[str, ...]


def baseline_of(
    tile: Tile, looks: Sequence[WideLook], *, until: date, history_days: int, parameters: WideParameters
) -> BaselinePlan:
    """The tile's baseline: the one on disk while it serves, else a new one from the looks up to `until`.

    It serves for 365 days after its end, and never for looks before it. Raises `WideError` when the tile has no
    baseline and the looks are too few for one.
    """
    path = tile.folder / "baseline.json"
    kept = _read(path)
    newest = max((look.day for look in looks), default=until)
    if kept is not None and kept.name == _name(tile, kept.looks, parameters):
        refit = kept.until + timedelta(days=REFIT_AFTER_DAYS)
        if newest < refit:
            return kept
        until = max(until, refit)
    history = [look for look in looks if until - timedelta(days=history_days) < look.day <= until]
    if len(history) < _FEWEST_LOOKS:
        raise WideError(
            f"region `{tile.id}`: {len(history)} looks of Sentinel-2 up to {until}, and a baseline takes at least "
            f"{_FEWEST_LOOKS}; name a catalog that reaches further back, or a later --since"
        )
    ids = tuple(look.look_id for look in history)
    fresh = BaselinePlan(_name(tile, ids, parameters), until, ids)
    _write(path, fresh)
    return fresh


@contextmanager
def alone(tile: Tile) -> Iterator[None]:
    """Nobody else works on the tile meanwhile; what a killed run left unfinished is cleared away.

    The system frees the lock when its holder dies. Raises `WideError` while another run holds it.
    """
    tile.folder.mkdir(parents=True, exist_ok=True)
    busy = f"region `{tile.id}` is being searched by another run; wait for it to end, then run this one again"
    with locked(tile.folder / ".lock", patience_s=0, busy=WideError(busy)):
        for left_over in [*tile.folder.glob(".*.tmp"), *tile.folder.glob("looks/.*.tmp")]:
            left_over.unlink()
        yield


def _name(tile: Tile, looks: Sequence[str], parameters: WideParameters) -> str:
    said = json.dumps([VERSION, asdict(tile.grid), list(looks), asdict(parameters)], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _read(path: Path) -> BaselinePlan | None:
    try:
        said = json.loads(path.read_text())
        return BaselinePlan(said["name"], date.fromisoformat(said["until"]), tuple(said["looks"]))
    except (FileNotFoundError, KeyError, ValueError, TypeError):
        return None


def _write(path: Path, baseline: BaselinePlan) -> None:
    said = {"name": baseline.name, "until": baseline.until.isoformat(), "looks": list(baseline.looks)}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(said, indent=1) + "\n")
    temporary.replace(path)
