"""What earlier reports measured of each look, so that a week reads new looks and those that it shows, and no others.

It only saves time: a file that is missing, damaged or of another program is begun anew, and gives the same pages.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from flows.files import OWNER_FILE, atomic_write, private_folder
from flows.reports.files import BUILT
from flows.telemetry.logs import log

FOLDER = "looks"
PROGRAM = Path(__file__).parents[3]
MADE_BY = ("aois", "detectors", "flows/imagery", "flows/reports/data")


class LookMeasure(BaseModel):
    """What is known of one look over one window without its pixels.

    `means` holds the mean of each measure over a piece of ground, by the digest of that ground.
    """

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")

    series: str
    clear_share: float
    brightest: float
    means: dict[str, dict[str, float]] = {}


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")

    made_by: str
    looks: dict[str, LookMeasure]


class KeptMeasures:
    """The measures of one area: those that are on disk, and those that this report asked for."""

    def __init__(self, outputs: Path | None, area_id: str) -> None:
        """Of an area in a folder of outputs; without one nothing is read or kept."""
        self._path = None if outputs is None else outputs / BUILT / FOLDER / f"{area_id}.json"
        self._before = b""
        self._known: dict[str, LookMeasure] = {}
        self._asked: dict[str, LookMeasure] = {}
        try:
            self._before = b"" if self._path is None else self._path.read_bytes()
            kept = _Kept.model_validate_json(self._before)
        except (OSError, ValidationError):
            return
        if kept.made_by == program_digest():
            self._known = kept.looks

    def of(self, digest: str, window: tuple[slice, slice], measure: Callable[[], LookMeasure]) -> LookMeasure:
        """What is known of the scene whose file has that SHA-256, over a window; it is measured if nothing is."""
        key = ":".join([digest, *(str(end) for part in window for end in (part.start, part.stop, part.step))])
        if key not in self._asked:
            self._asked[key] = self._known.get(key) or measure()
        return self._asked[key]

    def write(self) -> None:
        """Keep what this report asked for, and nothing else; where that cannot be written, the next report measures."""
        kept = _Kept(made_by=program_digest(), looks=dict(sorted(self._asked.items())))
        content = kept.model_dump_json().encode()
        if self._path is None or not self._asked or content == self._before:
            return
        try:
            private_folder(self._path.parents[1])
            private_folder(self._path.parent)
            atomic_write(self._path, content, mode=OWNER_FILE)
        except OSError as error:
            log.warning("what was measured for the report could not be kept", extra={"reason": str(error)})


@cache
def program_digest() -> str:
    """Compute the SHA-256 of the sources that measure."""
    digest = sha256()
    for room in MADE_BY:
        for path in sorted((PROGRAM / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
