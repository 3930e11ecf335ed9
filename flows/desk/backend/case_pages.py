"""What the desk shows of a case: prepared once for each state of its area, then read from disk."""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from jinja2 import Environment
from pydantic import TypeAdapter, ValidationError
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

import flows
from aois.area import Area
from aois.grid import Grid, grid_of, to_utm
from aois.week import Week
from flows.desk.backend.ledger_adapter import DeskReviews
from flows.desk.errors import DeskError
from flows.desk.inputs import CaseDetail, PictureSource
from flows.evidence.manifests import FOLDER, EvidenceError, files_of, read_chain
from flows.evidence.outlines import footprint_of
from flows.imagery.archive.store import Archive, ArchivedScene
from flows.imagery.scene import ImageryError
from flows.ledger.ledger import Ledger
from flows.ledger.precision import contradicted_in
from flows.records.events import Alert
from flows.reports.browser_links import browser_links
from flows.reports.case import Anchors, case_of
from flows.reports.data.recorded_weeks import source_of
from flows.reports.data.scene_stack import crop_around
from flows.reports.data.week import view_in_full
from flows.reports.drawings import ELONGATIONS, elongation_of
from flows.reports.drawn_case import draw_case
from flows.reports.inputs import AreaView, Chip, EventView
from flows.reports.without_folders import without_folders

Prepared = TypeVar("Prepared")
CASE: TypeAdapter[CaseDetail] = TypeAdapter(CaseDetail)
PICTURE: TypeAdapter[PictureSource | None] = TypeAdapter(PictureSource | None)
AREA = "area"  # the name of the file about the area itself; ids of events begin otherwise
SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
RASTERS = ("change", "score")
MAKERS = ("reports", "translations", "records", "desk/inputs.py", "desk/backend/case_pages.py")
"""What the look of a case depends on, beside the record: where one changes, cases are prepared again."""


class DeskEvidence:
    """Cases in full, from the record and the archive. Safe to use from several threads."""

    def __init__(self, ledger: Ledger, archive: Archive, outputs: Path, pages: Mapping[str, Environment]) -> None:
        """Over a record and an archive; what is prepared is kept in the folder ``desk`` of the outputs."""
        self._ledger, self._archive, self._outputs, self._pages = ledger, archive, outputs, pages
        self._folder = outputs / "desk" / "cases"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._edition, self._reviews = _edition(), DeskReviews(ledger)
        self._turns: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def case_detail(self, event_id: str) -> CaseDetail | None:
        """A case in full, None for an event that is not known."""
        area_id = self._ledger.reviews.area_of(event_id)
        folder = None if area_id is None or not SAFE.fullmatch(event_id) else self.prepare(area_id)
        if area_id is None or folder is None or not (folder / f"{event_id}.json").exists():
            return None
        said = self._read(area_id, folder / f"{event_id}.json", CASE)
        return replace(said, damaged=_damaged(said.pictures.values()))

    def layer(self, area_id: str, name: str) -> PictureSource | Path | None:
        """A layer of an area for tiles.

        Raises `DeskError` for a raster that is not what the manifest of its run says.
        """
        if name in RASTERS:
            found = sorted((self._outputs / "areas" / area_id).glob(f"[0-9]*/{name}.tif"))
            if found:
                _check_attested(self._outputs, found[-1])
            return found[-1] if found else None
        folder = self.prepare(area_id)
        return None if folder is None else self._read(area_id, folder / f"{AREA}.json", PICTURE)

    def bounds(self, area_id: str) -> tuple[float, float, float, float] | None:
        """West, south, east and north of an area in degrees."""
        area = self._area(area_id)
        return None if area is None else grid_of(area).bounds_lonlat

    def prepare(self, area_id: str) -> Path | None:
        """The folder that holds the area's cases as the record has them now; None for an area without a week."""
        stamp = self._ledger.reviews.stamp(area_id)
        if stamp is None:
            return None
        week, text = stamp
        withheld = sorted(contradicted_in(self._reviews.reliability()))
        digest = sha256(f"{self._edition} {week} {text} {withheld}".encode()).hexdigest()[:20]
        folder = self._folder / area_id / digest
        if not folder.exists():
            with self._turns[area_id]:
                if not folder.exists():
                    self._write(area_id, week, folder, withheld)
        return folder

    def _read(self, area_id: str, file: Path, kind: TypeAdapter[Prepared]) -> Prepared:
        """What was prepared; the area's cases are prepared again where a file is torn, as a full disk leaves it."""
        try:
            return kind.validate_json(file.read_bytes())
        except ValidationError:
            with self._turns[area_id]:
                shutil.rmtree(file.parent, ignore_errors=True)
            self.prepare(area_id)
            return kind.validate_json(file.read_bytes())

    def _area(self, area_id: str) -> Area | None:
        return next((area for area in self._ledger.areas() if area.id == area_id), None)

    def _write(self, area_id: str, week: Week, folder: Path, withheld: Sequence[float]) -> None:
        """The folder appears whole, and earlier ones of the area go; `withheld` bands of confidence have no numbers."""
        area = self._area(area_id)
        assert area is not None  # it has a week on record
        folder.parent.mkdir(exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=self._folder, prefix=".draft-"))
        for name, content in self._prepared(area, week, withheld):
            (draft / f"{name}.json").write_bytes(content)
        earlier = list(folder.parent.iterdir())
        try:
            draft.rename(folder)
        except OSError:  # another process was quicker
            shutil.rmtree(draft)
        for old in earlier:
            shutil.rmtree(old, ignore_errors=True)

    def _prepared(self, area: Area, week: Week, withheld: Sequence[float]) -> Iterable[tuple[str, bytes]]:
        source = source_of(self._ledger, area.id)
        cases = self._ledger.reviews.cases(area_id=area.id)
        issued = {one.event_id: one for one in cases if isinstance(one, Alert)}
        view = view_in_full(area, week, ledger=self._ledger, archive=self._archive, source_name=source, issued=issued)
        grid = grid_of(area)
        try:
            files = {entry.scene_id: entry for entry in self._archive.list(area.id, source, grid)}
        except ImageryError as error:
            view, files = replace(view, failure=without_folders(str(error))), {}
        for event in view.events:
            yield event.event_id, CASE.dump_json(self._said(event, view, grid, files, withheld))
        whole = drawn_from(view.overview, grid, files, (slice(0, grid.height), slice(0, grid.width)))
        yield AREA, PICTURE.dump_json(whole)

    def _said(
        self,
        event: EventView,
        view: AreaView,
        grid: Grid,
        files: Mapping[str, ArchivedScene],
        withheld: Sequence[float],
    ) -> CaseDetail:
        window = crop_around(footprint_of(event.event.ground, grid))
        pictures: dict[str, PictureSource | None] = {}

        def address(name: str, chip: Chip) -> str:
            pictures[name] = drawn_from(chip, grid, files, window)
            return f"/cases/{event.event_id}/pictures/{name}.webp"

        case = case_of(event, view.area, view.area.name or view.area.id, Anchors(), address=address)
        ground = event.event.ground
        place, drawn = ground.representative_point(), draw_case(event, elongation=_elongation(ground, grid))
        given = {"case": replace(case, verdicts=()), "drawn": drawn, "contradicted": withheld}
        return CaseDetail(
            fragments={lang: page.get_template("fragment.html").render(given) for lang, page in self._pages.items()},
            drawings={lang: page.get_template("drawn.html").render(given) for lang, page in self._pages.items()},
            pictures={name: one for name, one in pictures.items() if one is not None},
            position=(place.x, place.y),
            failure=view.failure,
            links=browser_links(event),
        )


def drawn_from(
    chip: Chip | None, grid: Grid, files: Mapping[str, ArchivedScene], window: tuple[slice, slice]
) -> PictureSource | None:
    """How a chip is drawn again over a window of the grid; None where a scene is not in the archive."""
    if chip is None or chip.recipe is None or not all(name in files for name in chip.recipe.scenes):
        return None
    rows, columns = window
    size = grid.pixel_size_m
    left, top = grid.left + columns.start * size, grid.top - rows.start * size
    right, bottom = grid.left + columns.stop * size, grid.top - rows.stop * size
    return PictureSource(
        files=tuple(files[name].path for name in chip.recipe.scenes),
        digests=tuple(files[name].sha256 for name in chip.recipe.scenes),
        bands=chip.recipe.bands,
        limits=chip.recipe.limits,
        bounds=(left, bottom, right, top),
        shape=(chip.rgb.shape[0], chip.rgb.shape[1]),
    )


def _elongation(ground: BaseGeometry, grid: Grid) -> float:
    """Width over height of the drawing that stands for a piece of ground."""
    corners = to_utm(ground, grid.epsg).minimum_rotated_rectangle
    if corners.geom_type != "Polygon":
        return ELONGATIONS[-1]
    points = [Point(xy) for xy in corners.exterior.coords[:3]]
    return elongation_of(points[0].distance(points[1]), points[1].distance(points[2]))


def _damaged(pictures: Iterable[PictureSource]) -> tuple[str, ...]:
    """The names of files that are not what was archived, in the order in which they are needed."""
    files = {file: digest for one in pictures for file, digest in zip(one.files, one.digests, strict=True)}
    return tuple(file.name for file, digest in files.items() if not _is_as_archived(file, digest))


def _is_as_archived(path: Path, digest: str) -> bool:
    try:
        found = path.stat()
        return _digest_of(path, found.st_mtime_ns, found.st_ctime_ns, found.st_size) == digest
    except OSError:
        return False


@lru_cache(maxsize=4096)
def _digest_of(path: Path, _mtime_ns: int, _ctime_ns: int, _size: int) -> str:
    """Kept as long as the file was not touched; what is drawn is checked each time, this is for the page's words."""
    return sha256(path.read_bytes()).hexdigest()


def _check_attested(outputs: Path, raster: Path) -> None:
    """Raise `DeskError` for a raster whose hash is not that of the manifests; one that none names yet is drawn."""
    try:
        said = _attested(outputs, sum(1 for _ in (outputs / FOLDER).glob("*.json")))
    except EvidenceError as error:
        raise DeskError(str(error), key="case.damaged_file", name=raster.name) from None
    digest = said.get(raster.relative_to(outputs).as_posix())
    if digest is not None and not _is_as_archived(raster, digest):
        raise DeskError(
            f"`{raster.name}` is not what the run wrote and is not drawn; run the area again",
            key="case.damaged_file",
            name=raster.name,
        )


@lru_cache(maxsize=4)
def _attested(outputs: Path, _manifests: int) -> Mapping[str, str]:
    """The hash of each file that the manifests name, read again when there is another manifest."""
    return {name: entry["sha256"] for name, entry in files_of(read_chain(outputs)).items()}


def _edition() -> str:
    """A digest of the code and the words that make the look of a case."""
    root = Path(flows.__file__).parent
    parts = sorted(
        p for name in MAKERS for p in ((root / name).rglob("*") if (root / name).is_dir() else [root / name])
    )
    content = b"".join(path.read_bytes() for path in parts if path.is_file() and path.suffix != ".pyc")
    return sha256(content).hexdigest()
