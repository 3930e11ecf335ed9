"""What a careful reader learns from the pictures of a public pack, with every open image of the place in hand."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
from finder import match_template
from pictured_site import SOURCE, UNTIL, PicturedSite, pictured_site, site_at_sea
from PIL import Image
from scipy.stats import binom

from aois.area import Sensitivity
from aois.grid import grid_of
from aois.week import week_of
from flows.evidence.outlines import footprint_of
from flows.publication.media.media_files import media_files
from flows.publication.pack_subject import Sharing
from flows.reports.data.releases import Releases, write_releases
from flows.reports.drawings import two_figures

Gray = npt.NDArray[np.float64]
PLACES = ("yard-0", "yard-1", "yard-2", "yard-9")
MARGIN_M = 450.0
NEAR_PX = 6  # of the middle of what changed: a find
SCALES_PX = (12, 24, 36, 48, 60)  # of the longer side of a picture, laid over 10 m pixels
LETTERS = {b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"iCCP"}


@dataclass(frozen=True)
class Look:
    """What a reader has of a place: a clear open image, and where the change truly is on it, (row, column)."""

    image: Gray
    middle: tuple[float, float]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[PicturedSite]]:
    areas = [replace(site_at_sea(name, east_m=5000.0 * i), margin_m=MARGIN_M) for i, name in enumerate(PLACES)]
    with ExitStack() as stack:
        yield [stack.enter_context(pictured_site(tmp_path_factory.mktemp(area.id), area)) for area in areas]


@pytest.fixture(scope="module")
def packs(sites: Sequence[PicturedSite]) -> dict[str, dict[str, bytes]]:
    """The public pack of each place, by its id."""
    return {site.area.id: public(site) for site in sites}


def public(site: PicturedSite, language: str = "en") -> dict[str, bytes]:
    files = media_files(site.subject(), site.stores, sharing=Sharing.PUBLIC, language=language)
    return {file.path: file.content for file in files}


def look_at(site: PicturedSite, *, events: int | None = None) -> Look:
    """The last clear image, and the middle of the first events or of all."""
    grid, archive = grid_of(site.area), site.stores.archive
    last = archive.get(site.area.id, SOURCE, grid, archive.list(site.area.id, SOURCE, grid)[-1].scene_id)
    bands = [last.bands.index(name) for name in ("red", "green", "blue")]
    marked = [footprint_of(event.ground, grid) for event in site.subject(events=events).events]
    rows, columns = np.nonzero(np.any(marked, axis=0))
    brightened = np.clip(last.pixels[bands], 0.0, None).mean(axis=0).astype(float) ** 0.75
    return Look(brightened, (float(rows.mean()), float(columns.mean())))


def poses(picture: Gray) -> list[Gray]:
    """A picture in its eight poses: turned by quarters, and mirrored."""
    return [np.rot90(side, turn) for side in (picture, picture[:, ::-1]) for turn in range(4)]


def shrunk(picture: Image.Image, side: int) -> Image.Image:
    factor = side / max(picture.size)
    return picture.resize(
        (max(round(picture.width * factor), 6), max(round(picture.height * factor), 6)), Image.Resampling.BOX
    )


def best_place(picture: Image.Image, look: Look) -> tuple[float, tuple[float, float]]:
    """The best correlation over all scales and poses, and the middle of the ground where it was found."""
    best, where = -1.0, (0.0, 0.0)
    for side in SCALES_PX:
        for template in poses(np.asarray(shrunk(picture.convert("L"), side), float)):
            if template.std() < 1e-6:
                continue
            found = match_template(look.image, template)
            if found.max() > best:
                row, column = np.unravel_index(int(found.argmax()), found.shape)
                best = float(found.max())
                where = (row + template.shape[0] / 2, column + template.shape[1] / 2)
    return best, where


def is_found(where: tuple[float, float], look: Look) -> bool:
    return float(np.hypot(where[0] - look.middle[0], where[1] - look.middle[1])) <= NEAR_PX


def pngs(files: Mapping[str, bytes]) -> dict[str, Image.Image]:
    return {
        path: Image.open(io.BytesIO(content)).convert("RGB") for path, content in files.items() if path.endswith(".png")
    }


def inner(picture: Image.Image) -> Image.Image:
    """The middle of a picture, without the words above and below it."""
    width, height = picture.size
    return picture.crop((width // 8, height // 5, width - width // 8, height - height * 3 // 10))


def most_by_chance(trials: int, look: Look) -> int:
    """Finds that one series of trials in a thousand passes by chance alone, with the largest pictures."""
    free = min(look.image.shape) - max(SCALES_PX)
    return int(binom.ppf(0.999, trials, np.pi * NEAR_PX**2 / free**2))


def test_a_restricted_picture_leads_to_the_place(sites: Sequence[PicturedSite]) -> None:
    """So the reader is able, and the next test can fail."""
    for site in sites[:2]:
        files = media_files(site.subject(events=1), site.stores, sharing=Sharing.RESTRICTED, language="en")
        sheet = next(one for one in files if one.path.endswith("true-colour-after-plain.png"))
        look = look_at(site, events=1)
        picture = Image.open(io.BytesIO(sheet.content))
        best, where = max(best_place(part, look) for part in (picture, inner(picture)))
        assert best > 0.8
        assert is_found(where, look)


def test_no_public_picture_leads_to_the_place_better_than_chance(
    sites: Sequence[PicturedSite], packs: Mapping[str, Mapping[str, bytes]]
) -> None:
    finds, trials = [], 0
    for site in sites:
        look = look_at(site)
        for path, picture in pngs(packs[site.area.id]).items():
            for part in (picture, inner(picture)):
                trials += 1
                finds += [path] if is_found(best_place(part, look)[1], look) else []
    assert trials >= 20
    assert len(finds) <= most_by_chance(trials, look), finds


def test_a_drawing_is_the_same_for_every_place_of_its_class(
    packs: Mapping[str, Mapping[str, bytes]],
) -> None:
    drawings: dict[str, set[bytes]] = {}
    for files in packs.values():
        for path, content in files.items():
            if path.startswith("drawings/"):
                drawings.setdefault(path, set()).add(content)
    assert len(drawings["drawings/construction-small.png"]) == 1
    assert {len(contents) for contents in drawings.values()} == {1}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_public_pack_names_no_place_scene_or_day(sites: Sequence[PicturedSite], language: str) -> None:
    for site in sites:
        files = public(site, language)
        assert {path.split("/")[0] for path in files} == {"charts", "drawings", "captions.txt"}
        everything = b"\n".join([path.encode() + b"\n" + content for path, content in files.items()])
        words = "\n".join(content.decode() for path, content in files.items() if not path.endswith(".png"))
        for said in (site.area.id, "Heron Flats", "ev-", "sentinel-2_", "Sentinel-2A", "EPSG", "32631"):
            assert said.encode() not in everything
        assert not re.search(r"\d{4}-\d{2}-\d{2}|\d{8}T\d{6}|\b\d{1,2} (?:[A-Z][a-z]+|[a-zéû]+) 20\d\d\b", words)
        assert not re.search(r"\d\.\d{3,}", words), "no coordinate"
        assert not [path for path, content in files.items() if any(name in content for name in LETTERS)]


def test_sizes_in_a_public_chart_are_rounded(packs: Mapping[str, Mapping[str, bytes]]) -> None:
    for files in packs.values():
        for path, content in files.items():
            if path.endswith(".svg"):
                said = [int(one.replace(",", "")) for one in re.findall(r"(\d[\d,]*) m", content.decode())]
                assert said
                assert [n for n in said if n != int(two_figures(n))] == []


def test_pictures_are_in_a_public_pack_only_when_the_owner_released_them(sites: Sequence[PicturedSite]) -> None:
    listed_as_public = sites[0].restricted(Sensitivity.PUBLIC)
    assert not [path for path in public(listed_as_public) if path.startswith("pictures/")], "position is not picture"
    week = week_of(UNTIL)
    write_releases(sites[0].outputs, Releases().released([PLACES[0]], week, later_too=False))
    try:
        files = public(sites[0])
    finally:
        write_releases(sites[0].outputs, Releases())
    pictures = [path for path in files if path.startswith("pictures/")]
    assert "pictures/event-1/true-colour-after.png" in pictures
    assert not [path for path in files if path.endswith(".tif")]
    captions = files["captions.txt"].decode()
    assert "Those who keep the record released these pictures." in captions
    assert re.search(r"After: [A-Z][a-z]+ 2026, Sentinel-2\.", captions)
    assert not re.search(r"\d{1,2} [A-Z][a-z]+ 20\d\d|Sentinel-[12][A-D]|ev-", captions)
    assert not [path for path in public(sites[0]) if path.startswith("pictures/")], "a release can be withdrawn"
